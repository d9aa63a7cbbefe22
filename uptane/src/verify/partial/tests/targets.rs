use super::*;

#[test]
fn every_ecu_of_a_hundred_finds_its_image_however_the_file_is_cut() {
    let repo = Repo::seeded(100);
    let ecu = repo.ecus()[57];
    let whole = plus(&repo, own(&repo, &ecu), usize::MAX).unwrap();
    assert_eq!(whole.sha256(), Sha256::of(repo.director().targets()));
    for size in [1, 2, 3, 5, 7, 8, 62, 256, 2048] {
        assert_eq!(plus(&repo, own(&repo, &ecu), size).unwrap(), whole, "pieces of {size}");
    }
    for ecu in repo.ecus() {
        let targets = plus(&repo, own(&repo, ecu), 4096).unwrap();
        let image = targets.image(|_| ReleaseCounter::ZERO).unwrap();
        let mut check = ImageCheck::new(&image);
        check.update(&ecu.image(1)).unwrap();
        let image = check.finish().unwrap();
        assert_eq!((image.name().as_str(), image.line()), (ecu.image_name(1).as_str(), ecu.line));
    }
}

#[test]
fn a_file_below_its_threshold_says_nothing() {
    let refused = refusal(|next| {
        next.director.signed_by(Role::Targets, &["stranger"]);
        // Nothing in the file is looked at before the signatures hold.
        next.director.set(Role::Targets, &["version"], "\"none\"");
    });
    assert_eq!(refused, Error::BelowThreshold { role: Role::Targets, valid: 0, needed: 1 });
}

#[test]
fn a_field_of_the_wrong_type_is_named_once_the_signatures_hold() {
    let refused = refusal(|next| next.director.set(Role::Targets, &["version"], "\"none\""));
    assert_eq!(refused, Error::Schema { field: "version" });
    let refused = refusal(|next| next.director.set(Role::Targets, &["version"], "-1"));
    assert_eq!(refused, Error::BadNumber { kind: "version" });
}

#[test]
fn a_lower_version_is_a_rollback() {
    let repo = Repo::seeded(2);
    let (trusted, offered) = (Version::new(2).unwrap(), Version::FIRST);
    let previous = Some(Previous { version: trusted, signed: None });
    let own = Own { previous, ..own(&repo, &repo.ecus()[1]) };
    assert_eq!(plus(&repo, own, 9).unwrap_err(), Error::Rollback { role: Role::Targets, trusted, offered });
}

// A24.
#[test]
fn other_content_of_the_accepted_version_is_refused() {
    let mut repo = Repo::seeded(2);
    let own = Own { previous: Some(previous(repo.director().targets(), 11)), ..own(&repo, &repo.ecus()[1]) };
    assert!(plus(&repo, own, 9).is_ok(), "the same again is no news");
    repo.publish(|next| {
        next.release();
        next.director.version(Role::Targets, 1);
    });
    let refused = Error::Equivocation { role: Role::Targets, version: Version::FIRST };
    assert_eq!(plus(&repo, own, 9).unwrap_err(), refused);
    // And that before anything else is looked at, as in full verification.
    let late = Own { now: repo.now().saturating_add(crate::verify::time::MAX_JUMP), ..own };
    let targets = repo.director().targets();
    let mut check = TargetsRules::partial(&root(&repo)).check(late);
    assert_eq!(check.read(|stream| stream.feed(targets)).unwrap().verify().unwrap_err(), refused);
}

#[test]
fn the_same_content_signed_by_others_is_the_same() {
    let mut repo = Repo::seeded(2);
    let before = repo.director().targets().to_vec();
    let own = Own { previous: Some(previous(&before, 64)), ..own(&repo, &repo.ecus()[1]) };
    let extra = r#"{"keyid":"stranger","sig":"00"},"#;
    repo.publish(|next| {
        next.director.version(Role::Targets, 1);
        next.director.mangle(Role::Targets, |file| {
            let at = br#"{"signatures":["#.len();
            file.splice(at..at, extra.bytes());
        });
    });
    assert_ne!(before, repo.director().targets());
    assert!(plus(&repo, own, 64).is_ok());
}

