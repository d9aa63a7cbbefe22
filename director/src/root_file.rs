//! Director Root (§5.2.2): made at the start, renewed before it expires, and changed when a key is.

use std::time::Duration;

use uptane::metadata::{Envelope, Root, RootRole};
use uptane::sign::{KeySet, RootBuilder, RootRoles, Signer};
use uptane::{KeyId, PublicKey, Time, Version};

use crate::Error;
use crate::epoch::{Epoch, RoleKeyIds};
use crate::facts::{Change, ImageFiles};
use crate::store::Store;

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

/// A new Director: what it trusts of the Image repository, and its first Root and epoch. The online keys are those of
/// Timestamp, Snapshot, Targets and time.
pub fn founding(
    image_root: Vec<u8>,
    root: &dyn Signer,
    online: [&dyn Signer; 4],
    now: Time,
) -> Result<[Change; 2], Error> {
    let [timestamp, snapshot, targets, time] = online;
    let set = |signer: &dyn Signer| KeySet::new([signer.public_key()], 1);
    let keys = RootKeys {
        root: set(root)?,
        timestamp: set(timestamp)?,
        snapshot: set(snapshot)?,
        targets: set(targets)?,
        time: set(time)?,
    };
    let file = first(keys, now, root)?;
    let [timestamp, snapshot, targets, time] = online.map(Signer::key_id);
    let epoch = Epoch::first(Version::FIRST, RoleKeyIds { timestamp, snapshot, targets, time }, now);
    let files = ImageFiles { root: image_root, ..ImageFiles::default() };
    Ok([Change::Image { expected: 0, files }, Change::Root { version: Version::FIRST, file, epoch }])
}

/// What a new Root follows: the epoch in force, and the keys its Root names.
#[derive(Clone, Debug)]
pub struct Current {
    /// The epoch.
    pub epoch: Epoch,
    /// The keys.
    pub keys: RootKeys,
}

impl Current {
    /// Of a store.
    pub async fn of(store: &impl Store) -> Result<Self, Error> {
        let epoch = store.epoch().await?.ok_or(Error::NotInitialised)?;
        let newest = store.roots(epoch.root).await?.pop().ok_or(Error::CorruptStore { column: "root" })?;
        Ok(Self { keys: RootKeys::of(&newest)?, epoch })
    }

    /// The next Root, with the same keys for longer.
    pub fn renewed(&self, root: &dyn Signer, now: Time) -> Result<Change, Error> {
        self.succeeded_by(self.keys.clone(), self.epoch.keys, &[root], now)
    }

    /// The next Root, in which `role` has another key; of Root itself, `next` signs as well.
    pub fn rotated(&self, role: &str, next: &dyn Signer, root: &dyn Signer, now: Time) -> Result<Change, Error> {
        let mut keys = self.keys.clone();
        if let Some(keys) = keys.role_mut(role) {
            *keys = KeySet::new([next.public_key()], 1)?;
        }
        let ids = with_key(self.epoch.keys, role, next.key_id());
        let both = [root, next];
        let signers = both.get(..if role == "root" { 2 } else { 1 }).unwrap_or_default();
        self.succeeded_by(keys, ids, signers, now)
    }

    fn succeeded_by(
        &self,
        keys: RootKeys,
        ids: RoleKeyIds,
        signers: &[&dyn Signer],
        now: Time,
    ) -> Result<Change, Error> {
        let version = self.epoch.root.next()?;
        let file = successor(&self.keys, version, keys, now, signers)?;
        Ok(Change::Root { version, file, epoch: self.epoch.after_root(version, ids, now)? })
    }
}

fn with_key(keys: RoleKeyIds, role: &str, key: KeyId) -> RoleKeyIds {
    match role {
        "timestamp" => RoleKeyIds { timestamp: key, ..keys },
        "snapshot" => RoleKeyIds { snapshot: key, ..keys },
        "targets" => RoleKeyIds { targets: key, ..keys },
        "time" => RoleKeyIds { time: key, ..keys },
        _ => keys,
    }
}

/// When a Root file of our own expires.
pub fn expires(file: &[u8]) -> Result<Time, Error> {
    Ok(Root::decode(Envelope::decode(file)?.signed())?.expires())
}

/// How long a Root lasts.
const LIFETIME: Duration = Duration::from_secs(365 * 86_400);
