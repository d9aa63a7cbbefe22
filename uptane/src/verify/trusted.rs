//! What is trusted between two update cycles (§5.4.1, §5.4.2.6).

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::cycle::Policy;
use super::delegation::Held;
use super::kept::Kept;
use super::kind::{Kind, RootFile, SnapshotFile, TargetsFile, TimestampFile};
use super::offered::Offered;
use super::remembered::Remembered;
use super::root::rotates;
use super::time;
use crate::limits::{MAX_ROOT, MAX_SNAPSHOT, MAX_TARGETS, MAX_TIMESTAMP};
use crate::metadata::{RoleKeys, RootRole};
use crate::{Director, Error, Length, Repository, Role, RoleName, Time, Version};

/// The files of a repository that were stored, as they were stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoredFiles<'a> {
    /// The newest Root.
    pub root: &'a [u8],
    /// The Root before it, if it is still there. It tells files whose keys Root has rotated from files that are damaged.
    pub former_root: Option<&'a [u8]>,
    /// Timestamp, if there was one.
    pub timestamp: Option<&'a [u8]>,
    /// Snapshot, if there was one.
    pub snapshot: Option<&'a [u8]>,
    /// Targets, if there were any.
    pub targets: Option<&'a [u8]>,
    /// Delegated Targets, with their roles.
    pub delegated: &'a [(RoleName, &'a [u8])],
}

/// What can be trusted of what was stored.
#[derive(Clone, Debug)]
pub struct Reloaded<R> {
    /// What is trusted again.
    pub trusted: Trusted<R>,
    /// What is not, and should be replaced. While it is missing an older file could be taken for a new one, so whoever
    /// looks after the vehicle must hear of it.
    pub damaged: Vec<Damaged>,
}

/// A stored file that is not what was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Whose file it is.
    pub role: Role,
    /// What is wrong with it.
    pub why: Error,
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
    pub(super) delegated: Held,
    pub(super) remembered: Remembered,
    pub(super) repository: PhantomData<fn() -> R>,
}

impl<R: Repository> Trusted<R> {
    /// Trusts a Root because it was provisioned (§5.4.1) or stored (§5.4.4.3 step 1): nothing but the caller vouches for
    /// it.
    pub fn provision(root: &[u8]) -> Result<Self, Error> {
        let offered = Offered::<RootFile>::read(root.into(), Length::new(MAX_ROOT)?)?;
        let own = offered.says()?.role(RootRole::Root).clone();
        let root = offered.signed_by(&own)?;
        root.check_repository::<R>()?;
        Self::under(root)
    }

    pub(super) fn under(root: Kept<RootFile>) -> Result<Self, Error> {
        let successor = root.version().next()?;
        let (timestamp, snapshot, targets, repository) = (None, None, None, PhantomData);
        let (delegated, remembered) = (Held::default(), Remembered::default());
        Ok(Self { root, successor, timestamp, snapshot, targets, delegated, remembered, repository })
    }

    /// Trusts what was stored under this repository: the Root because it was stored, the rest as far as it vouches.
    pub fn reload(stored: StoredFiles<'_>) -> Result<Reloaded<R>, Error> {
        let trusted = Self::provision(stored.root)?;
        Ok(trusted.reload_roles(stored))
    }

    pub(super) fn reload_roles(mut self, stored: StoredFiles<'_>) -> Reloaded<R> {
        let former = stored.former_root.and_then(|root| Self::provision(root).ok());
        let former = former.filter(|former| rotates(Policy::Uptane, &former.root, &self.root));
        let StoredFiles { root: _, former_root: _, timestamp, snapshot, targets, delegated } = stored;
        let mut shelf = Shelf { trusted: &self, former: former.as_ref(), damaged: Vec::new(), outdated: false };
        let timestamp = shelf.take(RootRole::Timestamp, timestamp, MAX_TIMESTAMP);
        let snapshot = shelf.take(RootRole::Snapshot, snapshot, MAX_SNAPSHOT);
        let targets = shelf.take(RootRole::Targets, targets, MAX_TARGETS);
        let Shelf { damaged, outdated, .. } = shelf;
        // Power failed after a Root with other keys was stored and before the files of the old ones were deleted.
        if !outdated {
            (self.timestamp, self.snapshot, self.targets) = (timestamp, snapshot, targets);
            self.delegated = Held::stored(delegated);
        }
        Reloaded { trusted: self, damaged }
    }

    fn reload_role<K: Kind>(&self, role: RootRole, file: &[u8], limit: u64) -> Result<Kept<K>, Error> {
        let kept = Offered::<K>::read(file.into(), Length::new(limit)?)?.signed_by(self.keys(role))?;
        kept.check_repository::<R>()?;
        Ok(kept)
    }

    /// Takes from `other` what is missing.
    pub(super) fn fill(&mut self, other: Self) {
        let Self { timestamp, snapshot, targets, delegated, .. } = other;
        self.timestamp = self.timestamp.take().or(timestamp);
        self.snapshot = self.snapshot.take().or(snapshot);
        self.targets = self.targets.take().or(targets);
        self.delegated = delegated;
    }

    /// Forgets all but Root, because that rotated keys.
    pub(super) fn forget(&mut self) {
        (self.timestamp, self.snapshot, self.targets) = (None, None, None);
        self.delegated = Held::default();
        if self.is_news(self.root.version()) {
            self.remembered.targets = None;
        }
    }

    /// The keys Root gives a role.
    pub(super) fn keys(&self, role: RootRole) -> &RoleKeys {
        self.root.says().role(role)
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

    /// The delegated Targets that were accepted, as they are stored. Nobody trusts them before a look-up has come to
    /// them again.
    pub fn delegated(&self) -> impl Iterator<Item = (RoleName, &[u8])> {
        self.delegated.files()
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

/// The stored files, taken off one by one.
struct Shelf<'a, R> {
    trusted: &'a Trusted<R>,
    /// The Root before, where the present one rotated keys.
    former: Option<&'a Trusted<R>>,
    damaged: Vec<Damaged>,
    /// Whether a file was found that only the Root before vouches for.
    outdated: bool,
}

impl<R: Repository> Shelf<'_, R> {
    fn take<K: Kind>(&mut self, role: RootRole, file: Option<&[u8]>, limit: u64) -> Option<Kept<K>> {
        let file = file?;
        match self.trusted.reload_role(role, file, limit) {
            Ok(kept) => Some(kept),
            Err(why) => {
                let of_former = self.former.is_some_and(|former| former.reload_role::<K>(role, file, limit).is_ok());
                self.outdated |= of_former;
                if !of_former {
                    self.damaged.push(Damaged { role: K::ROLE, why });
                }
                None
            }
        }
    }
}
