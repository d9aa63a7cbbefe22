//! Key files of Ed25519 and ECDSA P-256: PKCS#8 in PEM, mode 0600, encrypted for keys that are kept offline.
//!
//! Files made here are what `openssl genpkey` makes, and the other way round. Encryption is PBES2 with scrypt and
//! AES-256-CBC; PBKDF2 and the other lengths of AES are read as well. A file that others may read is refused; one that
//! exists is never overwritten. The public half stands beside it ([`public_path`]).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use pkcs8::der::pem::PemLabel as _;
use pkcs8::pkcs5::{self, EncryptionScheme};
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument};
use uptane::PublicKey;
use uptane::sign::{MemorySigner, SignError, Signer};
use zeroize::Zeroizing;

use super::secret::Secret;
use super::{Algorithm, Passphrase, public_of, public_path, public_pem};
use crate::Error;
use crate::disk::{self, Access};

/// A key from a key file, in memory for as long as this value lives.
pub struct KeyFile {
    path: PathBuf,
    signer: MemorySigner,
}

impl KeyFile {
    /// Makes a key in a new file that `passphrase` opens.
    pub fn generate(path: &Path, algorithm: Algorithm, passphrase: &Passphrase) -> Result<Self, Error> {
        Self::create(path, &Secret::random(algorithm)?, Some(passphrase))
    }

    /// Makes a key in a new file that is not encrypted: for keys a process needs without a person beside it.
    pub fn generate_plain(path: &Path, algorithm: Algorithm) -> Result<Self, Error> {
        Self::create(path, &Secret::random(algorithm)?, None)
    }

    /// Copies the key of a PKCS#8 file of whoever's making into a new file at `to` that `passphrase` opens. `opens` is
    /// what opens the old one, which stays as it is; one that is not encrypted needs nothing.
    pub fn import(from: &Path, opens: Option<&Passphrase>, to: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let opens = match Self::is_encrypted(from)? {
            true => Some(opens.ok_or(Error::NoPassphrase)?),
            false => None,
        };
        Self::create(to, &read(from, opens)?, Some(passphrase))
    }

    /// Opens an encrypted key file. What stands beside it as its public half must be that: people read it there, and
    /// put into Root what they read.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let opened = Self::of(path, &read(path, Some(passphrase))?)?;
        opened.check_public_half()?;
        Ok(opened)
    }

    /// Opens a key file that is not encrypted.
    pub fn open_plain(path: &Path) -> Result<Self, Error> {
        Self::of(path, &read(path, None)?)
    }

    /// Whether the file at `path` wants a passphrase.
    pub fn is_encrypted(path: &Path) -> Result<bool, Error> {
        let text = text(path)?;
        let label = pkcs8::der::pem::decode_label(text.as_bytes()).map_err(|_| bad(path))?;
        Ok(label == EncryptedPrivateKeyInfoRef::PEM_LABEL)
    }

    /// Removes the key file and its public half, in an order in which a power failure leaves no public half alone.
    pub fn remove(path: &Path) -> Result<(), Error> {
        disk::remove(&public_path(path))?;
        disk::remove(path)
    }

    /// Puts the file and its public half in the place of those at `to`. If the power fails in between, the file is
    /// still where it was, and this can be done again.
    pub fn rename(mut self, to: &Path) -> Result<Self, Error> {
        let old = public_path(&self.path);
        disk::replace(&public_path(to), public_pem(&self.public_key()).as_bytes(), Access::Shared)?;
        fs::rename(&self.path, to).map_err(|source| Error::io("rename", &self.path, source))?;
        disk::sync_folder(to.parent().unwrap_or(Path::new("")))?;
        disk::remove(&old)?;
        to.clone_into(&mut self.path);
        Ok(self)
    }

    /// The private half first: without the public one it is still a key, and the other way round it is none.
    fn create(path: &Path, secret: &Secret, passphrase: Option<&Passphrase>) -> Result<Self, Error> {
        let made = Self::of(path, secret)?;
        let beside = public_path(path);
        if beside.exists() {
            return Err(Error::Exists { path: beside });
        }
        let pem = pem(secret, passphrase).map_err(|_| bad(path))?;
        disk::create(path, pem.as_bytes(), Access::Private)?;
        disk::create(&beside, public_pem(&made.public_key()).as_bytes(), Access::Shared)?;
        Ok(made)
    }

    fn check_public_half(&self) -> Result<(), Error> {
        let path = public_path(&self.path);
        let same = !path.exists() || public_of(&self.path)? == self.public_key();
        same.then_some(()).ok_or(Error::PublicHalf { path })
    }

    fn of(path: &Path, secret: &Secret) -> Result<Self, Error> {
        Ok(Self { path: path.to_owned(), signer: secret.signer().ok_or_else(|| bad(path))? })
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

fn pem(secret: &Secret, passphrase: Option<&Passphrase>) -> pkcs8::Result<Zeroizing<String>> {
    let der = secret.to_der()?;
    let Some(passphrase) = passphrase else {
        return Ok(der.to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)?);
    };
    let encrypted = PrivateKeyInfoRef::try_from(der.as_bytes())?.encrypt(passphrase.as_bytes())?;
    Ok(encrypted.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)?)
}

