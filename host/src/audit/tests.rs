use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Time {
    Time::from_unix(seconds).unwrap()
}

/// A log of as many entries.
fn log(length: u64) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for number in 0..length {
        let object = format!("brakes/fw-{number}.bin");
        entries.push(Entry::next(entries.last(), at(1_000 + number), "alice", "publish", object).unwrap());
    }
    entries
}

fn broken(entries: Vec<Entry>) -> Broken {
    verify(entries).unwrap_err()
}

#[test]
fn the_hash_is_that_of_the_documented_bytes() {
    let first = Entry::next(None, at(0x0102), "al", "publish", "").unwrap();
    let bytes = [
        b"convoy audit v1\n".as_slice(),
        &[0, 0, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0, 0, 0, 0, 1, 2],
        &[0; 32],
        b"\0\0\0\x02al",
        b"\0\0\0\x07publish",
        b"\0\0\0\0",
    ];
    assert_eq!(first.hash, Sha256::of(&bytes.concat()));
    let second = Entry::next(Some(&first), at(0), "bob", "withdraw", "x").unwrap();
    assert_eq!((second.seq, second.previous), (2, first.hash));
}

#[test]
fn a_log_as_it_was_written_gives_its_last_entry() {
    let entries = log(4);
    assert_eq!(verify(entries.clone()).unwrap().as_ref(), entries.last());
    assert_eq!(verify(Vec::new()), Ok(None));
}

#[test]
fn a_log_is_verified_from_a_known_entry_on() {
    let entries = log(6);
    let last = verify_after(Some(entries[2].clone()), entries[3..].to_vec()).unwrap();
    assert_eq!(last.as_ref(), entries.last());
}

#[test]
fn text_that_moved_from_one_field_to_the_next_is_a_change() {
    let mut entries = log(3);
    entries[1].actor = "alicep".into();
    entries[1].action = "ublish".into();
    assert_eq!(broken(entries), Broken { seq: 2, why: Why::Hash });
}

#[test]
fn an_entry_that_was_taken_out_is_missed() {
    let mut entries = log(4);
    entries.remove(1);
    assert_eq!(broken(entries), Broken { seq: 3, why: Why::Seq { expected: 2 } });
}

#[test]
fn a_log_without_its_beginning_is_missed() {
    assert_eq!(broken(log(3).split_off(1)), Broken { seq: 2, why: Why::Seq { expected: 1 } });
}

#[test]
fn an_entry_that_was_made_again_breaks_the_one_after_it() {
    let mut entries = log(4);
    entries[1] = Entry::next(Some(&entries[0]), at(1_001), "mallory", "publish", "brakes/fw-1.bin").unwrap();
    assert_eq!(broken(entries), Broken { seq: 3, why: Why::Previous });
}

#[test]
fn an_entry_that_was_put_in_breaks_the_one_after_it() {
    let mut entries = log(3);
    entries.insert(1, Entry::next(Some(&entries[0]), at(1_001), "mallory", "publish", "x").unwrap());
    assert_eq!(broken(entries), Broken { seq: 2, why: Why::Seq { expected: 3 } });
}

#[test]
fn texts_are_bounded_and_somebody_did_something() {
    let next = |actor: &str, action: &str, object: &str| Entry::next(None, at(1), actor, action, object);
    let long = |field, limit| Err(Unfit::TooLong { field, limit });
    assert_eq!(next(&"a".repeat(257), "publish", ""), long("actor", 256));
    assert_eq!(next("alice", &"p".repeat(65), ""), long("action", 64));
    assert_eq!(next("alice", "publish", &"x".repeat(1_025)), long("object", 1_024));
    assert_eq!(next("", "publish", "x"), Err(Unfit::Empty { field: "actor" }));
    assert_eq!(next("alice", "", "x"), Err(Unfit::Empty { field: "action" }));
    assert!(next(&"a".repeat(256), &"p".repeat(64), &"x".repeat(1_024)).is_ok());
}

#[test]
fn after_the_last_number_there_is_none() {
    let mut entry = log(1).remove(0);
    entry.seq = u64::MAX;
    assert_eq!(Entry::next(Some(&entry), at(1), "alice", "publish", ""), Err(Unfit::Full));
}

