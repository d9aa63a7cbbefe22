//! How to check Root (§5.4.4.3).

use uptane::limits::{MAX_ROOT, MAX_ROOT_ROTATIONS};
use uptane::sign::{Signer as _, key_id};
use uptane::testing::{Repo, Vehicle, signer};
use uptane::verify::{Keep, MetadataFile};
use uptane::{Attack, Error, Length, Role, Version};

use crate::{below, refused, sign_twice, updated};

const OLD: [&str; 3] = ["director root 0", "director root 1", "director root 2"];
const NEW: [&str; 3] = ["director root 0'", "director root 1'", "director root 2'"];

fn version(version: u64) -> Version {
    Version::new(version).unwrap()
}

fn key(label: &str) -> String {
    let public = signer(label).public_key();
    format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#)
}

#[test]
fn root_signed_by_the_old_keys_alone_is_refused() {
    let refused = refused(|next| {
        next.director.rotate(Role::Root);
        next.director.signed_by(Role::Root, &OLD);
    });
    assert_eq!(refused, below(Role::Root, 0, 2));
    assert_eq!(refused.attack(), Some(Attack::ArbitrarySoftware));
}

#[test]
fn root_signed_by_the_new_keys_alone_is_refused() {
    let refused = refused(|next| {
        next.director.rotate(Role::Root);
        next.director.signed_by(Role::Root, &NEW);
    });
    assert_eq!(refused, below(Role::Root, 0, 2));
}

#[test]
fn root_signed_by_both_thresholds_is_adopted() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| {
        next.director.rotate(Role::Root);
        next.director.signed_by(Role::Root, &[OLD[0], OLD[2], NEW[0], NEW[1]]);
    });
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.director.root().version(), version(2));
}

// T3.
#[test]
fn a_key_id_that_signs_twice_is_refused() {
    let refused = refused(|next| {
        next.director.renew_root();
        next.director.signed_by(Role::Root, &OLD[..1]);
        next.director.mangle(Role::Root, sign_twice);
    });
    assert_eq!(refused, Error::Duplicate { what: "key id of signatures" });
}

// T3.
#[test]
fn one_key_under_two_ids_counts_once() {
    let label = "director timestamp 0";
    let id = signer(label).key_id();
    let refused = refused(|next| {
        let role = format!(r#"{{"keyids":["alias","{id}"],"threshold":2}}"#);
        next.director.set(Role::Root, &["keys", "alias"], key(label));
        next.director.set(Role::Root, &["roles", "timestamp"], role);
        next.director.mangle(Role::Timestamp, move |file| {
            sign_twice(file);
            *file = String::from_utf8_lossy(file).replacen(id.as_str(), "alias", 1).into_bytes();
        });
    });
    assert_eq!(refused, below(Role::Timestamp, 1, 2));
}

// T17.
#[test]
fn only_version_n_plus_one_follows_n() {
    for wrong in [1, 3] {
        let refused = refused(|next| next.director.version(Role::Root, wrong));
        assert_eq!(refused, Error::RootVersion { expected: version(2), offered: version(wrong) });
        assert_eq!(refused.attack(), Some(Attack::Rollback));
    }
}

#[test]
fn the_roots_of_the_image_repository_are_followed_too() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.image.rotate(Role::Root));
    repo.publish(|next| next.image.rotate(Role::Targets));
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.image.root().version(), version(3));
    let now = repo.now();
    repo.publish(|next| next.image.expires(Role::Root, now));
    assert_eq!(vehicle.update(&repo).err(), Some(Error::Expired { role: Role::Root, expires: now, now }));
}

#[test]
fn a_chain_is_followed_through_roots_that_have_expired() {
    let (mut repo, mut vehicle) = updated();
    for _ in 0..10 {
        let past = repo.now();
        repo.publish(|next| {
            next.director.rotate(Role::Root);
            next.director.expires(Role::Root, past);
        });
    }
    repo.publish(|next| next.director.renew_root());
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.director.root().version(), version(12));
}

#[test]
fn the_newest_root_is_dead_at_its_expiry() {
    let (repo, mut vehicle) = updated();
    let expires = vehicle.director.root().expires();
    vehicle.now = expires;
    let refused = vehicle.update(&repo).unwrap_err();
    assert_eq!(refused, Error::Expired { role: Role::Root, expires, now: expires });
    assert_eq!(refused.attack(), Some(Attack::Freeze));
}

#[test]
fn root_longer_than_its_limit_is_refused() {
    let refused = refused(|next| {
        next.director.renew_root();
        next.director.mangle(Role::Root, |file| file.resize(usize::try_from(MAX_ROOT).unwrap() + 1, b' '));
    });
    assert_eq!(refused, Error::TooLong { role: Role::Root, limit: Length::new(MAX_ROOT).unwrap() });
    assert_eq!(refused.attack(), Some(Attack::EndlessData));
}

