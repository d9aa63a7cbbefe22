//! What else on the disk says what a value under `state/` was, where a disk that lied has torn both its files.
//!
//! | value | made anew from | what is lost |
//! |---|---|---|
//! | `state/accepted` | the newest Snapshot and Targets of each repository that are stored: every one was verified before it was | delegated Targets, which are fetched again; what was pending |
//! | `state/counters` | the image that the Primary has committed | what it would not have approved for a Secondary, which that refuses itself |
//! | `state/primary` | the Primary's newest report or, if that is torn as well, the last mark, and the newest attestation of the time | how updates ended; the Director is told everything once more |
//!
//! The signing counter goes on above any that was used: between two reports, or marks, there are fewer than are left out.

use host::disk::Disk;
use uptane::limits::{MAX_REPORT, MAX_ROOT, MAX_TIME_ATTESTATION};
use uptane::metadata::{Envelope, Report};
use uptane::verify::Trusted;
use uptane::{Director, EcuId, RepositoryName, Time};

use super::mark::Mark;
use super::{Accepted, AcceptedVersions, FloorEntry, Memory, report_name, roots};
use crate::machine::transaction::MemberImage;
use crate::provision::attested;

/// What is known of a Primary beside its store.
#[derive(Clone, Debug)]
pub struct Known {
    /// Which ECU it is.
    pub own: EcuId,
    /// The image it has committed.
    pub committed: MemberImage,
    /// The repositories of its mapping.
    pub repositories: Vec<RepositoryName>,
}

/// None where its own report and the mark are lost as well: nobody knows then which counters were used.
pub(super) fn memory(disk: &impl Disk, known: &Known) -> Option<Memory> {
    let Mark { signed, time: told } = reported(disk, known).or_else(|| Mark::read(disk))?;
    let (attested, root) = time(disk).map_or((0, 0), |(time, root)| (time.unix(), root));
    let (time, time_root) = if attested > told { (attested, root) } else { (told, 0) };
    Some(Memory { time, time_root, signed, ..Memory::default() })
}

/// What the Primary's newest report says.
fn reported(disk: &impl Disk, known: &Known) -> Option<Mark> {
    let limit = u64::try_from(MAX_REPORT).ok()?;
    let file = disk.read(&report_name(known.own), limit).ok()??;
    let report = Report::decode(Envelope::decode(&file).ok()?.signed()).ok()?;
    Some(Mark { signed: report.counter.get(), time: report.time.unix() })
}

/// The newest attestation of the time, if the time keys of the newest Root signed it, with that Root's version.
fn time(disk: &impl Disk) -> Option<(Time, u64)> {
    let version = roots(disk, "director").ok()?.last()?.get();
    let root = disk.read(&format!("metadata/director/{version}.root.json"), MAX_ROOT).ok()??;
    let file = disk.read("metadata/director/time.json", MAX_TIME_ATTESTATION).ok()??;
    Some((attested(&Trusted::<Director>::provision(&root).ok()?, &file).ok()?, version))
}

pub(super) fn counters(known: &Known) -> Vec<FloorEntry> {
    let Known { own, committed, .. } = known;
    vec![FloorEntry { ecu: own.to_string(), line: committed.line.to_string(), counter: committed.counter.get() }]
}

pub(super) fn accepted(disk: &impl Disk, known: &Known) -> Option<Accepted> {
    let mut accepted = Accepted::default();
    for name in &known.repositories {
        let files = disk.list(&format!("metadata/{name}")).ok()?;
        let newest = |role: &str| {
            let versions = files.iter().filter_map(|file| file.strip_suffix(role)?.parse::<u64>().ok());
            versions.max().unwrap_or_default()
        };
        let (snapshot, targets) = (newest(".snapshot.json"), newest(".targets.json"));
        accepted.set(*name, AcceptedVersions { snapshot, targets, ..AcceptedVersions::default() });
    }
    Some(accepted)
}
