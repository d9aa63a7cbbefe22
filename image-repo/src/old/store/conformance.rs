//! What every store must do. The same tests run on each.

use std::collections::BTreeSet;
use std::time::Duration;

use uptane::{HardwareId, ImageLine, Length, PublicKey, ReleaseCounter, Sha256, TargetName, Time, Version};

use super::*;
use crate::old::facts::{Image, RoleKey, SignedFile};
use crate::role::TopRole;

fn run<T>(work: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(work)
}

/// Runs a test on an empty store of each kind.
macro_rules! on_each_store {
    (|$store:ident| $test:block) => {{
        println!("in memory");
        run(async {
            let mut $store = Memory::new();
            $test
        });
        println!("in SQLite");
        let folder = tempfile::tempdir().unwrap();
        run(async {
            let mut $store = Sqlite::create(&folder.path().join("state.sqlite")).await.unwrap();
            $test
        });
    }};
}

pub(super) fn file(role: TopRole, version: u64) -> SignedFile {
    let version = Version::new(version).unwrap();
    SignedFile { role, version, expires: Time::MAX, bytes: b"{}".to_vec(), published: false }
}

pub(super) fn image(counter: u64) -> Image {
    Image {
        name: TargetName::parse("brake/fw.bin").unwrap().to_buf(),
        length: Length::new(3).unwrap(),
        sha256: Sha256::of(b"abc"),
        hardware_ids: BTreeSet::from(["a-hw", "b-hw"].map(|id| HardwareId::parse(id).unwrap())),
        line: ImageLine::parse("brake").unwrap(),
        release_counter: ReleaseCounter::new(counter).unwrap(),
        listed: None,
        published: false,
    }
}

pub(super) fn key() -> RoleKey {
    RoleKey { file: "root.pem".into(), public: PublicKey::parse_ed25519(&"0f".repeat(32)).unwrap() }
}

#[test]
fn everything_that_was_applied_is_told() {
    on_each_store!(|store| {
        let changes = [
            Change::Key(TopRole::Root, key()),
            Change::Lifetime(TopRole::Root, Duration::from_secs(7)),
            Change::Stage(image(2)),
            Change::List(Version::FIRST),
            Change::ImagePublished(image(2).name),
            Change::File(file(TopRole::Targets, 1)),
            Change::FilePublished(TopRole::Targets, Version::FIRST),
        ];
        store.apply(&changes).await.unwrap();
        let listed = Image { listed: Some(Version::FIRST), published: true, ..image(2) };
        let expected = Facts {
            keys: [(TopRole::Root, key())].into(),
            lifetimes: [(TopRole::Root, Duration::from_secs(7))].into(),
            files: vec![SignedFile { published: true, ..file(TopRole::Targets, 1) }],
            images: [(listed.name, listed)].into(),
            lines: [(image(2).line, image(2).release_counter)].into(),
        };
        assert_eq!(store.facts().await.unwrap(), expected);
    });
}

#[test]
fn only_the_newest_file_of_a_role_is_told_and_every_root_until_it_is_published() {
    on_each_store!(|store| {
        let made = [(TopRole::Targets, 1), (TopRole::Root, 1), (TopRole::Root, 2), (TopRole::Root, 3)];
        let made = made.into_iter().chain([(TopRole::Timestamp, 1), (TopRole::Targets, 2)]);
        let changes: Vec<_> = made.map(|(role, version)| Change::File(file(role, version))).collect();
        store.apply(&changes).await.unwrap();
        store.apply(&[Change::FilePublished(TopRole::Root, Version::FIRST)]).await.unwrap();
        let files = store.facts().await.unwrap().files;
        let told: Vec<_> = files.iter().map(|file| file.role.file_name(file.version)).collect();
        assert_eq!(told, ["2.root.json", "3.root.json", "2.targets.json", "timestamp.json"]);
    });
}

#[test]
fn a_version_is_never_used_twice_and_nothing_of_the_attempt_stays() {
    on_each_store!(|store| {
        store.apply(&[Change::File(file(TopRole::Targets, 1))]).await.unwrap();
        let before = store.facts().await.unwrap();
        let refused = store.apply(&[Change::Stage(image(1)), Change::File(file(TopRole::Targets, 1))]).await;
        assert!(matches!(refused, Err(Error::Database { .. })));
        assert_eq!(store.facts().await.unwrap(), before);
    });
}

#[test]
fn a_line_keeps_its_highest_release() {
    on_each_store!(|store| {
        store.apply(&[Change::Stage(image(5)), Change::Stage(image(3))]).await.unwrap();
        assert_eq!(store.facts().await.unwrap().lines.values().next().unwrap().get(), 5);
    });
}

#[test]
fn an_image_takes_the_place_of_another_of_its_name() {
    on_each_store!(|store| {
        store.apply(&[Change::Stage(image(1)), Change::List(Version::FIRST), Change::Stage(image(2))]).await.unwrap();
        store.apply(&[Change::List(Version::FIRST.next().unwrap())]).await.unwrap();
        let facts = store.facts().await.unwrap();
        let listed: Vec<_> = facts.images.values().map(|image| (image.release_counter.get(), image.listed)).collect();
        assert_eq!(listed, [(2, Some(Version::FIRST.next().unwrap()))]);
    });
}