#[test]
fn root_of_the_other_repository_is_refused() {
    let refused = refused(|next| next.director.set(Role::Root, &["uptane", "repository"], r#""image""#));
    assert_eq!(refused, Error::WrongType { field: "repository" });
}

#[test]
fn director_root_that_names_no_repository_is_refused() {
    let refused = refused(|next| next.director.remove(Role::Root, &["uptane", "repository"]));
    assert_eq!(refused, Error::WrongType { field: "repository" });
}

#[test]
fn root_without_one_of_the_four_roles_is_refused() {
    for role in ["root", "snapshot", "targets", "timestamp"] {
        let refused = refused(|next| next.director.remove(Role::Root, &["roles", role]));
        assert!(matches!(refused, Error::Schema { field } if field == role), "{role}: {refused}");
    }
}

#[test]
fn a_role_of_too_many_keys_fails_closed() {
    let labels: Vec<_> = (0..9).map(|index| format!("extra {index}")).collect();
    let ids: Vec<_> = labels.iter().map(|label| format!("\"{}\"", key_id(&signer(label).public_key()))).collect();
    let refused = refused(|next| {
        for (label, id) in labels.iter().zip(&ids) {
            next.director.set(Role::Root, &["keys", id.trim_matches('"')], key(label));
        }
        next.director.set(Role::Root, &["roles", "targets", "keyids"], format!("[{}]", ids.join(",")));
    });
    assert_eq!(refused, Error::Limit { what: "keys of a role" });
}

// T20.
#[test]
fn a_key_of_an_unknown_algorithm_is_left_out_and_not_an_error() {
    let (mut repo, mut vehicle) = updated();
    let known = key_id(&signer("director timestamp 0").public_key());
    repo.publish(|next| {
        let unknown = r#"{"keytype":"ml-dsa-65","keyval":{"public":"00"},"scheme":"ml-dsa-65"}"#;
        next.director.set(Role::Root, &["keys", "unknown"], unknown);
        next.director.set(Role::Root, &["roles", "timestamp", "keyids"], format!(r#"["{known}","unknown"]"#));
    });
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.director.root().version(), version(2));
}

// T20.
#[test]
fn signatures_nobody_can_evaluate_are_passed_over() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| {
        next.director.mangle(Role::Timestamp, |file| {
            let text = String::from_utf8(file.clone()).unwrap();
            let entry = r#"{"keyid":"unknown","method":"falcon","sig":"xyz"},"#;
            *file = text.replacen("[{", &format!("[{entry}{{"), 1).into_bytes();
        });
    });
    vehicle.update(&repo).unwrap();
}

/// Publishes versions no repository would reach in a thousand years, as a thief of online keys may.
fn fast_forwarded() -> (Repo, Vehicle) {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| {
        for role in [Role::Targets, Role::Snapshot, Role::Timestamp] {
            next.director.version(role, 1_000_000);
        }
    });
    vehicle.update(&repo).unwrap();
    (repo, vehicle)
}

// T6.
#[test]
fn rotating_an_online_key_recovers_from_fast_forwarded_versions() {
    for role in [Role::Targets, Role::Snapshot, Role::Timestamp] {
        let (mut repo, mut vehicle) = fast_forwarded();
        repo.publish(|next| next.director.rotate(role));
        vehicle.update(&repo).unwrap();
        assert_eq!(vehicle.director.targets().unwrap().version(), version(3), "{role}");
        assert!(vehicle.kept.contains(&Keep::Forget), "{role}");
    }
}

// T6.
#[test]
fn a_root_that_rotates_nothing_keeps_the_guard_against_rollback() {
    let (mut repo, mut vehicle) = fast_forwarded();
    repo.publish(|next| next.director.renew_root());
    let refused = vehicle.update(&repo).unwrap_err();
    let (trusted, offered) = (version(1_000_000), version(3));
    assert_eq!(refused, Error::Rollback { role: Role::Timestamp, trusted, offered });
}

#[test]
fn a_root_is_stored_whatever_follows() {
    let (mut repo, mut vehicle) = updated();
    vehicle.kept.clear();
    repo.publish(|next| {
        next.director.renew_root();
        next.director.signed_by(Role::Timestamp, &[]);
    });
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(below(Role::Timestamp, 0, 1)));
    assert_eq!(vehicle.director.root().version(), version(2));
    let bytes = repo.director().root().to_vec();
    assert_eq!(vehicle.kept, [Keep::Store { file: MetadataFile::Root(version(2)), bytes: bytes.into() }]);
}

// T15.
#[test]
fn a_chain_without_end_is_cut_off() {
    let mut repo = Repo::seeded(1);
    let mut vehicle = Vehicle::provisioned(&repo);
    for _ in 0..=MAX_ROOT_ROTATIONS {
        repo.publish(|next| next.director.renew_root());
    }
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(Error::Limit { what: "new Roots" }));
    // What was adopted stays, so the next cycle goes on from there.
    vehicle.update(&repo).unwrap();
}
