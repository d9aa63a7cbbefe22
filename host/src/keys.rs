//! The keys a process signs with, and what opens them.

mod file;
mod passphrase;
mod public;
mod reference;
mod secret;
#[cfg(test)]
mod testing;
mod token;

pub use file::KeyFile;
pub use passphrase::{ForeignPassphraseArgs, PASSPHRASE_VARIABLE, Passphrase, PassphraseArgs};
pub use public::{parse_public_pem, public_of, public_path, public_pem};
pub use reference::{AnySigner, KeyRef};
pub use token::{ListedKey, Token, TokenError, TokenUri, Tries};

/// The algorithms keys are made for. Those that are verified are more: [`uptane::Algorithm`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Algorithm {
    /// Pure Ed25519 (RFC 8032).
    #[default]
    Ed25519,
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5).
    EcdsaP256,
}
