//! Public keys, and what a signature of each is (`docs/pouf.md` §2).

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;
use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;

use super::Refused;
use super::json::Json;
use super::words::{bytes, is_key_id, number, some_bytes, text};

/// A key that is evaluated here. Of those `docs/pouf.md` names, RSA is not: no mutation makes such a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PublicKey {
    Ed25519([u8; 32]),
    /// Its DER.
    P256(Vec<u8>),
}

/// The keys of a role, by id, and how many must sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Appointed {
    pub(super) keys: BTreeMap<String, PublicKey>,
    pub(super) threshold: u64,
}

/// Every key by its id; those of algorithms nobody here can evaluate are none.
pub(super) type Keys = BTreeMap<String, Option<PublicKey>>;

/// Reads at most so many keys.
pub(super) fn keys(members: &BTreeMap<String, Json>, most: usize) -> Result<Keys, Refused> {
    if members.len() > most {
        return Err(Refused("keys of a file"));
    }
    members.iter().map(|(id, key)| Ok((id.clone(), evaluable(id, key)?))).collect()
}

/// The key, if its type and scheme are known.
fn evaluable(id: &str, key: &Json) -> Result<Option<PublicKey>, Refused> {
    if !is_key_id(id) {
        return Err(Refused("key id"));
    }
    let public = || key.member("keyval").and_then(|value| value.member("public")).and_then(Json::text);
    let key = match (text(key, "keytype")?, text(key, "scheme")?) {
        ("ed25519", "ed25519") => public().and_then(bytes::<32>).map(PublicKey::Ed25519),
        ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => public().and_then(p256_key),
        _ => return Ok(None),
    };
    key.map(Some).ok_or(Refused("key"))
}

/// PEM of RFC 7468 around a `SubjectPublicKeyInfo` with an uncompressed point.
fn p256_key(text: &str) -> Option<PublicKey> {
    let (begin, end) = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----");
    let symbols = text.trim().strip_prefix(begin)?.strip_suffix(end)?;
    let der = base64(&symbols.split_ascii_whitespace().collect::<String>())?;
    // The point is what 65 bytes from 4 on are; a compressed one has 33.
    let point = der.len().checked_sub(65).and_then(|at| der.get(at));
    if point != Some(&4) {
        return None;
    }
    p256::ecdsa::VerifyingKey::from_public_key_der(&der).ok().map(|_| PublicKey::P256(der))
}

/// The bytes of base64 that is written as it must be.
fn base64(symbols: &str) -> Option<Vec<u8>> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let body = symbols.strip_suffix("==").or(symbols.strip_suffix('=')).unwrap_or(symbols);
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let bits: Option<Vec<bool>> = body.chars().try_fold(Vec::new(), |mut bits, symbol| {
        let value = alphabet.find(symbol)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1 == 1));
        Some(bits)
    });
    let bits = bits?;
    let (whole, rest) = bits.split_at(bits.len() - bits.len() % 8);
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte * 2 + u8::from(*bit));
    (!rest.contains(&true)).then(|| whole.chunks(8).map(byte).collect())
}

/// Reads who speaks for a role.
pub(super) fn appointed(role: &Json, known: &Keys) -> Result<Appointed, Refused> {
    let ids = role.member("keyids").and_then(Json::list).ok_or(Refused("keyids"))?;
    let threshold = number(role, "threshold")?;
    if ids.len() > 8 || !(1..=255).contains(&threshold) {
        return Err(Refused("threshold"));
    }
    let (mut keys, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for id in ids {
        let id = id.text().filter(|id| is_key_id(id)).ok_or(Refused("key id"))?;
        if !seen.insert(id) {
            return Err(Refused("key id twice"));
        }
        // An id without a key that can be evaluated never counts.
        if let Some(Some(key)) = known.get(id) {
            keys.insert(id.to_owned(), key.clone());
        }
    }
    Ok(Appointed { keys, threshold })
}

impl PublicKey {
    /// Whether `sig`, in hex digits, is this key's signature of a message.
    pub(super) fn verifies(&self, sig: &str, message: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => bytes::<64>(sig).is_some_and(|signature| ed25519(key, &signature, message)),
            Self::P256(der) => some_bytes(sig).is_some_and(|signature| ecdsa(der, &signature, message)),
        }
    }
}

/// The acceptance rule: S canonical, A and R canonical and not of small order, the equation without cofactor.
fn ed25519(key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    let Ok(point) = VerifyingKey::from_bytes(key) else { return false };
    let is_canonical = point.to_edwards().compress().to_bytes() == *key;
    is_canonical && point.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
}

/// DER of one spelling; s may be high.
fn ecdsa(der: &[u8], signature: &[u8], message: &[u8]) -> bool {
    let key = p256::ecdsa::VerifyingKey::from_public_key_der(der).ok();
    let signature = p256::ecdsa::Signature::from_der(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify(message, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(base64("AAEC").unwrap(), [0, 1, 2]);
        assert_eq!(base64("/w==").unwrap(), [255]);
        assert_eq!(base64("//8=").unwrap(), [255, 255]);
        for wrong in ["/x==", "//9=", "/w=", "/w", "=AAA", "A", "AA=A", "ä==="] {
            assert_eq!(base64(wrong), None, "{wrong}");
        }
    }
}
