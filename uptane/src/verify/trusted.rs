//! What is trusted between two update cycles (§5.4.1, §5.4.2.6).

use core::marker::PhantomData;

use super::kept::{Kept, Kind, Offered, RootFile, SnapshotFile, TargetsFile, TimestampFile};
use super::time;
use crate::limits::{MAX_ROOT, MAX_SNAPSHOT, MAX_TARGETS, MAX_TIMESTAMP};
use crate::metadata::{RoleKeys, RootRole};
use crate::{Director, Error, Length, Repository, Time, Version};

/// The files of a repository that were stored, as they were stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoredFiles<'a> {
    /// The newest Root.
    pub root: &'a [u8],
    /// Timestamp, if there was one.
    pub timestamp: Option<&'a [u8]>,
    /// Snapshot, if there was one.
    pub snapshot: Option<&'a [u8]>,
    /// Targets, if there were any.
    pub targets: Option<&'a [u8]>,
}

/// What is trusted of a repository: a Root, and the newest files of the other roles it was seen to vouch for. They
/// guard against rollback; whether they are still fresh is for [`Refresh`](super::Refresh) to say.
#[derive(Clone, Debug)]
pub struct Trusted<R> {
    pub(super) root: Kept<RootFile>,
    /// The version the next Root must have.
    pub(super) successor: Version,
    pub(crate) timestamp: Option<Kept<TimestampFile>>,
    pub(crate) snapshot: Option<Kept<SnapshotFile>>,
    pub(super) targets: Option<Kept<TargetsFile>>,
    pub(super) repository: PhantomData<fn() -> R>,
}

impl<R: Repository> Trusted<R> {
    /// Trusts a Root because it was provisioned (§5.4.1): nothing but the caller vouches for it.
    pub fn provision(root: &[u8]) -> Result<Self, Error> {
        Self::reload(StoredFiles { root, ..StoredFiles::default() })
    }

    /// Trusts what was stored under this repository: the Root because it was stored, the rest as far as it vouches.
    pub fn reload(stored: StoredFiles<'_>) -> Result<Self, Error> {
        let offered = Offered::<RootFile>::read(stored.root, Length::new(MAX_ROOT)?)?;
        let met = offered.check_signed(&offered.view()?.role_keys(RootRole::Root))?;
        let root = offered.keep(met)?;
        root.check_repository::<R>()?;
        let successor = root.version().next()?;
        let mut trusted =
            Self { root, successor, timestamp: None, snapshot: None, targets: None, repository: PhantomData };
        match trusted.reload_roles(stored) {
            // Power failed after a Root with other keys was stored and before the files of the old ones were deleted.
            Err(Error::BelowThreshold { .. }) => trusted.forget(),
            other => other?,
        }
        Ok(trusted)
    }

    fn reload_roles(&mut self, stored: StoredFiles<'_>) -> Result<(), Error> {
        let StoredFiles { root: _, timestamp, snapshot, targets } = stored;
        self.timestamp = self.reload_role(RootRole::Timestamp, timestamp, MAX_TIMESTAMP)?;
        self.snapshot = self.reload_role(RootRole::Snapshot, snapshot, MAX_SNAPSHOT)?;
        self.targets = self.reload_role(RootRole::Targets, targets, MAX_TARGETS)?;
        Ok(())
    }

    fn reload_role<K: Kind>(&self, role: RootRole, file: Option<&[u8]>, limit: u64) -> Result<Option<Kept<K>>, Error> {
        let Some(file) = file else { return Ok(None) };
        let offered = Offered::<K>::read(file, Length::new(limit)?)?;
        let met = offered.check_signed(&self.keys(role))?;
        let kept = offered.keep(met)?;
        kept.check_repository::<R>()?;
        Ok(Some(kept))
    }

    /// Forgets all but Root.
    pub(super) fn forget(&mut self) {
        (self.timestamp, self.snapshot, self.targets) = (None, None, None);
    }

    /// The keys Root gives a role.
    pub(super) fn keys(&self, role: RootRole) -> RoleKeys {
        self.root.view().role_keys(role)
    }

    /// Root.
    pub fn root(&self) -> &Kept<RootFile> {
        &self.root
    }

    /// The newest Timestamp accepted.
    pub fn timestamp(&self) -> Option<&Kept<TimestampFile>> {
        self.timestamp.as_ref()
    }

    /// The newest Snapshot accepted.
    pub fn snapshot(&self) -> Option<&Kept<SnapshotFile>> {
        self.snapshot.as_ref()
    }

    /// The newest Targets accepted.
    pub fn targets(&self) -> Option<&Kept<TargetsFile>> {
        self.targets.as_ref()
    }
}

impl Trusted<Director> {
    /// The new floor of attested time, if the time keys are others than when `previous` was trusted (design D14).
    pub fn time_floor_after(&self, previous: &Self) -> Option<Time> {
        let (new, old) = (self.root.view(), previous.root.view());
        time::floor(new.not_before(), new.time_keys().as_ref(), old.time_keys().as_ref())
    }
}