#[test]
fn a_file_is_dead_at_its_expiry() {
    let now = Repo::seeded(1).now();
    let refused = refusal(|next| next.director.expires(Role::Targets, now));
    assert_eq!(refused, Error::Expired { role: Role::Targets, expires: now, now });
}

#[test]
fn the_director_never_delegates() {
    let refused = refusal(|next| next.director.set(Role::Targets, &["delegations"], r#"{"keys":{},"roles":[]}"#));
    assert_eq!(refused, Error::DirectorDelegates);
    assert_eq!(refusal(|next| next.director.set(Role::Targets, &["delegations"], "null")), Error::DirectorDelegates);
}

#[test]
fn any_ecu_that_is_named_twice_is_seen() {
    for twice in ["ecu-000", "ecu-001", "ecu-002"] {
        let entry = r#"{"hardware_id":"hw-0"}"#;
        let other = if twice == "ecu-000" { "ecu-001" } else { "ecu-000" };
        let path = ["targets", &format!("fw/{other}-1.bin"), "custom", "uptane", "ecus", twice];
        let refused = refusal(|next| next.director.set(Role::Targets, &path, entry));
        assert_eq!(refused, Error::EcuTwice, "{twice}");
    }
}

// §5.2.3.1.1: whichever ECU it is said to, and in whatever words.
#[test]
fn an_image_that_any_ecu_is_to_decrypt_is_refused_in_partial_verification() {
    for (ecu, method) in [("ecu-000", r#"{"method":"none-such"}"#), ("ecu-001", "{}"), ("ecu-002", "null")] {
        let path = ["targets", &format!("fw/{ecu}-1.bin"), "custom", "uptane", "ecus", ecu, "encryption"];
        let refused = refusal(|next| next.director.set(Role::Targets, &path, method));
        assert_eq!(refused, Error::Encrypted, "{ecu}");
        assert_eq!(Error::name_of(refused.code()), Some("encrypted"));
    }
}

#[test]
fn a_patch_is_told_to_the_ecu_it_is_described_to() {
    let (base, sha256) = (Sha256::of(b"old image"), Sha256::of(b"patch"));
    let said = format!(r#"{{"base":"{base}","length":5,"name":"patch","sha256":"{sha256}"}}"#);
    let path = ["targets", "fw/ecu-001-1.bin", "custom", "uptane", "ecus", "ecu-001", "delta"];
    let mut repo = Repo::seeded(3);
    repo.publish(|next| next.director.set(Role::Targets, &path, &said));
    let delta_of = |which: usize| {
        let ecu = repo.ecus()[which];
        let targets = plus(&repo, own(&repo, &ecu), 61).unwrap();
        targets.image(|_| ReleaseCounter::ZERO).unwrap().delta()
    };
    assert_eq!(delta_of(1), Some(Delta { base, length: Length::new(5).unwrap(), sha256 }));
    assert_eq!(delta_of(0), None);
    assert_eq!(refusal(|next| next.director.set(Role::Targets, &path, "{}")), Error::Schema { field: "name" });
}

#[test]
fn a_file_for_another_vehicle_is_refused() {
    let vehicle = format!("\"{}\"", "0".repeat(32));
    let refused = refusal(|next| next.director.set(Role::Targets, &["uptane", "vehicle"], &vehicle));
    assert_eq!(refused, Error::WrongVehicle { role: Role::Targets });
    let refused = refusal(|next| next.director.remove(Role::Targets, &["uptane", "vehicle"]));
    assert_eq!(refused, Error::WrongVehicle { role: Role::Targets });
}

#[test]
fn a_file_of_the_image_repository_is_not_the_directors() {
    let refused = refusal(|next| next.director.set(Role::Targets, &["uptane", "repository"], "\"image\""));
    assert_eq!(refused, Error::WrongType { field: "repository" });
    let refused = refusal(|next| next.director.set(Role::Targets, &["_type"], "\"snapshot\""));
    assert_eq!(refused, Error::WrongType { field: "_type" });
}

#[test]
fn an_expired_root_ends_partial_verification_plus_and_not_plain() {
    let repo = Repo::seeded(1);
    let root = root(&repo);
    let own = Own { now: root.expires(), ..own(&repo, &repo.ecus()[0]) };
    let expired = Error::Expired { role: Role::Root, expires: root.expires(), now: root.expires() };
    assert_eq!(root.fresh(own.now).err(), Some(expired));
    let _taken = TargetsRules::partial(&root).check(own);
}

#[test]
fn plain_partial_verification_does_not_know_its_vehicle() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.director.remove(Role::Targets, &["uptane", "vehicle"]));
    let mut check = TargetsRules::partial(&root(&repo)).check(own(&repo, &repo.ecus()[0]));
    assert!(
        check
            .read(|stream| stream.feed(repo.director().targets()))
            .unwrap()
            .verify()
            .unwrap()
            .image(|_| ReleaseCounter::ZERO)
            .is_ok()
    );
}

#[test]
fn an_image_for_other_hardware_is_refused() {
    let repo = Repo::seeded(2);
    let hardware_id = HardwareId::parse("other").unwrap();
    let targets = plus(&repo, Own { hardware_id, ..own(&repo, &repo.ecus()[1]) }, 33).unwrap();
    assert_eq!(targets.image(|_| ReleaseCounter::ZERO).unwrap_err(), Error::Hardware);
}

#[test]
fn an_older_release_is_refused_whatever_targets_came_between() {
    let repo = Repo::seeded(2);
    let targets = plus(&repo, own(&repo, &repo.ecus()[1]), 33).unwrap();
    let (accepted, offered) = (ReleaseCounter::new(2).unwrap(), ReleaseCounter::new(1).unwrap());
    assert_eq!(targets.image(|_| accepted).unwrap_err(), Error::CounterRollback { accepted, offered });
    assert!(targets.image(|_| offered).is_ok());
}

#[test]
fn targets_that_do_not_name_this_ecu_are_good_and_say_nothing_to_it() {
    let repo = Repo::seeded(2);
    let ecu = EcuId::parse("not-in-it").unwrap();
    let targets = plus(&repo, Own { ecu, ..own(&repo, &repo.ecus()[1]) }, 33).unwrap();
    assert_eq!(targets.image(|_| ReleaseCounter::ZERO).unwrap_err(), Error::NothingForThisEcu);
}

#[test]
fn a_file_that_is_not_canonical_is_refused() {
    let refused = refusal(|next| next.director.mangle(Role::Targets, |file| file.push(b'\n')));
    assert!(matches!(refused, Error::NotCanonical { .. }), "{refused:?}");
}

#[test]
fn an_image_is_refused_before_a_byte_too_many_is_taken() {
    let repo = Repo::seeded(1);
    let ecu = repo.ecus()[0];
    let targets = plus(&repo, own(&repo, &ecu), 512).unwrap();
    let image = targets.image(|_| ReleaseCounter::ZERO).unwrap();
    let bytes = ecu.image(1);

    let mut check = ImageCheck::new(&image);
    check.update(&bytes).unwrap();
    assert!(matches!(check.update(b"x"), Err(Error::ImageLength { .. })));

    let mut check = ImageCheck::new(&image);
    check.update(&bytes[1..]).unwrap();
    assert!(matches!(check.finish(), Err(Error::ImageLength { .. })));

    let mut flipped: Vec<u8> = bytes;
    flipped[0] ^= 1;
    let mut check = ImageCheck::new(&image);
    check.update(&flipped).unwrap();
    assert_eq!(check.finish(), Err(Error::ImageDigest));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_changed_byte_goes_unseen(at in any::<prop::sample::Index>(), flip in 1..=255_u8, size in 1..300_usize) {
        let repo = Repo::seeded(2);
        let ecu = repo.ecus()[1];
        let mut file = repo.director().targets().to_vec();
        let at = at.index(file.len());
        file[at] ^= flip;
        let in_pieces = plus_file(&repo, own(&repo, &ecu), &file, size);
        prop_assert!(in_pieces.is_err());
        prop_assert_eq!(in_pieces, plus_file(&repo, own(&repo, &ecu), &file, usize::MAX));
    }
}
