//! Keys as the command line names them.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use host::disk;
use host::keys::{KeyFile, PassphraseArgs, parse_public_pem, public_of};
use uptane::sign::{KeySet, Signer};
use uptane::{KeyId, PublicKey};

use crate::error::Error;

/// A key as the command line names it: a file, or the name of one in the folder's `keys/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyName(String);

impl FromStr for KeyName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl KeyName {
    /// What was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Opens the private key. The passphrase is read if the file wants one.
    pub(crate) fn open(&self, repo: &Path, passphrase: &PassphraseArgs) -> Result<Box<dyn Signer>, Error> {
        let path = self.path(repo, &["pem"]);
        let key = match KeyFile::is_encrypted(&path)? {
            true => KeyFile::open(&path, &passphrase.read_for(&format!("Passphrase of {}", path.display()))?)?,
            false => KeyFile::open_plain(&path)?,
        };
        Ok(Box::new(key))
    }

    /// Reads the public key: that of a `.pub` file, or of a key file's public half.
    pub(crate) fn public(&self, repo: &Path) -> Result<PublicKey, Error> {
        let path = self.path(repo, &["pub", "pem"]);
        let bytes = disk::read(&path, MAX_PUBLIC)?.ok_or_else(|| host::Error::Missing { path: path.clone() })?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        match parse_public_pem(text) {
            Ok(key) => Ok(key),
            // A private key stands for its public half, which needs no passphrase.
            Err(_) => Ok(public_of(&path)?),
        }
    }

    /// The first of these files in `keys/` that is there, or what was written as a path.
    fn path(&self, repo: &Path, extensions: &[&str]) -> PathBuf {
        let named = extensions.iter().map(|extension| repo.join("keys").join(format!("{}.{extension}", self.0)));
        let is_name = !self.0.contains('/');
        named.into_iter().find(|path| is_name && path.is_file()).unwrap_or_else(|| PathBuf::from(&self.0))
    }
}

/// Bytes of a public key's file; a key file of an older make may be read in its place.
const MAX_PUBLIC: u64 = 16 * 1024;

/// The keys of these names, of which `threshold` must sign.
pub(crate) fn key_set(repo: &Path, names: &[KeyName], threshold: usize) -> Result<KeySet, Error> {
    let keys = names.iter().map(|name| name.public(repo)).collect::<Result<Vec<_>, _>>()?;
    Ok(KeySet::new(keys, threshold)?)
}

/// The key of a role that is meant by its id, by the beginning of that (eight characters or more), or by its file.
pub(crate) fn member(repo: &Path, keys: &KeySet, name: &KeyName) -> Result<Option<KeyId>, Error> {
    let text = name.as_str();
    let is_meant = |id: &KeyId| text.len() >= 8 && id.as_str().starts_with(text);
    let mut meant = keys.keys().map(|(id, _)| id).filter(is_meant);
    if let (Some(id), None) = (meant.next(), meant.next()) {
        return Ok(Some(id));
    }
    match name.public(repo) {
        Ok(key) => Ok(keys.id_of(&key)),
        Err(Error::Host(host::Error::Missing { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}
