use super::*;

#[test]
fn full_and_partial_verification_say_the_same_of_the_next_root() {
    let faults: [fn(&mut Next); 8] = [
        |next| next.director.renew_root(),
        |next| next.director.rotate(Role::Root),
        |next| next.director.signed_by(Role::Root, &["stranger"]),
        |next| next.director.signed_by(Role::Root, &["director root 0", "director root 0"]),
        |next| next.director.version(Role::Root, 3),
        |next| next.director.set(Role::Root, &["uptane", "repository"], "\"image\""),
        |next| next.director.set(Role::Root, &["roles", "root", "threshold"], "0"),
        |next| next.director.mangle(Role::Root, |file| file.truncate(file.len() / 2)),
    ];
    for (index, fault) in faults.into_iter().enumerate() {
        let mut repo = Repo::seeded(1);
        repo.publish(|next| {
            next.director.renew_root();
            fault(next);
        });
        let file = repo.director().get(MetadataFile::Root(Version::new(2).unwrap())).unwrap();
        let trusted = Trusted::<Director>::provision(repo.director().first_root()).unwrap();
        let mut refresh = Refresh::director(trusted, repo.vehicle(), None, repo.now());
        let full = refresh.supply(Some(file.into()));
        assert_eq!(follow(&root(&repo), file).map(|_| ()), full, "fault {index}");
        assert_eq!(full.is_ok(), index < 2, "fault {index}");
    }
}

/// What full verification says of the Director's files.
fn full(repo: &Repo) -> Result<Sha256, Error> {
    full_after(Trusted::provision(repo.director().first_root()).unwrap(), repo)
        .map(|trusted| Sha256::of(trusted.targets().unwrap().bytes()))
}

fn full_after(trusted: Trusted<Director>, repo: &Repo) -> Result<Trusted<Director>, Error> {
    let mut refresh = Refresh::director(trusted, repo.vehicle(), None, repo.now());
    while let Step::Fetch { file, .. } = refresh.next() {
        refresh.supply(repo.director().get(file).map(Into::into))?;
    }
    Ok(refresh.finish().unwrap().into_trusted())
}

/// One thing that can be wrong with Director Targets.
fn fault(which: usize, now: Time, next: &mut Next) {
    let first = ["targets", "fw/ecu-000-1.bin"];
    let at = |rest: &[&'static str]| [&first[..], rest].concat();
    let (director, targets) = (&mut next.director, Role::Targets);
    match which {
        0 => director.signed_by(targets, &["stranger"]),
        1 => director.set(targets, &["_type"], "\"root\""),
        2 => director.set(targets, &["uptane", "repository"], "\"image\""),
        3 => director.remove(targets, &["uptane", "repository"]),
        4 => director.set(targets, &["uptane", "vehicle"], "\"00000000000000000000000000000000\""),
        5 => director.expires(targets, now),
        6 => director.set(targets, &["delegations"], "{}"),
        7 => director.set(targets, &at(&["custom", "uptane", "ecus", "ecu-001"]), r#"{"hardware_id":"hw-1"}"#),
        8 => director.remove(targets, &at(&["custom", "uptane", "ecus"])),
        9 => director.remove(targets, &at(&["custom", "uptane", "match", "line"])),
        10 => director.set(targets, &at(&["hashes", "sha256"]), "\"AB\""),
        11 => director.set(targets, &at(&["length"]), "-1"),
        12 => director.mangle(targets, |file| file.truncate(file.len() / 2)),
        13 => director.set(targets, &at(&["length"]), "{}"),
        14 => director.set(targets, &["targets", "no/../way"], "{}"),
        15 => director.set(targets, &["expires"], "\"soon\""),
        16 => director.set(targets, &at(&["custom", "uptane", "ecus", "ecu-000", "encryption"]), "{}"),
        17 => director.set(targets, &at(&["custom", "uptane", "ecus", "ecu-000", "delta"]), r#"{"base":"AB"}"#),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn full_and_partial_verification_say_the_same(one in 0..20_usize, other in 0..20_usize, size in 1..400_usize) {
        let mut repo = Repo::seeded(3);
        let now = repo.now();
        repo.publish(|next| {
            fault(one, now, next);
            fault(other, now, next);
        });
        let partial = plus(&repo, own(&repo, &repo.ecus()[1]), size).map(|targets| targets.sha256());
        prop_assert_eq!(partial, full(&repo));
    }

    #[test]
    fn full_and_partial_verification_say_the_same_of_what_follows(
        one in 0..20_usize,
        other in 0..20_usize,
        same_version in any::<bool>(),
        size in 1..400_usize,
    ) {
        let mut repo = Repo::seeded(3);
        let now = repo.now();
        let trusted = full_after(Trusted::provision(repo.director().first_root()).unwrap(), &repo).unwrap();
        let own = Own { previous: Some(previous(repo.director().targets(), size)), ..own(&repo, &repo.ecus()[1]) };
        repo.publish(|next| {
            if same_version {
                next.director.version(Role::Targets, 1);
            }
            fault(one, now, next);
            fault(other, now, next);
        });
        let full = full_after(trusted, &repo).map(|trusted| trusted.targets().unwrap().sha256());
        prop_assert_eq!(plus(&repo, own, size).map(|targets| targets.sha256()), full);
    }
}