#[test]
fn a_line_says_what_the_entry_says() {
    let entry = Entry::next(None, at(1_800_000_000), "al\"ice", "publish", "a\nb").unwrap();
    let what = r#""actor":"al\"ice","action":"publish","object":"a\nb""#;
    let hashes = format!(r#""previous":"{}","hash":"{}""#, "0".repeat(64), entry.hash);
    assert_eq!(entry.to_line(), format!(r#"{{"seq":1,"at":"2027-01-15T08:00:00Z",{what},{hashes}}}"#));
    assert_eq!(Entry::from_line(&entry.to_line()), Ok(entry));
}

#[test]
fn a_line_in_other_bytes_is_refused() {
    let line = log(1).remove(0).to_line();
    for other in
        [format!(" {line}"), line.replace("alice", "\\u0061lice"), line.replace("\"seq\":1,", "\"seq\":1,\"x\":1,")]
    {
        assert_eq!(Entry::from_line(&other), Err(Unfit::BadLine), "{other}");
    }
}

#[test]
fn the_longest_entry_has_a_line_that_is_read() {
    let text = |length| "\u{1}".repeat(length);
    let entry = Entry::next(None, Time::MAX, text(MAX_ACTOR), text(MAX_ACTION), text(MAX_OBJECT)).unwrap();
    assert_eq!(Entry::from_line(&entry.to_line()), Ok(entry));
}

/// A log of any content, of at least two entries.
fn any_log() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec((0..1_u64 << 37, ".{1,20}", ".{1,9}", ".{0,20}"), 2..8).prop_map(|contents| {
        let mut entries: Vec<Entry> = Vec::new();
        for (seconds, actor, action, object) in contents {
            entries.push(Entry::next(entries.last(), at(seconds), actor, action, object).unwrap());
        }
        entries
    })
}

/// Changes one thing in one field, which is another one after that.
fn change(entry: &mut Entry, field: u8, salt: u8) {
    let flip = |digest: &mut Sha256| digest.0[usize::from(salt % 32)] ^= 1 << (salt % 8);
    match field {
        0 => entry.seq ^= 1 << (salt % 64),
        1 => entry.at = at(entry.at.unix() ^ 1 << (salt % 37)),
        2 => entry.actor.push('x'),
        3 => entry.action.push('x'),
        4 => entry.object.push('x'),
        5 => flip(&mut entry.previous),
        _ => flip(&mut entry.hash),
    }
}

proptest! {
    #[test]
    fn a_log_of_any_content_is_whole_and_survives_its_export(entries in any_log()) {
        let read: Result<Vec<_>, _> = entries.iter().map(|entry| Entry::from_line(&entry.to_line())).collect();
        prop_assert_eq!(read.as_ref(), Ok(&entries));
        let last = verify(entries.clone()).unwrap();
        prop_assert_eq!(last.as_ref(), entries.last());
    }

    #[test]
    fn a_change_of_any_field_of_any_entry_is_found(
        mut entries in any_log(),
        which: prop::sample::Index,
        field in 0..7_u8,
        salt: u8,
    ) {
        change(which.get_mut(&mut entries), field, salt);
        prop_assert!(verify(entries).is_err());
    }

    #[test]
    fn an_entry_missing_before_the_last_is_found(mut entries in any_log(), which: prop::sample::Index) {
        entries.remove(which.index(entries.len() - 1));
        prop_assert!(verify(entries).is_err());
    }

    #[test]
    fn an_entry_twice_or_from_another_log_is_found(
        mut entries in any_log(),
        other in any_log(),
        which: prop::sample::Index,
        place: prop::sample::Index,
    ) {
        let put_in = which.get(&other).clone();
        let twice = which.get(&entries).clone();
        let place = place.index(entries.len());
        for entry in [put_in, twice] {
            let mut longer = entries.clone();
            longer.insert(place, entry);
            prop_assert!(verify(longer).is_err());
        }
        entries.truncate(1);
        prop_assert!(verify(entries).is_ok());
    }

    #[test]
    fn two_entries_in_each_others_place_are_found(
        mut entries in any_log(),
        a: prop::sample::Index,
        b: prop::sample::Index,
    ) {
        let (a, b) = (a.index(entries.len()), b.index(entries.len()));
        prop_assume!(a != b);
        entries.swap(a, b);
        prop_assert!(verify(entries).is_err());
    }

    #[test]
    fn a_changed_byte_of_an_export_is_found(
        entries in any_log(),
        which: prop::sample::Index,
        place: prop::sample::Index,
        salt in 1..=u8::MAX,
    ) {
        let mut lines: Vec<_> = entries.iter().map(|entry| entry.to_line().into_bytes()).collect();
        *place.get_mut(which.get_mut(&mut lines).as_mut_slice()) ^= salt;
        let read = |line: Vec<u8>| String::from_utf8(line).ok().and_then(|line| Entry::from_line(&line).ok());
        let found = lines.into_iter().map(read).collect::<Option<Vec<_>>>().map(verify);
        prop_assert!(!matches!(found, Some(Ok(_))));
    }
}
