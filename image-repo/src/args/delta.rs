//! Patches.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Delta {
    /// Makes the patch that turns one image into another, and decodes it again to be sure
    #[command(after_help = "Example: image-repo delta make --from fw-1.bin --to fw-2.bin --out fw-1-to-2.patch")]
    Make(DeltaMake),
    /// Puts a patch where vehicles fetch it, and says what the Director's metadata must say of it
    #[command(
        after_help = "Example: image-repo delta publish --repo images --name brake/fw-1-to-2.patch fw-1-to-2.patch"
    )]
    Publish(DeltaPublish),
    /// Says what a patch is for
    #[command(after_help = "Example: image-repo delta show fw-1-to-2.patch")]
    Show(DeltaShow),
}

#[derive(Debug, Args)]
pub(crate) struct DeltaMake {
    /// The image that ECUs hold
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// The image they are to run
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Where the patch goes; a file that is there is replaced
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeltaPublish {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Its name, as with images: folders and a file
    #[arg(long)]
    pub name: String,
    /// The patch
    #[arg(value_name = "FILE")]
    pub patch: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeltaShow {
    /// The patch
    #[arg(value_name = "FILE")]
    pub patch: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}
