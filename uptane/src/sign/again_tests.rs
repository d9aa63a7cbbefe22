//! What is taken over from a file and built again.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::metadata::{Covers, Envelope, Root, RootRole, Targets};
use crate::testing::{Repo, role_keys};
use crate::{
    Director, Error, HardwareId, Hashes, Image, ImageLine, Length, ReleaseCounter, Repository, Role, RoleName,
    TargetName, Time, Version,
};

fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

fn expires() -> Time {
    Time::parse("2030-01-01T00:00:00Z").unwrap()
}

fn image(name: &str) -> ImageEntry {
    let hardware = HardwareId::parse("brake-hw").unwrap();
    let matching = Matching::new([hardware], ImageLine::parse("brake").unwrap(), ReleaseCounter::ZERO).unwrap();
    ImageEntry::new(TargetName::parse(name).unwrap(), Length::new(3).unwrap(), Hashes::of(b"abc"), &matching)
}

fn paths(pattern: &str) -> Covers {
    Covers::Paths(vec![pattern.into()])
}

fn delegation(name: &str) -> DelegationBuilder {
    DelegationBuilder::role(role(name), role_keys(name), paths(&format!("{name}/*")))
}

fn targets() -> TargetsBuilder<Image> {
    TargetsBuilder::image(Version::FIRST, expires())
}

fn built(signed: &[u8]) -> TargetsBuilder<Image> {
    TargetsBuilder::again(&Targets::decode(signed).unwrap()).unwrap()
}

fn root_again<R: Repository>(file: &[u8]) {
    let signed = Envelope::decode(file).unwrap().signed();
    let built = RootBuilder::<R>::again(&Root::decode(signed).unwrap()).unwrap();
    assert_eq!(built.unsigned().unwrap().signed(), signed);
}

/// One of every form of delegation.
fn some_delegation(name: &str, form: usize) -> DelegationBuilder {
    let both = vec![(role("a"), role_keys("a")), (role("b"), role_keys("b"))];
    match form {
        0 => delegation(name),
        1 => delegation(name).terminating(),
        2 => delegation(name).for_hardware([HardwareId::parse("z-hw").unwrap(), HardwareId::parse("a-hw").unwrap()]),
        3 => DelegationBuilder::role(role(name), role_keys(name), Covers::HashPrefixes(vec!["f".into(), "0".into()])),
        _ => DelegationBuilder::roles(role(name), 2, both, paths("both/*")),
    }
}

proptest! {
    #[test]
    fn what_was_built_is_built_again_with_the_same_bytes(
        images in prop::collection::btree_map("[a-z]{1,3}/[a-z]{1,3}", prop::collection::btree_map("\\PC{1,4}", "\\PC{0,9}", 0..3), 0..4),
        forms in prop::collection::vec(0..5_usize, 0..5),
        bits in prop::option::of(1..32_u32),
    ) {
        let mut file = targets();
        for (name, info) in &images {
            let said = info.iter().try_fold(image(name), |image, (key, text)| image.with_info(key, text));
            file = file.list(said.unwrap()).unwrap();
        }
        file = match bits {
            Some(bit_length) => {
                file.delegate_to_bins(BinsBuilder { name_prefix: "bin".into(), bit_length, keys: role_keys("bins") })
            }
            None => file.delegate(forms.iter().enumerate().map(|(n, form)| some_delegation(&format!("r{}", 9 - n), *form))),
        }
        .unwrap();
        let first = file.unsigned();
        let again = built(first.signed()).unsigned();
        prop_assert_eq!(again.signed(), first.signed());
    }
}

#[test]
fn roots_of_both_repositories_are_built_again_with_the_same_bytes() {
    let repo = Repo::seeded(1);
    root_again::<Image>(repo.image().root());
    root_again::<Director>(repo.director().root());
}

#[test]
fn a_root_is_not_taken_for_one_of_the_other_repository() {
    let repo = Repo::seeded(1);
    let signed = Envelope::decode(repo.director().root()).unwrap().signed();
    let refused = RootBuilder::<Image>::again(&Root::decode(signed).unwrap());
    assert_eq!(refused.map(|_| ()), Err(SignError::Lossy { role: Role::Root }));
}

#[test]
fn what_would_be_lost_is_not_built_again() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.image.set(Role::Targets, &["x-note"], "1"));
    let signed = Envelope::decode(repo.image().targets()).unwrap().signed();
    let refused = TargetsBuilder::again(&Targets::decode(signed).unwrap());
    assert_eq!(refused.map(|_| ()), Err(SignError::Lossy { role: Role::Targets }));
}

#[test]
fn an_image_is_unlisted_by_its_name() {
    let mut file = targets().list(image("a")).unwrap().list(image("b")).unwrap();
    let name = TargetName::parse("a").unwrap();
    assert_eq!(file.unlist(name), Some(image("a")));
    assert_eq!(file.listed(name), None);
    assert_eq!(file.unlist(name), None);
    assert_eq!(file.unsigned(), targets().list(image("b")).unwrap().unsigned());
}

#[test]
fn a_delegation_is_removed_and_the_others_keep_their_order() {
    let all = targets().delegate(["z", "m", "a"].map(delegation)).unwrap();
    let mut rest = all.clone();
    assert!(rest.undelegate("m") && !rest.undelegate("m"));
    assert_eq!(rest.unsigned(), targets().delegate(["z", "a"].map(delegation)).unwrap().unsigned());
    let mut none = all;
    ["z", "m", "a"].iter().for_each(|name| assert!(none.undelegate(name)));
    assert_eq!(none.unsigned(), targets().unsigned());
}

