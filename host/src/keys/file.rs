//! Ed25519 key files: PKCS#8 in PEM, mode 0600, encrypted for keys that are kept offline.
//!
//! Files made here are what `openssl genpkey -algorithm ed25519` makes, and the other way round. Encryption is PBES2 with
//! scrypt and AES-256-CBC. A file that others may read is refused; one that exists is never overwritten.

use std::fmt;
use std::path::Path;

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::PemLabel as _;
use pkcs8::{
    AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument,
};
use uptane::PublicKey;
use uptane::sign::{MemorySigner, SignError, Signer};
use zeroize::Zeroizing;

use super::Passphrase;
use crate::disk::{self, Access};
use crate::{Error, random};

/// A key from a key file, in memory for as long as this value lives.
pub struct KeyFile {
    signer: MemorySigner,
}

impl KeyFile {
    /// Makes a key in a new file that `passphrase` opens.
    pub fn generate(path: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let (made, seed) = Self::random()?;
        let nested = nested(&seed);
        let encrypted = info(&nested).and_then(|info| info.encrypt(passphrase.as_bytes()));
        let pem = encrypted.and_then(|der| Ok(der.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)?));
        write(path, pem)?;
        Ok(made)
    }

    /// Makes a key in a new file that is not encrypted: for keys a process needs without a person beside it.
    pub fn generate_plain(path: &Path) -> Result<Self, Error> {
        let (made, seed) = Self::random()?;
        let nested = nested(&seed);
        let der = info(&nested).and_then(|info| Ok(SecretDocument::encode_msg(&info)?));
        let pem = der.and_then(|der| Ok(der.to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)?));
        write(path, pem)?;
        Ok(made)
    }

    /// Opens an encrypted key file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let der = read(path, EncryptedPrivateKeyInfoRef::PEM_LABEL)?;
        let encrypted = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| bad(path))?;
        let plain = encrypted.decrypt(passphrase.as_bytes());
        // What a wrong passphrase decrypts to is seldom even DER.
        let plain = plain.map_err(|_| Error::Passphrase { path: path.to_owned() })?;
        Self::decode(&plain).ok_or_else(|| bad(path))
    }

    /// Opens a key file that is not encrypted.
    pub fn open_plain(path: &Path) -> Result<Self, Error> {
        let der = read(path, PrivateKeyInfoRef::PEM_LABEL)?;
        Self::decode(&der).ok_or_else(|| bad(path))
    }

    /// Whether the file at `path` wants a passphrase.
    pub fn is_encrypted(path: &Path) -> Result<bool, Error> {
        let text = text(path)?;
        let label = pkcs8::der::pem::decode_label(text.as_bytes()).map_err(|_| bad(path))?;
        Ok(label == EncryptedPrivateKeyInfoRef::PEM_LABEL)
    }

    fn random() -> Result<(Self, Zeroizing<[u8; 32]>), Error> {
        let seed = Zeroizing::new(random::bytes()?);
        Ok((Self { signer: MemorySigner::from_seed(&seed) }, seed))
    }

    fn decode(der: &SecretDocument) -> Option<Self> {
        let info = PrivateKeyInfoRef::try_from(der.as_bytes()).ok()?;
        info.algorithm.assert_algorithm_oid(ED25519).ok()?;
        let seed = info.private_key.as_bytes().strip_prefix(&OCTET_STRING_OF_32)?;
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).ok()?);
        Some(Self { signer: MemorySigner::from_seed(&seed) })
    }
}

impl Signer for KeyFile {
    fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign(message)
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({:?})", self.public_key())
    }
}

/// RFC 8410 §3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// RFC 8410 §7: the private key is an OCTET STRING in an OCTET STRING.
const OCTET_STRING_OF_32: [u8; 2] = [0x04, 0x20];
/// Bytes of a key file.
const MAX_KEY_FILE: u64 = 16 * 1024;

fn nested(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([OCTET_STRING_OF_32.as_slice(), seed].concat())
}

fn info(nested: &[u8]) -> pkcs8::Result<PrivateKeyInfoRef<'_>> {
    let algorithm = AlgorithmIdentifierRef { oid: ED25519, parameters: None };
    Ok(PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(nested)?))
}

fn write(path: &Path, pem: pkcs8::Result<Zeroizing<String>>) -> Result<(), Error> {
    disk::create(path, pem.map_err(|_| bad(path))?.as_bytes(), Access::Private)
}

fn text(path: &Path) -> Result<Zeroizing<String>, Error> {
    let bytes = disk::read(path, MAX_KEY_FILE)?.ok_or_else(|| Error::Missing { path: path.to_owned() })?;
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| bad(path))
}

fn read(path: &Path, label: &str) -> Result<SecretDocument, Error> {
    let text = text(path)?;
    disk::check_private(path)?;
    let (found, der) = SecretDocument::from_pem(&text).map_err(|_| bad(path))?;
    (found == label).then_some(der).ok_or_else(|| bad(path))
}

fn bad(path: &Path) -> Error {
    Error::BadKeyFile { path: path.to_owned() }
}

#[cfg(test)]
mod tests;
