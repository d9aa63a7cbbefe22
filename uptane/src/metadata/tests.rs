use alloc::vec::Vec;
use std::format;

use proptest::prelude::*;

use super::*;
use crate::sign::{CheckInBuilder, InstalledImage, ManifestBuilder, ReportBuilder, ReportedVersions};
use crate::testing::{Next, Repo};
use crate::{
    Attack, Counter, EcuId, Error, Hashes, KeyId, Length, PublicKey, ReleaseCounter, ResultCode, Role, Sha256,
    TargetName, Version,
};

fn signed(file: &[u8]) -> &[u8] {
    Envelope::decode(file).unwrap().signed()
}

/// The Director's files after a publication in which one thing is wrong.
fn published(change: impl FnOnce(&mut Next)) -> Repo {
    let mut repo = Repo::seeded(2);
    repo.publish(change);
    repo
}

fn root_error(path: &[&str], json: &str) -> Error {
    let repo = published(|next| next.director.set(Role::Root, path, json));
    Root::decode(signed(repo.director().root())).unwrap_err()
}

fn targets_error(path: &[&str], json: &str) -> Error {
    let repo = published(|next| next.director.set(Role::Targets, path, json));
    look_at_all(signed(repo.director().targets())).unwrap_err()
}

/// Decodes Targets and looks at every image.
fn look_at_all(signed: &[u8]) -> Result<(), Error> {
    Targets::decode(signed)?.targets().try_for_each(|target| target.map(|_| ()))
}

/// A `custom.uptane` of the first image.
fn custom<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    ["targets", "fw/ecu-000-1.bin", "custom", "uptane"].iter().chain(rest).copied().collect()
}

#[test]
fn the_four_roles_read_as_they_were_written() {
    let repo = Repo::seeded(3);
    for (files, origin, vehicle) in
        [(repo.director(), Origin::Director, Some(repo.vehicle())), (repo.image(), Origin::Image, None)]
    {
        let root = Root::decode(signed(files.root())).unwrap();
        assert_eq!((root.version(), root.repository()), (Version::FIRST, Some(origin)));
        assert_eq!((root.not_before(), root.time_keys().is_some()), (Some(repo.now()), vehicle.is_some()));
        assert_eq!(root.role_keys(RootRole::Root).threshold(), 2);
        assert_eq!(root.role_keys(RootRole::Root).keys().count(), 3);

        let timestamp = Timestamp::decode(signed(files.timestamp())).unwrap();
        assert_eq!((timestamp.repository(), timestamp.vehicle()), (Some(origin), vehicle));
        assert_eq!(timestamp.snapshot().hashes.and_then(|hashes| hashes.sha256()), Some(Sha256::of(files.snapshot())));

        let snapshot = Snapshot::decode(signed(files.snapshot())).unwrap();
        assert_eq!((snapshot.repository(), snapshot.vehicle()), (Some(origin), vehicle));
        assert_eq!(snapshot.files().map(|(name, _)| name).collect::<Vec<_>>(), ["targets.json"]);
        assert_eq!(snapshot.file("targets.json").unwrap().version, Version::FIRST);
        assert_eq!(snapshot.file("other.json"), None);

        let targets = Targets::decode(signed(files.targets())).unwrap();
        assert_eq!((targets.repository(), targets.vehicle()), (Some(origin), vehicle));
        assert_eq!((targets.targets().count(), targets.delegates()), (3, false));
    }
}

#[test]
fn a_target_reads_as_it_was_written() {
    let repo = Repo::seeded(3);
    let (ecu, file) = (repo.ecus()[1], signed(repo.director().targets()));
    let name = ecu.image_name(1);
    let targets = Targets::decode(file).unwrap();
    let target = targets.target(TargetName::parse(&name).unwrap()).unwrap().unwrap();
    assert_eq!(target.name().as_str(), name);
    assert_eq!(target.hashes(), Hashes::of(&ecu.image(1)));
    assert_eq!(target.matching().hardware_ids().collect::<Vec<_>>(), [ecu.hardware]);
    assert_eq!((target.matching().line(), target.matching().release_counter().get()), (ecu.line, 1));
    let said: Vec<_> = target.ecus().collect();
    assert_eq!((said.len(), said[0].ecu, said[0].hardware_id), (1, ecu.ecu, ecu.hardware));

    let image = Targets::decode(signed(repo.image().targets())).unwrap();
    let same = image.target(target.name()).unwrap().unwrap();
    assert_eq!((same.matching().raw(), same.ecus().count()), (target.matching().raw(), 0));
    assert!(targets.target(TargetName::parse("none/such").unwrap()).unwrap().is_none());
}