#[test]
fn a_delegation_that_comes_first_is_put_before_the_others() {
    let file = targets().delegate(["a", "b"].map(delegation)).unwrap().delegate_first(delegation("z")).unwrap();
    assert_eq!(file.unsigned(), targets().delegate(["z", "a", "b"].map(delegation)).unwrap().unsigned());
    let bins = BinsBuilder { name_prefix: "bin".into(), bit_length: 4, keys: role_keys("bins") };
    let refused = targets().delegate_to_bins(bins).unwrap().delegate_first(delegation("z"));
    assert_eq!(refused.map(|_| ()), Err(Error::Schema { field: "roles" }.into()));
}

#[test]
fn bins_are_removed_by_what_their_names_begin_with() {
    let bins = BinsBuilder { name_prefix: "bin".into(), bit_length: 4, keys: role_keys("bins") };
    let mut file = targets().delegate_to_bins(bins).unwrap();
    assert!(!file.undelegate("bi") && file.undelegate("bin"));
    assert_eq!(file.unsigned(), targets().unsigned());
}

#[test]
fn the_keys_of_a_delegated_role_are_found_in_every_form() {
    let both = vec![(role("a"), role_keys("a")), (role("b"), role_keys("b"))];
    let set = DelegationBuilder::roles(role("both"), 2, both, paths("both/*"));
    let listed = targets().delegate([delegation("x"), set]).unwrap().unsigned();
    let found = |signed: &[u8], name| KeySet::of_delegated(&Targets::decode(signed).unwrap(), role(name)).unwrap();
    assert_eq!(found(listed.signed(), "x"), Some(role_keys("x")));
    assert_eq!(found(listed.signed(), "b"), Some(role_keys("b")));
    assert_eq!(found(listed.signed(), "both"), None);
    let bins = BinsBuilder { name_prefix: "bin".into(), bit_length: 5, keys: role_keys("bins") };
    let bins = targets().delegate_to_bins(bins).unwrap().unsigned();
    for (name, expected) in
        [("bin-00", true), ("bin-1f", true), ("bin-20", false), ("bin-1F", false), ("bin-+1", false)]
    {
        assert_eq!(found(bins.signed(), name).is_some(), expected, "{name}");
    }
}

#[test]
fn keys_are_added_and_removed_under_their_ids() {
    let repo = Repo::seeded(1);
    let signed = Envelope::decode(repo.image().root()).unwrap().signed();
    let keys = KeySet::of_role(&Root::decode(signed).unwrap(), RootRole::Targets).unwrap();
    let new = role_keys("new").keys().next().unwrap();
    let more = keys.with(new.1.clone()).unwrap();
    assert_eq!(more.keys().count(), keys.keys().count() + 1);
    assert_eq!(more.without(&new.0).unwrap(), keys);
    assert_eq!(more.with(new.1), Err(Error::Duplicate { what: "key of a role" }.into()));
    let count = keys.keys().count();
    let impossible = SignError::ImpossibleThreshold { threshold: count + 1, keys: count };
    assert_eq!(keys.with_threshold(count + 1), Err(impossible));
}

fn draft() -> PartlySigned {
    targets().unsigned()
}

#[test]
fn signatures_made_apart_come_together() {
    let (one, two) = (crate::testing::signer("one"), crate::testing::signer("two"));
    let keys = KeySet::new([one.public_key(), two.public_key()], 2).unwrap();
    let [first, second] = [&one, &two].map(|signer| draft().signed_for(&[&keys], signer).unwrap().to_file());
    let carried = |file: &[u8]| PartlySigned::from_file(Role::Targets, file).unwrap();
    let merged = carried(&first).merged(carried(&second)).unwrap();
    assert_eq!(merged.verified(&keys).len(), 2);
    assert!(merged.finish(&keys).is_ok());
}

#[test]
fn signatures_of_other_contents_do_not_come_together() {
    let other = targets().list(image("a")).unwrap().unsigned();
    let refused = draft().merged(other);
    assert_eq!(refused, Err(Error::Duplicate { what: "version with two contents" }.into()));
}

#[test]
fn a_signature_that_does_not_verify_is_no_verified_one() {
    let one = crate::testing::signer("one");
    let keys = KeySet::new([one.public_key()], 1).unwrap();
    let file = draft().signed_for(&[&keys], &one).unwrap().to_file();
    let file: Vec<u8> = alloc::string::String::from_utf8(file).unwrap().replace("2030-01", "2031-01").into_bytes();
    let file = PartlySigned::from_file(Role::Targets, &file).unwrap();
    assert_eq!((file.signers().count(), file.verified(&keys).len()), (1, 0));
}

#[test]
fn a_stranger_does_not_sign_for_a_role() {
    let (one, stranger) = (crate::testing::signer("one"), crate::testing::signer("stranger"));
    let keys = KeySet::new([one.public_key()], 1).unwrap();
    let refused = draft().signed_for(&[&keys], &stranger);
    assert_eq!(refused, Err(SignError::NotOfThisRole { role: Role::Targets, key: stranger.key_id().into() }));
}
