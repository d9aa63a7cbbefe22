//! Digests of files, and hashing a stream against what metadata says of it.

use core::fmt;

use sha2::Digest as _;

use crate::Error;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_all(&[bytes])
    }

    /// The digest of several pieces, one after the other.
    pub fn of_all(pieces: &[&[u8]]) -> Self {
        let mut hash = Sha256Hash::default();
        pieces.iter().for_each(|piece| hash.update(piece));
        hash.finish()
    }

    /// Parses 64 lower-case hex digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        crate::hex::decode(text, &mut bytes).ok_or(Error::BadDigest)?;
        Ok(Self(bytes))
    }
}

/// A SHA-256 digest of bytes that come one after the other.
#[derive(Clone, Default)]
pub struct Sha256Hash(sha2::Sha256);

impl Sha256Hash {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them.
    #[inline(never)]
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }

    /// The same where it stands, which is then as new.
    #[inline(never)]
    pub(crate) fn take(&mut self) -> Sha256 {
        core::mem::take(self).finish()
    }
}

/// A SHA-512 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha512(pub [u8; 64]);

impl Sha512 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha512::digest(bytes).into())
    }

    /// Parses 128 lower-case hex digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; 64];
        crate::hex::decode(text, &mut bytes).ok_or(Error::BadDigest)?;
        Ok(Self(bytes))
    }
}

macro_rules! as_hex {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                crate::hex::write(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl core::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }
    )*};
}

as_hex!(Sha256, Sha512);

/// The digests metadata lists for a file: at least one, and every one of them must match (§5.4.2.4).
///
/// Digests of functions this crate does not know are not kept; a file with none it knows has no `Hashes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashes {
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl Hashes {
    /// At least one digest, or nothing.
    pub fn new(sha256: Option<Sha256>, sha512: Option<Sha512>) -> Result<Self, Error> {
        match (sha256, sha512) {
            (None, None) => Err(Error::NoKnownHash),
            _ => Ok(Self { sha256, sha512 }),
        }
    }

    /// The digests of `bytes` that our own tools list.
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: Some(Sha256::of(bytes)), sha512: None }
    }

    /// The SHA-256 digest, if listed.
    pub fn sha256(&self) -> Option<Sha256> {
        self.sha256
    }

    /// The SHA-512 digest, if listed.
    pub fn sha512(&self) -> Option<Sha512> {
        self.sha512
    }
}

impl From<Sha256> for Hashes {
    fn from(sha256: Sha256) -> Self {
        Self { sha256: Some(sha256), sha512: None }
    }
}
