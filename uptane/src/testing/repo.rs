//! The pair of repositories of one vehicle.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::draft::{Draft, Next, Of};
use super::files::Files;
use super::keys::{RoleLabels, key_set, signer};
use super::parsed;
use super::tree::{TOP, Tree, labels};
use crate::sign::{
    EcuAssignment, FileInfo, ImageEntry, Matching, MemorySigner, RootBuilder, Signer, SnapshotBuilder, TargetsBuilder,
    TimeBuilder, TimestampBuilder, Value,
};
use crate::{
    Director, EcuId, HardwareId, Hashes, Image, ImageLine, Length, Nonce, ReleaseCounter, Repository, Role, RoleName,
    TargetName, Time, VehicleId, Version,
};

/// An ECU of the test vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestEcu {
    /// Its id.
    pub ecu: EcuId,
    /// What it is.
    pub hardware: HardwareId,
    /// The line its images count in.
    pub line: ImageLine,
}

impl TestEcu {
    fn numbered(index: usize) -> Self {
        Self {
            ecu: parsed(&format!("ecu-{index:03}"), EcuId::parse),
            hardware: parsed(&format!("hw-{}", index % 5), HardwareId::parse),
            line: parsed(&format!("line-{index:03}"), ImageLine::parse),
        }
    }

    /// The key it signs with.
    pub fn signer(&self) -> MemorySigner {
        signer(&format!("ecu {}", self.ecu))
    }

    /// The name of the image of a release.
    pub fn image_name(&self, release: u64) -> String {
        format!("fw/{}-{release}.bin", self.ecu)
    }

    /// The bytes of the image of a release.
    pub fn image(&self, release: u64) -> Vec<u8> {
        format!("firmware of {}, release {release}\n", self.ecu).repeat(32).into_bytes()
    }
}

/// One repository: who signs, what is published.
#[derive(Clone, Debug)]
struct Half {
    labels: RoleLabels,
    files: Files,
    root: u64,
    version: u64,
}

/// A Director and an Image repository for one vehicle, valid in every respect until a test breaks one thing.
#[derive(Clone, Debug)]
pub struct Repo {
    vehicle: VehicleId,
    ecus: Vec<TestEcu>,
    release: u64,
    now: Time,
    director: Half,
    image: Half,
    tree: Tree,
}

impl Repo {
    /// The repositories of a vehicle of this many ECUs, at version 1, with release 1 of every image assigned.
    pub fn seeded(ecus: usize) -> Self {
        let half = |name| Half { labels: RoleLabels::of(name), files: Files::default(), root: 0, version: 0 };
        let mut repo = Self {
            vehicle: VehicleId(*b"test vehicle 001"),
            ecus: (0..ecus).map(TestEcu::numbered).collect(),
            release: 1,
            now: parsed("2026-12-01T00:00:00Z", Time::parse),
            director: half(Director::NAME),
            image: half(Image::NAME),
            tree: Tree::default(),
        };
        repo.publish(|next| {
            next.director.renew_root();
            next.image.renew_root();
        });
        repo
    }

    /// Publishes the next version of Targets, Snapshot and Timestamp of both repositories, and of what `change` asks.
    pub fn publish(&mut self, change: impl FnOnce(&mut Next)) {
        let mut next = Next::default();
        change(&mut next);
        self.release += u64::from(next.release);
        let (vehicle, now) = (self.vehicle, self.now);

        let assigned = next.assigned.unwrap_or(self.release);
        let targets = self.director_targets(self.director.version + 1, assigned).signed();
        publish_root::<Director>(&mut self.director, &next.director, now);
        self.director.publish(&next.director, targets, Vec::new(), Some(vehicle), now);

        next.image.growth.drain(..).for_each(|growth| self.tree.grow(growth));
        let version = self.image.version + 1;
        let targets = self.image_targets(version, TOP).signed();
        let delegated = self.tree.names().map(|role| (role, self.image_targets(version, role.as_str()).signed()));
        let delegated = delegated.collect();
        publish_root::<Image>(&mut self.image, &next.image, now);
        self.image.publish(&next.image, targets, delegated, None, now);
    }

