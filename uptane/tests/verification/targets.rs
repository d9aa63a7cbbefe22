//! How to check top-level Targets (§5.4.4.6).

use core::time::Duration;

use uptane::{Attack, Error, Role, Version};

use crate::{below, refused, updated};

fn mixed(what: &'static str) -> Error {
    Error::MixAndMatch { role: Role::Targets, what }
}

const NAME: &str = "fw/ecu-000-1.bin";
const OTHER_NAME: &str = "fw/ecu-001-1.bin";

#[test]
fn targets_longer_than_snapshot_lists_are_refused() {
    let refused = refused(|next| next.director.corrupt(Role::Targets, |file| file.push(b' ')));
    assert!(matches!(refused, Error::TooLong { role: Role::Targets, .. }), "{refused}");
}

#[test]
fn targets_with_another_digest_than_snapshot_lists_are_mix_and_match() {
    let refused = refused(|next| {
        let zeros = format!("\"{}\"", "0".repeat(64));
        next.director.set(Role::Snapshot, &["meta", "targets.json", "hashes", "sha256"], zeros);
    });
    assert_eq!(refused, mixed("hashes"));
}

#[test]
fn targets_of_another_version_than_snapshot_lists_are_mix_and_match() {
    for listed in [1, 3] {
        let refused = refused(|next| next.director.set(Role::Snapshot, &["meta", "targets.json", "version"], listed));
        assert_eq!(refused, mixed("version"), "{listed}");
    }
}

#[test]
fn targets_are_judged_by_version_where_snapshot_lists_nothing_else() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.director.set(Role::Snapshot, &["meta", "targets.json"], r#"{"version":2}"#));
    vehicle.update(&repo).unwrap();
    repo.publish(|next| next.director.set(Role::Snapshot, &["meta", "targets.json"], r#"{"version":4}"#));
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(mixed("version")));
}

#[test]
fn targets_below_their_threshold_are_refused() {
    let refused = refused(|next| next.image.signed_by(Role::Targets, &["image targets 1", "director targets 0"]));
    assert_eq!(refused, below(Role::Targets, 1, 2));
}

#[test]
fn older_targets_are_a_rollback_where_the_cached_snapshot_is_gone() {
    let (repo, mut vehicle) = updated();
    let mut newer = repo.clone();
    newer.publish(|_| {});
    vehicle.update(&newer).unwrap();
    vehicle.forget_timestamp();
    vehicle.forget_snapshot();
    let (trusted, offered) = (Version::new(2).unwrap(), Version::FIRST);
    let rollback = Error::Rollback { role: Role::Targets, trusted, offered };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(rollback));
}

// A24.
#[test]
fn two_targets_of_one_version_are_equivocation() {
    let refused = refused(|next| {
        next.release();
        next.director.version(Role::Targets, 1);
    });
    assert_eq!(refused, Error::Equivocation { role: Role::Targets, version: Version::FIRST });
}

#[test]
fn expired_targets_are_a_freeze() {
    let (repo, _) = updated();
    let expires = repo.now();
    let refused = refused(|next| next.director.expires(Role::Targets, expires));
    assert_eq!(refused, Error::Expired { role: Role::Targets, expires, now: repo.now() });
}

// T4.
#[test]
fn cached_targets_are_held_to_their_expiry_in_every_cycle() {
    let (mut repo, mut vehicle) = updated();
    let expires = repo.now().saturating_add(Duration::from_secs(3_600));
    repo.publish(|next| next.director.expires(Role::Targets, expires));
    vehicle.update(&repo).unwrap();
    vehicle.now = expires;
    let refused = vehicle.update(&repo).map(|_| ());
    assert_eq!(refused, Err(Error::Expired { role: Role::Targets, expires, now: expires }));
}

#[test]
fn director_targets_never_delegate_not_even_to_nobody() {
    for delegations in ["{}", r#"{"keys":{},"roles":[]}"#] {
        let refused = refused(|next| next.director.set(Role::Targets, &["delegations"], delegations));
        assert_eq!(refused, Error::DirectorDelegates);
        assert_eq!(refused.attack(), Some(Attack::DirectorMisuse));
    }
}

