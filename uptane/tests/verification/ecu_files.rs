//! What ECUs sign (§5.4.2.1): evidence only with the right key over the right digest.

use uptane::sign::{
    CheckInBuilder, InstalledImage, ManifestBuilder, MemorySigner, ReportBuilder, ReportedVersions, Signer as _,
};
use uptane::testing::signer;
use uptane::{
    Attack, CampaignId, Counter, EcuId, Error, HardwareId, Length, Nonce, ReleaseCounter, ResultCode, Role, Sha256,
    TargetName, Time, TransactionId, VehicleId, Version, verify,
};

use crate::below;

fn brake() -> MemorySigner {
    signer("ecu brake")
}

fn builder() -> ReportBuilder {
    ReportBuilder {
        ecu: EcuId::parse("brake").unwrap(),
        hardware_id: HardwareId::parse("brake-hw").unwrap(),
        vehicle: VehicleId([7; 16]),
        counter: Counter::new(41).unwrap(),
        time: Time::parse("2026-12-01T00:00:00Z").unwrap(),
        image: InstalledImage {
            name: TargetName::parse("brake/fw-1.bin").unwrap().to_buf(),
            length: Length::new(3).unwrap(),
            sha256: Sha256::of(b"abc"),
            release_counter: ReleaseCounter::new(1).unwrap(),
        },
        result: ResultCode::VerificationFailed,
        attack: Some(Attack::Rollback),
        targets_version: Some(Version::FIRST),
        nonce: Some(Nonce([1; 16])),
        transaction: Some(TransactionId([2; 16])),
        campaign: Some(CampaignId::parse("winter").unwrap()),
    }
}

fn report() -> String {
    String::from_utf8(builder().sign(&brake()).unwrap()).unwrap()
}

fn verified(file: &str) -> Result<(), Error> {
    verify::report(file.as_bytes(), &brake().public_key()).map(|_| ())
}

#[test]
fn a_report_says_what_its_builder_was_told() {
    let told = builder();
    let verified = verify::report(report().as_bytes(), &brake().public_key()).unwrap();
    let said = verified.report();
    assert_eq!((said.ecu, said.hardware_id, said.vehicle), (told.ecu, told.hardware_id, told.vehicle));
    assert_eq!((said.counter, said.time), (told.counter, told.time));
    assert_eq!((said.result, said.attack), (told.result, told.attack));
    assert_eq!((said.targets_version, said.nonce), (told.targets_version, told.nonce));
    assert_eq!((said.transaction, said.campaign), (told.transaction, told.campaign));
    assert_eq!((said.image.name, said.image.length), (told.image.name, told.image.length));
    assert_eq!(said.image.hashes.sha256(), Some(told.image.sha256));
    assert_eq!(said.image.release_counter, told.image.release_counter);
}

#[test]
fn a_report_of_another_ecu_is_no_evidence() {
    let refused = verify::report(report().as_bytes(), &signer("ecu door").public_key());
    assert_eq!(refused.map(|_| ()), Err(below(Role::Report, 0, 1)));
}

// T13.
#[test]
fn a_report_whose_digest_is_of_other_bytes_is_refused() {
    let changed = report().replace("\"counter\":41", "\"counter\":42");
    assert_eq!(verified(&changed), Err(below(Role::Report, 0, 1)));
}

// T13.
#[test]
fn method_and_digest_function_must_be_known() {
    for (from, to) in [("\"ed25519\"", "\"ed25519ph\""), ("\"sha256\",\"keyid\"", "\"sha1\",\"keyid\"")] {
        let changed = report().replace(from, to);
        assert_ne!(changed, report());
        assert_eq!(verified(&changed), Err(below(Role::Report, 0, 1)), "{to}");
    }
}

#[test]
fn a_check_in_is_no_report() {
    let primary = EcuId::parse("primary").unwrap();
    let check_in =
        CheckInBuilder { vehicle: VehicleId([7; 16]), primary, counter: Counter::ZERO, manifest: Sha256::of(b"") };
    let file = check_in.sign(&brake()).unwrap();
    let refused = verify::report(&file, &brake().public_key());
    assert_eq!(refused.map(|_| ()), Err(Error::WrongType { field: "_type" }));
    let said = verify::check_in(&file, &brake().public_key()).unwrap();
    assert_eq!(said.check_in().manifest, Sha256::of(b""));
    let refused = verify::check_in(&file, &signer("ecu door").public_key());
    assert_eq!(refused.map(|_| ()), Err(below(Role::CheckIn, 0, 1)));
}

#[test]
fn a_manifest_carries_reports_that_verify_by_themselves() {
    let primary = EcuId::parse("primary").unwrap();
    let own = ReportBuilder { ecu: primary, ..builder() }.sign(&signer("ecu primary")).unwrap();
    let versions = ReportedVersions { root: Some(Version::FIRST), ..ReportedVersions::default() };
    let since = Time::parse("2026-11-30T00:00:00Z").unwrap();
    let door = EcuId::parse("door").unwrap();
    let manifest = ManifestBuilder::new(VehicleId([7; 16]), Counter::new(9).unwrap(), versions, primary, own.clone())
        .report(builder().ecu, report().into_bytes())
        .and_then(|manifest| manifest.unreachable(door, since))
        .and_then(|manifest| manifest.attack(Attack::Freeze).sign(&signer("ecu primary")))
        .unwrap();
    let verified = verify::manifest(&manifest, &signer("ecu primary").public_key()).unwrap();
    let view = verified.view();
    assert_eq!(
        (view.primary(), view.counter(), view.attack()),
        (primary, Counter::new(9).unwrap(), Some(Attack::Freeze))
    );
    assert_eq!((view.director().root, view.director().targets), (Some(Version::FIRST), None));
    assert_eq!(view.unreachable().collect::<Vec<_>>(), [(door, since)]);
    assert_eq!(view.reports().collect::<Vec<_>>(), [own.as_slice(), report().as_bytes()]);
    assert_eq!(verified.sha256(), Sha256::of(&manifest));
    for (file, key) in view.reports().zip(["ecu primary", "ecu brake"]) {
        verify::report(file, &signer(key).public_key()).unwrap();
    }
}

// T11.
#[test]
fn a_manifest_signed_by_a_secondary_is_refused() {
    let primary = EcuId::parse("primary").unwrap();
    let versions = ReportedVersions::default();
    let manifest = ManifestBuilder::new(VehicleId([7; 16]), Counter::ZERO, versions, primary, report().into_bytes());
    let manifest = manifest.sign(&brake()).unwrap();
    let refused = verify::manifest(&manifest, &signer("ecu primary").public_key());
    assert_eq!(refused.map(|_| ()), Err(below(Role::Manifest, 0, 1)));
}
