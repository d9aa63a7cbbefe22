//! Who signs.

use alloc::vec::Vec;
use core::fmt;

use ed25519_dalek::{Signer as _, SigningKey};

use super::SignError;
use super::canonical::Value;
use crate::{KeyId, PublicKey, Sha256};

/// A private key, wherever it lives: a file, a token, memory.
///
/// # Security
///
/// Whoever can call [`sign`](Self::sign) can speak for the role. A signature that does not verify costs a refused
/// file; the builders check each one before it leaves, because a faulty signature can give the key away.
pub trait Signer {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// The id that stands beside its signatures.
    fn key_id(&self) -> KeyId {
        key_id(&self.public_key())
    }

    /// The signature over exactly these bytes, as metadata has it for the key's algorithm: the 64 bytes of Ed25519, DER
    /// for ECDSA, as many bytes as the modulus has for RSA.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// The id our tools give a key: SHA-256 of its canonical object (§5.2.1), so a change of type or scheme changes it.
pub fn key_id(key: &PublicKey) -> KeyId {
    Sha256::of(&key_object(key).to_wire()).into()
}

/// The object that stands for a key in Root and in delegations.
pub(crate) fn key_object(key: &PublicKey) -> Value {
    let (keytype, scheme) = key.algorithm().words();
    Value::object([
        ("keytype", Value::text(keytype)),
        ("keyval", Value::object([("public", Value::text(key))])),
        ("scheme", Value::text(scheme)),
    ])
}

/// A key held in memory, wiped when dropped.
pub struct MemorySigner(Secret);

enum Secret {
    Ed25519(SigningKey),
    #[cfg(feature = "ecdsa")]
    EcdsaP256(p256::ecdsa::SigningKey),
    #[cfg(all(feature = "rsa", feature = "testing"))]
    RsaPss(super::rsa::Secret),
}

impl MemorySigner {
    /// The Ed25519 key of a 32-byte seed (RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Secret::Ed25519(SigningKey::from_bytes(seed)))
    }

    /// The ECDSA P-256 key with this secret scalar, big endian; none if it is 0 or not below the group order.
    #[cfg(feature = "ecdsa")]
    pub fn from_p256_scalar(scalar: &[u8; 32]) -> Option<Self> {
        p256::ecdsa::SigningKey::from_slice(scalar).ok().map(|key| Self(Secret::EcdsaP256(key)))
    }

    /// An RSA key of 2,048 bits that follows from a seed. For tests: whoever knows the seed knows the key.
    #[cfg(all(feature = "rsa", feature = "testing"))]
    pub(crate) fn rsa_from_seed(seed: &[u8; 32]) -> Self {
        Self(Secret::RsaPss(super::rsa::Secret::from_seed(seed)))
    }
}

impl<S: Signer + ?Sized> Signer for &S {
    fn public_key(&self) -> PublicKey {
        S::public_key(self)
    }

    fn key_id(&self) -> KeyId {
        S::key_id(self)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        S::sign(self, message)
    }
}

impl Signer for MemorySigner {
    fn public_key(&self) -> PublicKey {
        match &self.0 {
            Secret::Ed25519(key) => PublicKey::Ed25519(key.verifying_key().to_bytes()),
            #[cfg(feature = "ecdsa")]
            Secret::EcdsaP256(key) => PublicKey::EcdsaP256(crate::key::p256::point(key.verifying_key())),
            #[cfg(all(feature = "rsa", feature = "testing"))]
            Secret::RsaPss(key) => key.public_key(),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(match &self.0 {
            Secret::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            // With the nonce of RFC 6979: one message, one signature.
            #[cfg(feature = "ecdsa")]
            Secret::EcdsaP256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            #[cfg(all(feature = "rsa", feature = "testing"))]
            Secret::RsaPss(key) => key.sign(message),
        })
    }
}

impl fmt::Debug for MemorySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySigner({})", self.key_id())
    }
}
