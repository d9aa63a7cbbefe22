//! Where a key is, whatever keeps it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use uptane::PublicKey;
use uptane::sign::Signer;

use super::{Algorithm, KeyFile, Passphrase, Token, TokenUri, public_of};
use crate::Error;

/// A key file or a key on a token, as a command line names it: `keys/root.pem`, or
/// `pkcs11:token=LABEL;object=LABEL?module-path=/path/of/the/module.so`. A file whose name begins with `pkcs11:` is
/// written `./pkcs11:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// The path of a key file.
    File(PathBuf),
    /// The name of a key on a token.
    Token(Box<TokenUri>),
}

impl KeyRef {
    /// Opens the key. `secret` gives the passphrase of the file or the PIN of the token, and is asked only if one is
    /// needed.
    pub fn open(&self, secret: impl FnOnce() -> Result<Passphrase, Error>) -> Result<AnySigner, Error> {
        match self {
            Self::File(path) => Ok(match KeyFile::is_encrypted(path)? {
                true => Box::new(KeyFile::open(path, &secret()?)?),
                false => Box::new(KeyFile::open_plain(path)?),
            }),
            Self::Token(uri) => Ok(Box::new(Token::open(uri, &secret()?)?)),
        }
    }

    /// Makes the key: a new file that `secret` is to open, or a new object on a token whose PIN it is.
    pub fn generate(
        &self,
        algorithm: Algorithm,
        secret: impl FnOnce() -> Result<Passphrase, Error>,
    ) -> Result<AnySigner, Error> {
        Ok(match self {
            Self::File(path) => Box::new(KeyFile::generate(path, algorithm, &secret()?)?),
            Self::Token(uri) => Box::new(Token::generate(uri, algorithm, &secret()?)?),
        })
    }

    /// The public half, without passphrase or PIN: from the file beside a key file, or what a token shows everybody.
    pub fn public(&self) -> Result<PublicKey, Error> {
        match self {
            Self::File(path) => public_of(path),
            Self::Token(uri) => Token::public_of(uri),
        }
    }

    /// What a person is asked for when the key is opened.
    pub fn question(&self) -> String {
        match self {
            Self::File(path) => format!("Passphrase of {}", path.display()),
            Self::Token(uri) => format!("PIN of the token {}", uri.token().unwrap_or("there is")),
        }
    }
}

/// A key that is open, whatever keeps it.
pub type AnySigner = Box<dyn Signer + Send + Sync>;

impl FromStr for KeyRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.starts_with(TokenUri::SCHEME) {
            return Ok(Self::Token(Box::new(text.parse()?)));
        }
        Ok(Self::File(PathBuf::from(text)))
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Token(uri) => uri.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::passphrase;

    fn never() -> Result<Passphrase, Error> {
        panic!("nobody need be asked")
    }

    #[test]
    fn a_path_is_a_key_file_and_a_uri_a_token() {
        assert_eq!("keys/root.pem".parse::<KeyRef>().unwrap(), KeyRef::File("keys/root.pem".into()));
        assert_eq!("./pkcs11:x".parse::<KeyRef>().unwrap(), KeyRef::File("./pkcs11:x".into()));
        let text = "pkcs11:token=a;object=root?module-path=/m.so";
        let parsed: KeyRef = text.parse().unwrap();
        assert!(matches!(parsed, KeyRef::Token(_)));
        assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn a_uri_that_is_none_is_not_taken_for_a_file() {
        assert!(matches!("pkcs11:token=a".parse::<KeyRef>(), Err(Error::Token(_))));
    }

    #[test]
    fn an_encrypted_key_file_asks_and_a_plain_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| KeyRef::File(folder.path().join(name));
        let locked = at("locked.pem").generate(Algorithm::EcdsaP256, || Ok(passphrase("secret"))).unwrap();
        KeyFile::generate_plain(&folder.path().join("plain.pem"), Algorithm::Ed25519).unwrap();

        assert_eq!(at("locked.pem").open(|| Ok(passphrase("secret"))).unwrap().public_key(), locked.public_key());
        assert_eq!(at("locked.pem").public().unwrap(), locked.public_key());
        let plain = at("plain.pem").open(never).unwrap();
        assert_eq!(at("plain.pem").public().unwrap(), plain.public_key());
    }

    #[test]
    fn a_key_file_that_is_not_there_is_named_before_anybody_is_asked() {
        assert!(matches!(KeyRef::File("/none/root.pem".into()).open(never), Err(Error::Missing { .. })));
    }
}