fn read(path: &Path, passphrase: Option<&Passphrase>) -> Result<Secret, Error> {
    let der = match passphrase {
        None => document(path, PrivateKeyInfoRef::PEM_LABEL)?,
        Some(passphrase) => {
            let der = document(path, EncryptedPrivateKeyInfoRef::PEM_LABEL)?;
            decrypt(&der, passphrase, path)?
        }
    };
    Secret::from_der(&der).ok_or_else(|| bad(path))
}

fn decrypt(der: &SecretDocument, passphrase: &Passphrase, path: &Path) -> Result<SecretDocument, Error> {
    let foreign = || Error::KeyEncryption { path: path.to_owned() };
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| foreign())?;
    if !is_bounded(&encrypted.encryption_algorithm) {
        return Err(foreign());
    }
    encrypted.decrypt(passphrase.as_bytes()).map_err(|error| {
        let unread = matches!(
            error,
            pkcs8::Error::EncryptedPrivateKey(
                pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs5::Error::AlgorithmParametersInvalid { .. }
            )
        );
        // What a wrong passphrase decrypts to is seldom even DER.
        if unread { foreign() } else { Error::Passphrase { path: path.to_owned() } }
    })
}

/// Whether a passphrase can be tried in bounded time and memory: the file says how much of both it takes.
fn is_bounded(scheme: &EncryptionScheme) -> bool {
    let Some(parameters) = scheme.pbes2() else { return false };
    let rounds = parameters.kdf.pbkdf2().is_none_or(|kdf| kdf.iteration_count <= MAX_ROUNDS);
    let memory = parameters.kdf.scrypt().is_none_or(|kdf| {
        let (r, p) = (u64::from(kdf.block_size), u64::from(kdf.parallelization));
        let bytes = kdf.cost_parameter.checked_mul(128 * r).and_then(|bytes| bytes.checked_mul(p));
        bytes.is_some_and(|bytes| bytes <= MAX_SCRYPT_BYTES)
    });
    rounds && memory
}

fn text(path: &Path) -> Result<Zeroizing<String>, Error> {
    let bytes = disk::read(path, MAX_KEY_FILE)?.ok_or_else(|| Error::Missing { path: path.to_owned() })?;
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| bad(path))
}

fn document(path: &Path, label: &str) -> Result<SecretDocument, Error> {
    let text = text(path)?;
    disk::check_private(path)?;
    let (found, der) = SecretDocument::from_pem(&text).map_err(|_| bad(path))?;
    (found == label).then_some(der).ok_or_else(|| bad(path))
}

fn bad(path: &Path) -> Error {
    Error::BadKeyFile { path: path.to_owned() }
}

/// Bytes of a key file.
const MAX_KEY_FILE: u64 = 16 * 1024;
/// Rounds of PBKDF2: some seconds. `openssl` does 2,048 unless told otherwise.
const MAX_ROUNDS: u32 = 5_000_000;
/// Bytes that scrypt works through. The files made here take 16 MiB.
const MAX_SCRYPT_BYTES: u64 = 512 * 1024 * 1024;

#[cfg(test)]
mod tests;
