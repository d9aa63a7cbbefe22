//! Keys on tokens: smart cards, security modules, and what speaks PKCS#11 like them.
//!
//! The private key never leaves the token; the module of the token's maker is loaded into this process and asked to
//! sign. A module is started once per process and stays: other parts of the process may use it as well. Whoever has
//! opened a token is logged in on it until its last session in this process closes, so a second [`Token::open`] in
//! between succeeds with whatever PIN it brings (PKCS#11 §5.6.8). Everything here blocks for as long as the token
//! takes.

mod error;
mod form;
mod module;
mod objects;
mod uri;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use uptane::PublicKey;
use uptane::sign::{SignError, Signer};

use super::{Algorithm, Passphrase};
use crate::{Error, random};
use module::Found;

pub use error::{TokenError, Tries};
pub use objects::ListedKey;
pub use uri::TokenUri;

/// A key on a token, ready to sign until this value is dropped. Threads take turns.
pub struct Token {
    session: Mutex<Session>,
    key: ObjectHandle,
    algorithm: Algorithm,
    public: PublicKey,
    uri: TokenUri,
}

impl Token {
    /// Opens the one key that `uri` names.
    pub fn open(uri: &TokenUri, pin: &Passphrase) -> Result<Self, Error> {
        let token = Found::at(uri)?;
        let session = token.session()?;
        token.log_in(&session, pin)?;
        Ok(Self::found_in(session, uri)?)
    }

    /// Makes a key that the token will not give out, under the name that `uri` gives it and an id of its own if none is
    /// given.
    pub fn generate(uri: &TokenUri, algorithm: Algorithm, pin: &Passphrase) -> Result<Self, Error> {
        let label = uri.object().ok_or_else(|| TokenError::NoName { uri: Box::new(uri.clone()) })?;
        let id = uri.id.clone().map_or_else(|| random::bytes::<ID_LENGTH>().map(Vec::from), Ok)?;
        let token = Found::at(uri)?;
        token.check_makes(algorithm, uri)?;
        let session = token.writing_session()?;
        token.log_in(&session, pin)?;
        objects::check_free(&session, label, uri)?;
        objects::generate(&session, algorithm, label, &id)?;
        Ok(Self::found_in(session, &uri.with_key(Some(label.to_owned()), Some(id)))?)
    }

    /// The public half of the key that `uri` names, as far as the token shows it without its PIN.
    pub fn public_of(uri: &TokenUri) -> Result<PublicKey, Error> {
        Ok(objects::public_named(&Found::at(uri)?.session()?, uri)?)
    }

    /// The public keys that the token shows without its PIN, of those `uri` matches; 1,024 at most.
    pub fn list(uri: &TokenUri) -> Result<Vec<ListedKey>, Error> {
        Ok(objects::list(&Found::at(uri)?.session()?, uri)?)
    }

    /// The name of the key. One that was made has its id here.
    pub fn uri(&self) -> &TokenUri {
        &self.uri
    }

    fn found_in(session: Session, uri: &TokenUri) -> Result<Self, TokenError> {
        let (key, algorithm) = objects::signing_key(&session, uri)?;
        let public = objects::public_half(&session, key, uri)?;
        Ok(Self { session: Mutex::new(session), key, algorithm, public, uri: uri.clone() })
    }

    /// The signature as metadata has it, or why there is none.
    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let sign =
            |mechanism, data: &[u8]| session.sign(&mechanism, self.key, data).map_err(|error| module::reason(&error));
        match self.algorithm {
            Algorithm::Ed25519 => sign(Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519)), message),
            // Of the mechanisms that hash by themselves not every token has one.
            Algorithm::EcdsaP256 => {
                let raw = sign(Mechanism::Ecdsa, &uptane::Sha256::of(message).0)?;
                form::der_signature(&raw).ok_or_else(|| "its answer is no signature".to_owned())
            }
        }
    }
}

impl Signer for Token {
    fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signature(message).map_err(|reason| SignError::Signer { key: Box::new(self.key_id()), reason })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, {:?})", self.uri, self.public)
    }
}

/// Bytes of an id of our making.
const ID_LENGTH: usize = 16;
