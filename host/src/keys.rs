//! The keys a process signs with, and what opens them.

mod file;
mod passphrase;

pub use file::KeyFile;
pub use passphrase::{PASSPHRASE_VARIABLE, Passphrase, PassphraseArgs};
