//! Where commands take passphrases from.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Passphrase;
use crate::Error;

/// The environment variable that holds the passphrase when no other source is named.
pub const PASSPHRASE_VARIABLE: &str = "CONVOY_PASSPHRASE";

/// Where a command takes its passphrase from.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PassphraseArgs {
    /// File whose first line is the passphrase of the offline keys (`-` reads standard input; without it the variable
    /// CONVOY_PASSPHRASE is read, and then you are asked)
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_fd")]
    pub passphrase_file: Option<PathBuf>,
    /// Number of an open file descriptor whose first line is the passphrase
    #[arg(long, value_name = "N")]
    pub passphrase_fd: Option<u32>,
}

impl PassphraseArgs {
    /// Reads the passphrase of keys that exist.
    pub fn read(&self) -> Result<Passphrase, Error> {
        self.read_for("Passphrase of the offline keys")
    }

    /// Reads the passphrase of a key that exists; a person is asked for `what`, like "Passphrase of root.pem".
    pub fn read_for(&self, what: &str) -> Result<Passphrase, Error> {
        self.given().unwrap_or_else(|| at_terminal(|| Passphrase::prompt(what)))
    }

    /// Reads the passphrase of a key that is about to be made; a person is asked for `what` twice.
    pub fn read_new(&self, what: &str) -> Result<Passphrase, Error> {
        self.given().unwrap_or_else(|| at_terminal(|| Passphrase::prompt_new(what)))
    }

    fn given(&self) -> Option<Result<Passphrase, Error>> {
        given(self.passphrase_file.as_deref(), self.passphrase_fd)
            .or_else(|| std::env::var_os(PASSPHRASE_VARIABLE).map(of_variable))
    }
}

/// Where a command takes the passphrase of a key of somebody else's making from, which is to be imported.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ForeignPassphraseArgs {
    /// File whose first line is the passphrase of the key to import (`-` reads standard input; without it you are
    /// asked)
    #[arg(long, value_name = "FILE", conflicts_with = "from_passphrase_fd")]
    pub from_passphrase_file: Option<PathBuf>,
    /// Number of an open file descriptor whose first line is the passphrase of the key to import
    #[arg(long, value_name = "N")]
    pub from_passphrase_fd: Option<u32>,
}

impl ForeignPassphraseArgs {
    /// Reads the passphrase; a person is asked for `what`.
    pub fn read_for(&self, what: &str) -> Result<Passphrase, Error> {
        given(self.from_passphrase_file.as_deref(), self.from_passphrase_fd)
            .unwrap_or_else(|| at_terminal(|| Passphrase::prompt(what)))
    }
}

fn given(file: Option<&Path>, descriptor: Option<u32>) -> Option<Result<Passphrase, Error>> {
    file.map(Passphrase::read).or_else(|| descriptor.map(Passphrase::read_descriptor))
}

fn of_variable(value: OsString) -> Result<Passphrase, Error> {
    Passphrase::first_line(&Zeroizing::new(value.into_vec()))
}

/// Asks if somebody is there to answer: a script is told what to give instead.
fn at_terminal(ask: impl FnOnce() -> Result<Passphrase, Error>) -> Result<Passphrase, Error> {
    if io::stdin().is_terminal() { ask() } else { Err(Error::NoPassphrase) }
}
