//! Root.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use host::keys::PassphraseArgs;

use crate::keyring::KeyName;
use crate::role::TopRole;

#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// Drafts the first Root
    #[command(
        after_help = "Example: image-repo root new --repo alice --root alice.pub --root bob.pub --root carol.pub \
                      --root-threshold 2 --targets alice.pub --snapshot snapshot.pub --timestamp timestamp.pub"
    )]
    New(RootNew),
    /// Drafts a Root that is valid for longer, with the same keys
    #[command(after_help = "Example: image-repo root renew --repo alice --days 365")]
    Renew(Renew),
    /// Drafts a Root that gives a role other keys
    #[command(
        after_help = "Example: image-repo root rotate --repo alice --role root --remove bob.pub --add dora.pub\n\n\
                            Without --remove and --add, in the folder of a server: makes a new key and publishes at once"
    )]
    Rotate(Rotate),
    /// Drafts a Root with another threshold
    #[command(after_help = "Example: image-repo root threshold --repo alice --role targets 2")]
    Threshold(RootThreshold),
    /// Signs Root
    #[command(after_help = "Example: image-repo root sign --repo bob --key bob root.json")]
    Sign(RootSign),
    /// Shows the newest Root and who must still sign it
    #[command(after_help = "Example: image-repo root show --repo alice")]
    Show(RootShow),
}

/// How long a Root is valid.
#[derive(Debug, Args)]
pub(crate) struct RootLife {
    /// Days the Root is valid
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
}

#[derive(Debug, Args)]
pub(crate) struct RootNew {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Public key of Root; may be given more than once
    #[arg(long, value_name = "PUB", required = true)]
    pub root: Vec<KeyName>,
    /// How many of them must sign
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub root_threshold: usize,
    /// Public key of Targets; may be given more than once
    #[arg(long, value_name = "PUB", required = true)]
    pub targets: Vec<KeyName>,
    /// How many of them must sign
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub targets_threshold: usize,
    /// Public key of Snapshot, which the repository signs; may be given more than once
    #[arg(long, value_name = "PUB", required = true)]
    pub snapshot: Vec<KeyName>,
    /// Public key of Timestamp, which the repository signs; may be given more than once
    #[arg(long, value_name = "PUB", required = true)]
    pub timestamp: Vec<KeyName>,
    #[command(flatten)]
    pub life: RootLife,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Renew {
    /// Folder of the signer or of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    #[command(flatten)]
    pub life: RootLife,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Folder of the signer or of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Whose key
    #[arg(long)]
    pub role: TopRole,
    /// Key that goes: its id, the beginning of that, or its .pub file; may be given more than once
    #[arg(long, value_name = "KEYID|PUB")]
    pub remove: Vec<KeyName>,
    /// Key that comes: its .pub file; may be given more than once
    #[arg(long, value_name = "PUB")]
    pub add: Vec<KeyName>,
    #[command(flatten)]
    pub life: RootLife,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RootThreshold {
    /// How many keys of the role must sign
    #[arg(value_name = "N")]
    pub threshold: usize,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Whose threshold
    #[arg(long)]
    pub role: TopRole,
    #[command(flatten)]
    pub life: RootLife,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RootSign {
    /// Root as it was carried here; it gets the signature too. Without it the staged one is signed
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Key to sign with: a name in keys/, a file, or a pkcs11: URI; may be given more than once
    #[arg(long, value_name = "KEY", required = true)]
    pub key: Vec<KeyName>,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RootShow {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}
