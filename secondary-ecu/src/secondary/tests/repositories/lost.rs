//! Full verification after a disk did not keep what it called durable: the state record, in flash, still names what it was.

use uptane::{Role, Version};

use super::*;

fn lose(place: &tempfile::TempDir, files: &[&str]) {
    for file in files {
        std::fs::remove_file(place.path().join("metadata").join(file)).unwrap();
    }
}

fn all_roles(ecu: &mut Ecu<'_, Full<Folder>>, repo: &Repo) -> Result<(), Refusal> {
    roles(ecu, repo, Which::Director, repo.director())?;
    roles(ecu, repo, Which::Image(image(0)), repo.image())
}

/// What any file of a role is refused as that is older than a trusted one.
fn rollback() -> Result<(), Refusal> {
    check(Error::Rollback { role: Role::Root, trusted: Version::FIRST, offered: Version::FIRST })
}

#[test]
fn targets_that_were_lost_are_still_not_followed_by_older_ones() {
    let (mut repo, mut flash) = next_release();
    let (place, folder) = data(&repo, "");
    let old = repo.clone();
    repo.publish(|next| next.release());
    all_roles(&mut booted(&repo, &mut flash, &folder), &repo).unwrap();
    lose(&place, &["director.accepted", "director.timestamp.json", "image.accepted", "image.timestamp.json"]);
    let mut ecu = booted(&repo, &mut flash, &folder);
    let named = ecu.state().targets.unwrap();
    assert_eq!(all_roles(&mut ecu, &old), rollback());
    assert_eq!(ecu.state().targets, Some(named));
    all_roles(&mut ecu, &repo).unwrap();
    assert_eq!(ecu.state().targets, Some(named));
}

/// An ECU that followed the Director to Root 3 and has lost all but the Root of its bundle; and the Director of another who
/// holds the keys of that one.
fn without_roots() -> (Repo, Repo, Nor, tempfile::TempDir, Folder) {
    let (mut repo, mut flash) = next_release();
    let (place, folder) = data(&repo, "");
    let mut other = repo.clone();
    for role in [Role::Root, Role::Time] {
        repo.publish(|next| next.director.rotate(role));
        other.publish(|next| next.director.rotate(Role::Snapshot));
    }
    {
        let mut ecu = booted(&repo, &mut flash, &folder);
        for version in [2, 3] {
            send_root(&mut ecu, &repo, version).unwrap();
        }
        all_roles(&mut ecu, &repo).unwrap();
    }
    lose(&place, &["director.root.json", "director.former-root.json"]);
    (repo, other, flash, place, folder)
}

#[test]
fn a_root_that_was_lost_is_still_the_oldest_that_counts() {
    let (repo, _, mut flash, _place, folder) = without_roots();
    let mut ecu = booted(&repo, &mut flash, &folder);
    let named = ecu.state().root.unwrap();
    assert_eq!(named.version.get(), 3);
    assert_eq!(all_roles(&mut ecu, &repo), rollback(), "of the Root of the bundle");
    send_root(&mut ecu, &repo, 2).unwrap();
    assert_eq!(all_roles(&mut ecu, &repo), rollback(), "of the Root before the one that is named");
    assert_eq!(send_time(&mut ecu, &repo), rollback(), "whose time keys may be anybody's");
    assert_eq!(ecu.state().root, Some(named));
    for version in [2, 3] {
        send_root(&mut ecu, &repo, version).unwrap();
    }
    send_time(&mut ecu, &repo).unwrap();
    all_roles(&mut ecu, &repo).unwrap();
    assert_eq!((ecu.state().root, ecu.state().targets.is_some()), (Some(named), true));
}

#[test]
fn other_roots_than_those_that_were_lost_are_refused() {
    let (repo, other, mut flash, _place, folder) = without_roots();
    let mut ecu = booted(&repo, &mut flash, &folder);
    let named = (ecu.state().root, ecu.state().targets);
    send_root(&mut ecu, &other, 2).unwrap();
    let version = named.0.unwrap().version;
    assert_eq!(send_root(&mut ecu, &other, 3), check(Error::Equivocation { role: Role::Root, version }));
    assert_eq!((ecu.state().root, ecu.state().targets), named);
    // Nor do they stand in the way of the right ones.
    for version in [2, 3] {
        send_root(&mut ecu, &repo, version).unwrap();
    }
    all_roles(&mut ecu, &repo).unwrap();
}

#[test]
fn a_root_that_comes_again_with_other_keys_takes_nothing_from_what_is_remembered() {
    let (mut repo, mut flash) = next_release();
    let (place, folder) = data(&repo, "");
    repo.publish(|next| next.director.rotate(Role::Targets));
    let old = repo.clone();
    repo.publish(|next| next.release());
    {
        let mut ecu = booted(&repo, &mut flash, &folder);
        send_root(&mut ecu, &repo, 2).unwrap();
        all_roles(&mut ecu, &repo).unwrap();
    }
    lose(&place, &["director.root.json", "director.former-root.json"]);
    let mut ecu = booted(&repo, &mut flash, &folder);
    let named = ecu.state().targets;
    send_root(&mut ecu, &repo, 2).unwrap();
    assert_eq!(ecu.state().targets, named);
    assert_eq!(all_roles(&mut ecu, &old), rollback());
    all_roles(&mut ecu, &repo).unwrap();
    assert_eq!(ecu.state().targets, named);
}
