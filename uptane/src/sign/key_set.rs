//! Which keys speak for a role, and how many of them must.

use alloc::vec::Vec;

use super::SignError;
use super::canonical::Value;
use super::signer::key_id;
use crate::limits::MAX_ROLE_KEYS;
use crate::metadata::{RoleKeys, Root, RootRole, delegation_keys};
use crate::{Error, KeyId, PublicKey};

/// The keys of one role and its threshold: at least one key, no key twice, a threshold they can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<(KeyId, PublicKey)>,
    threshold: usize,
}

impl KeySet {
    /// `threshold` of these keys, under the ids our tools give them.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>, threshold: usize) -> Result<Self, SignError> {
        Self::named(keys.into_iter().map(|key| (key_id(&key), key)), threshold)
    }

    /// The keys a Root gives a role, under the ids it gives them.
    pub fn of_role(root: &Root<'_>, role: RootRole) -> Result<Self, SignError> {
        Self::of_root(root, &root.role_keys(role))
    }

    /// The keys a Root gives the time attestations; none at the Image repository.
    pub fn of_time(root: &Root<'_>) -> Result<Option<Self>, SignError> {
        root.time_keys().map(|keys| Self::of_root(root, &keys)).transpose()
    }

    fn of_root(root: &Root<'_>, role: &RoleKeys) -> Result<Self, SignError> {
        let keys = root.keys().filter(|(_, key)| role.keys().any(|known| known == *key));
        Self::named(keys, role.threshold().into())
    }

    /// `threshold` of these keys, under ids given elsewhere.
    fn named(keys: impl IntoIterator<Item = (KeyId, PublicKey)>, threshold: usize) -> Result<Self, SignError> {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        if keys.len() > MAX_ROLE_KEYS {
            return Err(Error::Limit { what: "keys of a role" }.into());
        }
        if threshold == 0 || threshold > keys.len() {
            return Err(SignError::ImpossibleThreshold { threshold, keys: keys.len() });
        }
        let twice = |(index, (id, key)): (usize, &(KeyId, PublicKey))| {
            keys.iter().take(index).any(|(other_id, other)| other_id == id || other == key)
        };
        // T3: one key under two ids would count twice.
        if keys.iter().enumerate().any(twice) {
            return Err(Error::Duplicate { what: "key of a role" }.into());
        }
        Ok(Self { keys, threshold })
    }

    /// The keys of a delegated role, under the ids that its delegator gives them.
    pub(super) fn of_delegation(delegations: &[u8], role: &RoleKeys) -> Result<Self, SignError> {
        let keys = delegation_keys(delegations).filter(|(_, key)| role.keys().any(|known| known == *key));
        Self::named(keys, role.threshold().into())
    }

    /// These keys and another one.
    pub fn with(&self, key: PublicKey) -> Result<Self, SignError> {
        Self::named(self.keys().chain([(key_id(&key), key)]), self.threshold)
    }

    /// These keys but for the one of this id; as they are if there is none.
    pub fn without(&self, id: &KeyId) -> Result<Self, SignError> {
        Self::named(self.keys().filter(|(known, _)| known != id), self.threshold)
    }

    /// The same keys with another threshold.
    pub fn with_threshold(&self, threshold: usize) -> Result<Self, SignError> {
        Self::named(self.keys(), threshold)
    }

    /// How many of the keys must sign.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The keys with their ids, sorted by id.
    pub fn keys(&self) -> impl Iterator<Item = (KeyId, PublicKey)> + '_ {
        self.keys.iter().cloned()
    }

    /// The id this role knows a key by.
    pub fn id_of(&self, key: &PublicKey) -> Option<KeyId> {
        self.keys.iter().find(|(_, known)| known == key).map(|(id, _)| *id)
    }

    /// The same keys, as the reader holds them.
    pub(crate) fn role_keys(&self) -> Result<RoleKeys, Error> {
        let threshold = u8::try_from(self.threshold).map_err(|_| Error::BadNumber { kind: "threshold" })?;
        RoleKeys::new(self.keys(), threshold)
    }

    /// The object that stands for the role in Root.
    pub(crate) fn role_object(&self) -> Value {
        let ids = Value::texts(self.keys.iter().map(|(id, _)| id));
        // At most `MAX_ROLE_KEYS`, so the conversion loses nothing.
        let threshold = u64::try_from(self.threshold).unwrap_or(u64::MAX);
        Value::object([("keyids", ids), ("threshold", Value::Number(threshold))])
    }
}
