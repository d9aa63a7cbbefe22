//! Passphrases and PINs: from a file, standard input, an open descriptor, the environment or the terminal, never from
//! the command line, where others see them.

mod args;
mod terminal;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::Error;

pub use args::{ForeignPassphraseArgs, PASSPHRASE_VARIABLE, PassphraseArgs};

/// What opens an encrypted key file, or a token.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// The first line of the file; `-` is standard input. Nothing behind that line is read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::io("read", path, source);
        if path == Path::new("-") {
            // Not through the library's buffer, which nobody wipes.
            let input = io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
            return Self::first_line_of(File::from(input), path);
        }
        Self::first_line_of(File::open(path).map_err(failed)?, path)
    }

    /// The first line of what this process was started with as its open descriptor `number`.
    pub fn read_descriptor(number: u32) -> Result<Self, Error> {
        let path = format!("/dev/fd/{number}");
        let path = Path::new(&path);
        let opened = File::open(path).map_err(|source| {
            let closed = source.kind() == io::ErrorKind::NotFound;
            if closed { Error::NoDescriptor { number } } else { Error::io("read", path, source) }
        });
        Self::first_line_of(opened?, path)
    }

    /// What a person types at the terminal, which does not show it. `what` is asked for, like "Passphrase of root.pem".
    pub fn prompt(what: &str) -> Result<Self, Error> {
        Self::first_line(&terminal::ask(what)?)
    }

    /// The same, asked for twice: nobody sees what a new one was mistyped to.
    pub fn prompt_new(what: &str) -> Result<Self, Error> {
        let (first, again) = (Self::prompt(what)?, Self::prompt(&format!("{what}, again"))?);
        (first.0 == again.0).then_some(first).ok_or(Error::PassphrasesDiffer)
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

    /// Byte by byte, as what follows belongs to somebody else, and into memory that never moves.
    fn first_line_of(mut file: impl Read, path: &Path) -> Result<Self, Error> {
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE));
        let mut byte = [0];
        while file.read(&mut byte).map_err(|source| Error::io("read", path, source))? > 0 && byte != *b"\n" {
            if line.len() == MAX_PASSPHRASE {
                return Err(too_long(path));
            }
            line.extend(byte);
        }
        Self::first_line(&line)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

fn too_long(path: &Path) -> Error {
    Error::TooLong { path: path.to_owned(), limit: u64::try_from(MAX_PASSPHRASE).unwrap_or(u64::MAX) }
}

/// Bytes of a passphrase.
const MAX_PASSPHRASE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Passphrase, Error> {
        Passphrase::first_line_of(bytes, Path::new("passphrase"))
    }

    #[test]
    fn only_the_first_line_counts() {
        assert_eq!(read(b"correct horse\r\nnote\n").unwrap().as_bytes(), b"correct horse");
    }

    #[test]
    fn what_follows_the_first_line_is_left_to_others() {
        let mut bytes = b"secret\nnext".as_slice();
        Passphrase::first_line_of(&mut bytes, Path::new("passphrase")).unwrap();
        assert_eq!(bytes, b"next");
    }

    #[test]
    fn an_empty_passphrase_is_none() {
        assert!(matches!(read(b"\nx"), Err(Error::NoPassphrase)));
    }

    #[test]
    fn a_passphrase_without_end_is_refused() {
        assert!(matches!(Passphrase::first_line_of(io::repeat(b'x'), Path::new("x")), Err(Error::TooLong { .. })));
        assert_eq!(read(&[b'x'; MAX_PASSPHRASE]).unwrap().as_bytes().len(), MAX_PASSPHRASE);
    }

    #[test]
    fn a_passphrase_does_not_show_itself() {
        assert_eq!(format!("{:?}", read(b"secret").unwrap()), "Passphrase(..)");
    }
}
