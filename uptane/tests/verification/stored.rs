//! What was stored, read again after a power cut at any point (design D5).

use uptane::limits::MAX_ROOT;
use uptane::testing::Files;
use uptane::verify::{Damaged, MetadataFile, Reloaded, StoredFiles, Trusted};
use uptane::{Director, Error, Length, Role, Version};

use crate::{below, updated};

#[test]
fn what_was_stored_is_trusted_again() {
    let (repo, mut vehicle) = updated();
    vehicle.restart().unwrap();
    vehicle.fetched.clear();
    vehicle.update(&repo).unwrap();
    let root = MetadataFile::Root(Version::new(2).unwrap());
    assert_eq!(vehicle.fetched, [root, MetadataFile::Timestamp, root, MetadataFile::Timestamp]);
}

#[test]
fn a_stored_root_longer_than_its_limit_is_not_even_read() {
    let long = vec![b' '; usize::try_from(MAX_ROOT).unwrap() + 1];
    let limit = Length::new(MAX_ROOT).unwrap();
    assert_eq!(Trusted::<Director>::provision(&long).err(), Some(Error::TooLong { role: Role::Root, limit }));
}

// T2.
#[test]
fn a_power_cut_between_snapshot_and_targets_loses_no_update() {
    let (mut repo, mut vehicle) = updated();
    let old = repo.director().targets().to_vec();
    repo.publish(|next| next.release());
    let files = repo.director();
    vehicle.director = Trusted::reload(StoredFiles { targets: Some(&old), ..stored(files) }).unwrap().trusted;
    let refreshed = vehicle.refresh_director(files).unwrap();
    assert!(refreshed.changed());
    assert_eq!(refreshed.targets().file().version(), Version::new(2).unwrap());
}

// T6.
#[test]
fn a_power_cut_between_a_new_root_and_what_it_forgets_is_made_good() {
    for role in [Role::Timestamp, Role::Snapshot, Role::Targets] {
        let (mut repo, _) = updated();
        let old = repo.director().clone();
        repo.publish(|next| next.director.rotate(role));
        let files = StoredFiles { root: repo.director().root(), former_root: Some(old.root()), ..stored(&old) };
        let Reloaded { trusted, damaged } = Trusted::<Director>::reload(files).unwrap();
        assert_eq!(damaged, []);
        assert!(trusted.timestamp().is_none(), "{role}");
        assert!(trusted.snapshot().is_none(), "{role}");
        assert!(trusted.targets().is_none(), "{role}");
    }
}

#[test]
fn a_damaged_file_is_told_and_the_others_still_guard_against_older_ones() {
    let (repo, mut vehicle) = updated();
    let files = repo.director();
    let flipped = String::from_utf8(files.timestamp().to_vec()).unwrap().replace("2027-", "2099-");
    let broken = StoredFiles { timestamp: Some(flipped.as_bytes()), ..stored(files) };
    let Reloaded { trusted, damaged } = Trusted::<Director>::reload(broken).unwrap();
    assert_eq!(damaged, [Damaged { role: Role::Timestamp, why: below(Role::Timestamp, 0, 1) }]);
    assert!(trusted.timestamp().is_none());
    assert!(trusted.snapshot().is_some() && trusted.targets().is_some());

    let (mut older, _) = updated();
    older.publish(|next| next.director.version(Role::Snapshot, 1));
    vehicle.director = trusted;
    vehicle.update(&repo).unwrap();
}

// A Root that rotated keys excuses what its predecessor vouches for, and nothing else.
#[test]
fn damage_beside_a_root_that_rotated_keys_is_told() {
    let (mut repo, _) = updated();
    let old = repo.director().clone();
    repo.publish(|next| next.director.rotate(Role::Timestamp));
    let (torn, _) = repo.director().targets().split_at(100);
    let files = StoredFiles { former_root: Some(old.root()), targets: Some(torn), ..stored(repo.director()) };
    let Reloaded { trusted, damaged } = Trusted::<Director>::reload(files).unwrap();
    assert_eq!(damaged, [Damaged { role: Role::Targets, why: Error::NotJson { at: 100 } }]);
    assert!(trusted.timestamp().is_some() && trusted.snapshot().is_some());
}

#[test]
fn a_stored_root_its_own_keys_did_not_sign_is_corrupt() {
    let (repo, _) = updated();
    let root = String::from_utf8(repo.director().root().to_vec()).unwrap();
    let root = root.replace("2027-", "2099-");
    assert_eq!(Trusted::<Director>::provision(root.as_bytes()).map(|_| ()), Err(below(Role::Root, 0, 2)));
}

#[test]
fn a_vehicle_is_not_provisioned_with_the_other_repositorys_root() {
    let (repo, _) = updated();
    let refused = Trusted::<Director>::provision(repo.image().root());
    assert_eq!(refused.map(|_| ()), Err(Error::WrongType { field: "repository" }));
}

#[test]
fn a_stored_file_of_the_other_repository_is_not_trusted() {
    let (mut repo, _) = updated();
    repo.publish(|next| next.director.set(Role::Timestamp, &["uptane", "repository"], r#""image""#));
    let damaged = Trusted::<Director>::reload(stored(repo.director())).unwrap().damaged;
    assert_eq!(damaged, [Damaged { role: Role::Timestamp, why: Error::WrongType { field: "repository" } }]);
}

fn stored(files: &Files) -> StoredFiles<'_> {
    StoredFiles {
        root: files.root(),
        former_root: None,
        timestamp: Some(files.timestamp()),
        snapshot: Some(files.snapshot()),
        targets: Some(files.targets()),
        delegated: &[],
    }
}
