use std::collections::BTreeSet;

use uptane::{HardwareId, Length, Sha256, TargetName};

use super::*;
use crate::facts::{Lifetimes, SignedFile};

fn at(seconds: u64) -> Time {
    Time::parse("2026-11-27T12:00:00Z").unwrap().saturating_add(Duration::from_secs(seconds))
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

fn file(role: RoleId, number: u64, bytes: &[u8]) -> Inspected {
    let file = SignedFile { role, version: version(number), expires: at(1_000), bytes: bytes.to_vec() };
    Inspected { file, listings: Vec::new(), delegates: BTreeSet::new() }
}

fn head(files: &[Inspected]) -> Head {
    let current = |inspected: &Inspected| (inspected.file.role, inspected.file.current().unwrap());
    Head { files: files.iter().map(current).collect(), ..Head::default() }
}

fn role(name: &str) -> RoleId {
    name.parse().unwrap()
}

fn image(name: &str, release: u64, bytes: &[u8]) -> Listing {
    Listing {
        name: TargetName::parse(name).unwrap().to_buf(),
        length: Length::new(u64::try_from(bytes.len()).unwrap()).unwrap(),
        sha256: Sha256::of(bytes),
        hardware_ids: BTreeSet::from([HardwareId::parse("hw").unwrap()]),
        line: ImageLine::parse("line").unwrap(),
        release_counter: ReleaseCounter::new(release).unwrap(),
    }
}

fn news_of(before: &[Inspected], release: &[Inspected]) -> Result<usize, Error> {
    news(&head(before), release).map(|news| news.len())
}

#[test]
fn what_is_there_already_is_no_news() {
    let known = file(RoleId::Targets, 2, b"two");
    assert_eq!(news_of(std::slice::from_ref(&known), std::slice::from_ref(&known)).unwrap(), 0);
}

#[test]
fn a_version_never_gets_a_second_content_nor_goes_back() {
    let known = [file(role("acme"), 2, b"two")];
    for number in [1, 2] {
        let refused = news_of(&known, &[file(role("acme"), number, b"other")]);
        assert!(matches!(refused, Err(Error::VersionUsed { next, .. }) if next == version(3)), "{number}");
    }
    assert_eq!(news_of(&known, &[file(role("acme"), 7, b"seven")]).unwrap(), 1);
}

#[test]
fn roots_follow_one_another_without_a_gap() {
    let known = [file(RoleId::Root, 1, b"one")];
    let roots = [file(RoleId::Root, 2, b"two"), file(RoleId::Root, 3, b"three")];
    assert_eq!(news_of(&known, &roots).unwrap(), 2);
    assert!(matches!(news_of(&known, &roots[1..]), Err(Error::VersionUsed { .. })));
}

#[test]
fn a_release_brings_one_file_of_a_role() {
    let twice = [file(role("acme"), 1, b"a"), file(role("acme"), 2, b"b")];
    assert!(matches!(news_of(&[], &twice), Err(Error::RoleTwice { .. })));
}

#[test]
fn a_difference_is_what_is_new_what_is_other_and_what_is_gone() {
    let (same, old, gone) = (image("a", 1, b"a"), image("b", 1, b"b"), image("c", 1, b"c"));
    let (changed, new) = (image("b", 2, b"other"), image("d", 1, b"d"));
    let after = [same.clone(), changed.clone(), new.clone()];
    let found = difference(&[same, old, gone.clone()], &after);
    assert_eq!(found, Difference { listed: vec![changed, new], unlisted: vec![gone.name] });
}

fn admitted(by: &str, listed: &[Listing], known: &[(&str, Listing)], highest: u64) -> Result<(), Error> {
    let difference = Difference { listed: listed.to_vec(), unlisted: Vec::new() };
    let highest = [(ImageLine::parse("line").unwrap(), ReleaseCounter::new(highest).unwrap())];
    let named = known.iter().map(|(by, listing)| (role(by), listing.clone())).collect();
    admit(&[(role(by), difference)].into(), &Known { named, highest: highest.into() })
}

#[test]
fn a_name_stands_for_one_image_whoever_lists_it() {
    let known = [("acme", image("a", 1, b"a"))];
    let refused = admitted("bolt", &[image("a", 2, b"other")], &known, 1);
    assert!(matches!(refused, Err(Error::NameTaken { role: by, .. }) if *by == role("acme")));
    admitted("bolt", &[image("a", 1, b"a")], &known, 1).unwrap();
}

#[test]
fn an_image_may_pass_from_one_role_to_another_in_one_release() {
    let (old, new) = (image("a", 1, b"a"), image("a", 2, b"other"));
    let gone = Difference { listed: Vec::new(), unlisted: vec![old.name] };
    let came = Difference { listed: vec![new], unlisted: Vec::new() };
    let known = Known { named: vec![(role("acme"), old)], ..Known::default() };
    admit(&[(role("acme"), gone), (role("bolt"), came)].into(), &known).unwrap();
}

// Trap T5.
#[test]
fn a_lower_release_of_a_line_is_refused_under_any_name() {
    for name in ["a", "b"] {
        let refused = admitted("acme", &[image(name, 4, b"new")], &[], 5);
        assert!(matches!(refused, Err(Error::CounterTaken { .. })), "{name}");
    }
    admitted("acme", &[image("b", 5, b"new")], &[], 5).unwrap();
}

#[test]
fn other_content_under_a_name_needs_a_higher_release() {
    let known = [("acme", image("a", 5, b"old"))];
    let refused = admitted("acme", &[image("a", 5, b"new")], &known, 5);
    assert!(matches!(refused, Err(Error::CounterTaken { .. })));
    admitted("acme", &[image("a", 6, b"new")], &known, 5).unwrap();
}

#[test]
fn snapshot_is_made_again_only_when_it_must_be() {
    let lifetime = Lifetimes { snapshot: Duration::from_secs(2_000), timestamp: Duration::from_secs(2_000) };
    let head = Head { lifetimes: lifetime, ..head(&[file(RoleId::Snapshot, 3, b"three")]) };
    assert_eq!(snapshot(&head, false, at(0)).unwrap(), None);
    let next = Next { version: version(4), expires: at(2_000) };
    assert_eq!(snapshot(&head, true, at(0)).unwrap(), Some(next));
    assert_eq!(snapshot(&head, false, at(1)).unwrap().map(|next| next.version), Some(version(4)));
}

#[test]
fn nothing_is_built_on_what_people_let_expire() {
    let files = [file(RoleId::Root, 1, b"root"), file(RoleId::Targets, 1, b"targets")];
    check_fresh(&head(&files), at(999)).unwrap();
    let refused = check_fresh(&head(&files), at(1_000));
    assert!(matches!(refused, Err(Error::Expired { role: Role::Root, .. })));
    assert!(matches!(check_fresh(&head(&files[..1]), at(0)), Err(Error::Incomplete { what: "targets" })));
}
