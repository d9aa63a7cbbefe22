//! What was signed in a file, as a digest: two files that say the same have the same, whoever signed them.

use super::root::{Nothing, Unchecked};
use crate::limits::MAX_TARGETS;
use crate::metadata::Entry;
use crate::verify::stream::{FileStream, Shut, Signatures};
use crate::{Error, Role, Sha256, Sha256Hash};

/// The Director Targets an ECU keeps, read once more: to be compared with newer ones, not to be believed.
pub struct ContentStream {
    stream: FileStream,
    hashed: Hashed<Unchecked>,
}

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
    #[inline(never)]
    pub fn targets() -> Self {
        Self { stream: FileStream::new(Role::Targets, MAX_TARGETS), hashed: Hashed::new(Unchecked) }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, &mut self.hashed, &mut Shut::new(Nothing))
    }

    /// Says that the file is complete. The stream is of no further use.
    #[inline(never)]
    pub fn finish(&mut self) -> Result<Content, Error> {
        let mut nothing = Shut::new(Nothing);
        let closed = self.stream.finish(&mut self.hashed, &mut nothing)?;
        // Nobody's signature is asked for.
        let Nothing = closed.open(Ok(()), &nothing)?;
        Ok(Content { file: closed.sha256(), signed: self.hashed.finish().1 })
    }
}

/// Checks signatures, and digests what was signed.
pub(super) struct Hashed<S> {
    signatures: S,
    sha256: Sha256Hash,
}

impl<S> Hashed<S> {
    #[inline(always)]
    pub(super) fn new(signatures: S) -> Self {
        Self { signatures, sha256: Sha256Hash::default() }
    }

    /// Who checks the signatures, and the digest of what was signed.
    pub(super) fn finish(&mut self) -> (&mut S, Sha256) {
        (&mut self.signatures, self.sha256.take())
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
