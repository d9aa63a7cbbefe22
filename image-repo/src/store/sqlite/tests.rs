use std::collections::BTreeSet;

use uptane::{Sha256, TargetName};

use super::*;

fn run<T>(work: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(work)
}

fn file(version: u64) -> SignedFile {
    let version = Version::new(version).unwrap();
    SignedFile { role: TopRole::Targets, version, expires: Time::MAX, bytes: b"{}".to_vec(), published: false }
}

fn image(counter: u64) -> Image {
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

#[test]
fn what_was_applied_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    run(async {
        let mut store = Sqlite::create(&path).await.unwrap();
        let key = RoleKey { file: "root.pem".into(), public: PublicKey::parse_ed25519(&"0f".repeat(32)).unwrap() };
        let changes = [
            Change::Key(TopRole::Root, key.clone()),
            Change::Lifetime(TopRole::Root, Duration::from_secs(7)),
            Change::Stage(image(2)),
            Change::List(Version::FIRST),
            Change::ImagePublished(image(2).name),
            Change::File(file(1)),
            Change::File(file(2)),
            Change::FilePublished(TopRole::Targets, Version::FIRST),
        ];
        store.apply(&changes).await.unwrap();
        store.close().await.unwrap();

        let facts = Sqlite::open(&path).await.unwrap().facts().await.unwrap();
        assert_eq!(facts.keys[&TopRole::Root], key);
        assert_eq!(facts.lifetimes[&TopRole::Root], Duration::from_secs(7));
        assert_eq!(facts.files, [file(2)]);
        let listed = Image { listed: Some(Version::FIRST), published: true, ..image(2) };
        assert_eq!(facts.images.values().collect::<Vec<_>>(), [&listed]);
        assert_eq!(facts.lines.values().map(|counter| counter.get()).collect::<Vec<_>>(), [2]);
    });
}

#[test]
fn a_version_is_never_used_twice_and_nothing_of_the_attempt_stays() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let mut store = Sqlite::create(&folder.path().join("state.sqlite")).await.unwrap();
        store.apply(&[Change::File(file(1))]).await.unwrap();
        let refused = store.apply(&[Change::Stage(image(1)), Change::File(file(1))]).await;
        assert!(matches!(refused, Err(Error::Database { .. })));
        assert!(store.facts().await.unwrap().images.is_empty());
    });
}

#[test]
fn a_line_keeps_its_highest_release() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let mut store = Sqlite::create(&folder.path().join("state.sqlite")).await.unwrap();
        store.apply(&[Change::Stage(image(5)), Change::Stage(image(3))]).await.unwrap();
        assert_eq!(store.facts().await.unwrap().lines.values().next().unwrap().get(), 5);
    });
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    std::fs::write(&path, b"this is not a database, whatever its name says".repeat(100)).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(run(Sqlite::open(&path)), Err(Error::Database { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let none = folder.path().join("none.sqlite");
    assert!(matches!(run(Sqlite::open(&none)), Err(Error::Database { .. })));
    assert!(!none.exists());
}
