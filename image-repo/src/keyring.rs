//! Keys as the command line names them: files, tokens, and the names that either has in a folder.
//!
//! `keys/NAME.pem` is a private key; `keys/NAME.uri` says on which token one is; `keys/NAME.pub` is the public half of
//! either.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use host::disk;
use host::keys::{AnySigner, KeyRef, PassphraseArgs, parse_public_pem};
use uptane::sign::KeySet;
use uptane::{KeyId, PublicKey};

use crate::error::Error;

/// A key as the command line names it: a file, a `pkcs11:` URI, or a name in the folder's `keys/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyName(String);

impl FromStr for KeyName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::of(text))
    }
}

impl KeyName {
    /// The key of this name, file or URI.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Opens the private key. The passphrase is read if the file wants one, and is the PIN of a token.
    pub(crate) fn open(&self, repo: &Path, passphrase: &PassphraseArgs) -> Result<AnySigner, Error> {
        let key = self.private(repo)?;
        Ok(key.open(|| passphrase.read_for(&key.question()))?)
    }

    /// Reads the public key: that of a `.pub` file, of a key file's public half, or of a token that shows it.
    pub(crate) fn public(&self, repo: &Path) -> Result<PublicKey, Error> {
        let path = self.named(repo, &[PUBLIC]).unwrap_or_else(|| PathBuf::from(&self.0));
        if path.extension().is_none_or(|extension| extension != PUBLIC) {
            return Ok(self.private(repo)?.public()?);
        }
        let text = text(&path)?;
        parse_public_pem(&text).map_err(|_| host::Error::BadPublicKey { path }.into())
    }

    /// Where the private key is.
    fn private(&self, repo: &Path) -> Result<KeyRef, Error> {
        match self.named(repo, &[PRIVATE, URI]) {
            Some(path) if path.extension().is_some_and(|extension| extension == URI) => token_at(&path),
            Some(path) => Ok(KeyRef::File(path)),
            None => Ok(self.0.parse()?),
        }
    }

    /// The first file of this name in `keys/` with one of these endings.
    fn named(&self, repo: &Path, endings: &[&str]) -> Option<PathBuf> {
        let is_name = !self.0.contains('/') && !self.0.contains(':');
        let paths = endings.iter().map(|ending| repo.join("keys").join(format!("{}.{ending}", self.0)));
        paths.into_iter().find(|path| is_name && path.is_file())
    }
}

/// How the names of the three kinds of files end.
const PRIVATE: &str = "pem";
const PUBLIC: &str = "pub";
/// See [`PRIVATE`].
pub(crate) const URI: &str = "uri";

/// The token that the file at `path` names on its first line.
fn token_at(path: &Path) -> Result<KeyRef, Error> {
    Ok(text(path)?.lines().next().unwrap_or_default().parse()?)
}

fn text(path: &Path) -> Result<String, Error> {
    let bytes = disk::read(path, MAX_TEXT)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Bytes of a public key or of a URI.
const MAX_TEXT: u64 = 16 * 1024;

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
