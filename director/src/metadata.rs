//! Director metadata as a pure function of the facts (design D10).
//!
//! The same facts and keys give the same bytes on every instance, so nothing is stored: metadata is signed when it is
//! asked for. Every role names its vehicle (design D6) and every ECU stands in Targets at most once (§5.4.4.6).

use uptane::sign::{EcuAssignment, FileInfo, ImageEntry, Matching, SnapshotBuilder, TargetsBuilder, TimestampBuilder};
use uptane::{Director, Version};

use crate::Error;
use crate::epoch::{FORMAT, NAMES_FALLBACKS, NAMES_PATCHES};
use crate::facts::{Desired, Ecu, Facts, ImageTarget};
use crate::keys::OnlineKeys;

/// The versions of a vehicle's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Of the newest Root.
    pub root: Version,
    /// Of Timestamp.
    pub timestamp: Version,
    /// Of Snapshot.
    pub snapshot: Version,
    /// Of Targets.
    pub targets: Version,
}

/// The versions that belong to the facts.
pub fn versions(facts: &Facts) -> Result<Versions, Error> {
    let (content, epoch) = (facts.vehicle.content_seq, &facts.epoch);
    let monthly = content.version(epoch.monthly)?;
    Ok(Versions { root: epoch.root, timestamp: content.version(epoch.daily)?, snapshot: monthly, targets: monthly })
}

/// The signed files of one vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// `timestamp.json`.
    pub timestamp: Vec<u8>,
    /// `N.snapshot.json`.
    pub snapshot: Vec<u8>,
    /// `N.targets.json`.
    pub targets: Vec<u8>,
}

/// Signs a vehicle's metadata. Refuses without the epoch's keys, and for an epoch of a newer format.
pub fn issue(facts: &Facts, keys: &OnlineKeys) -> Result<Issued, Error> {
    let (epoch, vehicle, versions) = (&facts.epoch, facts.vehicle.id, versions(facts)?);
    if epoch.format > FORMAT {
        return Err(Error::Format { format: epoch.format });
    }

    let key = keys.of("targets", epoch.keys.targets)?;
    let targets = desired(facts, versions.targets)?.sign(&key.set, &[key.signer])?;

    let key = keys.of("snapshot", epoch.keys.snapshot)?;
    let listed = FileInfo::of(versions.targets, &targets)?;
    let snapshot = SnapshotBuilder::director(vehicle, versions.snapshot, epoch.targets_expires(), listed);
    let snapshot = snapshot.sign(&key.set, &[key.signer])?;

    let key = keys.of("timestamp", epoch.keys.timestamp)?;
    let listed = FileInfo::of(versions.snapshot, &snapshot)?;
    let timestamp = TimestampBuilder::director(vehicle, versions.timestamp, epoch.timestamp_expires(), listed);
    let timestamp = timestamp.sign(&key.set, &[key.signer])?;

    Ok(Issued { timestamp, snapshot, targets })
}

/// The full desired set, without what left the Image repository.
fn desired(facts: &Facts, version: Version) -> Result<TargetsBuilder<Director>, Error> {
    let mut targets = TargetsBuilder::director(facts.vehicle.id, version, facts.epoch.targets_expires());
    for ecu in &facts.ecus {
        if let Some(desired) = ecu.desired.as_ref().filter(|desired| desired.listed) {
            targets = targets.assign(entry(&desired.image)?, assignment(ecu, desired, facts.epoch.format))?;
        }
    }
    Ok(targets)
}

fn entry(image: &ImageTarget) -> Result<ImageEntry, Error> {
    let matching = Matching::new(image.hardware.iter().copied(), image.line, image.counter)?;
    Ok(ImageEntry::new(image.name(), image.length, image.hashes, &matching))
}

fn assignment(ecu: &Ecu, desired: &Desired, format: u32) -> EcuAssignment {
    let fallback = desired.fallback.filter(|_| format >= NAMES_FALLBACKS);
    let delta = desired.delta.filter(|_| format >= NAMES_PATCHES);
    EcuAssignment { ecu: ecu.id, hardware_id: ecu.hardware, order: None, fallback, delta }
}

#[cfg(test)]
mod tests {
    use uptane::metadata::{Delta, Envelope, NamedDelta, Targets};
    use uptane::{Length, Sha256, TargetNameBuf};

    use super::*;
    use crate::epoch::ContentSeq;
    use crate::testing::{self, at};

