//! Public keys and signatures: a closed set of algorithms.

use core::fmt;

use crate::limits::MAX_SIGNATURE;
use crate::{Error, KeyId};

/// The algorithms a signature may be made with. Closed: what is not here is not evaluated (trap T20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Pure Ed25519 (RFC 8032), with the acceptance rule of `verify::signature`.
    Ed25519,
}

/// A public key that can be evaluated. Two are equal when they are the same key, whatever their ids (trap T3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PublicKey {
    /// The 32 bytes of RFC 8032.
    Ed25519([u8; 32]),
}

impl PublicKey {
    /// The algorithm this key is for.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// Parses 64 lower-case hex digits as an Ed25519 key.
    pub fn parse_ed25519(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        crate::hex::decode(text, &mut bytes).ok_or(Error::BadKey)?;
        Ok(Self::Ed25519(bytes))
    }
}

impl core::str::FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse_ed25519(text)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519(bytes) => crate::hex::write(f, bytes),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({self})", self.algorithm())
    }
}

/// One entry of a file's `signatures`: the text between the quotes, not yet judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// The key it claims.
    pub key: KeyId,
    /// Its bytes as hex digits; at most `2 * MAX_SIGNATURE` of them.
    pub hex: &'a str,
}

impl Signature<'_> {
    /// The bytes of a signature of exactly `N` bytes; `None` if it is of another length or not hex.
    pub fn bytes<const N: usize>(&self) -> Option<[u8; N]> {
        const { assert!(N <= MAX_SIGNATURE) };
        let mut bytes = [0; N];
        crate::hex::decode(self.hex, &mut bytes)?;
        Some(bytes)
    }
}
