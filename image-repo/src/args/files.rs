//! Looking at files, and carrying them between folders.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use crate::role::RoleId;

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A metadata file
    #[arg(value_name = "FILE", required_unless_present = "repo", conflicts_with = "repo")]
    pub file: Option<PathBuf>,
    /// Folder of a repository or of a signer, of which everything is shown
    #[arg(long, value_name = "DIR")]
    pub repo: Option<PathBuf>,
    /// Root that says whose signatures count; without it the one beside FILE
    #[arg(long, value_name = "ROOT", requires = "file")]
    pub root: Option<PathBuf>,
    /// Whose file it is, where its name does not say so
    #[arg(long, requires = "file")]
    pub role: Option<RoleId>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// A published or carried file, or a folder of published metadata
    #[arg(value_name = "FILE|DIR")]
    pub from: PathBuf,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Whose file it is, where its name does not say so
    #[arg(long)]
    pub role: Option<RoleId>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Discard {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Whose file
    #[arg(long)]
    pub role: RoleId,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Published folder, to be looked at as a vehicle would
    #[arg(long, value_name = "DIR")]
    pub published: Option<PathBuf>,
    /// Days before an expiry from which on it is worth a warning
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub warn: u32,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where the pages go
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}