    #[test]
    fn the_same_facts_give_the_same_bytes_on_every_instance() {
        let facts = testing::facts();
        let first = issue(&facts, &testing::online_keys()).unwrap();
        let second = issue(&facts.clone(), &testing::online_keys()).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn whatever_changes_the_bytes_changes_the_version() {
        let facts = testing::facts();
        let mut later = facts.clone();
        later.epoch = facts.epoch.due(at(1_000_000 + 40 * 86_400)).unwrap().unwrap();
        let (before, after) = (versions(&facts).unwrap(), versions(&later).unwrap());
        assert!(after.timestamp > before.timestamp && after.targets > before.targets);

        let mut more = facts.clone();
        more.vehicle.content_seq = facts.vehicle.content_seq.next().unwrap();
        assert!(versions(&more).unwrap().targets > after.targets);
    }

    #[test]
    fn every_role_names_the_vehicle_even_with_nothing_to_install() {
        let mut facts = testing::facts();
        facts.ecus.iter_mut().for_each(|ecu| ecu.desired = None);
        let Issued { timestamp, snapshot, targets } = issue(&facts, &testing::online_keys()).unwrap();
        for file in [timestamp, snapshot, targets] {
            let text = String::from_utf8(file).unwrap();
            assert!(text.contains(&format!("\"vehicle\":\"{}\"", facts.vehicle.id)), "{text}");
        }
    }

    #[test]
    fn an_image_that_left_the_image_repository_is_not_listed() {
        let mut facts = testing::facts();
        let ecu = facts.ecus.first_mut().unwrap();
        ecu.desired.as_mut().unwrap().listed = false;
        let targets = String::from_utf8(issue(&facts, &testing::online_keys()).unwrap().targets).unwrap();
        assert!(targets.contains(r#""targets":{}"#), "{targets}");
    }

    #[test]
    fn an_ecu_of_a_single_bank_is_told_what_to_return_to() {
        let mut facts = testing::facts();
        let name = testing::image(1).name;
        facts.ecus[0].desired.as_mut().unwrap().fallback = Some(name);
        let targets = String::from_utf8(issue(&facts, &testing::online_keys()).unwrap().targets).unwrap();
        assert!(targets.contains(&format!(r#""fallback":"{name}""#)), "{targets}");

        // An instance of the release before signs the same version without it.
        facts.epoch.format = 1;
        let targets = String::from_utf8(issue(&facts, &testing::online_keys()).unwrap().targets).unwrap();
        assert!(!targets.contains("fallback"), "{targets}");
    }

    #[test]
    fn an_ecu_of_two_banks_is_told_of_a_patch_as_its_verifier_reads_it() {
        let mut facts = testing::facts();
        let base = testing::image(1).hashes.sha256().unwrap();
        let delta = Delta { base, length: Length::new(9).unwrap(), sha256: Sha256([5; 32]) };
        let named = NamedDelta { name: TargetNameBuf::parse("brake/1-to-2.patch").unwrap(), delta };
        facts.ecus[0].desired.as_mut().unwrap().delta = Some(named);
        let read = |facts: &Facts| {
            let file = issue(facts, &testing::online_keys()).unwrap().targets;
            let targets = Targets::decode(Envelope::decode(&file).unwrap().signed()).unwrap();
            targets.targets().next().unwrap().unwrap().delta(testing::ecu_id("brake"))
        };
        assert_eq!(read(&facts), Some(named));

        // An instance of the release before signs the same version without it.
        facts.epoch.format = 2;
        assert_eq!(read(&facts), None);
    }

    #[test]
    fn an_instance_without_the_epochs_key_or_format_refuses_to_sign() {
        let facts = testing::facts();
        let refused = issue(&facts, &OnlineKeys::default());
        assert!(matches!(refused, Err(Error::KeyMissing { role: "targets", .. })), "{refused:?}");

        let mut newer = testing::facts();
        newer.epoch.format += 1;
        let refused = issue(&newer, &testing::online_keys());
        assert!(matches!(refused, Err(Error::Format { format: 4 })), "{refused:?}");
    }

    #[test]
    fn the_largest_sequence_still_signs_and_the_next_is_refused() {
        let mut facts = testing::facts();
        facts.vehicle.content_seq = ContentSeq::new((1 << 33) - 1).unwrap();
        issue(&facts, &testing::online_keys()).unwrap();
        assert!(matches!(facts.vehicle.content_seq.next(), Err(Error::VersionsExhausted)));
    }
}
