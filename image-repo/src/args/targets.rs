//! Images.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use host::keys::PassphraseArgs;

use crate::keyring::KeyName;
use crate::oci::Reference;
use crate::role::RoleId;

#[derive(Debug, Subcommand)]
pub(crate) enum Targets {
    /// Lists an image in the next file of a role
    #[command(
        after_help = "Example: image-repo targets add --repo alice fw-2.bin --name brake/fw-2.bin --hardware-id brake-hw \
                      --line brake --release-counter 2 --notes en='Fixes the warning lamp' --sbom fw-2.spdx.json\n\
                      Container: image-repo targets add --repo alice --oci build/nav:1.4 --name nav/app --hardware-id nav-hw \
                      --line nav --release-counter 14"
    )]
    Add(Box<Add>),
    /// Drafts the first file of a role, without images
    #[command(after_help = "Example: image-repo targets new --repo alice")]
    New(TargetsRenew),
    /// Lists an image no more
    #[command(after_help = "Example: image-repo targets remove --repo alice brake/fw-1.bin --director in-use.json")]
    Remove(TargetsRemove),
    /// Makes the file of a role valid for longer
    #[command(after_help = "Example: image-repo targets renew --repo alice --days 180")]
    Renew(TargetsRenew),
    /// Signs the files of roles that list images
    #[command(after_help = "Example: image-repo targets sign --repo brakes --role brakes --key brakes")]
    Sign(TargetsSign),
}

/// How long a file of a role that lists images is valid.
#[derive(Debug, Args)]
pub(crate) struct TargetsLife {
    /// Days the file is valid
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The image
    #[arg(value_name = "FILE", required_unless_present = "oci")]
    pub file: Option<PathBuf>,
    /// The container image, in place of FILE: an OCI image layout, and which of its images where it holds several
    #[arg(long, value_name = "LAYOUT[:TAG|@sha256:HEX]", conflicts_with = "file")]
    pub oci: Option<Reference>,
    /// Folder of the signer or of the repository
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Role that lists it; `targets` or the bin of its name without this
    #[arg(long)]
    pub role: Option<RoleId>,
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
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
    #[command(flatten)]
    pub life: TargetsLife,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// What the Director plans campaigns with.
#[derive(Debug, Args)]
pub(crate) struct CatalogueArgs {
    /// Image that must run beside it; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub requires: Vec<String>,
    /// Image that must not run beside it; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub conflicts: Vec<String>,
    /// When it is its turn to activate; lower ones come first
    #[arg(long, value_name = "N")]
    pub order: Option<u32>,
    /// Release notes in a language, as text or from a file; may be given more than once
    #[arg(long, value_name = "LANG=TEXT|LANG=@FILE")]
    pub notes: Vec<String>,
    /// Software bill of materials: SPDX or CycloneDX in JSON. It is listed beside the image
    #[arg(long, value_name = "FILE")]
    pub sbom: Option<PathBuf>,
    /// Report of its tests, of which the digest is listed: a file, or the digest
    #[arg(long, value_name = "FILE|sha256:HEX")]
    pub test_evidence: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TargetsRemove {
    /// Name clients know it by
    pub name: String,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// What `director images --json` printed: an image that vehicles need stays
    #[arg(long, value_name = "FILE")]
    pub director: Option<PathBuf>,
    /// Lets the image go though vehicles need it
    #[arg(long)]
    pub withdraw: bool,
    /// Role that lists it; `targets` or the bin of its name without this
    #[arg(long)]
    pub role: Option<RoleId>,
    #[command(flatten)]
    pub life: TargetsLife,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TargetsRenew {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Whose file
    #[arg(long, default_value = "targets")]
    pub role: RoleId,
    #[command(flatten)]
    pub life: TargetsLife,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TargetsSign {
    /// File as it was carried here; it gets the signature too. Without it the staged one is signed
    #[arg(value_name = "FILE", conflicts_with = "all")]
    pub file: Option<PathBuf>,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Whose file; without it that of `targets`, or what the name of FILE says
    #[arg(long, conflicts_with = "all")]
    pub role: Option<RoleId>,
    /// Signs every staged file that the keys may sign and that lacks signatures: all bins that were changed
    #[arg(long)]
    pub all: bool,
    /// Key to sign with: a name in keys/, a file, or a pkcs11: URI; may be given more than once
    #[arg(long, value_name = "KEY", required = true)]
    pub key: Vec<KeyName>,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}
