//! How to check Timestamp (§5.4.4.4).

use super::cycle::{Cycle, Policy};
use super::file::{FileBytes, MetadataFile};
use super::freshness::Freshness;
use super::kept::Kept;
use super::kind::TimestampFile;
use super::offered::Offered;
use super::root::AtRoot;
use super::snapshot::AtSnapshot;
use crate::limits::MAX_TIMESTAMP;
use crate::metadata::RootRole;
use crate::{Error, Length, Repository, Role};

/// Root is the newest and fresh.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtTimestamp(());

impl AtTimestamp {
    pub(super) fn after(_: AtRoot) -> Self {
        Self(())
    }

    /// Takes Timestamp (§5.4.4.2 steps 3 and 7); one that is new is stored at once (design D5).
    pub(super) fn supply<R: Repository>(self, cycle: &mut Cycle<R>, bytes: FileBytes) -> Result<AtSnapshot, Error> {
        // The vehicle before anything is kept (T1, T1b).
        let offered = accept(cycle, bytes)?;
        // §5.4.4.4 step 3.
        let timestamp = newer(cycle.policy, cycle.trusted.timestamp.as_ref(), offered)?;
        // §5.4.4.4 step 4.
        timestamp.freshness().check_expiry(cycle.now)?;
        if cycle.trusted.timestamp.as_ref().is_none_or(|trusted| trusted.version() < timestamp.version()) {
            cycle.store(MetadataFile::Timestamp, &timestamp);
            cycle.trusted.timestamp = Some(timestamp.clone());
        }
        AtSnapshot::listed_by(cycle.policy, timestamp)
    }
}

/// Timestamp, signed and for us. The very bytes that are trusted are not read a second time: only whether Root still
/// gives the role the keys they were verified with.
fn accept<R: Repository>(cycle: &Cycle<R>, bytes: FileBytes) -> Result<Kept<TimestampFile>, Error> {
    let same = cycle.trusted.timestamp.as_ref().filter(|trusted| trusted.bytes() == &*bytes);
    if let Some(trusted) = same {
        return cycle.accept_same(RootRole::Timestamp, trusted).map(|()| trusted.clone());
    }
    // §5.4.4.4 steps 1 and 2.
    cycle.accept(RootRole::Timestamp, Offered::read(bytes, Length::new(MAX_TIMESTAMP)?)?)
}

/// The Timestamp to go on with: the offered one, unless it is the trusted one again (§5.4.4.4 step 3).
fn newer(
    policy: Policy,
    trusted: Option<&Kept<TimestampFile>>,
    offered: Kept<TimestampFile>,
) -> Result<Kept<TimestampFile>, Error> {
    let Some(trusted) = trusted else { return Ok(offered) };
    // T18: the same version with the same content is no change; with another, Uptane sees an attack.
    if policy == Policy::Uptane || offered.version() != trusted.version() {
        offered.check_follows(Some(trusted))?;
    }
    if offered.version() == trusted.version() {
        return Ok(trusted.clone());
    }
    // TUF 1.0.34 §5.4.3.2: nor may it go back to an older Snapshot.
    let listed = |file: &Kept<TimestampFile>| file.view().snapshot().version;
    let snapshot = Freshness { role: Role::Snapshot, version: listed(&offered), expires: offered.expires() };
    snapshot.check_version(Some(listed(trusted)))?;
    Ok(offered)
}
