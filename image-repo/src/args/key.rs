//! Keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use host::keys::{Algorithm, ForeignPassphraseArgs, PassphraseArgs, TokenUri};

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Makes a key
    #[command(
        after_help = "Examples: image-repo key generate --repo alice --name alice\n          image-repo key generate --repo \
                      carol --name carol --algorithm ecdsa-p256 --token \
                      'pkcs11:token=convoy;object=carol?module-path=/usr/lib/softhsm/libsofthsm2.so'"
    )]
    Generate(KeyGenerate),
    /// Takes in a key that openssl made
    #[command(after_help = "Example: image-repo key import --repo alice --name alice alice.p8")]
    Import(KeyImport),
    /// Lists the keys, and which roles they are of
    #[command(after_help = "Example: image-repo key list --repo alice")]
    List(KeyList),
    /// Writes the public half of a key, for whoever appoints it
    #[command(after_help = "Example: image-repo key export-public --repo alice alice --out alice.pub")]
    ExportPublic(KeyExport),
}

#[derive(Debug, Args)]
pub(crate) struct KeyGenerate {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// What to call it: letters, digits, dots, dashes and underscores
    #[arg(long)]
    pub name: String,
    /// What it signs with
    #[arg(long, value_enum, default_value_t = Algorithm::Ed25519)]
    pub algorithm: Algorithm,
    /// Makes it on a token, which it never leaves; the passphrase is the token's PIN
    #[arg(long, value_name = "URI", conflicts_with = "online")]
    pub token: Option<TokenUri>,
    /// Does not encrypt it: for Snapshot and Timestamp, which are signed without a person
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_fd"])]
    pub online: bool,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyImport {
    /// The key: PKCS#8 in PEM, of Ed25519 or ECDSA P-256
    #[arg(value_name = "FILE")]
    pub from: PathBuf,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// What to call it: letters, digits, dots, dashes and underscores
    #[arg(long)]
    pub name: String,
    #[command(flatten)]
    pub from_passphrase: ForeignPassphraseArgs,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyList {
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyExport {
    /// The key, as `key list` names it
    pub name: String,
    /// Folder of the signer
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Where it goes, instead of to standard output; a file that is there stays as it is
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
