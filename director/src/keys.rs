//! The online keys an instance holds, found by the id the epoch names.

use std::fmt;

use uptane::sign::{KeySet, Signer};
use uptane::{KeyId, Nonce, Time};

use crate::Error;
use crate::epoch::Epoch;

/// A signer that may be used from any thread.
pub type AnySigner = Box<dyn Signer + Send + Sync>;

/// The private keys of the online roles, wherever they live.
#[derive(Default)]
pub struct OnlineKeys(Vec<AnySigner>);

impl OnlineKeys {
    /// These keys.
    pub fn new(keys: Vec<AnySigner>) -> Self {
        Self(keys)
    }

    /// The key of a role; an instance without it must not sign (design D10).
    pub(crate) fn of(&self, role: &'static str, key: KeyId) -> Result<Key<'_>, Error> {
        let signer = self.0.iter().find(|signer| signer.key_id() == key);
        let signer = signer.ok_or(Error::KeyMissing { role, key: Box::new(key) })?;
        Ok(Key { set: KeySet::new([signer.public_key()], 1)?, signer: signer.as_ref() })
    }

    /// The time as this Director attests it, over the nonces of those who asked (design D14).
    pub fn attest(&self, epoch: &Epoch, now: Time, nonces: impl IntoIterator<Item = Nonce>) -> Result<Vec<u8>, Error> {
        let key = self.of("time", epoch.keys.time)?;
        let attestation = uptane::sign::TimeBuilder { time: now, nonces: nonces.into_iter().collect() };
        Ok(attestation.sign(&key.set, &[key.signer])?)
    }
}

impl fmt::Debug for OnlineKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnlineKeys({})", self.0.len())
    }
}

/// One role's key, ready to sign.
pub(crate) struct Key<'a> {
    /// The role as Root names it.
    pub(crate) set: KeySet,
    /// Its one key.
    pub(crate) signer: &'a (dyn Signer + Send + Sync),
}