#[test]
fn one_ecu_in_two_images_is_refused() {
    let refused = refused(|next| {
        let path = ["targets", OTHER_NAME, "custom", "uptane", "ecus", "ecu-000"];
        next.director.set(Role::Targets, &path, r#"{"hardware_id":"hw-1"}"#);
    });
    assert_eq!(refused, Error::EcuTwice);
}

/// What the Director says to the first ECU.
const SAID: [&str; 6] = ["targets", NAME, "custom", "uptane", "ecus", "ecu-000"];

// §5.2.3.1.1: the image that arrives is ciphertext, whatever its digests are.
#[test]
fn an_image_that_an_ecu_is_to_decrypt_is_refused() {
    for method in [r#"{"key":"00","method":"none-such"}"#, "{}", "[]", "\"\"", "false", "null"] {
        let path = [&SAID[..], &["encryption"]].concat();
        let refused = refused(|next| next.director.set(Role::Targets, &path, method));
        assert_eq!(refused, Error::Encrypted, "{method}");
        assert_eq!(refused.attack(), Some(Attack::DirectorMisuse));
    }
}

// §5.2.3.1.1: images come from the Image repository alone.
#[test]
fn an_address_is_passed_over() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| {
        let address = [&SAID[..], &["url"]].concat();
        next.director.set(Role::Targets, &address, "\"https://elsewhere.example/fw.bin\"");
    });
    vehicle.update(&repo).unwrap();
}

#[test]
fn an_ecu_of_another_vehicle_is_refused() {
    let (mut repo, mut vehicle) = updated();
    vehicle.ecus.truncate(1);
    repo.publish(|_| {});
    let refused = vehicle.update(&repo).unwrap_err();
    assert_eq!(refused, Error::UnknownEcu);
    assert_eq!(refused.attack(), Some(Attack::DirectorMisuse));
}

// T4.
#[test]
fn cached_targets_are_held_to_the_ecus_of_today() {
    let (repo, mut vehicle) = updated();
    vehicle.ecus.truncate(1);
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(Error::UnknownEcu));
}

#[test]
fn an_image_for_no_ecu_is_refused() {
    let refused =
        refused(|next| next.director.set(Role::Targets, &["targets", NAME, "custom", "uptane", "ecus"], "{}"));
    assert_eq!(refused, Error::Schema { field: "ecus" });
}

// T1.
#[test]
fn empty_targets_of_another_vehicle_are_refused() {
    let refused = refused(|next| {
        next.director.set(Role::Targets, &["targets"], "{}");
        next.director.set(Role::Targets, &["uptane", "vehicle"], r#""ffffffffffffffffffffffffffffffff""#);
    });
    assert_eq!(refused, Error::WrongVehicle { role: Role::Targets });
}

// T1.
#[test]
fn empty_targets_of_no_vehicle_are_refused() {
    let refused = refused(|next| {
        next.director.set(Role::Targets, &["targets"], "{}");
        next.director.remove(Role::Targets, &["uptane", "vehicle"]);
    });
    assert_eq!(refused, Error::WrongVehicle { role: Role::Targets });
}

// T24.
#[test]
fn an_image_that_names_no_hardware_is_refused() {
    for (field, json) in [("hardware_ids", None), ("hardware_ids", Some("[]")), ("release_counter", None)] {
        let refused = refused(|next| {
            let path = ["targets", NAME, "custom", "uptane", "match", field];
            match json {
                Some(json) => next.director.set(Role::Targets, &path, json),
                None => next.director.remove(Role::Targets, &path),
            }
        });
        assert!(matches!(refused, Error::Schema { field: named } if named == field), "{field}: {refused}");
    }
}

#[test]
fn an_image_without_length_or_digest_is_refused() {
    for field in ["length", "hashes"] {
        let refused = refused(|next| next.director.remove(Role::Targets, &["targets", NAME, field]));
        assert!(matches!(refused, Error::Schema { field: named } if named == field), "{field}: {refused}");
    }
}

// T25.
#[test]
fn text_in_another_normal_form_than_c_is_refused() {
    let info = ["targets", "fw/ecu-000-1.bin", "custom", "uptane", "info"];
    let decomposed = refused(|next| next.image.set(Role::Targets, &info, "{\"author\":\"Ame\u{301}lie\"}"));
    assert_eq!(decomposed, Error::NotNormalised);
    let (mut repo, mut vehicle) = updated();
    // A combining mark after a line break composes with nothing, though the escape ends in a letter.
    repo.publish(|next| next.image.set(Role::Targets, &info, "{\"author\":\"Am\u{e9}lie\\n\u{303}\"}"));
    vehicle.update(&repo).unwrap();
}
