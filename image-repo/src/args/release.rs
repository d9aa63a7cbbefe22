//! `release`: what was signed, in front of clients.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Release {
    /// Publishes what is signed in the folder, or the files that are named; and renews what is due
    #[command(after_help = "Examples:\n  image-repo release publish --repo images\n  image-repo release publish \
                            --repo acme --to https://images.example:8443 --authority ca.pem --token-file token")]
    Publish(PublishRelease),
}

#[derive(Debug, Args)]
pub(crate) struct PublishRelease {
    /// Signed files, named like `targets.json`; without any, those of the folder
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Folder of the repository, or of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    #[command(flatten)]
    pub remote: Remote,
    /// Takes images out though vehicles need them
    #[arg(long)]
    pub withdraw: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// A service to publish to, and how to show who publishes.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// Address of a service's write side; without it, the folder's own repository publishes
    #[arg(long, value_name = "URL", requires = "authority")]
    pub to: Option<String>,
    /// Certificate of the authority that issued the service's, PEM
    #[arg(long, value_name = "FILE")]
    pub authority: Option<PathBuf>,
    /// Client certificate to show, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM, mode 0600
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// File whose first line is the bearer token
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}
