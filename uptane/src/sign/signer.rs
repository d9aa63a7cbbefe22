//! Who signs.

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

    /// The Ed25519 signature over exactly these bytes.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

/// The id our tools give a key: SHA-256 of its canonical object (§5.2.1), so a change of type or scheme changes it.
pub fn key_id(key: &PublicKey) -> KeyId {
    Sha256::of(&key_object(key).to_wire()).into()
}

/// The object that stands for a key in Root and in delegations.
pub(crate) fn key_object(key: &PublicKey) -> Value {
    match key {
        PublicKey::Ed25519(_) => Value::object([
            ("keytype", Value::text("ed25519")),
            ("keyval", Value::object([("public", Value::text(key))])),
            ("scheme", Value::text("ed25519")),
        ]),
    }
}

/// A key held in memory, wiped when dropped.
pub struct MemorySigner(SigningKey);

impl MemorySigner {
    /// The key of a 32-byte seed (RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }
}

impl Signer for MemorySigner {
    fn public_key(&self) -> PublicKey {
        PublicKey::Ed25519(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for MemorySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySigner({})", self.key_id())
    }
}
