//! The keys that speak for a role, and how many of them must.

use crate::id::is_key_id;
use crate::limits::MAX_ROLE_KEYS;
use crate::{Error, KeyId, PublicKey, Sha256, told};

/// A role that Root appoints (§5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootRole {
    /// Root itself.
    Root,
    /// Snapshot.
    Snapshot,
    /// Top-level Targets.
    Targets,
    /// Timestamp.
    Timestamp,
}

/// The start of a key id's SHA-256: enough to find the key a signature claims.
///
/// A key id is a hint and never decides anything (TAP 12): mistaking one for another could only make a good signature
/// fail. So eight bytes stand in for up to `MAX_KEY_ID`, which keeps a Secondary's trusted Root near one kilobyte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyHint([u8; 8]);

impl KeyHint {
    /// Of no id.
    pub(crate) const NONE: Self = Self([0; 8]);

    pub(crate) fn of(id: &KeyId) -> Self {
        Self::of_text(id.as_str())
    }

    /// Of the id that is written so.
    #[inline(never)]
    pub(crate) fn parse(id: &str) -> Result<Self, Error> {
        if is_key_id(id) { Ok(Self::of_text(id)) } else { Err(Error::BadName { kind: told("KeyId") }) }
    }

    fn of_text(id: &str) -> Self {
        let mut start = [0; 8];
        start.iter_mut().zip(Sha256::of(id.as_bytes()).0).for_each(|(to, from)| *to = from);
        Self(start)
    }
}

/// The keys of a role that this crate can evaluate, and the role's threshold.
///
/// A key may have several ids (TAP 12). It counts once, whichever of them its signatures claim (trap T3).
#[derive(Debug, PartialEq, Eq)]
pub struct RoleKeys {
    keys: [Option<(KeyHint, PublicKey)>; MAX_ROLE_KEYS],
    threshold: u8,
}

/// Written out to be one function: a derived one is to be copied to wherever it is called.
impl Clone for RoleKeys {
    #[inline(never)]
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), threshold: self.threshold }
    }
}

impl RoleKeys {
    /// These keys, under their ids, of which `threshold` must sign.
    pub fn new(keys: impl IntoIterator<Item = (KeyId, PublicKey)>, threshold: u8) -> Result<Self, Error> {
        if threshold == 0 {
            return Err(Error::BadNumber { kind: told("threshold") });
        }
        let mut role = Self::with_threshold(threshold);
        for (id, key) in keys {
            role.add(KeyHint::of(&id), key)?;
        }
        match role.keys().count() >= usize::from(threshold) {
            true => Ok(role),
            false => Err(Error::BadNumber { kind: told("threshold") }),
        }
    }

    /// No key yet, of which this many must sign: at least one (§5.2.2).
    fn with_threshold(threshold: u8) -> Self {
        Self { keys: [const { None }; MAX_ROLE_KEYS], threshold }
    }

    /// These keys, under hints that differ: as many as a role may have.
    pub(crate) fn known(mut keys: impl Iterator<Item = (KeyHint, PublicKey)>, threshold: u8) -> Self {
        Self { keys: core::array::from_fn(|_| keys.next()), threshold }
    }

    /// Adds a key under an id, which must be new.
    fn add(&mut self, hint: KeyHint, key: PublicKey) -> Result<(), Error> {
        if self.keys.iter().flatten().any(|(known, _)| *known == hint) {
            return Err(Error::Duplicate { what: told("key of a role") });
        }
        let place = self.keys.iter_mut().find(|place| place.is_none());
        *place.ok_or(Error::Limit { what: told("keys of a role") })? = Some((hint, key));
        Ok(())
    }

    /// How many distinct keys must sign.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The keys, each once.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> + '_ {
        let is_first = |(place, (_, key)): &(usize, &(KeyHint, PublicKey))| self.first_place(key) == Some(*place);
        self.keys.iter().flatten().enumerate().filter(is_first).map(|(_, (_, key))| key.clone())
    }

    /// The key a signature with this id claims to be of.
    pub fn find(&self, id: &KeyId) -> Option<PublicKey> {
        let hint = KeyHint::of(id);
        self.keys.iter().flatten().find(|(known, _)| *known == hint).map(|(_, key)| key.clone())
    }

    /// Whether both are the same keys with the same threshold, whatever their ids and order.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let covers = |one: &Self, two: &Self| one.keys().all(|key| two.first_place(&key).is_some());
        self.threshold == other.threshold && covers(self, other) && covers(other, self)
    }

    /// The place of a key: where it stands first, whatever its id.
    pub(crate) fn first_place(&self, key: &PublicKey) -> Option<usize> {
        self.keys.iter().flatten().position(|(_, known)| known == key)
    }

    /// The keys under hints of their ids, in their places.
    pub(crate) fn places(&self) -> impl Iterator<Item = (KeyHint, &PublicKey)> {
        self.keys.iter().flatten().map(|(hint, key)| (*hint, key))
    }
}
