use std::time::Duration;

use object_store::GetOptions;
use uptane::metadata::Covers;
use uptane::sign::{
    DelegationBuilder, ImageEntry, Matching, MemorySigner, RootBuilder, RootRoles, Signer as _, TargetsBuilder,
};
use uptane::{HardwareId, Image, ImageLine, ReleaseCounter, RoleName, TargetName};

use super::*;
use crate::facts::Generation;
use crate::store::Memory;

const NOW: &str = "2026-11-27T12:00:00Z";

fn now() -> Time {
    Time::parse(NOW).unwrap()
}

fn year() -> Time {
    now().saturating_add(Duration::from_secs(365 * 86_400))
}

fn signer(label: &str) -> MemorySigner {
    MemorySigner::from_seed(&Sha256::of(label.as_bytes()).0)
}

fn keys(label: &str) -> KeySet {
    KeySet::new([signer(label).public_key()], 1).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(work)
}

/// A repository in memory, whose Targets delegates `acme/*` to acme.
struct Place {
    store: Memory,
    objects: Objects,
}

impl Place {
    fn founded() -> Self {
        let place = Self { store: Memory::new(), objects: Objects::in_memory() };
        let targets = targets(1, &[]).delegate([delegation("acme")]).unwrap();
        place.publish(vec![root(1, "timestamp"), arriving("targets", targets)]).unwrap();
        place
    }

    fn publisher(&self) -> Publisher<Memory> {
        self.publisher_with(["snapshot", "timestamp", "timestamp-2"])
    }

    fn publisher_with<const N: usize>(&self, online: [&str; N]) -> Publisher<Memory> {
        Publisher::new(self.store.clone(), self.objects.clone(), OnlineKeys::of(online.map(signer)))
    }

    fn publish(&self, release: Vec<Arriving>) -> Result<Published, Error> {
        run(self.publisher().publish("test", release, now()))
    }

    fn bring(&self, bytes: &[u8]) {
        run(self.objects.take(bytes)).unwrap();
    }

    /// A published file; none if there is none.
    fn seen(&self, path: &str) -> Option<Vec<u8>> {
        run(async {
            let found = self.objects.published(path, GetOptions::new()).await.unwrap()?;
            Some(found.bytes().await.unwrap().to_vec())
        })
    }

    fn head(&self) -> Head {
        run(self.store.head()).unwrap()
    }
}

fn root(version: u64, timestamp: &str) -> Arriving {
    let roles = RootRoles {
        root: keys("root"),
        targets: keys("targets"),
        snapshot: keys("snapshot"),
        timestamp: keys(timestamp),
    };
    let builder = RootBuilder::<Image>::image(Version::new(version).unwrap(), year(), now(), roles);
    Arriving { role: RoleId::Root, bytes: builder.sign(&[&signer("root")]).unwrap() }
}

fn targets(version: u64, images: &[(&str, &str)]) -> TargetsBuilder<Image> {
    let mut builder = TargetsBuilder::image(Version::new(version).unwrap(), year());
    for (name, bytes) in images {
        let (hardware, line) = (HardwareId::parse("hw").unwrap(), ImageLine::parse("line").unwrap());
        let matching = Matching::new([hardware], line, ReleaseCounter::new(1).unwrap()).unwrap();
        let length = Length::new(u64::try_from(bytes.len()).unwrap()).unwrap();
        let sha256 = Sha256::of(bytes.as_bytes());
        builder =
            builder.list(ImageEntry::new(TargetName::parse(name).unwrap(), length, sha256.into(), &matching)).unwrap();
    }
    builder
}

fn delegation(to: &str) -> DelegationBuilder {
    let covers = Covers::Paths(vec![format!("{to}/*")]);
    DelegationBuilder::role(RoleName::parse(to).unwrap(), keys(to), covers)
}

/// The file of a role, signed by the key of its own name.
fn arriving(role: &str, file: TargetsBuilder<Image>) -> Arriving {
    Arriving { role: role.parse().unwrap(), bytes: file.sign(&keys(role), &[&signer(role)]).unwrap() }
}

fn acme(version: u64, images: &[(&str, &str)]) -> Arriving {
    arriving("acme", targets(version, images))
}

#[test]
fn a_release_is_seen_whole_with_its_images() {
    let place = Place::founded();
    place.bring(b"firmware");
    let published = place.publish(vec![acme(1, &[("acme/fw", "firmware")])]).unwrap();
    assert!(published.changed);
    let image = format!("targets/acme/{}.fw", Sha256::of(b"firmware"));
    assert_eq!(place.seen(&image).unwrap(), b"firmware");
    assert!(place.seen("metadata/1.acme.json").is_some());
    assert!(place.seen(&format!("metadata/{}.snapshot.json", published.snapshot)).is_some());
}

#[test]
fn whoever_never_heard_of_the_success_may_publish_again() {
    let place = Place::founded();
    place.publish(vec![acme(1, &[])]).unwrap();
    let before = place.head();
    assert!(!place.publish(vec![acme(1, &[])]).unwrap().changed);
    assert_eq!(place.head(), before);
}

/// Refuses a release, and nothing of it is seen.
fn refused(place: &Place, release: Arriving) -> Error {
    let (before, timestamp) = (place.head(), place.seen("metadata/timestamp.json"));
    let refused = place.publish(vec![release.clone()]).unwrap_err();
    assert_eq!(place.head(), before);
    assert_eq!(place.seen("metadata/timestamp.json"), timestamp);
    let file = inspect(release).unwrap().file;
    assert_eq!(place.seen(&format!("metadata/{}", file.role.file(file.version).file_name())), None);
    refused
}

