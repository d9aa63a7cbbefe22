use alloc::format;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::metadata::{Envelope, Root, RootRole};
use crate::testing::{Next, Repo, TestEcu};
use crate::verify::image::ImageCheck;
use crate::verify::time::TimeStream;
use crate::verify::{MetadataFile, Refresh, Step, Trusted};
use crate::{Director, EcuId, Error, HardwareId, ReleaseCounter, Role, Sha256, Time, Version};

mod time_and_commands;

fn learn(file: &[u8], size: usize) -> Result<Candidate, Error> {
    let mut stream = RootStream::learn();
    file.chunks(size).try_for_each(|piece| stream.feed(piece))?;
    stream.finish()
}

fn second_pass(mut verifier: RootVerifier, file: &[u8], size: usize) -> Result<TrustedRoot, Error> {
    file.chunks(size).try_for_each(|piece| verifier.feed(piece))?;
    verifier.finish()
}

fn provision(file: &[u8]) -> Result<TrustedRoot, Error> {
    second_pass(learn(file, 61)?.verify_as_provisioned(), file, 67)
}

fn follow(trusted: &TrustedRoot, file: &[u8]) -> Result<TrustedRoot, Error> {
    second_pass(learn(file, 61)?.verify(trusted), file, 67)
}

fn root(repo: &Repo) -> TrustedRoot {
    provision(repo.director().first_root()).unwrap()
}

fn own(repo: &Repo, ecu: &TestEcu) -> Own {
    Own { ecu: ecu.ecu, hardware_id: ecu.hardware, previous: None, now: repo.now() }
}

fn plus(repo: &Repo, own: Own, size: usize) -> Result<OwnTargets<Plus>, Error> {
    plus_file(repo, own, repo.director().targets(), size)
}

fn plus_file(repo: &Repo, own: Own, file: &[u8], size: usize) -> Result<OwnTargets<Plus>, Error> {
    let mut stream = TargetsStream::partial_plus(&root(repo), own, repo.vehicle())?;
    file.chunks(size).try_for_each(|piece| stream.feed(piece))?;
    stream.finish()
}

/// What PV+ says of a repository in which one thing is wrong.
fn refusal(change: impl FnOnce(&mut Next)) -> Error {
    let mut repo = Repo::seeded(3);
    repo.publish(change);
    let ecu = repo.ecus()[1];
    plus(&repo, own(&repo, &ecu), 64).unwrap_err()
}

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
        let image = plus(&repo, own(&repo, ecu), 4096).unwrap().image(|_| ReleaseCounter::ZERO).unwrap();
        let mut check = ImageCheck::new(&image);
        check.update(&ecu.image(1)).unwrap();
        let image = check.finish().unwrap();
        assert_eq!((image.name().as_str(), image.line()), (ecu.image_name(1).as_str(), ecu.line));
    }
}

// Firmware is built without the longer keys of these.
#[cfg(not(feature = "ecdsa"))]
#[test]
fn everything_a_secondary_holds_while_it_verifies_fits() {
    let targets = size_of::<TargetsStream<Plus>>() + size_of::<TrustedRoot>();
    let root = size_of::<RootVerifier>() + size_of::<TrustedRoot>();
    assert!(targets <= 12 * 1024 + 256, "{targets}");
    assert!(root <= 13 * 1024, "{root}");
    assert!(size_of::<RootStream>() + size_of::<TrustedRoot>() <= 8 * 1024 + 256);
    assert!(size_of::<TimeStream>() <= 7 * 1024);
    assert!(size_of::<CommandStream>() <= 4 * 1024);
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

/// What an ECU that accepted this file compares the next with.
fn previous(file: &[u8], size: usize) -> Previous {
    let mut stream = ContentStream::targets();
    file.chunks(size).for_each(|piece| stream.feed(piece).unwrap());
    let content = stream.finish().unwrap();
    assert_eq!(content.file, Sha256::of(file));
    Previous { version: Version::FIRST, signed: Some(content.signed) }
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
    let mut stream = TargetsStream::partial(&root(&repo), late);
    stream.feed(targets).unwrap();
    assert_eq!(stream.finish().unwrap_err(), refused);
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
    assert_eq!(TargetsStream::partial_plus(&root, own, repo.vehicle()).err(), Some(expired));
    let _taken = TargetsStream::partial(&root, own);
}

#[test]
fn plain_partial_verification_does_not_know_its_vehicle() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.director.remove(Role::Targets, &["uptane", "vehicle"]));
    let mut stream = TargetsStream::partial(&root(&repo), own(&repo, &repo.ecus()[0]));
    stream.feed(repo.director().targets()).unwrap();
    assert!(stream.finish().unwrap().image(|_| ReleaseCounter::ZERO).is_ok());
}

#[test]
fn an_image_for_other_hardware_is_refused() {
    let repo = Repo::seeded(2);
    let hardware_id = HardwareId::parse("other").unwrap();
    let targets = plus(&repo, Own { hardware_id, ..own(&repo, &repo.ecus()[1]) }, 33).unwrap();
    assert_eq!(targets.image(|_| ReleaseCounter::ZERO).unwrap_err(), Error::Hardware { own: hardware_id });
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
fn root_that_changes_between_the_two_passes_is_refused() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.director.renew_root());
    let (one, two) = (repo.director().first_root(), repo.director().root());
    let refused = second_pass(learn(one, 61).unwrap().verify_as_provisioned(), two, 67).unwrap_err();
    assert_eq!(refused, Error::MixAndMatch { role: Role::Root, what: "content of two passes" });
}

#[test]
fn root_of_the_image_repository_is_not_the_directors() {
    let repo = Repo::seeded(1);
    assert_eq!(provision(repo.image().first_root()), Err(Error::WrongType { field: "repository" }));
}

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

#[test]
fn an_image_is_refused_before_a_byte_too_many_is_taken() {
    let repo = Repo::seeded(1);
    let ecu = repo.ecus()[0];
    let image = plus(&repo, own(&repo, &ecu), 512).unwrap().image(|_| ReleaseCounter::ZERO).unwrap();
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
