//! The command line.

mod release;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use host::keys::PassphraseArgs;

use crate::role::TopRole;

pub(crate) use release::{PublishRelease, Release, Remote};

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
    /// Works on the images
    #[command(subcommand)]
    Targets(Targets),
    /// Signs Targets over the staged images, with its offline key
    Sign(Sign),
    /// Makes Snapshot and Timestamp and puts everything where clients see it; run it daily
    Publish(Publish),
    /// Works on releases
    #[command(subcommand)]
    Release(Release),
    /// Shows files, keys and images
    Show(Show),
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
}

#[derive(Debug, Subcommand)]
pub(crate) enum Targets {
    /// Stages an image
    Add(Add),
}

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

#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// Makes Root valid for longer, with the same keys
    Renew(Renew),
    /// Gives a role a new key
    Rotate(Rotate),
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

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
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
