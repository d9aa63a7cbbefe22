//! How to check Timestamp (§5.4.4.4).

use uptane::limits::MAX_TIMESTAMP;
use uptane::verify::{Keep, Refresh};
use uptane::{Attack, Error, Length, Role, Version};

use crate::{below, refused, updated};

#[test]
fn timestamp_longer_than_its_limit_is_refused() {
    let refused = refused(|next| {
        next.director.mangle(Role::Timestamp, |file| file.resize(usize::try_from(MAX_TIMESTAMP).unwrap() + 1, b' '));
    });
    assert_eq!(refused, Error::TooLong { role: Role::Timestamp, limit: Length::new(MAX_TIMESTAMP).unwrap() });
}

#[test]
fn timestamp_signed_by_another_role_is_refused() {
    let refused = refused(|next| next.director.signed_by(Role::Timestamp, &["director snapshot 0"]));
    assert_eq!(refused, below(Role::Timestamp, 0, 1));
}

#[test]
fn timestamp_whose_content_was_changed_is_refused() {
    let refused = refused(|next| {
        next.director.mangle(Role::Timestamp, |file| {
            let text = String::from_utf8(file.clone()).unwrap();
            *file = text.replace("\"version\":2}}", "\"version\":9}}").into_bytes();
        });
    });
    assert_eq!(refused, below(Role::Timestamp, 0, 1));
}

#[test]
fn older_timestamp_is_a_rollback() {
    let (mut repo, mut vehicle) = updated();
    let old = repo.clone();
    repo.publish(|_| {});
    vehicle.update(&repo).unwrap();
    let refused = vehicle.update(&old).unwrap_err();
    let (trusted, offered) = (Version::new(2).unwrap(), Version::FIRST);
    assert_eq!(refused, Error::Rollback { role: Role::Timestamp, trusted, offered });
    assert_eq!(refused.attack(), Some(Attack::Rollback));
}

// T18.
#[test]
fn the_same_timestamp_again_is_no_change() {
    let (repo, mut vehicle) = updated();
    vehicle.kept.clear();
    let refreshed = vehicle.refresh_director(repo.director()).unwrap();
    assert!(!refreshed.changed());
    assert!(refreshed.commit().is_empty());
    assert_eq!(vehicle.kept, []);
}

// T18.
#[test]
fn the_same_timestamp_with_another_signature_beside_it_is_no_change() {
    let (repo, mut vehicle) = updated();
    let mut twin = repo.clone();
    twin.publish(|next| {
        next.director.version(Role::Timestamp, 2);
    });
    vehicle.update(&twin).unwrap();
    let mut again = repo.clone();
    again.publish(|next| next.director.signed_by(Role::Timestamp, &["director timestamp 0", "stranger"]));
    assert!(!vehicle.refresh_director(again.director()).unwrap().changed());
}

// T18.
#[test]
fn two_timestamps_of_one_version_are_equivocation() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.director.version(Role::Timestamp, 1));
    let refused = vehicle.update(&repo).unwrap_err();
    assert_eq!(refused, Error::Equivocation { role: Role::Timestamp, version: Version::FIRST });
    assert_eq!(refused.attack(), Some(Attack::MixAndMatch));
}

#[test]
fn timestamp_that_lists_an_older_snapshot_is_a_rollback() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|_| {});
    vehicle.update(&repo).unwrap();
    repo.publish(|next| next.director.version(Role::Snapshot, 1));
    let (trusted, offered) = (Version::new(2).unwrap(), Version::FIRST);
    let rollback = Error::Rollback { role: Role::Snapshot, trusted, offered };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(rollback));
    // It is not kept, so it cannot stand in the way of a later one.
    assert_eq!(vehicle.director.timestamp().unwrap().version(), trusted);
}

#[test]
fn expired_timestamp_is_a_freeze() {
    let (repo, vehicle) = updated();
    let expires = vehicle.now;
    let refused = refused(|next| next.director.expires(Role::Timestamp, expires));
    assert_eq!(refused, Error::Expired { role: Role::Timestamp, expires, now: repo.now() });
    assert_eq!(refused.attack(), Some(Attack::Freeze));
}

#[test]
fn timestamp_without_a_digest_of_snapshot_is_refused() {
    let refused = refused(|next| next.director.remove(Role::Timestamp, &["meta", "snapshot.json", "hashes"]));
    assert_eq!(refused, Error::NoKnownHash);
}

#[test]
fn a_file_of_another_role_is_no_timestamp() {
    let refused = refused(|next| next.director.set(Role::Timestamp, &["_type"], r#""snapshot""#));
    assert_eq!(refused, Error::WrongType { field: "_type" });
}

#[test]
fn a_file_of_the_other_repository_is_no_timestamp() {
    let refused = refused(|next| next.director.set(Role::Timestamp, &["uptane", "repository"], r#""image""#));
    assert_eq!(refused, Error::WrongType { field: "repository" });
}

// T1b.
#[test]
fn timestamp_of_another_vehicle_is_refused_before_it_is_kept() {
    let (mut repo, mut vehicle) = updated();
    vehicle.kept.clear();
    let other = r#""ffffffffffffffffffffffffffffffff""#;
    repo.publish(|next| {
        next.director.set(Role::Timestamp, &["uptane", "vehicle"], other);
        next.director.version(Role::Timestamp, 1_000_000);
    });
    let refused = vehicle.update(&repo).unwrap_err();
    assert_eq!(refused, Error::WrongVehicle { role: Role::Timestamp });
    assert_eq!(refused.attack(), Some(Attack::Replay));
    assert_eq!(vehicle.kept, []);
    assert_eq!(vehicle.director.timestamp().unwrap().version(), Version::FIRST);
}

// T1b.
#[test]
fn timestamp_of_no_vehicle_is_refused() {
    let refused = refused(|next| next.director.remove(Role::Timestamp, &["uptane", "vehicle"]));
    assert_eq!(refused, Error::WrongVehicle { role: Role::Timestamp });
}

#[test]
fn a_new_timestamp_is_stored_whatever_follows() {
    let (mut repo, mut vehicle) = updated();
    vehicle.kept.clear();
    repo.publish(|next| next.director.signed_by(Role::Snapshot, &[]));
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(below(Role::Snapshot, 0, 1)));
    assert_eq!(vehicle.director.timestamp().unwrap().version(), Version::new(2).unwrap());
    assert!(matches!(&vehicle.kept[..], [Keep::Store { bytes, .. }] if **bytes == *repo.director().timestamp()));
}

// T16.
#[test]
fn a_timestamp_that_is_absent_is_no_reason_to_go_on() {
    let (repo, vehicle) = updated();
    let mut refresh = Refresh::director(vehicle.director, vehicle.vehicle, None, repo.now());
    refresh.supply(None).unwrap();
    let absent = Error::Absent { role: Role::Timestamp };
    assert_eq!(refresh.supply(None), Err(absent));
    assert_eq!(absent.attack(), Some(Attack::PartialBundle));
}
