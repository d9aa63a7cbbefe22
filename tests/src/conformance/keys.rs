//! Keys and signatures of a simulated repository, made without a line of `uptane`, so that no mistake cancels out.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context, Result};
use ed25519_dalek::Signer as _;
use p256::pkcs8::{EncodePublicKey as _, LineEnding};
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The kinds of key a repository may have (TUF 1.0.34 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `ecdsa`, as most repositories say.
    Ecdsa,
    /// `ecdsa-sha2-nistp256`, as older ones say.
    EcdsaNamed,
    /// `ed25519`.
    Ed25519,
    /// `rsa` with RSASSA-PSS. There are two such keys; making one takes too long.
    RsaPss,
}

#[derive(Debug)]
enum Secret {
    Ecdsa(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Rsa(Box<rsa::pss::SigningKey<Sha256>>),
}

/// A key that signs, and what a Root says of it.
#[derive(Clone, Debug)]
pub struct Key {
    secret: Arc<Secret>,
    /// What metadata says of the key.
    pub public: Value,
    /// The name metadata has for it.
    pub id: String,
}

const RSA: [&str; 2] = [include_str!("../../conformance/rsa-0.pem"), include_str!("../../conformance/rsa-1.pem")];

impl Key {
    /// The key of this number.
    ///
    /// # Errors
    /// A key of RSA cannot be read.
    pub fn new(algorithm: Algorithm, seed: u64, number: usize) -> Result<Self> {
        let bytes: [u8; 32] = Sha256::digest(format!("conformance key {seed} {number}")).into();
        let (secret, keytype, scheme, public) = match algorithm {
            Algorithm::Ecdsa | Algorithm::EcdsaNamed => {
                let secret = p256::ecdsa::SigningKey::from_slice(&bytes)?;
                let public = p256::PublicKey::from(secret.verifying_key()).to_public_key_pem(LineEnding::LF)?;
                let named = algorithm == Algorithm::EcdsaNamed;
                let keytype = if named { "ecdsa-sha2-nistp256" } else { "ecdsa" };
                (Secret::Ecdsa(secret), keytype, "ecdsa-sha2-nistp256", public)
            }
            Algorithm::Ed25519 => {
                let secret = ed25519_dalek::SigningKey::from_bytes(&bytes);
                let public = hex(secret.verifying_key().as_bytes());
                (Secret::Ed25519(secret), "ed25519", "ed25519", public)
            }
            Algorithm::RsaPss => {
                let pem = RSA.get(number % RSA.len()).context("there are two keys")?;
                let secret = rsa::RsaPrivateKey::from_pkcs8_pem(pem)?;
                let public = secret.to_public_key().to_public_key_pem(LineEnding::LF)?;
                (Secret::Rsa(Box::new(rsa::pss::SigningKey::new(secret))), "rsa", "rsassa-pss-sha256", public)
            }
        };
        let public = json!({ "keytype": keytype, "scheme": scheme, "keyval": { "public": public } });
        Ok(Self { secret: Arc::new(secret), id: key_id(&public), public })
    }

    /// The same key with another member in what metadata says of it, and so with another id.
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.public[member] = value;
        self.id = key_id(&self.public);
        self
    }

    /// The same key under another id.
    pub fn called(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// Signs `bytes`; the entry of `signatures`.
    pub fn sign(&self, bytes: &[u8]) -> Value {
        let signature = match &*self.secret {
            Secret::Ecdsa(key) => {
                let signature: p256::ecdsa::DerSignature = p256::ecdsa::signature::Signer::sign(key, bytes);
                signature.as_bytes().to_vec()
            }
            Secret::Ed25519(key) => key.sign(bytes).to_bytes().to_vec(),
            Secret::Rsa(key) => key.sign_with_rng(&mut Salt(0), bytes).to_vec(),
        };
        json!({ "keyid": self.id, "sig": hex(&signature) })
    }
}

fn key_id(public: &Value) -> String {
    hex(&Sha256::digest(canonical(public)))
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 as hex digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// OLPC canonical JSON: what signatures are over.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => out.extend(value.to_string().bytes()),
        Value::String(text) => write_text(text, out),
        Value::Array(elements) => {
            out.push(b'[');
            for (at, element) in elements.iter().enumerate() {
                out.extend((at > 0).then_some(b','));
                write_canonical(element, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                out.extend((at > 0).then_some(b','));
                write_text(name, out);
                out.push(b':');
                write_canonical(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Only quotation marks and backslashes are escaped; a line break of a PEM key is signed as it is.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        out.extend(matches!(byte, b'"' | b'\\').then_some(b'\\'));
        out.push(byte);
    }
    out.push(b'"');
}

/// Salt for signatures that nobody relies on: the same each time.
struct Salt(u64);

impl TryRng for Salt {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        for piece in into.chunks_mut(32) {
            self.0 += 1;
            let random: [u8; 32] = Sha256::digest(self.0.to_le_bytes()).into();
            piece.iter_mut().zip(random).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

impl TryCryptoRng for Salt {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form_sorts_and_escapes_as_little_as_it_can() {
        let value = json!({ "b": [1, true, null], "a": "x\"\\\n" });
        assert_eq!(canonical(&value), b"{\"a\":\"x\\\"\\\\\n\",\"b\":[1,true,null]}");
    }
}
