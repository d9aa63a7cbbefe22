//! How to check Targets, top-level and delegated (§5.4.4.6).

use alloc::collections::BTreeSet;

use super::cycle::{Audience, Cycle, Policy};
use super::delegation::Search;
use super::file::{FileBytes, MetadataFile};
use super::kept::Kept;
use super::kind::{SnapshotFile, TargetsFile, TimestampFile};
use super::offered::Offered;
use super::snapshot::limit;
use crate::limits::{MAX_ECUS, MAX_TARGETS};
use crate::metadata::{Delegations, FileMeta, RootRole, Targets, TargetsInspection};
use crate::{EcuId, Error, Length, Repository};

/// Snapshot is fresh and lists Targets.
#[derive(Clone, Debug)]
pub(super) struct AtTargets {
    timestamp: Kept<TimestampFile>,
    snapshot: Kept<SnapshotFile>,
    listed: FileMeta,
}

/// Everything is fresh.
#[derive(Clone, Debug)]
pub(super) struct Complete {
    pub(super) timestamp: Kept<TimestampFile>,
    pub(super) snapshot: Kept<SnapshotFile>,
    pub(super) targets: Kept<TargetsFile>,
    pub(super) search: Search,
}

impl AtTargets {
    pub(super) fn listed_by(timestamp: Kept<TimestampFile>, snapshot: Kept<SnapshotFile>) -> Self {
        let listed = snapshot.view().targets();
        Self { timestamp, snapshot, listed }
    }

    /// The file to fetch.
    pub(super) fn file(&self) -> MetadataFile {
        MetadataFile::Targets(self.listed.version)
    }

    /// How long it may be.
    pub(super) fn limit(&self) -> Result<Length, Error> {
        limit(&self.listed, MAX_TARGETS)
    }

    /// Ends with the cached Targets, if they are those Snapshot lists. An unchanged Snapshot alone does not say that
    /// its Targets ever arrived (§5.4.4.2 step 4; trap T2).
    pub(super) fn cached<R: Repository>(&self, cycle: &Cycle<R>) -> Result<Option<Complete>, Error> {
        let cached = cycle.trusted.targets.as_ref().and_then(|cached| cached.listed_as(&self.listed).ok());
        let judge = |cached: Kept<TargetsFile>| {
            cycle.accept_again(RootRole::Targets, &cached)?;
            cycle.trusted.check_targets(&cached)?;
            check_director(&cached.view(), &cycle.audience)?;
            Ok(cached)
        };
        let targets = cycle.usable(cached.map(judge))?;
        Ok(targets.map(|targets| self.clone().complete(targets)))
    }

    /// Takes Targets (§5.4.4.2 steps 5 and 9).
    pub(super) fn supply<R: Repository>(self, cycle: &mut Cycle<R>, bytes: FileBytes) -> Result<Complete, Error> {
        // §5.4.4.6 step 1, and what Snapshot lists beyond the version.
        let offered = self.read(&cycle.audience, bytes)?;
        // §5.4.4.6 step 3.
        let targets = cycle.accept(RootRole::Targets, offered)?;
        check_targets(cycle, &targets, &self.listed, cycle.trusted.targets.as_ref())?;
        cycle.trusted.check_targets(&targets)?;
        check_delegations(&targets.view(), &cycle.audience)?;
        check_director(&targets.view(), &cycle.audience)?;
        if cycle.policy == Policy::Tuf {
            cycle.store(self.file(), &targets);
            cycle.trusted.targets = Some(targets.clone());
        }
        Ok(self.complete(targets))
    }

    fn read(&self, audience: &Audience, bytes: FileBytes) -> Result<Offered<TargetsFile>, Error> {
        let limit = self.limit()?;
        match audience {
            Audience::Vehicle { .. } => Offered::read_listed_with::<TargetsInspection>(bytes, limit, &self.listed),
            Audience::Everybody => Offered::read_listed(bytes, limit, &self.listed),
        }
    }

    fn complete(self, targets: Kept<TargetsFile>) -> Complete {
        let Self { timestamp, snapshot, listed: _ } = self;
        let search = Search::new(targets.clone(), snapshot.clone());
        Complete { timestamp, snapshot, targets, search }
    }
}

/// What top-level and delegated Targets must be alike, once the keys that speak for them have signed. `trusted` is the
/// file that was trusted before.
pub(super) fn check_targets<R: Repository>(
    cycle: &Cycle<R>,
    targets: &Kept<TargetsFile>,
    listed: &FileMeta,
    trusted: Option<&Kept<TargetsFile>>,
) -> Result<(), Error> {
    // §5.4.4.6 step 2.
    targets.check_listed_version(listed)?;
    // §5.4.4.6 step 4. TUF judges Targets' own version by Snapshot alone (TUF 1.0.34 §5.6.4).
    if cycle.policy == Policy::Uptane {
        targets.check_follows(trusted)?;
    }
    // §5.4.4.6 step 5.
    targets.freshness().check_expiry(cycle.now)
}

/// Refuses delegations that are malformed, or of a form that is not known, when they arrive; whoever follows them later
/// decodes them again. The Director's are refused whatever they are.
fn check_delegations(targets: &Targets<'_>, audience: &Audience) -> Result<(), Error> {
    match (audience, targets.delegations()) {
        (Audience::Everybody, Some(delegations)) => Delegations::decode(delegations).map(|_| ()),
        (Audience::Vehicle { .. }, _) | (_, None) => Ok(()),
    }
}

/// What the Director may not say to this vehicle.
fn check_director(targets: &Targets<'_>, audience: &Audience) -> Result<(), Error> {
    let Audience::Vehicle { vehicle: _, ecus } = audience else { return Ok(()) };
    // §5.4.4.6 step 6.
    if targets.delegates() {
        return Err(Error::DirectorDelegates);
    }
    let mut named = BTreeSet::new();
    for target in targets.targets() {
        let target = target?;
        // §5.2.3.1.1: every image of the Director names the ECU that is to run it.
        if target.ecus().next().is_none() {
            return Err(Error::Schema { field: "ecus" });
        }
        for entry in target.ecus() {
            check_ecu(&entry.ecu, &mut named, ecus.as_deref())?;
            entry.check_plain()?;
        }
    }
    Ok(())
}

fn check_ecu(ecu: &EcuId, named: &mut BTreeSet<EcuId>, known: Option<&[EcuId]>) -> Result<(), Error> {
    // §5.4.4.6 step 7.
    if !named.insert(*ecu) {
        return Err(Error::EcuTwice);
    }
    if named.len() > MAX_ECUS {
        return Err(Error::Limit { what: "ECUs" });
    }
    // §5.4.4.6 step 8.
    match known.is_none_or(|known| known.contains(ecu)) {
        true => Ok(()),
        false => Err(Error::UnknownEcu),
    }
}
