use super::*;

#[test]
fn root_is_followed_one_version_at_a_time_when_its_keys_change() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.director.rotate(Role::Root));
    repo.publish(|next| next.director.rotate(Role::Targets));
    let file = |version| repo.director().get(MetadataFile::Root(Version::new(version).unwrap())).unwrap();

    let first = root(&repo);
    let second = follow(&first, file(2)).unwrap();
    let third = follow(&second, file(3)).unwrap();
    assert_eq!(third.version().get(), 3);
    assert!(third.rotates_targets(&second) && !second.rotates_targets(&first));

    let skipped = follow(&first, file(3)).unwrap_err();
    assert_eq!(skipped, Error::BelowThreshold { role: Role::Root, valid: 0, needed: 2 });
    let again = follow(&second, file(2)).unwrap_err();
    assert_eq!(again, Error::RootVersion { expected: third.version(), offered: second.version() });
}

#[test]
fn root_that_changes_between_the_passes_is_refused() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.director.renew_root());
    let (one, two) = (repo.director().first_root(), repo.director().root());
    let refused = last_pass(learn(one, 61).unwrap().verify_as_provisioned(), two, 67).unwrap_err();
    assert_eq!(refused, Error::MixAndMatch { role: Role::Root, what: "content of two passes" });
}

#[test]
fn root_that_is_another_one_in_the_pass_for_the_keys_before_is_refused() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.director.renew_root());
    let (first, second) = (repo.director().first_root(), repo.director().root());
    let mut check = root(&repo).check_successor();
    let closed = check.read(|pass| pass.feed(first)).unwrap();
    let refused = closed.verify(&learn(second, 61).unwrap()).unwrap_err();
    assert_eq!(refused, Error::MixAndMatch { role: Role::Root, what: "content of two passes" });
}

#[test]
fn root_of_the_image_repository_is_not_the_directors() {
    let repo = Repo::seeded(1);
    assert_eq!(provision(repo.image().first_root()), Err(Error::WrongType { field: "repository" }));
}

#[test]
fn root_that_rotates_the_time_key_sets_the_floor_of_time() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.director.renew_root());
    let first = root(&repo);
    let second = follow(&first, repo.director().root()).unwrap();
    assert_eq!(second.time_floor_after(&first), None);
    repo.publish(|next| next.director.rotate(Role::Time));
    let third = follow(&second, repo.director().root()).unwrap();
    assert_eq!(third.time_floor_after(&second), Some(repo.now()));
}

#[test]
fn a_stream_reads_the_root_that_a_view_reads() {
    let repo = Repo::seeded(1);
    let (file, trusted) = (repo.director().first_root(), root(&repo));
    let view = Root::decode(Envelope::decode(file).unwrap().signed()).unwrap();
    assert_eq!((view.version(), view.expires()), (trusted.version(), trusted.expires()));
    assert!(view.role_keys(RootRole::Targets).is_same_as(trusted.targets_keys()));
    assert!(view.time_keys().unwrap().is_same_as(trusted.time_keys().unwrap()));
}
