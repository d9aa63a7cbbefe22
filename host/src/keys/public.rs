//! Public keys in files: `SubjectPublicKeyInfo` in PEM (RFC 7468 §13), as openssl and tokens give them out.
//!
//! Beside every key file stands its public half, so that keys can be listed without what opens them. It is a copy for
//! people and tools: whoever signs takes the public key from the private one.

use std::path::{Path, PathBuf};

use pkcs8::der::Decode as _;
use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::pem::PemLabel as _;
use pkcs8::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use pkcs8::{AlgorithmIdentifierRef, Document, LineEnding};
use uptane::PublicKey;
use uptane::sign::Signer as _;

use super::KeyFile;
use super::secret::ED25519;
use crate::{Error, disk};

/// The key as `SubjectPublicKeyInfo` in PEM, which ends with a line feed.
pub fn public_pem(key: &PublicKey) -> String {
    if let PublicKey::Ed25519(bytes) = key {
        return ed25519_pem(bytes);
    }
    // The text metadata has for every other algorithm.
    key.to_string()
}

/// Parses `SubjectPublicKeyInfo` in PEM with a key of Ed25519 or ECDSA P-256.
pub fn parse_public_pem(text: &str) -> Result<PublicKey, uptane::Error> {
    let refused = uptane::Error::BadKey;
    let (label, der) = Document::from_pem(text.trim_start()).map_err(|_| refused)?;
    let info = SubjectPublicKeyInfoRef::from_der(der.as_bytes()).map_err(|_| refused)?;
    if label != SubjectPublicKeyInfoOwned::PEM_LABEL {
        return Err(refused);
    }
    if info.algorithm.oid != ED25519 {
        return PublicKey::parse(uptane::Algorithm::EcdsaP256, text);
    }
    let bytes = info.subject_public_key.as_bytes().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.filter(|_| info.algorithm.parameters.is_none()).map(PublicKey::Ed25519).ok_or(refused)
}

/// Where the public half of the key file at `path` stands: `NAME.pub` beside `NAME.pem`.
pub fn public_path(path: &Path) -> PathBuf {
    if path.extension().is_some_and(|extension| extension == "pem") {
        return path.with_extension("pub");
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// The public half of the key file at `path`, which may be kept elsewhere. Needs no passphrase.
pub fn public_of(path: &Path) -> Result<PublicKey, Error> {
    let beside = public_path(path);
    let Some(bytes) = disk::read(&beside, MAX_PUBLIC_FILE)? else {
        return without_public_half(path);
    };
    let text = std::str::from_utf8(&bytes).ok();
    text.and_then(|text| parse_public_pem(text).ok()).ok_or(Error::BadPublicKey { path: beside })
}

/// Older key files stand alone. One that is not encrypted says everything itself.
fn without_public_half(path: &Path) -> Result<PublicKey, Error> {
    match KeyFile::is_encrypted(path)? {
        true => Err(Error::NoPublicHalf { path: path.to_owned() }),
        false => Ok(KeyFile::open_plain(path)?.public_key()),
    }
}

fn ed25519_pem(bytes: &[u8; 32]) -> String {
    let algorithm = AlgorithmIdentifierRef { oid: ED25519, parameters: None };
    let key = BitStringRef::from_bytes(bytes);
    let document = key.and_then(|subject_public_key| {
        Document::encode_msg(&SubjectPublicKeyInfoRef { algorithm, subject_public_key })?
            .to_pem(SubjectPublicKeyInfoOwned::PEM_LABEL, LineEnding::LF)
    });
    // 44 bytes of DER always fit.
    document.unwrap_or_default()
}

/// Bytes of a file with a public key.
const MAX_PUBLIC_FILE: u64 = 4 * 1024;

#[cfg(test)]
mod tests;
