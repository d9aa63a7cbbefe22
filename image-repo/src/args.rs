//! The command line, by families of commands.

mod delegate;
mod delta;
mod files;
mod key;
mod release;
mod root;
mod service;
mod targets;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use host::keys::PassphraseArgs;

use crate::role::TopRole;

pub(crate) use delegate::{Delegate, DelegateAdd, DelegateBins, DelegateList, DelegateRemove};
pub(crate) use delta::{Delta, DeltaMake, DeltaPublish, DeltaShow};
pub(crate) use files::{Completions, Discard, Doctor, Man, Pull, Show};
pub(crate) use key::{Key, KeyExport, KeyGenerate, KeyImport, KeyList};
pub(crate) use release::{PublishRelease, Release, Remote};
pub(crate) use root::{Renew, Root, RootNew, RootShow, RootSign, RootThreshold, Rotate};
pub(crate) use service::{Audit, AuditShow, AuditVerify, Backup, Gc, Restore};
pub(crate) use targets::{Add, CatalogueArgs, Targets, TargetsLife, TargetsRemove, TargetsRenew, TargetsSign};

/// The Image repository: images and their offline-signed metadata.
#[derive(Debug, Parser)]
#[command(name = "image-repo", version)]
pub(crate) struct Command {
    #[command(subcommand)]
    pub action: Action,
    /// Says more on standard error; twice for more still
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Makes a repository: keys, and the first file of every role
    Init(Init),
    /// Works on keys
    #[command(subcommand)]
    Key(Key),
    /// Works on the images
    #[command(subcommand)]
    Targets(Targets),
    /// Lets others sign for images
    #[command(subcommand)]
    Delegate(Delegate),
    /// Signs whatever is staged with the offline keys of the folder
    Sign(Sign),
    /// Short for `release publish`
    Publish(PublishRelease),
    /// Works on releases
    #[command(subcommand)]
    Release(Release),
    /// Takes over what was published, or what others signed
    #[command(after_help = "Example: image-repo pull --repo alice published/metadata")]
    Pull(Pull),
    /// Drops a staged file that shall never be published
    #[command(after_help = "Example: image-repo discard --repo alice --role root")]
    Discard(Discard),
    /// Shows a metadata file, or everything in a folder
    #[command(after_help = "Example: image-repo show 3.targets.json --root 1.root.json")]
    Show(Show),
    /// Looks for what needs a hand soon: expiries, missing keys and signatures
    #[command(after_help = "Example: image-repo doctor --repo alice --published published")]
    Doctor(Doctor),
    /// Verifies what is published as a client would
    Verify(Verify),
    /// Works on Root
    #[command(subcommand)]
    Root(Root),
    /// Serves what is published over HTTP
    Serve(Serve),
    /// Makes patches, which ECUs with two banks take instead of whole images
    #[command(subcommand)]
    Delta(Delta),
    /// Removes what no unexpired file leads to any more
    #[command(after_help = "Example: image-repo gc --repo images --dry-run")]
    Gc(Gc),
    /// Who published what
    #[command(subcommand)]
    Audit(Audit),
    /// Writes a backup that needs no database to be read
    #[command(after_help = "Example: image-repo backup --repo images --to /backup/images-monday --images")]
    Backup(Backup),
    /// Takes a backup back into an empty database
    #[command(after_help = "Example: image-repo restore --from /backup/images-monday --repo images")]
    Restore(Restore),
    /// Prints a shell's completions
    #[command(after_help = "Example: image-repo completions bash > /etc/bash_completion.d/image-repo")]
    Completions(Completions),
    /// Writes the manual pages
    #[command(after_help = "Example: image-repo man /usr/local/share/man/man1")]
    Man(Man),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// First Root, signed elsewhere; without it, all keys are made here
    #[arg(long, value_name = "FILE", requires = "targets")]
    pub root: Option<PathBuf>,
    /// First Targets, signed elsewhere
    #[arg(long, value_name = "FILE", requires = "root")]
    pub targets: Option<PathBuf>,
    /// Folder with the keys of Snapshot and Timestamp that the Root appoints
    #[arg(long, value_name = "DIR", requires = "root")]
    pub online_keys: Option<PathBuf>,
    /// Database: sqlite:PATH or postgres://… [default: a file in the folder]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Where images and published files lie: a folder or s3://BUCKET/PREFIX [default: the folder]
    #[arg(long, value_name = "URL")]
    pub objects: Option<String>,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    #[command(flatten)]
    pub lifetimes: Lifetimes,
}

/// How long files are valid. Each is made again when half of its life is over.
#[derive(Debug, Args)]
pub(crate) struct Lifetimes {
    /// Days a Root is valid
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    root_days: u32,
    /// Days a Targets is valid
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=3650))]
    targets_days: u32,
    /// Days a Snapshot is valid
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    snapshot_days: u32,
    /// Days a Timestamp is valid: how long a client may be kept from seeing something new
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
    timestamp_days: u32,
}

impl Lifetimes {
    pub(crate) fn days(&self, role: TopRole) -> u32 {
        match role {
            TopRole::Root => self.root_days,
            TopRole::Targets => self.targets_days,
            TopRole::Snapshot => self.snapshot_days,
            TopRole::Timestamp => self.timestamp_days,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    #[command(flatten)]
    pub life: TargetsLife,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where to answer GET /healthz, /readyz and /metrics
    #[arg(long, value_name = "ADDRESS")]
    pub operations: Option<SocketAddr>,
    /// Threads that serve [default: one for each processor]
    #[arg(long, value_name = "NUMBER")]
    pub threads: Option<NonZeroUsize>,
    #[command(flatten)]
    pub tls: Tls,
}

#[derive(Debug, Args)]
pub(crate) struct Tls {
    /// Certificate to show clients, PEM; without it, HTTP is plain
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM, mode 0600
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Authority of client certificates, PEM; clients may show one of it, and none of any other
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub client_ca: Option<PathBuf>,
    /// Turns away clients that show no certificate
    #[arg(long, requires = "client_ca")]
    pub require_client_certificate: bool,
}
