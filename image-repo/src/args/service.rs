//! Keeping a repository for years: what is cleared away, looked up and carried elsewhere.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uptane::Sha256;

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Only says what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Prints what was recorded, one entry per line with --json
    #[command(after_help = "Example: image-repo audit show --repo images --json > audit.jsonl")]
    Show(AuditShow),
    /// Verifies that nothing of it was changed, taken out, put in or moved
    #[command(after_help = "Example: image-repo audit verify --repo images --head 9f86d081…")]
    Verify(AuditVerify),
}

#[derive(Debug, Args)]
pub(crate) struct AuditShow {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Only what was recorded after the entry of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub after: u64,
    /// Prints the export form: one JSON object per line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Hash of an entry that was written down elsewhere, which the log must still contain
    #[arg(long, value_name = "HASH", value_parser = Sha256::parse)]
    pub head: Option<Sha256>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Folder for the backup, which must hold none
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
    /// Copies the images too
    #[arg(long)]
    pub images: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Signed files newer than the backup's, where those have expired
    #[arg(value_name = "FILE", conflicts_with = "objects_only")]
    pub files: Vec<PathBuf>,
    /// Folder of the backup
    #[arg(long, value_name = "FOLDER")]
    pub from: PathBuf,
    /// Folder of the repository, with its online keys
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Database, empty or not there: sqlite:PATH or postgres://… [default: that of the repository]
    #[arg(long, value_name = "URL", conflicts_with = "objects_only")]
    pub database: Option<String>,
    /// Where images and published files lie: a folder or s3://BUCKET/PREFIX [default: that of the repository]
    #[arg(long, value_name = "URL")]
    pub objects: Option<String>,
    /// Keeps the database, which is whole, and puts back published files and images that are gone
    #[arg(long)]
    pub objects_only: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}
