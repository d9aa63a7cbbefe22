//! What was signed in a file, as a digest: two files that say the same have the same, whoever signed them.

use sha2::Digest as _;

use super::root::{Nothing, Unchecked};
use crate::limits::MAX_TARGETS;
use crate::metadata::Entry;
use crate::verify::stream::{FileStream, Signatures};
use crate::{Error, Role, Sha256};

/// The Director Targets an ECU keeps, read once more: to be compared with newer ones, not to be believed.
pub struct ContentStream(FileStream<Hashed<Unchecked>, Nothing>);

/// What [`ContentStream`] read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// SHA-256 of the file, by which the caller knows it for the one it accepted.
    pub file: Sha256,
    /// SHA-256 of what was signed.
    pub signed: Sha256,
}

impl ContentStream {
    /// Before the first byte.
    pub fn targets() -> Self {
        Self(FileStream::new(Role::Targets, MAX_TARGETS, Hashed::new(Unchecked), Nothing))
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.feed(bytes)
    }

    /// Says that the file is complete.
    pub fn finish(self) -> Result<Content, Error> {
        let (signed, Nothing, file) = self.0.finish()?.open(|hashed| Ok(hashed.finish().1))?;
        Ok(Content { file, signed })
    }
}

/// Checks signatures, and digests what was signed.
pub(super) struct Hashed<S> {
    signatures: S,
    sha256: sha2::Sha256,
}

impl<S> Hashed<S> {
    pub(super) fn new(signatures: S) -> Self {
        Self { signatures, sha256: sha2::Sha256::new() }
    }

    pub(super) fn finish(self) -> (S, Sha256) {
        (self.signatures, Sha256(self.sha256.finalize().into()))
    }
}

impl<S: Signatures> Signatures for Hashed<S> {
    fn entry(&mut self, entry: &Entry) {
        self.signatures.entry(entry);
    }

    fn update(&mut self, bytes: &[u8]) {
        self.signatures.update(bytes);
        self.sha256.update(bytes);
    }
}
