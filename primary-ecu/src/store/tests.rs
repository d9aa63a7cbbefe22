use host::disk::{Access, Folder};

use super::*;

fn store(folder: &tempfile::TempDir) -> Store<Folder> {
    Store::open(Folder::create(folder.path(), Access::Private).unwrap()).unwrap()
}

fn line() -> ImageLine {
    ImageLine::parse("brake").unwrap()
}

fn ecu() -> EcuId {
    EcuId::parse("brake-1").unwrap()
}

#[test]
fn no_counter_is_used_twice_whenever_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = Counter::ZERO;
    for life in 0..5u64 {
        let mut store = store(&folder);
        for _ in 0..life * 40 {
            let next = store.next_counter().unwrap();
            assert!(next > last);
            last = next;
        }
    }
}

#[test]
fn floors_only_rise_and_outlive_the_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let counter = |n| ReleaseCounter::new(n).unwrap();
    store(&folder).raise([(ecu(), line(), counter(5))]).unwrap();
    store(&folder).raise([(ecu(), line(), counter(3))]).unwrap();
    std::fs::create_dir_all(folder.path().join("metadata")).unwrap();
    std::fs::remove_dir_all(folder.path().join("metadata")).unwrap();
    assert_eq!(store(&folder).floors(), Floors::from([((ecu(), line()), counter(5))]));
}

#[test]
fn snapshot_and_targets_become_current_together_and_old_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder);
    for name in ["1.root.json", "2.root.json", "1.snapshot.json", "1.targets.json", "2.snapshot.json"] {
        store.keep("director", name, name.as_bytes()).unwrap();
    }
    let versions = AcceptedVersions { snapshot: 1, targets: 1, ..AcceptedVersions::default() };
    let accepted = Accepted { director: versions, ..Accepted::default() };
    store.accept(&accepted).unwrap();
    let files = store.files("director", &store.accepted().director).unwrap();
    assert_eq!(files.root, b"2.root.json");
    assert_eq!(files.snapshot.unwrap(), b"1.snapshot.json");
    assert_eq!(store.kept("director", "2.snapshot.json", 99).unwrap(), None);
    assert!(store.kept("director", "1.root.json", 99).unwrap().is_some(), "Secondaries may need every Root");
}

/// The files of a value; the one that was written last is last.
fn files_of(folder: &tempfile::TempDir, name: &str, writes: u64) -> [std::path::PathBuf; 2] {
    [writes + 1, writes].map(|side| folder.path().join(format!("state/{name}.{}.json", side % 2)))
}

#[test]
fn of_a_write_that_did_not_last_the_value_before_counts_and_the_file_is_named() {
    for torn in [b"".as_slice(), b"{", &[0; 512]] {
        let folder = tempfile::tempdir().unwrap();
        let counter = |n| ReleaseCounter::new(n).unwrap();
        for n in 1..=3 {
            store(&folder).raise([(ecu(), line(), counter(n))]).unwrap();
        }
        let [_, last] = files_of(&folder, "counters", 3);
        std::fs::write(last, torn).unwrap();
        let mut store = store(&folder);
        assert_eq!(store.floors(), Floors::from([((ecu(), line()), counter(2))]));
        let [damaged] = store.take_damaged().try_into().unwrap();
        assert!(damaged.to_string().starts_with("state/counters.1.json is damaged"), "{damaged}");
        store.raise([(ecu(), line(), counter(4))]).unwrap();
        drop(store);
        let mut store = self::store(&folder);
        assert_eq!(store.floors(), Floors::from([((ecu(), line()), counter(4))]));
        assert!(store.take_damaged().is_empty(), "the damaged file is the one that is written next");
    }
}

#[test]
fn a_mixture_of_two_values_is_not_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    for outcome in ["fulfilled", "rolled-back"] {
        let result = outcome.to_owned();
        store(&folder).remember(|memory| memory.outcome = Outcome { result, ..Outcome::default() }).unwrap();
    }
    let [_, last] = files_of(&folder, "primary", 2);
    let text = std::fs::read_to_string(&last).unwrap();
    std::fs::write(last, text.replace("rolled-back", "rolled-over")).unwrap();
    assert_eq!(store(&folder).memory().outcome.result, "fulfilled");
}

#[test]
fn no_counter_is_used_twice_where_the_newest_memory_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let counters = || (0..65).map(|_| store(&folder).next_counter().unwrap()).max().unwrap();
    let (used, _) = (counters(), counters());
    let writes = 2 * 65;
    let [_, last] = files_of(&folder, "primary", writes);
    assert!(last.exists());
    std::fs::write(last, b"").unwrap();
    assert!(store(&folder).next_counter().unwrap() > used);
}

#[test]
fn a_value_of_which_no_file_is_whole_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    for n in 1..=2 {
        store(&folder).raise([(ecu(), line(), ReleaseCounter::new(n).unwrap())]).unwrap();
    }
    files_of(&folder, "counters", 2).iter().for_each(|file| std::fs::write(file, b"{").unwrap());
    let error = Store::open(Folder::open(folder.path(), Access::Private).unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("state/counters.0.json is damaged"), "{error}");
}

#[test]
fn a_lower_time_under_new_keys_is_remembered_with_the_root_that_names_them() {
    let folder = tempfile::tempdir().unwrap();
    let (fast, real) = (Time::from_unix(2_000_000_000).unwrap(), Time::from_unix(1_800_000_000).unwrap());
    for (time, root) in [(fast, 1), (real, 2)] {
        let mut store = store(&folder);
        let root = Version::new(root).unwrap();
        store.keep("director", &format!("{root}.root.json"), root.to_string().as_bytes()).unwrap();
        store.attested(time, root).unwrap();
    }
    let store = store(&folder);
    assert_eq!((store.time(), store.time_root().unwrap()), (real, Some(b"2".to_vec())));
}

#[test]
fn a_time_remembered_without_its_root_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("state")).unwrap();
    let older = r#"{"time":1800000000,"signed":64,"manifest":null,"unreachable":{},"outcome":{"result":"","attack":null,"transaction":null,"campaign":null}}"#;
    std::fs::write(folder.path().join("state/primary.json"), older).unwrap();
    let store = store(&folder);
    assert_eq!((store.time().unix(), store.time_root().unwrap()), (1_800_000_000, None));
}
