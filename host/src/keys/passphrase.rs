//! Passphrases: read from a file, standard input or the environment, never from the command line, where others see them.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{Error, disk};

/// The environment variable that holds the passphrase when no file is named.
pub const PASSPHRASE_VARIABLE: &str = "CONVOY_PASSPHRASE";

/// What opens an encrypted key file.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// The first line of the file; `-` is standard input.
    pub fn read(path: &Path) -> Result<Self, Error> {
        if path == Path::new("-") {
            let mut bytes = Zeroizing::new(Vec::new());
            let read = io::stdin().lock().take(MAX_PASSPHRASE).read_to_end(&mut bytes);
            read.map_err(|source| Error::io("read", path, source))?;
            return Self::first_line(&bytes);
        }
        let bytes = disk::read(path, MAX_PASSPHRASE)?.map(Zeroizing::new);
        Self::first_line(&bytes.ok_or_else(|| Error::Missing { path: path.to_owned() })?)
    }

    /// The first line of `bytes`, which must not be empty.
    pub fn first_line(bytes: &[u8]) -> Result<Self, Error> {
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.is_empty()).then(|| Self(Zeroizing::new(line.to_vec()))).ok_or(Error::NoPassphrase)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// Where a command takes its passphrase from.
#[derive(Clone, Debug, clap::Args)]
pub struct PassphraseArgs {
    /// File whose first line is the passphrase of the offline keys (`-` reads standard input; without it the variable
    /// CONVOY_PASSPHRASE is read)
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// Reads the passphrase.
    pub fn read(&self) -> Result<Passphrase, Error> {
        match &self.passphrase_file {
            Some(path) => Passphrase::read(path),
            None => {
                let value = std::env::var(PASSPHRASE_VARIABLE).map(Zeroizing::new).map_err(|_| Error::NoPassphrase)?;
                Passphrase::first_line(value.as_bytes())
            }
        }
    }
}

/// Bytes of a passphrase file.
const MAX_PASSPHRASE: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_counts() {
        assert_eq!(Passphrase::first_line(b"correct horse\r\nnote\n").unwrap().as_bytes(), b"correct horse");
    }

    #[test]
    fn an_empty_passphrase_is_none() {
        assert!(matches!(Passphrase::first_line(b"\nx"), Err(Error::NoPassphrase)));
    }

    #[test]
    fn a_passphrase_does_not_show_itself() {
        assert_eq!(format!("{:?}", Passphrase::first_line(b"secret").unwrap()), "Passphrase(..)");
    }
}
