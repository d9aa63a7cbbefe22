//! A signed file as a full verifier takes it: canonical as sent, or made canonical (design D1).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::canonical::rewrite;
use super::{Event, Path, Sink, Span, read};
use crate::{Error, Length, Role, Sha256};

/// A file from outside, whole, in canonical wire form. Nobody has looked at what it says.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    received: &'a [u8],
    canonical: Cow<'a, [u8]>,
}

impl<'a> Document<'a> {
    /// Takes a file of at most `limit` bytes. One that is not canonical is rewritten, after any duplicate key has been
    /// refused: two readers could take different ones of the two. Partial verifiers have no such second chance.
    pub fn read(role: Role, received: &'a [u8], limit: Length) -> Result<Self, Error> {
        Self::check_length(role, received, limit)?;
        let canonical = match read(received, &mut Nobody) {
            Err(Error::NotCanonical { .. }) => Cow::Owned(rewrite(received)?),
            canonical => canonical.map(|()| Cow::Borrowed(received))?,
        };
        Ok(Self { received, canonical })
    }

    /// Refuses a file of more than `limit` bytes.
    pub(crate) fn check_length(role: Role, received: &[u8], limit: Length) -> Result<(), Error> {
        match u64::try_from(received.len()).is_ok_and(|length| length <= limit.get()) {
            true => Ok(()),
            false => Err(Error::TooLong { role, limit }),
        }
    }

    /// The canonical wire form: what is decoded, verified and stored.
    pub fn bytes(&self) -> &[u8] {
        &self.canonical
    }

    /// The canonical wire form, for keeping.
    pub fn into_bytes(self) -> Vec<u8> {
        self.canonical.into_owned()
    }

    /// Whether the file came in canonical form.
    pub fn is_canonical_as_sent(&self) -> bool {
        matches!(self.canonical, Cow::Borrowed(_))
    }

    /// SHA-256 of the file as it was received, which is how others refer to it.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(self.received)
    }
}

struct Nobody;

impl Sink for Nobody {
    fn event(&mut self, _: &Path<'_>, _: Event<'_>, _: Span) -> Result<(), Error> {
        Ok(())
    }

    fn descends(&self, _: &Path<'_>) -> bool {
        false
    }
}
