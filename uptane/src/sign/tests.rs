use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::metadata::{Delta, Envelope, NamedDelta, Targets};
use crate::{
    Director, EcuId, Error, HardwareId, Hashes, Image, ImageLine, Length, ReleaseCounter, Role, Sha256, TargetName,
    TargetNameBuf, Time, VehicleId, Version,
};

fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&[seed; 32])
}

fn keys(seeds: &[u8], threshold: usize) -> KeySet {
    KeySet::new(seeds.iter().map(|seed| signer(*seed).public_key()), threshold).unwrap()
}

fn expires() -> Time {
    Time::parse("2030-01-01T00:00:00Z").unwrap()
}

fn image(name: &str) -> ImageEntry {
    let hardware = HardwareId::parse("brake-hw").unwrap();
    let line = ImageLine::parse("brake").unwrap();
    let matching = Matching::new([hardware], line, ReleaseCounter::new(2).unwrap()).unwrap();
    ImageEntry::new(TargetName::parse(name).unwrap(), Length::new(3).unwrap(), Hashes::of(b"abc"), &matching)
}

fn assignment(ecu: &str, hardware: &str) -> EcuAssignment {
    let (ecu, hardware_id) = (EcuId::parse(ecu).unwrap(), HardwareId::parse(hardware).unwrap());
    EcuAssignment { ecu, hardware_id, order: None, fallback: None, delta: None }
}

fn director() -> TargetsBuilder<Director> {
    TargetsBuilder::director(VehicleId([7; 16]), Version::FIRST, expires())
}