// TUF 1.0.34 §5.3.12.
#[test]
fn a_repository_is_consistent_only_if_its_root_says_so() {
    let repo = Repo::seeded(1);
    assert!(Root::decode(signed(repo.image().root())).unwrap().consistent_snapshot());
    let repo = published(|next| next.image.set(Role::Root, &["consistent_snapshot"], "false"));
    assert!(!Root::decode(signed(repo.image().root())).unwrap().consistent_snapshot());
}

#[test]
fn every_key_of_root_is_told_under_its_id() {
    let repo = Repo::seeded(1);
    let root = Root::decode(signed(repo.director().root())).unwrap();
    let keys: Vec<(KeyId, PublicKey)> = root.keys().collect();
    assert_eq!(keys.len(), 7);
    let role = root.role_keys(RootRole::Root);
    assert_eq!(keys.iter().filter(|(id, key)| role.find(id).as_ref() == Some(key)).count(), 3);
}

#[test]
fn keys_of_another_algorithm_are_known_and_never_count() {
    let key =
        r#"{"keytype":"rsa","keyval":{"public":"-----BEGIN PUBLIC KEY-----\nMIIB"},"scheme":"rsassa-pss-sha512"}"#;
    let repo = published(|next| next.director.set(Role::Root, &["keys", "rsa"], key));
    let root = Root::decode(signed(repo.director().root())).unwrap();
    assert_eq!(root.keys().count(), 7);

    let role = r#"{"keyids":["rsa"],"threshold":1}"#;
    let repo = published(|next| {
        next.director.set(Role::Root, &["keys", "rsa"], key);
        next.director.set(Role::Root, &["roles", "snapshot"], role);
    });
    let root = Root::decode(signed(repo.director().root())).unwrap();
    assert_eq!(root.role_keys(RootRole::Snapshot).keys().count(), 0);
}

