use host::disk::{Access, Folder};
use uptane::{HardwareId, Length, Sha256, TargetNameBuf, TransactionId};

use super::*;
use crate::machine::journal;
use crate::machine::transaction::{Member, MemberImage, State};

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
fn of_a_first_write_that_did_not_last_the_value_in_one_file_counts() {
    let folder = tempfile::tempdir().unwrap();
    let floors = |n| Floors::from([((ecu(), line()), ReleaseCounter::new(n).unwrap())]);
    std::fs::create_dir_all(folder.path().join("state")).unwrap();
    let older = r#"[{"ecu":"brake-1","line":"brake","counter":2}]"#;
    std::fs::write(folder.path().join("state/counters.json"), older).unwrap();
    store(&folder).raise([(ecu(), line(), ReleaseCounter::new(3).unwrap())]).unwrap();
    assert_eq!(store(&folder).floors(), floors(3));
    let [_, first] = files_of(&folder, "counters", 1);
    std::fs::write(first, b"{").unwrap();
    let mut store = store(&folder);
    assert_eq!(store.floors(), floors(2));
    assert_eq!(store.take_damaged().len(), 1);
}

#[test]
fn of_a_first_write_that_did_not_last_the_journal_in_one_file_counts() {
    let folder = tempfile::tempdir().unwrap();
    write_single(&folder, State::Voting);
    store(&folder).record(&transaction(7, State::Committing)).unwrap();
    let [_, first] = journals(&folder, 1);
    std::fs::write(first, b"{").unwrap();
    assert_eq!(store(&folder).journal(), Some(&transaction(7, State::Voting).outdated()));
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
    assert!(error.to_string().ends_with("neither of its two files is what was written"), "{error}");
}

/// A transaction of this number, as the journal has it.
fn transaction(number: u64, state: State) -> Transaction {
    let image = MemberImage {
        name: TargetNameBuf::parse("brake/fw.bin").unwrap(),
        length: Length::new(1).unwrap(),
        sha256: Sha256([2; 32]),
        line: line(),
        counter: ReleaseCounter::new(2).unwrap(),
    };
    let member = Member::new(ecu(), HardwareId::parse("brake-hw").unwrap(), image, 0);
    Transaction::at(TransactionId::new(number, [0; 8]), Sha256([3; 32]), state, vec![member])
}

/// The files of a journal that was written so often; the one that was written last is last.
fn journals(folder: &tempfile::TempDir, writes: u64) -> [std::path::PathBuf; 2] {
    [writes + 1, writes].map(|side| folder.path().join(format!("journal.{}.json", side % 2)))
}

#[test]
fn of_a_torn_journal_the_one_before_counts_and_anybody_may_have_been_told() {
    let folder = tempfile::tempdir().unwrap();
    for state in [State::Staging, State::Verifying] {
        store(&folder).record(&transaction(7, state)).unwrap();
    }
    assert_eq!(store(&folder).journal(), Some(&transaction(7, State::Verifying)));
    let [_, last] = journals(&folder, 2);
    std::fs::write(last, b"{").unwrap();
    let mut store = store(&folder);
    assert_eq!(store.journal(), Some(&transaction(7, State::Staging).outdated()));
    assert!(store.journal().unwrap().must_go_on(), "the Director cannot withdraw what may have been activated");
    let [damaged] = store.take_damaged().try_into().unwrap();
    assert!(damaged.to_string().starts_with("journal.0.json is damaged"), "{damaged}");
}

#[test]
fn a_transaction_that_is_over_does_not_come_back_with_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    store(&folder).record(&transaction(7, State::Committing)).unwrap();
    let [_, older] = journals(&folder, 1);
    let journal = std::fs::read(&older).unwrap();
    store(&folder).record(&transaction(7, State::Committed)).unwrap();
    store(&folder).remember(|memory| memory.transactions = 7).unwrap();
    assert_eq!(store(&folder).journal(), Some(&transaction(7, State::Committed)), "it is closed once more");
    store(&folder).close().unwrap();
    assert_eq!(store(&folder).journal(), None);
    let [_, newest] = journals(&folder, 2);
    std::fs::remove_file(newest).unwrap();
    std::fs::write(older, journal).unwrap();
    assert_eq!(store(&folder).journal(), None, "an older one is of no use");
    store(&folder).record(&transaction(8, State::Staging)).unwrap();
    assert_eq!(store(&folder).journal(), Some(&transaction(8, State::Staging)));
}

#[test]
fn of_a_journal_whose_two_files_are_torn_the_transaction_as_it_was_opened_counts_until_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    for state in [State::Staging, State::Verifying, State::Activating(0), State::Voting] {
        store(&folder).record(&transaction(7, state)).unwrap();
    }
    journals(&folder, 4).iter().for_each(|file| std::fs::write(file, b"{").unwrap());
    assert_eq!(store(&folder).journal(), Some(&transaction(7, State::Staging).outdated()));
    store(&folder).remember(|memory| memory.transactions = 7).unwrap();
    assert_eq!(store(&folder).journal(), None);
}

#[test]
fn a_transaction_whose_first_journal_did_not_last_is_not_forgotten() {
    for closed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        if closed {
            store(&folder).close().unwrap();
        }
        store(&folder).record(&transaction(7, State::Staging)).unwrap();
        let [_, last] = journals(&folder, 1 + u64::from(closed));
        std::fs::write(last, b"{").unwrap();
        assert_eq!(store(&folder).journal(), Some(&transaction(7, State::Staging).outdated()));
    }
}

#[test]
fn a_journal_of_which_no_file_is_whole_is_not_taken_for_none() {
    let folder = tempfile::tempdir().unwrap();
    for state in [State::Staging, State::Verifying] {
        store(&folder).record(&transaction(7, state)).unwrap();
    }
    journals(&folder, 2).iter().for_each(|file| std::fs::write(file, b"{").unwrap());
    std::fs::write(folder.path().join("journal.first.json"), b"{").unwrap();
    let error = Store::open(Folder::open(folder.path(), Access::Private).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "journal: all files of the journal are damaged");
}

/// A journal as it was before it had two files.
fn write_single(folder: &tempfile::TempDir, state: State) -> std::path::PathBuf {
    let line = journal::encode(&transaction(7, state)).to_string();
    let single = folder.path().join("journal");
    std::fs::write(&single, format!("{line}\n{}\n", Sha256::of(line.as_bytes()))).unwrap();
    single
}

#[test]
fn a_journal_in_one_file_is_read_and_goes_with_its_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let single = write_single(&folder, State::Voting);
    let mut older = store(&folder);
    assert_eq!(older.journal(), Some(&transaction(7, State::Voting)));
    older.record(&transaction(7, State::Committing)).unwrap();
    assert!(single.exists());
    older.close().unwrap();
    assert!(!single.exists());
    assert_eq!(store(&folder).journal(), None);
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
