use std::collections::BTreeMap;

use uptane::{Length, Sha256};

use super::*;
use crate::facts::Current;

fn at(seconds: u64) -> Time {
    Time::from_unix(seconds).unwrap()
}

fn kept(role: &str, version: u64, expires: u64) -> Kept {
    let (role, version) = id(role, version);
    Kept { role, version, expires: at(expires) }
}

fn id(role: &str, version: u64) -> FileId {
    (role.parse().unwrap(), Version::new(version).unwrap())
}

/// The state in which the last of these files of each role is the newest.
fn head(history: &[Kept]) -> Head {
    let current = |kept: &Kept| Current {
        version: kept.version,
        expires: kept.expires,
        length: Length::ZERO,
        sha256: Sha256::of(b""),
    };
    let files: BTreeMap<_, _> = history.iter().map(|kept| (kept.role, current(kept))).collect();
    Head { files, ..Head::default() }
}

fn others(history: &[Kept], reached: &[FileId], now: u64) -> Vec<FileId> {
    let mut needed = Needed::by_itself(&head(history), history, at(now));
    needed.add(reached.iter().copied());
    needed.others(history)
}

#[test]
fn what_has_expired_and_was_superseded_goes() {
    let history = [kept("targets", 1, 10), kept("targets", 2, 10), kept("targets", 3, 10)];
    assert_eq!(others(&history, &[], 10), [id("targets", 1), id("targets", 2)]);
}

#[test]
fn what_has_not_expired_stays_though_it_was_superseded() {
    let history = [kept("snapshot", 1, 11), kept("snapshot", 2, 20)];
    assert_eq!(others(&history, &[], 10), []);
    assert_eq!(others(&history, &[], 11), [id("snapshot", 1)]);
}

#[test]
fn the_newest_file_of_a_role_stays_though_it_has_expired() {
    assert_eq!(others(&[kept("acme", 4, 1)], &[], 10), []);
}

#[test]
fn roots_stay_for_ever() {
    assert_eq!(others(&[kept("root", 1, 1), kept("root", 2, 2), kept("root", 3, 3)], &[], 10), []);
}

#[test]
fn what_an_unexpired_file_leads_to_stays_though_it_has_expired() {
    let history = [kept("targets", 1, 1), kept("targets", 2, 1), kept("targets", 3, 99)];
    assert_eq!(others(&history, &[id("targets", 1)], 10), [id("targets", 2)]);
}
