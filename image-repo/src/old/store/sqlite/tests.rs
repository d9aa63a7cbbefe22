use super::*;
use crate::old::store::conformance::{file, image, key};

fn run<T>(work: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(work)
}

#[test]
fn what_was_applied_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    run(async {
        let mut store = Sqlite::create(&path).await.unwrap();
        let changes = [
            Change::Key(TopRole::Root, key()),
            Change::Lifetime(TopRole::Root, Duration::from_secs(7)),
            Change::Stage(image(2)),
            Change::List(Version::FIRST),
            Change::ImagePublished(image(2).name),
            Change::File(file(TopRole::Targets, 1)),
            Change::File(file(TopRole::Targets, 2)),
            Change::FilePublished(TopRole::Targets, Version::FIRST),
        ];
        store.apply(&changes).await.unwrap();
        store.close().await.unwrap();

        let facts = Sqlite::open(&path).await.unwrap().facts().await.unwrap();
        assert_eq!(facts.keys[&TopRole::Root], key());
        assert_eq!(facts.lifetimes[&TopRole::Root], Duration::from_secs(7));
        assert_eq!(facts.files, [file(TopRole::Targets, 2)]);
        let listed = Image { listed: Some(Version::FIRST), published: true, ..image(2) };
        assert_eq!(facts.images.values().collect::<Vec<_>>(), [&listed]);
        assert_eq!(facts.lines.values().map(|counter| counter.get()).collect::<Vec<_>>(), [2]);
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
