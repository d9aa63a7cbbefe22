//! Keys that follow from a seed and a name.

use anyhow::Result;
use ed25519_dalek::Signer as _;
use p256::pkcs8::EncodePublicKey as _;
use p256::pkcs8::LineEnding;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::encode;
use crate::cases::Scheme;

/// A key of a role.
pub(super) struct Key {
    secret: Secret,
    /// As it stands in Root.
    pub(super) public: Value,
    /// SHA-256 of `public`, which is what some clients insist on.
    pub(super) id: String,
}

enum Secret {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Ecdsa(p256::ecdsa::SigningKey),
}

impl Key {
    pub(super) fn derive(scheme: Scheme, seed: u64, name: &str) -> Result<Self> {
        let bytes: [u8; 32] = Sha256::digest(format!("{seed} {scheme} {name}")).into();
        let (secret, public) = match scheme {
            Scheme::Ed25519 => {
                let key = ed25519_dalek::SigningKey::from_bytes(&bytes);
                let public = hex(key.verifying_key().as_bytes());
                let public = json!({ "keytype": "ed25519", "keyval": { "public": public }, "scheme": "ed25519" });
                (Secret::Ed25519(Box::new(key)), public)
            }
            Scheme::Ecdsa => {
                let key = p256::ecdsa::SigningKey::from_slice(&bytes)?;
                let public = key.verifying_key().to_public_key_pem(LineEnding::LF)?;
                let scheme = "ecdsa-sha2-nistp256";
                let public = json!({ "keytype": "ecdsa", "keyval": { "public": public }, "scheme": scheme });
                (Secret::Ecdsa(key), public)
            }
        };
        let id = sha256(&encode::signed(&public));
        Ok(Self { secret, public, id })
    }

    /// One entry of `signatures`.
    pub(super) fn sign(&self, message: &[u8]) -> Value {
        let signature = match &self.secret {
            Secret::Ed25519(key) => hex(&key.sign(message).to_bytes()),
            Secret::Ecdsa(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                hex(signature.to_der().as_bytes())
            }
        };
        json!({ "keyid": self.id, "sig": signature })
    }
}

/// SHA-256, in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
