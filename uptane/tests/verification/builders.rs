//! Whatever a builder is given, what it gives out decodes, is canonical and verifies.

use proptest::prelude::*;
use uptane::json::Document;
use uptane::metadata::{Envelope, Root, RootRole, Targets};
use uptane::sign::{ImageEntry, KeySet, Matching, RootBuilder, RootRoles, Signer, TargetsBuilder};
use uptane::testing::signer;
use uptane::verify::threshold;
use uptane::{
    Director, HardwareId, Hashes, Image, ImageLine, Length, ReleaseCounter, Role, Sha256, TargetName, Time, VehicleId,
    Version,
};

#[derive(Clone, Debug)]
struct Made {
    name: String,
    hardware: Vec<String>,
    counter: u64,
    length: u64,
    info: Vec<(String, String)>,
}

fn made() -> impl Strategy<Value = Made> {
    let id = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}";
    let name = "[!#-.0-Z^-~]{1,40}(/[a-z0-9]{1,20}){0,3}";
    let info = prop::collection::vec((any::<String>(), any::<String>()), 0..4);
    (name, prop::collection::vec(id, 1..5), 0_u64..1 << 53, 0_u64..1 << 53, info)
        .prop_map(|(name, hardware, counter, length, info)| Made { name, hardware, counter, length, info })
        .prop_filter("a name that leaves its folder", |made| TargetName::parse(&made.name).is_ok())
}

fn entry(made: &Made) -> ImageEntry {
    let hardware = made.hardware.iter().map(|id| HardwareId::parse(id).unwrap());
    let line = ImageLine::parse("line").unwrap();
    let matching = Matching::new(hardware, line, ReleaseCounter::new(made.counter).unwrap()).unwrap();
    let (name, length) = (TargetName::parse(&made.name).unwrap(), Length::new(made.length).unwrap());
    let entry = ImageEntry::new(name, length, Hashes::from(Sha256([3; 32])), &matching);
    made.info.iter().fold(entry, |entry, (key, text)| entry.with_info(key, text).unwrap())
}

fn expires() -> Time {
    Time::parse("2030-01-01T00:00:00Z").unwrap()
}

proptest! {
    #[test]
    fn image_targets_decode_are_canonical_and_verify(all in prop::collection::vec(made(), 0..6)) {
        let key = signer("any");
        let keys = KeySet::new([key.public_key()], 1).unwrap();
        let mut builder = TargetsBuilder::<Image>::image(Version::FIRST, expires());
        let mut listed = Vec::new();
        for made in &all {
            // Two different images under one name are refused; the first stays.
            if let Ok(next) = builder.clone().list(entry(made)) {
                builder = next;
                listed.push(made);
            }
        }
        let file = builder.sign(&keys, &[&key]).unwrap();
        let document = Document::read(Role::Targets, &file, Length::new(1 << 30).unwrap()).unwrap();
        prop_assert!(document.is_canonical_as_sent());
        let envelope = Envelope::decode(&file).unwrap();
        let role = uptane::metadata::RoleKeys::new(keys.keys(), 1).unwrap();
        threshold::check(Role::Targets, &role, &envelope).unwrap();
        let view = Targets::decode(envelope.signed()).unwrap();
        for made in listed {
            let target = view.target(TargetName::parse(&made.name).unwrap()).unwrap().unwrap();
            prop_assert_eq!(target.length().get(), made.length);
            prop_assert_eq!(target.matching().release_counter().get(), made.counter);
        }
    }

    #[test]
    fn roots_of_any_shape_decode_and_verify(counts in prop::array::uniform5(1_usize..=8), version in 1_u64..1 << 53) {
        let signers = |role: &str, count: usize| {
            (0..count).map(|index| signer(&format!("{role} {index}"))).collect::<Vec<_>>()
        };
        let set = |role: &str, count: usize| {
            KeySet::new(signers(role, count).iter().map(Signer::public_key), count.div_ceil(2)).unwrap()
        };
        let roles = RootRoles {
            root: set("root", counts[0]),
            snapshot: set("snapshot", counts[1]),
            targets: set("targets", counts[2]),
            timestamp: set("timestamp", counts[3]),
        };
        let (version, time) = (Version::new(version).unwrap(), set("time", counts[4]));
        let builder = RootBuilder::<Director>::director(version, expires(), Time::EPOCH, roles.clone(), time.clone());
        let root_signers = signers("root", counts[0]);
        let signers: Vec<&dyn Signer> = root_signers.iter().map(|signer| -> &dyn Signer { signer }).collect();
        let file = builder.sign(&signers).unwrap();
        let envelope = Envelope::decode(&file).unwrap();
        let root = Root::decode(envelope.signed()).unwrap();
        threshold::check(Role::Root, &root.role_keys(RootRole::Root), &envelope).unwrap();
        prop_assert_eq!(root.version(), version);
        prop_assert_eq!(KeySet::of_role(&root, RootRole::Targets).unwrap(), roles.targets);
        prop_assert_eq!(KeySet::of_time(&root).unwrap(), Some(time));
    }
}

#[test]
fn targets_without_images_still_name_their_vehicle() {
    let key = signer("any");
    let vehicle = VehicleId([7; 16]);
    let builder = TargetsBuilder::<Director>::director(vehicle, Version::FIRST, expires());
    let file = builder.sign(&KeySet::new([key.public_key()], 1).unwrap(), &[&key]).unwrap();
    let view = Targets::decode(Envelope::decode(&file).unwrap().signed()).unwrap();
    assert_eq!(view.vehicle(), Some(vehicle));
    assert_eq!(view.targets().count(), 0);
}

#[test]
fn the_director_says_of_an_image_exactly_what_the_image_repository_says() {
    let repo = uptane::testing::Repo::seeded(1);
    let envelope = Envelope::decode(repo.image().targets()).unwrap();
    let listed = Targets::decode(envelope.signed()).unwrap().targets().next().unwrap().unwrap();
    let ecu = repo.ecus()[0];
    let said = uptane::sign::EcuAssignment {
        ecu: ecu.ecu,
        hardware_id: ecu.hardware,
        order: None,
        fallback: None,
        delta: None,
    };
    let builder = TargetsBuilder::<Director>::director(repo.vehicle(), Version::FIRST, expires());
    let key = signer("any");
    let file = builder.assign(ImageEntry::listed(&listed), said).unwrap();
    let file = file.sign(&KeySet::new([key.public_key()], 1).unwrap(), &[&key]).unwrap();
    let view = Targets::decode(Envelope::decode(&file).unwrap().signed()).unwrap();
    let chosen = view.target(listed.name()).unwrap().unwrap();
    assert_eq!(chosen.matching().raw(), listed.matching().raw());
    assert_eq!((chosen.length(), chosen.hashes()), (listed.length(), listed.hashes()));
}