#[test]
fn an_image_that_nobody_brought_is_not_listed() {
    let place = Place::founded();
    let refused = refused(&place, acme(1, &[("acme/fw", "firmware")]));
    assert!(matches!(refused, Error::ImageMissing { .. }), "{refused}");
}

#[test]
fn a_name_outside_the_delegation_is_refused() {
    let place = Place::founded();
    place.bring(b"firmware");
    let refused = refused(&place, acme(1, &[("bolt/fw", "firmware")]));
    assert!(matches!(refused, Error::NotDelegated { .. }), "{refused}");
}

#[test]
fn a_file_that_another_key_signed_is_refused_whatever_it_lists() {
    let place = Place::founded();
    let bytes = targets(1, &[]).sign(&keys("bolt"), &[&signer("bolt")]).unwrap();
    let refused = refused(&place, Arriving { role: "acme".parse().unwrap(), bytes });
    let Error::Judged { reason: uptane::Error::BelowThreshold { .. }, .. } = refused else { panic!("{refused}") };
}

#[test]
fn a_role_that_nobody_delegates_to_is_refused() {
    let place = Place::founded();
    let refused = refused(&place, arriving("bolt", targets(1, &[])));
    assert!(matches!(refused, Error::NoDelegator { .. }), "{refused}");
}

#[test]
fn a_delegation_and_the_file_it_leads_to_may_come_together() {
    let place = Place::founded();
    let sub = targets(1, &[]).delegate([delegation("acme-brakes")]).unwrap();
    assert!(matches!(place.publish(vec![arriving("acme-brakes", targets(1, &[]))]), Err(Error::NoDelegator { .. })));
    place.publish(vec![arriving("acme", sub), arriving("acme-brakes", targets(1, &[]))]).unwrap();
    assert!(place.seen("metadata/1.acme-brakes.json").is_some());
}

#[test]
fn a_new_key_of_timestamp_signs_from_its_root_on() {
    let place = Place::founded();
    place.publish(vec![root(2, "timestamp-2")]).unwrap();
    let seen = Seen::of(&place.seen("metadata/timestamp.json").unwrap(), &root(2, "timestamp-2").bytes);
    assert_eq!(seen.map(|seen| seen.timestamp.get()), Some(2));
}

#[test]
fn without_an_online_key_nothing_is_published() {
    let place = Place::founded();
    let published = run(place.publisher_with(["snapshot"]).publish("test", vec![acme(1, &[])], now()));
    assert!(matches!(published, Err(Error::NoOnlineKey { .. })));
}

#[test]
fn what_a_crash_left_unseen_is_shown_by_whoever_comes_next() {
    let place = Place::founded();
    // Accepted by a process that ended before it showed anything.
    let file = inspect(acme(1, &[])).unwrap().file;
    run(place.store.apply(place.head().generation, &[Change::File(file)])).unwrap();
    assert!(place.seen("metadata/1.acme.json").is_none());
    run(place.publisher().show()).unwrap();
    assert!(place.seen("metadata/1.acme.json").is_some());
}

#[test]
fn a_lost_or_damaged_file_is_put_back() {
    let place = Place::founded();
    let timestamp = place.seen("metadata/timestamp.json").unwrap();
    let forged = String::from_utf8(timestamp.clone()).unwrap().replace("\"version\":1", "\"version\":9");
    run(place.objects.publish_file("metadata/timestamp.json", forged.as_bytes())).unwrap();
    run(place.objects.publish_file("metadata/1.targets.json", b"{}")).unwrap();
    run(place.publisher().mend()).unwrap();
    assert_eq!(place.seen("metadata/timestamp.json").unwrap(), timestamp);
    assert_ne!(place.seen("metadata/1.targets.json").unwrap(), b"{}");
}

#[test]
fn a_late_process_never_puts_an_older_timestamp_before_clients() {
    let place = Place::founded();
    let old = place.seen("metadata/timestamp.json").unwrap();
    place.publish(vec![acme(1, &[])]).unwrap();
    let new = place.seen("metadata/timestamp.json").unwrap();
    let root = root(1, "timestamp").bytes;
    let genuine = |bytes: &[u8]| Seen::of(bytes, &root).map(|seen| seen.timestamp);
    run(place.objects.publish_timestamp(Version::FIRST, &old, genuine)).unwrap();
    assert_eq!(place.seen("metadata/timestamp.json").unwrap(), new);
}

#[test]
fn a_database_of_yesterday_goes_on_after_what_clients_have_seen() {
    let place = Place::founded();
    let yesterday = Place { store: Memory::new(), objects: place.objects.clone() };
    let (root, targets) = (root(1, "timestamp"), targets(1, &[]).delegate([delegation("acme")]).unwrap());
    let other = Place { store: yesterday.store.clone(), objects: Objects::in_memory() };
    other.publish(vec![root, arriving("targets", targets)]).unwrap();
    for version in 1..4 {
        place.publish(vec![acme(version, &[])]).unwrap();
    }
    let seen = place.head().newest(&RoleId::Timestamp).unwrap().version;
    let published = yesterday.publish(Vec::new()).unwrap();
    assert!(published.timestamp > seen && published.snapshot > seen, "{published:?}");
}

#[test]
fn a_decision_on_a_state_that_has_moved_is_taken_again() {
    let place = Place::founded();
    run(async {
        let both = [place.publisher(), place.publisher()];
        let [first, second] =
            [acme(1, &[]), arriving("targets", targets(2, &[]).delegate([delegation("acme")]).unwrap())];
        let [a, b] = &both;
        let (a, b) = futures_util::join!(a.publish("a", vec![first], now()), b.publish("b", vec![second], now()));
        assert!(a.unwrap().changed && b.unwrap().changed);
    });
    let head = place.head();
    assert_eq!(head.newest(&RoleId::Targets).unwrap().version.get(), 2);
    assert!(head.generation > Generation::of(2));
}
