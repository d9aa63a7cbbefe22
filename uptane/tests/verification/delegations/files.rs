//! A delegated file is a Targets file (§5.4.4.7 step 1, §5.4.4.6), for whoever leads to it in this look-up.

use core::time::Duration;

use uptane::sign::DelegationBuilder;
use uptane::testing::{Draft, Repo, Vehicle, role_keys};
use uptane::verify::{StoredFiles, Trusted};
use uptane::{Attack, Error, Role, Version};

use super::{fetched, paths, role, to};
use crate::below;

/// How a vehicle refuses an image whose first delegation leads to a file with a fault, though the next has it too.
fn refused(fault: impl FnOnce(&mut Draft)) -> Error {
    super::refused(|image| {
        image.delegate("targets", to("brakes"));
        image.delegate("targets", to("spare"));
        image.supply("brakes", &[0]);
        image.supply("spare", &[0]);
        fault(image);
    })
}

fn mixed(what: &'static str) -> Error {
    Error::MixAndMatch { role: Role::Targets, what }
}

#[test]
fn a_missing_file_ends_the_search() {
    let refused = refused(|image| image.withhold("brakes"));
    assert_eq!(refused, Error::Absent { role: Role::Targets });
    assert_eq!(refused.attack(), Some(Attack::PartialBundle));
}

#[test]
fn a_file_snapshot_does_not_list_is_refused_before_it_is_fetched() {
    let refused = refused(|image| image.remove(Role::Snapshot, &["meta", "brakes.json"]));
    assert_eq!(refused, Error::Unlisted);
    assert_eq!(refused.attack(), Some(Attack::MixAndMatch));
}

#[test]
fn a_file_of_another_version_than_snapshot_lists_is_mix_and_match() {
    for listed in [1, 3] {
        let refused = refused(|image| image.set(Role::Snapshot, &["meta", "brakes.json", "version"], listed));
        assert_eq!(refused, mixed("version"), "{listed}");
    }
}

#[test]
fn a_file_with_another_digest_than_snapshot_lists_is_mix_and_match() {
    let zeros = format!("\"{}\"", "0".repeat(64));
    let refused = refused(|image| image.set(Role::Snapshot, &["meta", "brakes.json", "hashes", "sha256"], &zeros));
    assert_eq!(refused, mixed("hashes"));
}

#[test]
fn a_file_longer_than_snapshot_lists_is_refused() {
    let refused = refused(|image| image.corrupt("brakes", |file| file.push(b' ')));
    assert!(matches!(refused, Error::TooLong { role: Role::Targets, .. }), "{refused}");
}

#[test]
fn a_file_below_the_threshold_of_its_delegator_is_refused() {
    let refused = refused(|image| image.signed_by("brakes", &["image spare 0"]));
    assert_eq!(refused, below(Role::Targets, 0, 1));
}

// The keys of top-level Targets speak for top-level Targets alone.
#[test]
fn a_file_signed_by_top_level_keys_is_refused() {
    let labels = ["image targets 0", "image targets 1", "image targets 2"];
    let refused = refused(|image| image.signed_by("brakes", &labels));
    assert_eq!(refused, below(Role::Targets, 0, 1));
}

#[test]
fn an_expired_file_is_a_freeze() {
    let now = Repo::seeded(1).now();
    let refused = refused(|image| image.expires("brakes", now));
    assert_eq!(refused, Error::Expired { role: Role::Targets, expires: now, now });
}

