//! How to check Snapshot (§5.4.4.5).

use super::cycle::{Cycle, Policy};
use super::file::{FileBytes, MetadataFile};
use super::freshness::Freshness;
use super::kept::Kept;
use super::kind::{SnapshotFile, TimestampFile};
use super::offered::Offered;
use super::targets::AtTargets;
use crate::limits::MAX_SNAPSHOT;
use crate::metadata::{FileMeta, RootRole, Snapshot};
use crate::{Error, Length, Repository, Role};

/// Timestamp is fresh and lists a Snapshot.
#[derive(Clone, Debug)]
pub(super) struct AtSnapshot {
    timestamp: Kept<TimestampFile>,
    listed: FileMeta,
}

impl AtSnapshot {
    pub(super) fn listed_by(policy: Policy, timestamp: Kept<TimestampFile>) -> Result<Self, Error> {
        let listed = timestamp.view().snapshot();
        // §5.2.5: at least one digest of Snapshot. To TUF it is optional (TUF 1.0.34 §4.4).
        if policy == Policy::Uptane && listed.hashes.is_none() {
            return Err(Error::NoKnownHash);
        }
        Ok(Self { timestamp, listed })
    }

    /// The file to fetch.
    pub(super) fn file(&self) -> MetadataFile {
        MetadataFile::Snapshot(self.listed.version)
    }

    /// How long it may be.
    pub(super) fn limit(&self) -> Result<Length, Error> {
        limit(&self.listed, MAX_SNAPSHOT)
    }

    /// Goes on with the cached Snapshot, if it is the one Timestamp lists (§5.4.4.2 steps 4 and 8).
    pub(super) fn cached<R: Repository>(&self, cycle: &Cycle<R>) -> Result<Option<AtTargets>, Error> {
        let cached = cycle.trusted.snapshot.as_ref().and_then(|cached| cached.listed_as(&self.listed).ok());
        let cached = cached.map(|cached| cycle.accept_again(RootRole::Snapshot, &cached).map(|()| cached));
        let snapshot = cycle.usable(cached)?;
        Ok(snapshot.map(|snapshot| AtTargets::listed_by(self.timestamp.clone(), snapshot)))
    }

    /// Takes Snapshot (§5.4.4.2 steps 4 and 8).
    pub(super) fn supply<R: Repository>(self, cycle: &mut Cycle<R>, bytes: FileBytes) -> Result<AtTargets, Error> {
        // §5.4.4.5 step 1, and the digests of step 2.
        let offered = Offered::<SnapshotFile>::read_listed(bytes, self.limit()?, &self.listed)?;
        // §5.4.4.5 step 3.
        let snapshot = cycle.accept(RootRole::Snapshot, offered)?;
        // §5.4.4.5 step 2: the version.
        snapshot.check_listed_version(&self.listed)?;
        check_follows(cycle, &snapshot)?;
        // §5.4.4.5 step 7.
        snapshot.freshness().check_expiry(cycle.now)?;
        if cycle.policy == Policy::Tuf {
            cycle.store(MetadataFile::Snapshot(snapshot.version()), &snapshot);
            cycle.trusted.snapshot = Some(snapshot.clone());
        }
        Ok(AtTargets::listed_by(self.timestamp, snapshot))
    }
}

fn check_follows<R: Repository>(cycle: &Cycle<R>, snapshot: &Kept<SnapshotFile>) -> Result<(), Error> {
    let Some(trusted) = cycle.trusted.snapshot.as_ref() else { return Ok(()) };
    // §5.4.4.5 step 4. TUF judges Snapshot's own version by Timestamp alone (TUF 1.0.34 §5.5.4).
    if cycle.policy == Policy::Uptane {
        snapshot.check_follows(Some(trusted))?;
    }
    check_files(&trusted.view(), &snapshot.view(), snapshot.freshness())
}

/// Steps 5 and 6 of §5.4.4.5. A name that disappears is a rollback to before it existed.
fn check_files(trusted: &Snapshot<'_>, offered: &Snapshot<'_>, freshness: Freshness) -> Result<(), Error> {
    let mut files = offered.files();
    for (name, before) in trusted.files() {
        // Names ascend in both lists, so the search goes on where the one before it ended.
        let found = files.find(|(listed, _)| *listed >= name).filter(|(listed, _)| *listed == name);
        let (_, after) = found.ok_or(Error::Withdrawn)?;
        let file = Freshness { role: Role::Targets, version: after.version, ..freshness };
        file.check_version(Some(before.version))?;
    }
    Ok(())
}

/// The length a parent lists, within what we take at all (step 1 of §5.4.4.5 to §5.4.4.6).
pub(super) fn limit(listed: &FileMeta, most: u64) -> Result<Length, Error> {
    let most = Length::new(most)?;
    Ok(listed.length.map_or(most, |length| length.min(most)))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;
    use std::format;

    use super::*;
    use crate::{Time, Version};

    // T15.
    #[test]
    fn a_listed_length_lowers_the_limit_and_never_raises_it() {
        let limited = |listed: Option<u64>| {
            let length = listed.map(|length| Length::new(length).unwrap());
            limit(&FileMeta { version: Version::FIRST, length, hashes: None }, 100).map(Length::get)
        };
        assert_eq!(limited(None), Ok(100));
        assert_eq!(limited(Some(99)), Ok(99));
        assert_eq!(limited(Some(101)), Ok(100));
    }

    /// The `signed` of a Snapshot that lists `t0.json`, `t1.json`, … at these versions.
    fn listing(versions: impl IntoIterator<Item = (usize, u64)>) -> String {
        let mut files: Vec<_> = versions.into_iter().map(|(n, v)| (format!("t{n}.json"), v)).collect();
        files.push(("targets.json".into(), 1));
        files.sort();
        let files: Vec<_> = files.iter().map(|(n, v)| format!(r#""{n}":{{"version":{v}}}"#)).collect();
        let head = r#"{"_type":"snapshot","expires":"2027-01-01T00:00:00Z","meta":{"#;
        format!(r#"{head}{}}},"spec_version":"1.0.34","version":1}}"#, files.join(","))
    }

    fn compare(trusted: &str, offered: &str) -> Result<(), Error> {
        let (trusted, offered) = (Snapshot::decode(trusted.as_bytes())?, Snapshot::decode(offered.as_bytes())?);
        let freshness = Freshness { role: Role::Snapshot, version: Version::FIRST, expires: Time::MAX };
        check_files(&trusted, &offered, freshness)
    }

    #[test]
    fn every_file_of_a_list_is_found_wherever_it_stands() {
        let trusted = listing((0..12).map(|n| (n, 2)));
        assert_eq!(compare(&trusted, &listing((0..40).map(|n| (n, 3)))), Ok(()));
        for gone in 0..12 {
            let fewer = listing((0..40).filter(|n| *n != gone).map(|n| (n, 3)));
            assert_eq!(compare(&trusted, &fewer), Err(Error::Withdrawn), "{gone}");
            let older = listing((0..40).map(|n| (n, if n == gone { 1 } else { 2 })));
            assert!(matches!(compare(&trusted, &older), Err(Error::Rollback { .. })), "{gone}");
        }
    }

    // Each name looked for from the start of the list would take this test minutes.
    #[test]
    fn long_lists_are_compared_in_one_walk() {
        let long = listing((0..40_000).map(|n| (n, 1)));
        assert_eq!(compare(&long, &long), Ok(()));
    }
}
