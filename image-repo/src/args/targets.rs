//! Images.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Targets {
    /// Stages an image
    Add(Add),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The image
    pub file: PathBuf,
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Name clients know it by, for example brake/fw-2.bin
    #[arg(long)]
    pub name: String,
    /// Hardware it runs on; may be given more than once
    #[arg(long, value_name = "ID", required = true)]
    pub hardware_id: Vec<String>,
    /// Line of images its releases count in
    #[arg(long)]
    pub line: String,
    /// Which release of the line it is; ECUs never go back to a lower one
    #[arg(long, value_name = "NUMBER")]
    pub release_counter: u64,
}