#[test]
fn a_file_of_the_other_repository_or_of_another_role_is_refused() {
    let repository = refused(|image| image.set("brakes", &["uptane", "repository"], r#""director""#));
    assert_eq!(repository, Error::WrongType { field: "repository" });
    let kind = refused(|image| image.set("brakes", &["_type"], r#""snapshot""#));
    assert_eq!(kind, Error::WrongType { field: "_type" });
}

#[test]
fn a_file_whose_delegations_are_malformed_is_refused_though_it_lists_the_image() {
    let refused = refused(|image| image.set("brakes", &["delegations"], r#"{"keys":{},"roles":{}}"#));
    assert_eq!(refused, Error::Schema { field: "roles" });
}

#[test]
fn an_image_that_is_malformed_where_it_is_looked_for_refuses_the_file() {
    let refused = refused(|image| image.remove("brakes", &["targets", super::NAME, "length"]));
    assert_eq!(refused, Error::Schema { field: "length" });
}

#[test]
fn a_file_that_is_refused_for_what_it_says_is_not_stored() {
    let image = ["targets", "fw/ecu-000-1.bin", "length"];
    for (path, value) in [(["delegations"].as_slice(), r#"{"keys":{}}"#), (&image, "-1")] {
        let (repo, mut vehicle) = super::changed(|image| {
            image.delegate("targets", to("brakes"));
            image.supply("brakes", &[0]);
            image.set("brakes", path, value);
        });
        let wanted = vehicle.refresh_director(repo.director()).unwrap().wanted().unwrap();
        let image = vehicle.refresh_image_for(repo.image(), wanted).unwrap();
        assert_eq!(image.commit().delegated, [], "{value}");
        assert_eq!(fetched(&vehicle), ["2.brakes.json"]);
    }
}

/// `first` and `second` delegate to the same role, and `second` to keys that have not signed it.
fn diamond(image: &mut Draft) {
    image.delegate("targets", to("first"));
    image.delegate("targets", to("second"));
    image.delegate("targets", to("last"));
    image.delegate("first", to("shared"));
    image.delegate("second", DelegationBuilder::role(role("shared"), role_keys("others"), paths(&["fw/*"])));
    image.supply("shared", &[]);
    image.supply("last", &[0]);
}

#[test]
fn one_delegators_keys_do_not_vouch_for_what_another_delegates() {
    assert_eq!(super::refused(diamond), below(Role::Targets, 0, 1));
    super::update(|image| {
        diamond(image);
        image.signed_by("shared", &["image shared 0", "image others 0"]);
    })
    .unwrap();
}

#[test]
fn a_cached_file_is_held_to_the_keys_of_the_delegator_of_today() {
    let (mut repo, mut vehicle) = super::changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
    });
    vehicle.update(&repo).unwrap();
    // The same file, listed without a digest, and other keys that shall speak for it.
    repo.publish(|next| {
        next.image.version("brakes", 2);
        next.image.set(Role::Snapshot, &["meta", "brakes.json"], r#"{"version":2}"#);
        let others = DelegationBuilder::role(role("brakes"), role_keys("others"), paths(&["fw/*"]));
        next.image.redelegate("targets", [others]);
    });
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(below(Role::Targets, 0, 1)));
}

#[test]
fn an_unchanged_file_is_not_fetched_again() {
    let (repo, mut vehicle) = super::changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
    });
    vehicle.update(&repo).unwrap();
    vehicle.fetched.clear();
    vehicle.update(&repo).unwrap();
    assert_eq!(fetched(&vehicle), [""; 0]);
    vehicle.restart().unwrap();
    vehicle.update(&repo).unwrap();
    assert_eq!(fetched(&vehicle), [""; 0]);
}

#[test]
fn new_delegated_files_are_stored_with_snapshot_and_targets() {
    let (repo, mut vehicle) = super::changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
    });
    let mut look = || {
        let director = vehicle.refresh_director(repo.director()).unwrap();
        let refreshed = vehicle.refresh_image_for(repo.image(), director.wanted().unwrap()).unwrap();
        let delegated = refreshed.commit().delegated.clone();
        vehicle.image = refreshed.into_trusted();
        delegated
    };
    let [(name, bytes)] = look().try_into().unwrap();
    assert_eq!((name, &*bytes), (role("brakes"), repo.image().delegated(role("brakes")).unwrap()));
    assert_eq!(look(), []);
}

// T4.
#[test]
fn a_cached_file_is_held_to_its_expiry_in_every_cycle() {
    let expires = Repo::seeded(1).now().saturating_add(Duration::from_secs(3_600));
    let (repo, mut vehicle) = super::changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
        image.expires("brakes", expires);
    });
    vehicle.update(&repo).unwrap();
    vehicle.now = expires;
    let expired = Error::Expired { role: Role::Targets, expires, now: expires };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(expired));
}

/// A vehicle that kept of the Image repository no more than Root and the file of `brakes`, of this version.
fn with_stored(version: u64, bytes: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (Repo, Vehicle) {
    let (mut repo, mut vehicle) = super::changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
        image.version("brakes", version);
    });
    let stored = bytes(repo.image().delegated(role("brakes")).unwrap().to_vec());
    let root = repo.image().root().to_vec();
    repo.publish(|_| {});
    let files = StoredFiles { root: &root, delegated: &[(role("brakes"), &stored)], ..StoredFiles::default() };
    vehicle.image = Trusted::reload(files).unwrap().trusted;
    (repo, vehicle)
}

// §5.4.4.6 step 4.
#[test]
fn an_older_file_is_a_rollback_where_the_cached_snapshot_is_gone() {
    let (repo, mut vehicle) = with_stored(9, |bytes| bytes);
    let (trusted, offered) = (Version::new(9).unwrap(), Version::new(3).unwrap());
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(Error::Rollback { role: Role::Targets, trusted, offered }));
}

// A24.
#[test]
fn two_files_of_one_version_are_equivocation() {
    let (mut repo, mut vehicle) = with_stored(4, |bytes| bytes);
    repo.publish(|next| next.image.set("brakes", &["expires"], "\"2027-01-01T00:00:00Z\""));
    let twice = Error::Equivocation { role: Role::Targets, version: Version::new(4).unwrap() };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(twice));
}

#[test]
fn a_stored_file_that_is_damaged_is_fetched_again() {
    for damage in [
        |_| Vec::new(),
        |mut bytes: Vec<u8>| {
            bytes.truncate(100);
            bytes
        },
        |mut bytes: Vec<u8>| {
            bytes.reverse();
            bytes
        },
    ] {
        let (repo, mut vehicle) = with_stored(9, damage);
        vehicle.update(&repo).unwrap();
        assert_eq!(fetched(&vehicle), ["3.brakes.json"]);
    }
}

// T6: what keys signed that were replaced says nothing about the versions of those that replaced them.
#[test]
fn a_delegator_that_replaces_the_keys_of_a_role_ends_its_fast_forward() {
    let (mut repo, mut vehicle) = with_stored(9, |bytes| bytes);
    repo.publish(|next| {
        let replaced = DelegationBuilder::role(role("brakes"), role_keys("new"), paths(&["fw/*"]));
        next.image.redelegate("targets", [replaced]);
        next.image.signed_by("brakes", &["image new 0"]);
    });
    vehicle.update(&repo).unwrap();
}