    /// The time everything was published at, and a good time to verify it.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The vehicle.
    pub fn vehicle(&self) -> VehicleId {
        self.vehicle
    }

    /// Its ECUs; the first is the Primary.
    pub fn ecus(&self) -> &[TestEcu] {
        &self.ecus
    }

    /// The ids of its ECUs.
    pub fn ecu_ids(&self) -> Vec<EcuId> {
        self.ecus.iter().map(|ecu| ecu.ecu).collect()
    }

    /// The release that is assigned.
    pub fn release(&self) -> u64 {
        self.release
    }

    /// What the Director serves.
    pub fn director(&self) -> &Files {
        &self.director.files
    }

    /// What the Image repository serves.
    pub fn image(&self) -> &Files {
        &self.image.files
    }

    /// A time attestation over these nonces.
    pub fn time(&self, time: Time, nonces: impl IntoIterator<Item = Nonce>) -> Vec<u8> {
        let labels = self.director.labels.role(Role::Time);
        let signers: Vec<_> = labels.iter().map(|label| signer(label)).collect();
        let signers: Vec<&dyn Signer> = signers.iter().map(|signer| -> &dyn Signer { signer }).collect();
        let attestation = TimeBuilder { time, nonces: nonces.into_iter().collect::<BTreeSet<_>>() };
        attestation.sign(&key_set(labels), &signers).unwrap_or_else(|error| panic!("test keys sign: {error}"))
    }

    fn director_targets(&self, version: u64, release: u64) -> TargetsBuilder<Director> {
        let empty = TargetsBuilder::director(self.vehicle, numbered(version), lifetime(self.now));
        self.ecus.iter().fold(empty, |targets, ecu| {
            let said =
                EcuAssignment { ecu: ecu.ecu, hardware_id: ecu.hardware, order: None, fallback: None, delta: None };
            let targets = targets.assign(self.entry(ecu, release), said);
            targets.unwrap_or_else(|error| panic!("test ECUs are distinct: {error}"))
        })
    }

    /// What a role of the Image repository, or `targets`, says.
    fn image_targets(&self, version: u64, role: &str) -> TargetsBuilder<Image> {
        let empty = self.tree.delegate(role, TargetsBuilder::image(numbered(version), lifetime(self.now)));
        let ecus = self.ecus.iter().enumerate().filter(|(index, _)| self.tree.lists(role, *index));
        let releases = ecus.flat_map(|(_, ecu)| (1..=self.release).map(move |release| (ecu, release)));
        releases.fold(empty, |targets, (ecu, release)| {
            let targets = targets.list(self.entry(ecu, release));
            targets.unwrap_or_else(|error| panic!("test images are distinct: {error}"))
        })
    }

