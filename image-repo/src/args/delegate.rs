//! Delegations.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::targets::TargetsLife;
use crate::keyring::KeyName;
use crate::role::RoleId;

#[derive(Debug, Subcommand)]
pub(crate) enum Delegate {
    /// Lets a supplier sign for images
    #[command(
        after_help = "Example: image-repo delegate add --repo alice brakes --path 'brake/*' --hardware-id brake-hw \
                      --key brakes.pub --threshold 1\n\
                      Example: image-repo delegate add --repo alice safety --roles brakes,lab --needed 2 --path 'brake/*' --first"
    )]
    Add(DelegateAdd),
    /// Spreads all images over bins, for very large catalogues
    #[command(after_help = "Example: image-repo delegate bins --repo alice --count 1024 --prefix bin --key bins.pub")]
    Bins(DelegateBins),
    /// Takes a delegation back
    #[command(after_help = "Example: image-repo delegate remove --repo alice brakes")]
    Remove(DelegateRemove),
    /// Lists delegations, first the one that is asked first
    #[command(after_help = "Example: image-repo delegate list --repo alice")]
    List(DelegateList),
}

#[derive(Debug, Args)]
pub(crate) struct DelegateAdd {
    /// Name of the role, or of the set of roles
    pub name: String,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Role that delegates
    #[arg(long, value_name = "DELEGATOR", default_value = "targets")]
    pub role: RoleId,
    /// Names it may list, with * and ? for anything but a slash; may be given more than once
    #[arg(long, value_name = "PATTERN", required = true)]
    pub path: Vec<String>,
    /// Hardware its images may be for; any, without this. May be given more than once
    #[arg(long, value_name = "ID")]
    pub hardware_id: Vec<String>,
    /// Public key of the role; may be given more than once
    #[arg(long, value_name = "PUB", required_unless_present = "roles")]
    pub key: Vec<KeyName>,
    /// How many of the keys must sign
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threshold: usize,
    /// Roles that must list the same, each of them delegated to already
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with = "key", requires = "needed")]
    pub roles: Vec<String>,
    /// How many of them must
    #[arg(long, value_name = "N", requires = "roles")]
    pub needed: Option<usize>,
    /// Asks it before the others instead of after them
    #[arg(long)]
    pub first: bool,
    /// Asks nobody after it for the names it covers, and nobody below it
    #[arg(long, requires = "reason")]
    pub terminating: bool,
    /// Why it is terminating, for the log
    #[arg(long, value_name = "TEXT", requires = "terminating")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub life: TargetsLife,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DelegateBins {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// How many bins: a power of two
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub count: u32,
    /// What their names begin with
    #[arg(long, default_value = "bin")]
    pub prefix: String,
    /// Public key of every bin; may be given more than once
    #[arg(long, value_name = "PUB", required = true)]
    pub key: Vec<KeyName>,
    /// How many of the keys must sign
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threshold: usize,
    #[command(flatten)]
    pub life: TargetsLife,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DelegateRemove {
    /// Name of the role, of the set of roles, or what the names of the bins begin with
    pub name: String,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Role that delegates
    #[arg(long, value_name = "DELEGATOR", default_value = "targets")]
    pub role: RoleId,
    #[command(flatten)]
    pub life: TargetsLife,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DelegateList {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Role that delegates
    #[arg(long, value_name = "DELEGATOR", default_value = "targets")]
    pub role: RoleId,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}
