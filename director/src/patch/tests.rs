use uptane::{HardwareId, Hashes};

use super::*;
use crate::testing::image;

/// An image that a patch can be shorter than.
fn long(release: u64) -> ImageTarget {
    ImageTarget { length: Length::new(1_000).unwrap(), ..image(release) }
}

fn catalogue() -> Catalogue {
    [long(1), long(2), long(3)].into_iter().collect()
}

/// A patch of release 1, as far as its header tells, that makes 1,000 bytes.
fn header() -> Header {
    Header { old_length: 1_000, new_length: 1_000, base: long(1).hashes.sha256().unwrap() }
}

fn bytes(header: Header, length: usize) -> Vec<u8> {
    let mut bytes = header.encode().to_vec();
    bytes.resize(length, 7);
    bytes
}

fn name(name: &str) -> TargetNameBuf {
    TargetNameBuf::parse(name).unwrap()
}

fn offer(catalogue: &Catalogue, bytes: &[u8]) -> Result<Change, Error> {
    add(&(4, Vec::new()), catalogue, name("brake/1-to-2.patch"), bytes, long(2).name)
}

fn added(known: &(u64, Vec<Patch>), called: &str, makes: u64) -> Result<Patch, Error> {
    let change = add(known, &catalogue(), name(called), &bytes(header(), 900), long(makes).name)?;
    let Change::AddPatch { expected: 4, patch } = change else { panic!("not added") };
    Ok(*patch)
}

fn fault(catalogue: &Catalogue, bytes: &[u8]) -> Fault {
    match offer(catalogue, bytes) {
        Err(Error::Patch { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_patch_is_described_by_its_bytes_and_its_images() {
    let patch = added(&(4, Vec::new()), "brake/1-to-2.patch", 2).unwrap();
    let Patch { named: NamedDelta { name, delta: Delta { base, length, sha256 } }, makes } = patch;
    assert_eq!((name.as_str(), length.get()), ("brake/1-to-2.patch", 900));
    assert_eq!((Some(base), Some(makes)), (long(1).hashes.sha256(), long(2).hashes.sha256()));
    assert_eq!(sha256, Sha256::of(&bytes(header(), 900)));
}

#[test]
fn both_images_stand_in_the_image_repository() {
    let without = |release: u64| [1, 2, 3].into_iter().filter(move |known| *known != release).map(long).collect();
    let refused = offer(&without(2), &bytes(header(), 900));
    assert!(matches!(refused, Err(Error::NotInImageRepository { .. })), "{refused:?}");
    let base = header().base;
    assert_eq!(fault(&without(1), &bytes(header(), 900)), Fault::BaseUnlisted { base });
}

#[test]
fn both_images_have_the_lengths_that_are_listed() {
    let listed = Length::new(1_000).unwrap();
    let old = Header { old_length: 999, ..header() };
    let length = |release: u64, told| Fault::Length { image: Box::new(long(release).name), listed, told };
    assert_eq!(fault(&catalogue(), &bytes(old, 900)), length(1, 999));
    let new = Header { new_length: 1_001, ..header() };
    assert_eq!(fault(&catalogue(), &bytes(new, 900)), length(2, 1_001));
}

#[test]
fn some_hardware_runs_both_images() {
    let hardware = |id| vec![HardwareId::parse(id).unwrap()];
    let other = ImageTarget { hardware: hardware("door-hw"), ..long(1) };
    let strangers: Catalogue = [other.clone(), long(2)].into_iter().collect();
    let refused = fault(&strangers, &bytes(header(), 900));
    assert_eq!(refused, Fault::Hardware { base: Box::new(other.name), image: Box::new(long(2).name) });

    // The same bytes under another name, for hardware that runs the new ones.
    let twin = ImageTarget { name: name("twin.bin"), ..long(1) };
    offer(&[other, twin, long(2)].into_iter().collect(), &bytes(header(), 900)).unwrap();
}

#[test]
fn a_patch_is_shorter_than_the_image_it_makes() {
    offer(&catalogue(), &bytes(header(), 999)).unwrap();
    for length in [1_000, 2_000] {
        assert_eq!(fault(&catalogue(), &bytes(header(), length)), Fault::NotShorter);
    }
}

#[test]
fn what_is_no_patch_or_makes_nothing_new_is_refused() {
    for not_a_patch in [&[][..], &[7; 100], &header().encode()[..HEADER - 1]] {
        assert_eq!(fault(&catalogue(), not_a_patch), Fault::NotAPatch);
    }
    let of_itself = Header { base: long(2).hashes.sha256().unwrap(), ..header() };
    assert_eq!(fault(&catalogue(), &bytes(of_itself, 900)), Fault::SameImage);
}

#[test]
fn an_image_without_a_sha256_is_made_by_no_patch() {
    let digest = Hashes::new(None, long(2).hashes.sha512().or(Some(uptane::Sha512([2; 64])))).unwrap();
    let new = ImageTarget { hashes: digest, ..long(2) };
    let refused = offer(&[long(1), new].into_iter().collect(), &bytes(header(), 900));
    assert!(matches!(refused, Err(Error::Uptane(uptane::Error::NoKnownHash))), "{refused:?}");
}

#[test]
fn a_name_and_a_pair_of_images_have_one_patch() {
    let first = added(&(4, Vec::new()), "a.patch", 2).unwrap();
    let known = (4, vec![first]);
    for (called, makes) in [("a.patch", 3), ("b.patch", 2)] {
        let refused = added(&known, called, makes);
        let is_known =
            matches!(refused, Err(Error::Patch { fault: Fault::Known { other }, .. }) if *other == first.named.name);
        assert!(is_known, "{called}");
    }
    added(&known, "b.patch", 3).unwrap();
}

#[test]
fn there_are_not_more_patches_than_an_instance_holds() {
    let first = added(&(4, Vec::new()), "a.patch", 3).unwrap();
    let other = |number: usize| {
        let named = NamedDelta { name: name(&format!("{number}.patch")), ..first.named };
        Patch { named, ..first }
    };
    let mut known = (4, (0..MAX_PATCHES).map(other).collect::<Vec<_>>());
    let refused = added(&known, "b.patch", 2);
    assert!(matches!(refused, Err(Error::Uptane(uptane::Error::Limit { what: "patches" }))), "{refused:?}");
    known.1.pop();
    added(&known, "b.patch", 2).unwrap();
}

#[test]
fn only_what_is_known_is_removed() {
    let first = added(&(4, Vec::new()), "a.patch", 2).unwrap();
    let known = (4, vec![first]);
    assert_eq!(remove(&known, first.named.name).unwrap(), Change::RemovePatch { expected: 4, name: first.named.name });
    let refused = remove(&known, name("b.patch"));
    assert!(matches!(refused, Err(Error::Patch { fault: Fault::Unknown, .. })), "{refused:?}");
}
