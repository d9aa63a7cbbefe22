//! Root.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use host::keys::PassphraseArgs;

use crate::role::TopRole;

#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// Makes Root valid for longer, with the same keys
    Renew(Renew),
    /// Gives a role a new key
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(crate) struct Renew {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Whose key
    #[arg(long)]
    pub role: TopRole,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}