// T20: what stands in `keyval` is for the type to say.
#[test]
fn a_key_of_another_type_need_not_have_a_public_value() {
    let key = |keytype: &str| {
        format!(r#"{{"keytype":"{keytype}","keyval":{{"identity":"release","issuer":"oem"}},"scheme":"{keytype}"}}"#)
    };
    let repo = published(|next| next.director.set(Role::Root, &["keys", "other"], key("sigstore-oidc")));
    assert_eq!(Root::decode(signed(repo.director().root())).unwrap().keys().count(), 7);
    assert_eq!(root_error(&["keys", "other"], &key("ed25519")), Error::Schema { field: "public" });
    let repo = published(|next| next.director.set(Role::Root, &["keys", "other"], key(&"x".repeat(300))));
    assert!(Root::decode(signed(repo.director().root())).is_ok(), "a word longer than any that is known");
}

#[test]
fn a_role_without_a_threshold_or_with_too_many_keys_is_refused() {
    assert_eq!(root_error(&["roles", "targets", "threshold"], "0"), Error::BadNumber { kind: "threshold" });
    assert_eq!(root_error(&["roles", "targets"], "1"), Error::Schema { field: "roles" });
    assert_eq!(root_error(&["roles", "targets"], r#"{"threshold":1}"#), Error::Schema { field: "keyids" });
    let many: Vec<_> = (0..9).map(|n| format!("\"k{n}\"")).collect();
    let limit = Error::Limit { what: "keys of a role" };
    assert_eq!(root_error(&["roles", "targets", "keyids"], &format!("[{}]", many.join(","))), limit);
    let twice = Error::Duplicate { what: "key of a role" };
    assert_eq!(root_error(&["roles", "targets", "keyids"], r#"["a","a"]"#), twice);
}

#[test]
fn a_role_that_its_keys_cannot_speak_for_spoils_no_other() {
    for (field, value) in [("threshold", "2"), ("keyids", r#"["nobody"]"#), ("keyids", "[]")] {
        let repo = published(|next| next.director.set(Role::Root, &["roles", "targets", field], value));
        let root = Root::decode(signed(repo.director().root())).unwrap();
        let targets = root.role_keys(RootRole::Targets);
        assert!(targets.keys().count() < usize::from(targets.threshold()), "{field}");
    }
}

// T3, TAP 12: `RoleKeys` counts it once.
#[test]
fn one_key_may_have_two_ids_and_one_id_one_key() {
    let repo = Repo::seeded(1);
    let (id, key) = Root::decode(signed(repo.director().root())).unwrap().keys().next().unwrap();
    let again = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{key}"}},"scheme":"ed25519"}}"#);
    let repo = published(|next| next.director.set(Role::Root, &["keys", "again"], again));
    let root = Root::decode(signed(repo.director().root())).unwrap();
    assert_eq!(root.keys().filter(|(known, other)| *other == key && *known != id).count(), 1);
}

#[test]
fn a_missing_role_is_named() {
    let repo = published(|next| next.director.remove(Role::Root, &["roles", "snapshot"]));
    assert_eq!(Root::decode(signed(repo.director().root())).unwrap_err(), Error::Schema { field: "snapshot" });
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let repo = Repo::seeded(1);
    let wrong = Error::WrongType { field: "_type" };
    assert_eq!(Targets::decode(signed(repo.director().snapshot())).unwrap_err(), wrong);
    assert_eq!(Snapshot::decode(signed(repo.director().timestamp())).unwrap_err(), wrong);
    assert_eq!(Root::decode(signed(repo.director().targets())).unwrap_err(), wrong);
    assert_eq!(targets_error(&["spec_version"], "\"2.0.0\""), Error::WrongType { field: "spec_version" });
    assert_eq!(targets_error(&["uptane", "repository"], "\"depot\""), Error::WrongType { field: "repository" });
}

#[test]
fn a_target_without_what_every_target_has_is_refused() {
    let missing = |path: &[&str]| {
        let repo = published(|next| next.director.remove(Role::Targets, path));
        look_at_all(signed(repo.director().targets())).unwrap_err()
    };
    assert_eq!(missing(&custom(&["match", "hardware_ids"])), Error::Schema { field: "hardware_ids" });
    assert_eq!(missing(&custom(&["match", "release_counter"])), Error::Schema { field: "release_counter" });
    assert_eq!(missing(&custom(&["match", "line"])), Error::Schema { field: "line" });
    assert_eq!(missing(&["targets", "fw/ecu-000-1.bin", "length"]), Error::Schema { field: "length" });
    assert_eq!(missing(&["targets", "fw/ecu-000-1.bin", "hashes"]), Error::Schema { field: "hashes" });
    assert_eq!(missing(&["targets", "fw/ecu-000-1.bin", "hashes", "sha256"]), Error::NoKnownHash);
    assert_eq!(missing(&["targets"]), Error::Schema { field: "targets" });
    assert_eq!(missing(&custom(&["ecus", "ecu-000", "hardware_id"])), Error::Schema { field: "hardware_id" });
}

#[test]
fn fields_of_the_wrong_kind_are_named() {
    assert_eq!(targets_error(&["version"], "0"), Error::BadNumber { kind: "Version" });
    assert_eq!(targets_error(&["expires"], "\"tomorrow\""), Error::BadTime);
    assert_eq!(targets_error(&["targets"], "[]"), Error::Schema { field: "targets" });
    assert_eq!(targets_error(&["targets", "../up"], "{}"), Error::BadName { kind: "TargetName" });
    assert_eq!(
        targets_error(&custom(&["match", "release_counter"]), "-1"),
        Error::BadNumber { kind: "release_counter" }
    );
    assert_eq!(targets_error(&custom(&["ecus", "ecu-000", "order"]), "4294967296"), Error::BadNumber { kind: "order" });
    let ids: Vec<_> = (0..33).map(|n| format!("\"hw-{n:02}\"")).collect();
    let limit = Error::Limit { what: "hardware ids" };
    assert_eq!(targets_error(&custom(&["match", "hardware_ids"]), &format!("[{}]", ids.join(","))), limit);
}

#[test]
fn members_nobody_knows_are_passed_over() {
    let repo = published(|next| {
        next.director.set(Role::Targets, &["x-future"], r#"{"a":[1,{"b":null}],"c":"\n"}"#);
        next.director.set(Role::Targets, &custom(&["info"]), r#"{"build":"7"}"#);
    });
    let targets = Targets::decode(signed(repo.director().targets())).unwrap();
    assert_eq!(targets.targets().next().unwrap().unwrap().info(), Some(&br#"{"build":"7"}"#[..]));
}

fn report(repo: &Repo, attack: Option<Attack>) -> ReportBuilder {
    let (ecu, image) = (repo.ecus()[0], repo.ecus()[0].image(1));
    let name = ecu.image_name(1);
    let image = InstalledImage {
        name: TargetName::parse(&name).unwrap().to_buf(),
        length: Length::new(u64::try_from(image.len()).unwrap()).unwrap(),
        sha256: Sha256::of(&image),
        release_counter: ReleaseCounter::new(1).unwrap(),
    };
    ReportBuilder {
        ecu: ecu.ecu,
        hardware_id: ecu.hardware,
        vehicle: repo.vehicle(),
        counter: Counter::new(5).unwrap(),
        time: repo.now(),
        image,
        result: ResultCode::Installed,
        attack,
        targets_version: Some(Version::FIRST),
        nonce: None,
        transaction: None,
        campaign: None,
    }
}

#[test]
fn a_report_reads_as_it_was_written() {
    let repo = Repo::seeded(1);
    let builder = report(&repo, Some(Attack::Freeze));
    let file = builder.sign(&repo.ecus()[0].signer()).unwrap();
    let read = Report::decode(signed(&file)).unwrap();
    assert_eq!((read.ecu, read.attack, read.result), (builder.ecu, builder.attack, builder.result));
    assert_eq!((read.image.name, read.image.hashes.sha256()), (builder.image.name, Some(builder.image.sha256)));
    assert_eq!(
        (read.counter, read.targets_version, read.time),
        (builder.counter, builder.targets_version, builder.time)
    );
}

#[test]
fn a_manifest_holds_its_reports_as_files_of_their_own() {
    let repo = Repo::seeded(2);
    let (primary, other) = (repo.ecus()[0], repo.ecus()[1].ecu);
    let own = report(&repo, None).sign(&primary.signer()).unwrap();
    let versions = ReportedVersions { targets: Some(Version::FIRST), ..ReportedVersions::default() };
    let manifest = ManifestBuilder::new(repo.vehicle(), Counter::new(9).unwrap(), versions, primary.ecu, own.clone());
    let file = manifest.unreachable(other, repo.now()).unwrap().sign(&primary.signer()).unwrap();

    let read = Manifest::decode(signed(&file)).unwrap();
    assert_eq!((read.primary(), read.vehicle(), read.counter().get()), (primary.ecu, repo.vehicle(), 9));
    assert_eq!(read.director(), AcceptedVersions { targets: Some(Version::FIRST), ..AcceptedVersions::default() });
    assert_eq!(read.reports().collect::<Vec<_>>(), [&own[..]]);
    assert_eq!(read.unreachable().collect::<Vec<_>>(), [(other, repo.now())]);

    let key = primary.signer();
    let key = crate::sign::Signer::public_key(&key);
    let own = Envelope::decode(&own).unwrap();
    assert!(crate::verify::ecu::check(Role::Report, &key, &own).is_ok());
    assert!(crate::verify::ecu::check(Role::Manifest, &key, &Envelope::decode(&file).unwrap()).is_ok());
    let stranger = crate::sign::Signer::public_key(&crate::testing::signer("stranger"));
    let below = Error::BelowThreshold { role: Role::Report, valid: 0, needed: 1 };
    assert_eq!(crate::verify::ecu::check(Role::Report, &stranger, &own), Err(below));
}

#[test]
fn a_check_in_reads_as_it_was_written() {
    let repo = Repo::seeded(1);
    let (vehicle, primary) = (repo.vehicle(), repo.ecus()[0]);
    let (counter, manifest) = (Counter::new(3).unwrap(), Sha256::of(b"manifest"));
    let builder = CheckInBuilder { vehicle, primary: primary.ecu, counter, manifest };
    let file = builder.sign(&primary.signer()).unwrap();
    let expected = CheckIn { counter, manifest, primary: primary.ecu, vehicle };
    assert_eq!(CheckIn::decode(signed(&file)), Ok(expected));
}

proptest! {
    #[test]
    fn no_change_makes_a_view_panic(
        which in 0..6_usize,
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..4),
        cut in 0..4_usize,
    ) {
        let repo = Repo::seeded(1);
        let report = report(&repo, None).sign(&repo.ecus()[0].signer()).unwrap();
        let files = [
            repo.director().root(), repo.director().timestamp(), repo.director().snapshot(),
            repo.director().targets(), repo.image().targets(), &report,
        ];
        let mut file = signed(files[which]).to_vec();
        let at = at.index(file.len());
        file.splice(at..(at + cut).min(file.len()), bytes);
        let _refused_or_not = (Root::decode(&file).map(|root| root.keys().count()), Report::decode(&file));
        let _refused_or_not = (Timestamp::decode(&file), Snapshot::decode(&file).map(|all| all.files().count()));
        if let Ok(targets) = Targets::decode(&file) {
            for target in targets.targets().flatten() {
                let _counted = (target.ecus().count(), target.matching().hardware_ids().count());
            }
        }
        if let Ok(envelope) = Envelope::decode(&file) {
            envelope.hash_signed_into(|_| {});
        }
    }

    #[test]
    fn a_decoded_view_leaves_nothing_out(ecus in 1..12_usize) {
        let repo = Repo::seeded(ecus);
        let targets = Targets::decode(signed(repo.director().targets())).unwrap();
        let named: Vec<EcuId> = targets.targets().flat_map(|target| target.unwrap().ecus().map(|said| said.ecu)).collect();
        prop_assert_eq!(named, repo.ecu_ids());
    }
}