#[test]
fn image_targets_read_as_the_format_says() {
    let file = TargetsBuilder::<Image>::image(Version::FIRST, expires()).list(image("brake/fw-2.bin")).unwrap();
    let file = String::from_utf8(file.sign(&keys(&[1], 1), &[&signer(1)]).unwrap()).unwrap();
    let signed = concat!(
        r#""signed":{"_type":"targets","expires":"2030-01-01T00:00:00Z","spec_version":"1.0.34","targets":{"#,
        r#""brake/fw-2.bin":{"custom":{"uptane":{"match":{"hardware_ids":["brake-hw"],"line":"brake","#,
        r#""release_counter":2}}},"hashes":{"sha256":"#,
        r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},"length":3}},"#,
        r#""uptane":{"repository":"image"},"version":1}}"#
    );
    assert!(file.starts_with(r#"{"signatures":[{"keyid":""#), "{file}");
    assert!(file.ends_with(signed), "{file}");
}

#[test]
fn a_file_below_its_threshold_is_never_finished() {
    let keys = keys(&[1, 2], 2);
    let below = SignError::BelowThreshold { role: Role::Targets, valid: 1, needed: 2 };
    assert_eq!(director().sign(&keys, &[&signer(1)]), Err(below.clone()));
    assert_eq!(director().sign(&keys, &[&signer(1), &signer(1)]), Err(below.clone()));
    let partly = director().unsigned().signed_by(&signer(2)).unwrap();
    assert_eq!(partly.clone().finish(&keys), Err(below));
    assert!(partly.signed_by(&signer(1)).unwrap().finish(&keys).is_ok());
}

#[test]
fn a_file_is_carried_from_signer_to_signer() {
    let keys = keys(&[1, 2], 2);
    let first = director().unsigned().signed_by(&signer(1)).unwrap().to_file();
    let second = PartlySigned::from_file(Role::Targets, &first).unwrap().signed_by(&signer(2)).unwrap();
    assert_eq!(second.finish(&keys), director().sign(&keys, &[&signer(1), &signer(2)]));
}

#[test]
fn a_carried_signature_that_does_not_verify_is_not_finished() {
    let keys = keys(&[1, 2], 2);
    let first = director().unsigned().signed_by(&signer(1)).unwrap().to_file();
    let changed = String::from_utf8(first).unwrap().replace("2030-01-01", "2031-01-01");
    let second = PartlySigned::from_file(Role::Targets, changed.as_bytes()).unwrap().signed_by(&signer(2)).unwrap();
    let refused = Error::BelowThreshold { role: Role::Targets, valid: 1, needed: 2 };
    assert_eq!(second.finish(&keys), Err(refused.into()));
}

#[test]
fn a_carried_file_is_of_the_role_it_is_taken_for() {
    let file = director().unsigned().to_file();
    let refused = PartlySigned::from_file(Role::Snapshot, &file);
    assert_eq!(refused, Err(Error::WrongType { field: "_type" }.into()));
}

#[test]
fn a_key_of_another_role_does_not_sign() {
    let stranger = signer(9);
    let refused = director().sign(&keys(&[1], 1), &[&signer(1), &stranger]);
    assert_eq!(refused, Err(SignError::NotOfThisRole { role: Role::Targets, key: stranger.key_id().into() }));
}

#[test]
fn one_key_listed_twice_is_no_key_set() {
    let key = signer(1).public_key();
    assert_eq!(KeySet::new([key.clone(), key.clone()], 2), Err(Error::Duplicate { what: "key of a role" }.into()));
    assert_eq!(KeySet::new([key.clone()], 2), Err(SignError::ImpossibleThreshold { threshold: 2, keys: 1 }));
    assert_eq!(KeySet::new([key], 0), Err(SignError::ImpossibleThreshold { threshold: 0, keys: 1 }));
}

#[test]
fn a_patch_reads_as_the_format_says() {
    let delta = Delta { base: Sha256([1; 32]), length: Length::new(900).unwrap(), sha256: Sha256([2; 32]) };
    let named = NamedDelta { name: TargetNameBuf::parse("brake/1-to-2.patch").unwrap(), delta };
    let assigned = EcuAssignment { delta: Some(named), ..assignment("brake", "brake-hw") };
    let file =
        director().assign(image("brake/fw-2.bin"), assigned).unwrap().sign(&keys(&[1], 1), &[&signer(1)]).unwrap();
    let said = format!(
        r#""brake":{{"delta":{{"base":"{}","length":900,"name":"brake/1-to-2.patch","sha256":"{}"}},"hardware_id":"brake-hw"}}"#,
        delta.base, delta.sha256
    );
    assert!(String::from_utf8(file.clone()).unwrap().contains(&said));
    let envelope = Envelope::decode(&file).unwrap();
    let target = Targets::decode(envelope.signed()).unwrap().targets().next().unwrap().unwrap();
    assert_eq!(target.delta(EcuId::parse("brake").unwrap()), Some(named));
}

#[test]
fn an_ecu_is_assigned_one_image() {
    let once = director().assign(image("a"), assignment("brake", "brake-hw")).unwrap();
    let twice = once.assign(image("b"), assignment("brake", "brake-hw"));
    assert_eq!(twice.map(|_| ()), Err(Error::EcuTwice.into()));
}

#[test]
fn an_image_is_not_assigned_to_other_hardware() {
    let refused = director().assign(image("a"), assignment("door", "door-hw"));
    assert_eq!(refused.map(|_| ()), Err(Error::Hardware.into()));
}

#[test]
fn an_image_without_hardware_is_not_described() {
    let line = ImageLine::parse("brake").unwrap();
    let refused = Matching::new([], line, ReleaseCounter::ZERO);
    assert_eq!(refused, Err(Error::Schema { field: "hardware_ids" }.into()));
}

#[test]
fn one_name_never_stands_for_two_images() {
    let other = image("a").with_info("build", "2").unwrap();
    let refused = TargetsBuilder::<Image>::image(Version::FIRST, expires()).list(image("a")).unwrap().list(other);
    assert_eq!(refused.map(|_| ()), Err(Error::Duplicate { what: "target name" }.into()));
}

#[test]
fn a_root_that_rotates_its_keys_needs_both_thresholds() {
    let roles =
        RootRoles { root: keys(&[2], 1), snapshot: keys(&[3], 1), targets: keys(&[4], 1), timestamp: keys(&[5], 1) };
    let root = RootBuilder::image(Version::new(2).unwrap(), expires(), Time::EPOCH, roles);
    let old = keys(&[1], 1);
    let below = SignError::BelowThreshold { role: Role::Root, valid: 0, needed: 1 };
    assert_eq!(root.clone().sign_after(&old, &[&signer(1)]), Err(below.clone()));
    assert_eq!(root.clone().sign_after(&old, &[&signer(2)]), Err(below));
    assert!(root.sign_after(&old, &[&signer(1), &signer(2)]).is_ok());
}

struct Faulty;

impl Signer for Faulty {
    fn public_key(&self) -> crate::PublicKey {
        signer(1).public_key()
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok([0; 64].to_vec())
    }
}

#[test]
fn a_faulty_signature_never_leaves() {
    let refused = director().sign(&keys(&[1], 1), &[&Faulty]);
    assert_eq!(refused, Err(SignError::WrongSignature { key: Faulty.key_id().into() }));
}

#[test]
fn a_manifest_lists_an_ecu_once() {
    let primary = EcuId::parse("primary").unwrap();
    let new = || ManifestBuilder::new(VehicleId([7; 16]), Default::default(), Default::default(), primary, vec![]);
    assert_eq!(new().report(primary, vec![]).map(|_| ()), Err(Error::EcuTwice.into()));
    let brake = EcuId::parse("brake").unwrap();
    let once = new().report(brake, vec![]).unwrap();
    assert_eq!(once.report(brake, vec![]).map(|_| ()), Err(Error::EcuTwice.into()));
}
