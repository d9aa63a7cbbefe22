//! How to check Snapshot (§5.4.4.5).

use core::time::Duration;

use uptane::{Attack, Error, Role, Version};

use crate::{below, refused, updated};

fn mixed(what: &'static str) -> Error {
    Error::MixAndMatch { role: Role::Snapshot, what }
}

fn version(version: u64) -> Version {
    Version::new(version).unwrap()
}

#[test]
fn snapshot_longer_than_timestamp_lists_is_refused() {
    let refused = refused(|next| next.director.corrupt(Role::Snapshot, |file| file.push(b' ')));
    assert!(matches!(refused, Error::TooLong { role: Role::Snapshot, .. }), "{refused}");
    assert_eq!(refused.attack(), Some(Attack::EndlessData));
}

#[test]
fn snapshot_shorter_than_timestamp_lists_is_refused() {
    // Still JSON, and still what was signed: an entry nobody can evaluate is gone.
    let refused = refused(|next| {
        let entry = r#"{"keyid":"unknown","sig":"00"},"#;
        next.director.mangle(Role::Snapshot, move |file| {
            let text = String::from_utf8(file.clone()).unwrap();
            *file = text.replacen("[{", &format!("[{entry}{{"), 1).into_bytes();
        });
        next.director.corrupt(Role::Snapshot, move |file| {
            *file = String::from_utf8(file.clone()).unwrap().replace(entry, "").into_bytes();
        });
    });
    assert_eq!(refused, mixed("length"));
}

#[test]
fn snapshot_with_another_digest_than_timestamp_lists_is_mix_and_match() {
    let refused = refused(|next| {
        let zeros = format!("\"{}\"", "0".repeat(64));
        next.director.set(Role::Timestamp, &["meta", "snapshot.json", "hashes", "sha256"], zeros);
    });
    assert_eq!(refused, mixed("hashes"));
    assert_eq!(refused.attack(), Some(Attack::MixAndMatch));
}

#[test]
fn nobody_reads_bytes_that_timestamp_does_not_list() {
    let refused = refused(|next| next.director.corrupt(Role::Snapshot, |file| file.fill(b'?')));
    assert_eq!(refused, mixed("hashes"));
}

#[test]
fn every_listed_digest_of_snapshot_is_checked() {
    let refused = refused(|next| {
        let zeros = format!("\"{}\"", "0".repeat(128));
        next.director.set(Role::Timestamp, &["meta", "snapshot.json", "hashes", "sha512"], zeros);
    });
    assert_eq!(refused, mixed("hashes"));
}

#[test]
fn snapshot_of_another_version_than_timestamp_lists_is_mix_and_match() {
    let refused = refused(|next| next.director.set(Role::Timestamp, &["meta", "snapshot.json", "version"], 3));
    assert_eq!(refused, mixed("version"));
}

#[test]
fn snapshot_signed_by_another_role_is_refused() {
    let refused = refused(|next| next.director.signed_by(Role::Snapshot, &["director timestamp 0"]));
    assert_eq!(refused, below(Role::Snapshot, 0, 1));
}

#[test]
fn older_snapshot_is_a_rollback_where_the_cached_timestamp_is_gone() {
    let (repo, mut vehicle) = updated();
    let mut newer = repo.clone();
    newer.publish(|_| {});
    vehicle.update(&newer).unwrap();
    vehicle.forget_timestamp();
    let rollback = Error::Rollback { role: Role::Snapshot, trusted: version(2), offered: version(1) };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(rollback));
}

// A24.
#[test]
fn two_snapshots_of_one_version_are_equivocation() {
    let refused = refused(|next| next.director.version(Role::Snapshot, 1));
    assert_eq!(refused, Error::Equivocation { role: Role::Snapshot, version: Version::FIRST });
}

#[test]
fn snapshot_that_lists_older_targets_is_a_rollback() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|_| {});
    vehicle.update(&repo).unwrap();
    repo.publish(|next| next.director.version(Role::Targets, 1));
    let rollback = Error::Rollback { role: Role::Targets, trusted: version(2), offered: version(1) };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(rollback));
}

#[test]
fn snapshot_that_lists_an_older_delegated_file_is_a_rollback() {
    let (mut repo, mut vehicle) = updated();
    let brakes = ["meta", "brakes.json"];
    repo.publish(|next| next.image.set(Role::Snapshot, &brakes, r#"{"version":2}"#));
    vehicle.update(&repo).unwrap();
    repo.publish(|next| next.image.set(Role::Snapshot, &brakes, r#"{"version":1}"#));
    let rollback = Error::Rollback { role: Role::Targets, trusted: version(2), offered: version(1) };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(rollback));
}

#[test]
fn snapshot_that_withdraws_a_targets_file_is_a_rollback() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.image.set(Role::Snapshot, &["meta", "brakes.json"], r#"{"version":1}"#));
    vehicle.update(&repo).unwrap();

    repo.publish(|_| {});
    let refused = vehicle.update(&repo).unwrap_err();
    assert_eq!(refused, Error::Withdrawn);
    assert_eq!(refused.attack(), Some(Attack::Rollback));
}

#[test]
fn expired_snapshot_is_a_freeze() {
    let (repo, _) = updated();
    let expires = repo.now();
    let refused = refused(|next| next.director.expires(Role::Snapshot, expires));
    assert_eq!(refused, Error::Expired { role: Role::Snapshot, expires, now: repo.now() });
}

// T1b.
#[test]
fn snapshot_of_another_vehicle_is_refused() {
    let other = r#""ffffffffffffffffffffffffffffffff""#;
    let refused = refused(|next| next.director.set(Role::Snapshot, &["uptane", "vehicle"], other));
    assert_eq!(refused, Error::WrongVehicle { role: Role::Snapshot });
}

// T4.
#[test]
fn cached_snapshot_is_held_to_its_expiry_in_every_cycle() {
    let (mut repo, mut vehicle) = updated();
    let expires = repo.now().saturating_add(Duration::from_secs(3_600));
    repo.publish(|next| next.image.expires(Role::Snapshot, expires));
    vehicle.update(&repo).unwrap();
    vehicle.now = expires;
    let refused = vehicle.update(&repo).map(|_| ());
    assert_eq!(refused, Err(Error::Expired { role: Role::Snapshot, expires, now: expires }));
}

#[test]
fn a_snapshot_that_lists_root_too_is_as_good_as_any() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.director.set(Role::Snapshot, &["meta", "root.json"], r#"{"version":1}"#));
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.director.snapshot().unwrap().version(), Version::new(2).unwrap());
}
