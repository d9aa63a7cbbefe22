//! Keys as the command line names them: files, tokens, and the names that either has in a folder.
//!
//! `keys/NAME.pem` is a private key; `keys/NAME.uri` says on which token one is; `keys/NAME.pub` is the public half of
//! either.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use host::disk;
use host::keys::{KeyFile, PassphraseArgs, Token, TokenUri, parse_public_pem, public_of};
use uptane::sign::{KeySet, Signer};
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
    pub(crate) fn open(&self, repo: &Path, passphrase: &PassphraseArgs) -> Result<Box<dyn Signer>, Error> {
        let path = self.path(repo, &["pem", "uri"]);
        if let Some(uri) = self.token(&path)? {
            return Ok(Box::new(Token::open(&uri, &passphrase.read_for(&format!("PIN of {uri}"))?)?));
        }
        let key = match KeyFile::is_encrypted(&path)? {
            true => KeyFile::open(&path, &passphrase.read_for(&format!("Passphrase of {}", path.display()))?)?,
            false => KeyFile::open_plain(&path)?,
        };
        Ok(Box::new(key))
    }

    /// Reads the public key: that of a `.pub` file, of a key file's public half, or of a token that shows it.
    pub(crate) fn public(&self, repo: &Path) -> Result<PublicKey, Error> {
        let path = self.path(repo, &["pub", "pem"]);
        if let Some(uri) = self.token(&path)? {
            return Ok(Token::public_of(&uri)?);
        }
        let bytes = disk::read(&path, MAX_PUBLIC)?.ok_or_else(|| host::Error::Missing { path: path.clone() })?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        match parse_public_pem(text) {
            Ok(key) => Ok(key),
            // A private key stands for its public half, which needs no passphrase.
            Err(_) => Ok(public_of(&path)?),
        }
    }

    /// The token that is meant, by its URI or by the file that holds it.
    fn token(&self, path: &Path) -> Result<Option<TokenUri>, Error> {
        if self.0.starts_with(TokenUri::SCHEME) {
            return parsed(&self.0).map(Some);
        }
        match path.extension().is_some_and(|extension| extension == URI) {
            true => token_at(path).map(Some),
            false => Ok(None),
        }
    }

    /// The first of these files in `keys/` that is there, or what was written as a path.
    fn path(&self, repo: &Path, extensions: &[&str]) -> PathBuf {
        let named = extensions.iter().map(|extension| repo.join("keys").join(format!("{}.{extension}", self.0)));
        let is_name = !self.0.contains('/');
        named.into_iter().find(|path| is_name && path.is_file()).unwrap_or_else(|| PathBuf::from(&self.0))
    }
}

/// How the name of a file ends that says on which token a key is.
pub(crate) const URI: &str = "uri";

/// The token that the file at `path` names on its first line.
pub(crate) fn token_at(path: &Path) -> Result<TokenUri, Error> {
    let bytes = disk::read(path, MAX_PUBLIC)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?;
    parsed(String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default())
}

fn parsed(uri: &str) -> Result<TokenUri, Error> {
    Ok(uri.parse::<TokenUri>().map_err(host::Error::from)?)
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
