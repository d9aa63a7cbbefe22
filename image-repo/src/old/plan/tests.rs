use std::collections::BTreeSet;

use uptane::{HardwareId, ImageLine, Length, ReleaseCounter, Role, Sha256, TargetName};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> Time {
    Time::parse("2026-11-22T12:00:00Z").unwrap()
}

fn image(name: &str, content: &[u8], counter: u64) -> Image {
    Image {
        name: TargetName::parse(name).unwrap().to_buf(),
        length: Length::new(1).unwrap(),
        sha256: Sha256::of(content),
        hardware_ids: BTreeSet::from([HardwareId::parse("brake-hw").unwrap()]),
        line: ImageLine::parse("brake").unwrap(),
        release_counter: ReleaseCounter::new(counter).unwrap(),
        listed: None,
        published: false,
    }
}

fn file(role: TopRole, version: u64, expires: Time) -> SignedFile {
    SignedFile { role, version: Version::new(version).unwrap(), expires, bytes: Vec::new(), published: true }
}

/// A repository at version 1 of every role, made today, with one listed image.
fn facts() -> Facts {
    let mut facts = Facts::default();
    for role in TopRole::ALL {
        facts.lifetimes.insert(role, 10 * DAY);
        facts.files.push(file(role, 1, now().saturating_add(10 * DAY)));
    }
    let listed = Image { listed: Some(Version::FIRST), published: true, ..image("brake.bin", b"one", 5) };
    facts.lines.insert(listed.line, listed.release_counter);
    facts.images.insert(listed.name, listed);
    facts
}

fn later(days: u32) -> Time {
    now().saturating_add(days * DAY)
}

#[test]
fn the_same_image_again_changes_nothing() {
    assert_eq!(add(&facts(), image("brake.bin", b"one", 5)).unwrap(), []);
}

#[test]
fn other_content_under_a_name_needs_a_higher_release() {
    assert!(matches!(add(&facts(), image("brake.bin", b"two", 5)), Err(Error::CounterTaken { .. })));
    let newer = image("brake.bin", b"two", 6);
    assert_eq!(add(&facts(), newer.clone()).unwrap(), [Change::Stage(newer)]);
}

#[test]
fn a_lower_release_of_a_line_is_refused_under_any_name() {
    assert!(matches!(add(&facts(), image("other.bin", b"two", 4)), Err(Error::CounterTaken { .. })));
    // The same release for other hardware is another name.
    assert!(add(&facts(), image("other.bin", b"two", 5)).is_ok());
}

#[test]
fn targets_is_signed_only_if_something_is_staged_or_it_ages() {
    let mut facts = facts();
    assert_eq!(sign(&facts, now()).unwrap(), None);
    let expires = later(6).saturating_add(10 * DAY);
    let second = Next { version: Version::new(2).unwrap(), expires };
    assert_eq!(sign(&facts, later(6)).unwrap(), Some(second));
    let staged = image("brake.bin", b"two", 6);
    facts.images.insert(staged.name, staged);
    assert!(sign(&facts, now()).unwrap().is_some());
}

#[test]
fn an_expired_root_stops_signing_and_publishing() {
    assert!(matches!(sign(&facts(), later(10)), Err(Error::Expired { role: Role::Root, .. })));
    assert!(matches!(publish(&facts(), later(10)), Err(Error::Expired { role: Role::Root, .. })));
}

#[test]
fn expired_targets_are_not_published() {
    let mut facts = facts();
    facts.files.retain(|file| file.role != TopRole::Targets);
    facts.files.push(file(TopRole::Targets, 2, later(1)));
    assert!(matches!(publish(&facts, later(1)), Err(Error::Expired { role: Role::Targets, .. })));
}

#[test]
fn snapshot_is_made_again_only_when_it_must_be() {
    let mut facts = facts();
    assert_eq!(publish(&facts, now()).unwrap().snapshot, None);
    assert!(publish(&facts, later(6)).unwrap().snapshot.is_some());
    facts.files.push(SignedFile { published: false, ..file(TopRole::Targets, 2, later(10)) });
    assert!(publish(&facts, now()).unwrap().snapshot.is_some());
}

#[test]
fn the_timestamp_is_published_last_and_superseded_files_never() {
    let mut facts = facts();
    for (role, version) in [(TopRole::Timestamp, 2), (TopRole::Root, 2), (TopRole::Root, 3), (TopRole::Snapshot, 2)] {
        facts.files.push(SignedFile { published: false, ..file(role, version, later(10)) });
    }
    facts.files.push(SignedFile { published: false, ..file(TopRole::Targets, 2, later(10)) });
    facts.files.push(SignedFile { published: false, ..file(TopRole::Targets, 3, later(10)) });
    let names: Vec<_> = to_publish(&facts).iter().map(|file| file.role.file_name(file.version)).collect();
    assert_eq!(names, ["3.targets.json", "2.snapshot.json", "2.root.json", "3.root.json", "timestamp.json"]);
}
