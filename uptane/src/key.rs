//! Public keys: a closed set of algorithms, and the text each key has in metadata (TUF 1.0.34 §4.2).

use core::fmt;

use curve25519_dalek::Scalar;

use crate::Error;

#[cfg(feature = "ecdsa")]
pub(crate) mod p256;
#[cfg(feature = "ecdsa")]
mod pem;
#[cfg(feature = "rsa")]
mod rsa;

#[cfg(feature = "rsa")]
pub use self::rsa::RsaKey;

/// The algorithms a signature may be made with. Closed: what is not here is not evaluated (trap T20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Pure Ed25519 (RFC 8032), with the acceptance rule of `verify::signature`.
    Ed25519,
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5), signatures in DER.
    #[cfg(feature = "ecdsa")]
    EcdsaP256,
    /// RSASSA-PSS with SHA-256 (RFC 8017), a salt of any length, moduli of 2,048 to 4,096 bits.
    #[cfg(feature = "rsa")]
    RsaPss,
}

impl Algorithm {
    /// The algorithm of a `keytype`, if it can be evaluated.
    pub(crate) fn of_keytype(word: &str) -> Option<Self> {
        match word {
            "ed25519" => Some(Self::Ed25519),
            // Other implementations write either.
            #[cfg(feature = "ecdsa")]
            "ecdsa" | "ecdsa-sha2-nistp256" => Some(Self::EcdsaP256),
            #[cfg(feature = "rsa")]
            "rsa" => Some(Self::RsaPss),
            _ => None,
        }
    }

    /// The algorithm of a `scheme`, if it can be evaluated.
    pub(crate) fn of_scheme(word: &str) -> Option<Self> {
        match word {
            "ed25519" => Some(Self::Ed25519),
            #[cfg(feature = "ecdsa")]
            "ecdsa-sha2-nistp256" => Some(Self::EcdsaP256),
            #[cfg(feature = "rsa")]
            "rsassa-pss-sha256" => Some(Self::RsaPss),
            _ => None,
        }
    }

    /// The `keytype` and the `scheme` our tools write.
    #[cfg(feature = "sign")]
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Ed25519 => ("ed25519", "ed25519"),
            #[cfg(feature = "ecdsa")]
            Self::EcdsaP256 => ("ecdsa", "ecdsa-sha2-nistp256"),
            #[cfg(feature = "rsa")]
            Self::RsaPss => ("rsa", "rsassa-pss-sha256"),
        }
    }
}

/// A public key that can be evaluated. Two are equal when they are the same key, whatever their ids (trap T3).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PublicKey {
    /// The 32 bytes of RFC 8032.
    Ed25519([u8; 32]),
    /// The coordinates x and y, big endian.
    #[cfg(feature = "ecdsa")]
    EcdsaP256([u8; 64]),
    /// Modulus and exponent.
    #[cfg(feature = "rsa")]
    RsaPss(alloc::sync::Arc<RsaKey>),
}

impl PublicKey {
    /// The algorithm this key is for.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519,
            #[cfg(feature = "ecdsa")]
            Self::EcdsaP256(_) => Algorithm::EcdsaP256,
            #[cfg(feature = "rsa")]
            Self::RsaPss(_) => Algorithm::RsaPss,
        }
    }

    /// Parses the text a key of this algorithm has in metadata: hex digits for Ed25519, PEM for the others.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, Error> {
        match algorithm {
            Algorithm::Ed25519 => Self::parse_ed25519(text),
            #[cfg(feature = "ecdsa")]
            Algorithm::EcdsaP256 => p256::parse(text).map(Self::EcdsaP256).ok_or(Error::BadKey),
            #[cfg(feature = "rsa")]
            Algorithm::RsaPss => RsaKey::parse(text).map(alloc::sync::Arc::new).map(Self::RsaPss).ok_or(Error::BadKey),
        }
    }

    /// Parses 64 lower-case hex digits as an Ed25519 key.
    pub fn parse_ed25519(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        crate::hex::decode(text, &mut bytes).ok_or(Error::BadKey)?;
        Ok(Self::Ed25519(bytes))
    }
}

/// These bytes modulo the order of Ed25519's group. The longer input takes the reduction that hashes take as well; for
/// 32 bytes the library has another one.
pub(crate) fn reduced(bytes: &[u8; 32]) -> Scalar {
    let mut wide = [0; 64];
    wide.split_at_mut(32).0.copy_from_slice(bytes);
    Scalar::from_bytes_mod_order_wide(&wide)
}

impl core::str::FromStr for PublicKey {
    type Err = Error;

    /// Parses what [`Display`](fmt::Display) wrote.
    fn from_str(text: &str) -> Result<Self, Error> {
        let key = Self::parse_ed25519(text);
        #[cfg(feature = "ecdsa")]
        let key = key.or_else(|_| Self::parse(Algorithm::EcdsaP256, text));
        #[cfg(feature = "rsa")]
        let key = key.or_else(|_| Self::parse(Algorithm::RsaPss, text));
        key
    }
}

impl fmt::Display for PublicKey {
    /// The text the key has in metadata.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519(bytes) => crate::hex::write(f, bytes),
            #[cfg(feature = "ecdsa")]
            Self::EcdsaP256(point) => p256::write(f, point),
            #[cfg(feature = "rsa")]
            Self::RsaPss(key) => key.fmt(f),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519(_) => write!(f, "Ed25519({self})"),
            #[cfg(feature = "ecdsa")]
            Self::EcdsaP256(point) => {
                f.write_str("EcdsaP256(")?;
                crate::hex::write(f, point)?;
                f.write_str(")")
            }
            #[cfg(feature = "rsa")]
            Self::RsaPss(key) => write!(f, "RsaPss({key:?})"),
        }
    }
}

#[cfg(all(test, feature = "ecdsa", feature = "rsa"))]
mod tests;
