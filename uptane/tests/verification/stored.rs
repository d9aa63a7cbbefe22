//! What was stored, read again after a power cut at any point (design D5).

use uptane::verify::{MetadataFile, StoredFiles, Trusted};
use uptane::{Director, Error, Role, Version};

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

// T2.
#[test]
fn a_power_cut_between_snapshot_and_targets_loses_no_update() {
    let (mut repo, mut vehicle) = updated();
    let old = repo.director().targets().to_vec();
    repo.publish(|next| next.release());
    let files = repo.director();
    vehicle.director = Trusted::reload(StoredFiles {
        root: files.root(),
        timestamp: Some(files.timestamp()),
        snapshot: Some(files.snapshot()),
        targets: Some(&old),
    })
    .unwrap();
    let refreshed = vehicle.refresh_director(files).unwrap();
    assert!(refreshed.changed());
    assert_eq!(refreshed.targets().file().version(), Version::new(2).unwrap());
}

// T6.
#[test]
fn a_power_cut_between_a_new_root_and_what_it_forgets_is_made_good() {
    let (mut repo, _) = updated();
    let old = repo.director().clone();
    repo.publish(|next| next.director.rotate(Role::Timestamp));
    let trusted = Trusted::<Director>::reload(StoredFiles {
        root: repo.director().root(),
        timestamp: Some(old.timestamp()),
        snapshot: Some(old.snapshot()),
        targets: Some(old.targets()),
    })
    .unwrap();
    assert!(trusted.timestamp().is_none());
    assert!(trusted.snapshot().is_none());
    assert!(trusted.targets().is_none());
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
fn a_stored_file_of_the_other_repository_is_refused() {
    let (mut repo, _) = updated();
    repo.publish(|next| next.director.set(Role::Timestamp, &["uptane", "repository"], r#""image""#));
    let files = repo.director();
    let stored = StoredFiles { root: files.root(), timestamp: Some(files.timestamp()), ..StoredFiles::default() };
    let refused = Trusted::<Director>::reload(stored).map(|_| ());
    assert_eq!(refused, Err(Error::WrongType { field: "repository" }));
}

#[test]
fn a_torn_file_is_corrupt_and_not_forgotten() {
    let (repo, _) = updated();
    let files = repo.director();
    let (torn, _) = files.targets().split_at(100);
    let stored = StoredFiles { root: files.root(), targets: Some(torn), ..StoredFiles::default() };
    assert!(matches!(Trusted::<Director>::reload(stored), Err(Error::NotJson { .. })));
}
