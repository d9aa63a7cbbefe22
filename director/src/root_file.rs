//! Director Root (§5.2.2): made at the start, renewed before it expires, and changed when a key is.

use std::time::Duration;

use uptane::metadata::{Envelope, Root, RootRole};
use uptane::sign::{KeySet, RootBuilder, RootRoles, Signer};
use uptane::{PublicKey, Time, Version};

use crate::Error;

/// The keys a Root names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootKeys {
    /// Sign Root.
    pub root: KeySet,
    /// Sign Timestamp.
    pub timestamp: KeySet,
    /// Sign Snapshot.
    pub snapshot: KeySet,
    /// Sign Targets.
    pub targets: KeySet,
    /// Sign time attestations.
    pub time: KeySet,
}

impl RootKeys {
    /// The keys a Root file of our own names.
    pub fn of(file: &[u8]) -> Result<Self, Error> {
        let root = Root::decode(Envelope::decode(file)?.signed())?;
        let set = |keys: uptane::metadata::RoleKeys| KeySet::new(keys.keys(), usize::from(keys.threshold()));
        Ok(Self {
            root: set(root.role_keys(RootRole::Root))?,
            timestamp: set(root.role_keys(RootRole::Timestamp))?,
            snapshot: set(root.role_keys(RootRole::Snapshot))?,
            targets: set(root.role_keys(RootRole::Targets))?,
            time: set(root.time_keys().ok_or(uptane::Error::Schema { field: "time" })?)?,
        })
    }

    /// The keys of a role by the name of its key file.
    pub fn role_mut(&mut self, role: &str) -> Option<&mut KeySet> {
        match role {
            "root" => Some(&mut self.root),
            "timestamp" => Some(&mut self.timestamp),
            "snapshot" => Some(&mut self.snapshot),
            "targets" => Some(&mut self.targets),
            "time" => Some(&mut self.time),
            _ => None,
        }
    }

    /// Whether a role names this key.
    pub fn names(&self, role: &str, key: &PublicKey) -> bool {
        self.clone().role_mut(role).is_some_and(|keys| keys.id_of(key).is_some())
    }

    fn builder(self, version: Version, now: Time) -> RootBuilder<uptane::Director> {
        let Self { root, timestamp, snapshot, targets, time } = self;
        let roles = RootRoles { root, snapshot, targets, timestamp };
        RootBuilder::director(version, now.saturating_add(LIFETIME), now, roles, time)
    }
}

/// The first Root.
pub fn first(keys: RootKeys, now: Time, signer: &dyn Signer) -> Result<Vec<u8>, Error> {
    Ok(keys.builder(Version::FIRST, now).sign(&[signer])?)
}

/// The Root after `previous`, with these keys. Signed by the Root keys of both (§5.4.4.3 step 2.3).
pub fn successor(
    previous: &RootKeys,
    version: Version,
    keys: RootKeys,
    now: Time,
    signers: &[&dyn Signer],
) -> Result<Vec<u8>, Error> {
    Ok(keys.builder(version, now).sign_after(&previous.root, signers)?)
}

/// When a Root file of our own expires.
pub fn expires(file: &[u8]) -> Result<Time, Error> {
    Ok(Root::decode(Envelope::decode(file)?.signed())?.expires())
}

/// How long a Root lasts.
const LIFETIME: Duration = Duration::from_secs(365 * 86_400);