    fn entry(&self, ecu: &TestEcu, release: u64) -> ImageEntry {
        let (name, bytes) = (ecu.image_name(release), ecu.image(release));
        let counter = ReleaseCounter::new(release).unwrap_or_default();
        let matching = Matching::new([ecu.hardware], ecu.line, counter);
        let matching = matching.unwrap_or_else(|error| panic!("one hardware id is enough: {error}"));
        let length = Length::new(bytes.len().try_into().unwrap_or_default()).unwrap_or_default();
        let name = TargetName::parse(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
        ImageEntry::new(name, length, Hashes::of(&bytes), &matching)
    }
}

/// Both kinds of Root, told apart by what their builders want.
trait TestRoot: Repository {
    fn root(version: Version, now: Time, labels: &RoleLabels) -> Value;
}

impl TestRoot for Director {
    fn root(version: Version, now: Time, labels: &RoleLabels) -> Value {
        let time = key_set(labels.role(Role::Time));
        RootBuilder::director(version, lifetime(now), now, labels.root_roles(), time).signed()
    }
}

impl TestRoot for Image {
    fn root(version: Version, now: Time, labels: &RoleLabels) -> Value {
        RootBuilder::image(version, lifetime(now), now, labels.root_roles()).signed()
    }
}

fn publish_root<R: TestRoot>(half: &mut Half, draft: &Draft, now: Time) {
    if !draft.renews_root {
        return;
    }
    let mut signers = half.labels.role(Role::Root).to_vec();
    draft.rotations.iter().for_each(|role| half.labels.rotate(*role));
    signers.extend(half.labels.role(Role::Root).iter().cloned());
    signers.sort_unstable();
    signers.dedup();
    half.root += 1;
    let signed = R::root(numbered(half.root), now, &half.labels);
    let file = draft.corrupted(Role::Root.into(), draft.make(Role::Root.into(), signed, &signers));
    half.files.roots.insert(numbered(half.root), file);
}

impl Half {
    /// Publishes Targets, and Snapshot and Timestamp over what it became.
    fn publish(
        &mut self,
        draft: &Draft,
        targets: Value,
        delegated: Vec<(RoleName, Value)>,
        vehicle: Option<VehicleId>,
        now: Time,
    ) {
        self.version += 1;
        let (version, expires) = (numbered(self.version), lifetime(now));
        let targets = self.make(draft, Role::Targets, targets);
        let delegated = delegated.into_iter().map(|(role, signed)| (role, self.make(draft, role, signed)));
        let delegated: Vec<_> = delegated.collect();
        let snapshot = match vehicle {
            Some(vehicle) => SnapshotBuilder::director(vehicle, version, expires, targets.1).signed(),
            None => {
                let top = SnapshotBuilder::image(version, expires, targets.1);
                delegated.iter().fold(top, |snapshot, (role, (_, info))| snapshot.list(*role, *info)).signed()
            }
        };
        let snapshot = self.make(draft, Role::Snapshot, snapshot);
        let timestamp = match vehicle {
            Some(vehicle) => TimestampBuilder::director(vehicle, version, expires, snapshot.1).signed(),
            None => TimestampBuilder::image(version, expires, snapshot.1).signed(),
        };
        let timestamp = self.make(draft, Role::Timestamp, timestamp);
        self.files.targets = draft.corrupted(Role::Targets.into(), targets.0);
        self.files.snapshot = draft.corrupted(Role::Snapshot.into(), snapshot.0);
        self.files.timestamp = draft.corrupted(Role::Timestamp.into(), timestamp.0);
        let served = delegated.into_iter().filter(|(role, _)| !draft.withholds(*role));
        self.files.delegated = served.map(|(role, (file, _))| (role, draft.corrupted(role.into(), file))).collect();
    }

    /// A signed file, and what its parent shall say of it.
    fn make(&self, draft: &Draft, file: impl Into<Of>, signed: Value) -> (Vec<u8>, FileInfo) {
        let file = file.into();
        let version = numbered(draft.version_of(file, signed.clone()));
        let bytes = match file {
            Of::Top(role) => draft.make(file, signed, self.labels.role(role)),
            Of::Delegated(role) => draft.make(file, signed, &labels(role.as_str())),
        };
        let info = FileInfo::of(version, &bytes).unwrap_or_else(|error| panic!("test files are short: {error}"));
        (bytes, info)
    }
}

/// Everything lives for ninety days.
fn lifetime(now: Time) -> Time {
    now.saturating_add(Duration::from_secs(90 * 86_400))
}

fn numbered(version: u64) -> Version {
    Version::new(version).unwrap_or(Version::FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_calls_give_the_same_bytes() {
        let publish = || {
            let mut repo = Repo::seeded(3);
            repo.publish(|next| next.release());
            repo
        };
        assert_eq!(publish().director(), publish().director());
        assert_eq!(publish().image(), publish().image());
    }

    #[test]
    fn a_change_to_a_child_is_listed_by_its_parents() {
        let mut repo = Repo::seeded(1);
        repo.publish(|next| next.director.version(Role::Targets, 9));
        let snapshot = String::from_utf8(repo.director().snapshot().to_vec()).unwrap();
        let digest = crate::Sha256::of(repo.director().targets());
        assert!(snapshot.contains(&format!("\"sha256\":\"{digest}\"")), "{snapshot}");
        assert!(snapshot.contains(r#""version":9}},"spec_version""#), "{snapshot}");
    }
}
