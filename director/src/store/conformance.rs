//! What every store must do, run on each of them.

use std::time::Duration;

use host::provisioning::Banks;
use proto::secondary::Verification;
use uptane::metadata::{Delta, NamedDelta};
use uptane::{
    Counter, EcuId, HardwareId, Hashes, ImageLine, KeyId, Length, PublicKey, ReleaseCounter, Sha256, TargetNameBuf,
    Time, VehicleId, Version,
};

use super::{MAX_REFUSED, Memory, Sqlite, Store};
use crate::Error;
use crate::epoch::{ContentSeq, Epoch, RoleKeyIds};
use crate::facts::{
    Accepted, Change, Desired, Ecu, ImageFiles, ImageTarget, Installed, LastManifest, LastReport, NewVehicle, Patch,
    Relisted, Seen, Vehicle,
};

macro_rules! every_store {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Memory::new()).await;
            })*
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$name(super::Sqlite::create(&folder.path().join("director.db")).await.unwrap()).await;
            })*
        }
    };
}

every_store!(
    facts_read_back_as_they_were_written,
    a_certificate_or_vin_belongs_to_one_vehicle,
    an_assignment_on_old_facts_is_a_conflict_and_changes_nothing,
    an_assignment_to_a_foreign_ecu_changes_nothing,
    a_withdrawn_image_is_unlisted_and_comes_back,
    a_manifest_is_accepted_once,
    the_counter_of_a_check_in_never_falls,
    an_epoch_follows_its_predecessor_alone,
    roots_are_handed_out_from_the_asked_version_on,
    the_image_repository_has_one_writer_at_a_time,
    patches_are_added_and_removed_on_what_is_known,
    a_second_patch_of_a_name_or_for_two_images_changes_nothing,
    only_the_last_dropped_requests_are_kept,
);

fn time(seconds: u64) -> Time {
    Time::from_unix(seconds).unwrap()
}

fn ecu_id(id: &str) -> EcuId {
    EcuId::parse(id).unwrap()
}

fn first_epoch() -> Epoch {
    let id = |text| KeyId::parse(text).unwrap();
    let keys = RoleKeyIds { timestamp: id("ts"), snapshot: id("sn"), targets: id("tg"), time: id("time") };
    Epoch::first(Version::FIRST, keys, time(1_000))
}

fn installed(release: u64) -> Installed {
    Installed {
        name: TargetNameBuf::parse("fw-1.bin").unwrap(),
        length: Length::new(10).unwrap(),
        sha256: Sha256([1; 32]),
        line: Some(ImageLine::parse("main").unwrap()),
        counter: ReleaseCounter::new(release).unwrap(),
    }
}

fn ecu(id: &str) -> Ecu {
    Ecu {
        id: ecu_id(id),
        hardware: HardwareId::parse("hw").unwrap(),
        verification: Verification::PartialPlus,
        banks: if id == "brake" { Banks::Single } else { Banks::Two },
        key: PublicKey::Ed25519([9; 32]),
        installed: Some(installed(1)),
        last_report: None,
        unreachable: None,
        desired: None,
    }
}

fn image() -> ImageTarget {
    ImageTarget {
        name: TargetNameBuf::parse("brake/fw-2.bin").unwrap(),
        length: Length::new(20).unwrap(),
        hashes: Hashes::from(Sha256([2; 32])),
        hardware: vec![HardwareId::parse("hw").unwrap(), HardwareId::parse("hw-b").unwrap()],
        line: ImageLine::parse("main").unwrap(),
        counter: ReleaseCounter::new(2).unwrap(),
    }
}

fn desired() -> Desired {
    Desired { image: image(), listed: true, fallback: Some(installed(1).name), delta: Some(patch(1).named) }
}

fn patch(number: u8) -> Patch {
    let name = TargetNameBuf::parse(&format!("brake/{number}.patch")).unwrap();
    let length = Length::new(900).unwrap();
    let delta = Delta { base: Sha256([number; 32]), length, sha256: Sha256([90 + number; 32]) };
    Patch { named: NamedDelta { name, delta }, makes: Sha256([30 + number; 32]) }
}

fn vehicle(number: u8) -> NewVehicle {
    let vehicle = Vehicle {
        id: VehicleId([number; 16]),
        vin: Some(format!("VIN{number}")),
        certificate: Sha256([number; 32]),
        primary: ecu_id("primary"),
        registered: time(1_000),
        content_seq: ContentSeq::FIRST,
        manifest: None,
        seen: None,
    };
    NewVehicle { vehicle, ecus: vec![ecu("brake"), ecu("primary")] }
}

async fn filled(store: &impl Store) -> VehicleId {
    let root = Change::Root { version: Version::FIRST, file: b"root".to_vec(), epoch: first_epoch() };
    store.apply(root).await.unwrap();
    store.apply(Change::Register(Box::new(vehicle(1)))).await.unwrap();
    VehicleId([1; 16])
}

fn assign(to: &str, expected: u64) -> Change {
    let expected = ContentSeq::new(expected).unwrap();
    let desired = vec![(ecu_id(to), desired())];
    Change::Assign { vehicle: VehicleId([1; 16]), expected, next: expected.next().unwrap(), desired }
}

fn accepted(counter: u64, previous: Option<LastManifest>) -> Accepted {
    let report = LastReport {
        digest: Sha256([7; 32]),
        counter: Counter::new(counter).unwrap(),
        time: time(2_000),
        result: uptane::ResultCode::Installed,
        attack: Some(uptane::Attack::Replay),
    };
    Accepted {
        vehicle: VehicleId([1; 16]),
        at: time(2_001),
        previous,
        manifest: LastManifest { digest: Sha256::of(&counter.to_be_bytes()), counter: Counter::new(counter).unwrap() },
        file: b"manifest".to_vec(),
        content_seq: None,
        reports: vec![(ecu_id("brake"), installed(2), report)],
        went_back: Vec::new(),
        frozen: Vec::new(),
        unreachable: vec![(ecu_id("primary"), time(1_500))],
    }
}

async fn facts_read_back_as_they_were_written(store: impl Store) {
    let id = filled(&store).await;
    let facts = store.by_certificate(Sha256([1; 32])).await.unwrap().unwrap();

    let NewVehicle { vehicle, ecus } = vehicle(1);
    assert_eq!((facts.vehicle.clone(), facts.ecus.clone()), (vehicle, ecus));
    assert_eq!((facts.epoch.clone(), facts.image_generation), (first_epoch(), 0));
    assert_eq!(store.by_id(id).await.unwrap(), Some(facts));
    assert_eq!(store.vehicles().await.unwrap(), [id]);
    assert_eq!(store.by_certificate(Sha256([5; 32])).await.unwrap(), None);
}

async fn a_certificate_or_vin_belongs_to_one_vehicle(store: impl Store) {
    filled(&store).await;
    let mut same_certificate = vehicle(2);
    same_certificate.vehicle.certificate = Sha256([1; 32]);
    let mut same_vin = vehicle(3);
    same_vin.vehicle.vin = Some("VIN1".to_owned());
    for twin in [vehicle(1), same_certificate, same_vin] {
        let refused = store.apply(Change::Register(Box::new(twin))).await;
        assert!(matches!(refused, Err(Error::AlreadyRegistered)), "{refused:?}");
    }
    assert_eq!(store.vehicles().await.unwrap().len(), 1);
}

async fn an_assignment_on_old_facts_is_a_conflict_and_changes_nothing(store: impl Store) {
    let id = filled(&store).await;
    store.apply(assign("brake", 0)).await.unwrap();
    let before = store.by_id(id).await.unwrap().unwrap();
    assert_eq!(before.vehicle.content_seq.get(), 1);
    assert_eq!(before.ecu(ecu_id("brake")).unwrap().desired, Some(desired()));

    assert!(matches!(store.apply(assign("primary", 0)).await, Err(Error::Conflict)));
    assert_eq!(store.by_id(id).await.unwrap(), Some(before));
}

async fn an_assignment_to_a_foreign_ecu_changes_nothing(store: impl Store) {
    let id = filled(&store).await;
    let before = store.by_id(id).await.unwrap();
    assert!(matches!(store.apply(assign("stranger", 0)).await, Err(Error::Conflict)));
    assert_eq!(store.by_id(id).await.unwrap(), before);
}

async fn a_withdrawn_image_is_unlisted_and_comes_back(store: impl Store) {
    let id = filled(&store).await;
    store.apply(assign("brake", 0)).await.unwrap();
    for (sequence, listed, fallback, delta) in [(1, false, None, None), (2, true, desired().fallback, desired().delta)]
    {
        let expected = ContentSeq::new(sequence).unwrap();
        let relisted = vec![Relisted { ecu: ecu_id("brake"), listed, fallback, delta }];
        let next = expected.next().unwrap();
        store.apply(Change::Relist { vehicle: id, expected, next, relisted }).await.unwrap();
        let facts = store.by_id(id).await.unwrap().unwrap();
        assert_eq!(facts.ecu(ecu_id("brake")).unwrap().desired, Some(Desired { listed, fallback, delta, ..desired() }));
        assert_eq!(facts.vehicle.content_seq, next);
    }
}

async fn a_manifest_is_accepted_once(store: impl Store) {
    let id = filled(&store).await;
    let first = accepted(4, None);
    store.apply(Change::Accept(Box::new(first.clone()))).await.unwrap();
    let facts = store.by_id(id).await.unwrap().unwrap();
    assert_eq!(facts.vehicle.manifest, Some(first.manifest));
    let brake = facts.ecu(ecu_id("brake")).unwrap();
    assert_eq!((brake.installed, brake.last_report.as_ref()), (Some(installed(2)), Some(&first.reports[0].2)));
    assert_eq!(facts.ecu(ecu_id("primary")).unwrap().unreachable, Some(time(1_500)));

    let late = store.apply(Change::Accept(Box::new(accepted(5, None)))).await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");

    let mut moved = accepted(6, Some(first.manifest));
    moved.content_seq = Some((ContentSeq::FIRST, ContentSeq::new(9).unwrap()));
    moved.unreachable.clear();
    store.apply(Change::Accept(Box::new(moved))).await.unwrap();
    let facts = store.by_id(id).await.unwrap().unwrap();
    assert_eq!(facts.vehicle.content_seq.get(), 9);
    assert_eq!(facts.ecu(ecu_id("primary")).unwrap().unreachable, None);
}

async fn the_counter_of_a_check_in_never_falls(store: impl Store) {
    let id = filled(&store).await;
    for (at, counter) in [(10, 5), (20, 3)] {
        let seen = Seen { at: time(at), counter: Counter::new(counter).unwrap() };
        store.apply(Change::Seen(vec![(id, seen), (VehicleId([99; 16]), seen)])).await.unwrap();
    }
    let seen = store.by_id(id).await.unwrap().unwrap().vehicle.seen.unwrap();
    assert_eq!((seen.counter.get(), seen.at), (5, time(10)));
}

async fn an_epoch_follows_its_predecessor_alone(store: impl Store) {
    filled(&store).await;
    let next = first_epoch().due(time(1_000).saturating_add(Duration::from_secs(90_000))).unwrap().unwrap();
    store.apply(Change::Epoch(next.clone())).await.unwrap();
    assert_eq!(store.epoch().await.unwrap(), Some(next.clone()));
    assert!(matches!(store.apply(Change::Epoch(next)).await, Err(Error::Conflict)));
    assert!(matches!(store.apply(Change::Epoch(first_epoch())).await, Err(Error::Conflict)));
}

async fn roots_are_handed_out_from_the_asked_version_on(store: impl Store) {
    filled(&store).await;
    let second = Version::new(2).unwrap();
    let epoch = first_epoch().after_root(second, first_epoch().keys, time(2_000)).unwrap();
    let root = Change::Root { version: second, file: b"two".to_vec(), epoch };
    store.apply(root.clone()).await.unwrap();
    assert_eq!(store.roots(Version::FIRST).await.unwrap(), [b"root".to_vec(), b"two".to_vec()]);
    assert_eq!(store.roots(second).await.unwrap(), [b"two".to_vec()]);
    assert!(matches!(store.apply(root).await, Err(Error::Conflict)));
}

async fn the_image_repository_has_one_writer_at_a_time(store: impl Store) {
    filled(&store).await;
    let files = ImageFiles { root: b"r".to_vec(), timestamp: Some(b"t".to_vec()), ..ImageFiles::default() };
    let change = Change::Image { expected: 0, files: files.clone() };
    store.apply(change.clone()).await.unwrap();
    assert_eq!(store.image().await.unwrap(), (1, files));
    assert!(matches!(store.apply(change).await, Err(Error::Conflict)));
}

async fn patches_are_added_and_removed_on_what_is_known(store: impl Store) {
    let id = filled(&store).await;
    assert_eq!(store.patches().await.unwrap(), (0, vec![]));
    for (expected, number) in [(0, 2), (1, 1)] {
        let change = Change::AddPatch { expected, patch: Box::new(patch(number)) };
        store.apply(change.clone()).await.unwrap();
        assert!(matches!(store.apply(change).await, Err(Error::Conflict)));
    }
    assert_eq!(store.patches().await.unwrap(), (2, vec![patch(1), patch(2)]));
    assert_eq!(store.by_id(id).await.unwrap().unwrap().patch_generation, 2);

    let remove = |expected, number| Change::RemovePatch { expected, name: patch(number).named.name };
    for refused in [remove(1, 2), remove(2, 3)] {
        assert!(matches!(store.apply(refused).await, Err(Error::Conflict)));
    }
    store.apply(remove(2, 2)).await.unwrap();
    assert_eq!(store.patches().await.unwrap(), (3, vec![patch(1)]));
}

async fn a_second_patch_of_a_name_or_for_two_images_changes_nothing(store: impl Store) {
    filled(&store).await;
    store.apply(Change::AddPatch { expected: 0, patch: Box::new(patch(1)) }).await.unwrap();
    let mut same_name = patch(2);
    same_name.named.name = patch(1).named.name;
    let mut same_images = patch(3);
    (same_images.named.delta.base, same_images.makes) = (patch(1).named.delta.base, patch(1).makes);
    for second in [same_name, same_images] {
        let refused = store.apply(Change::AddPatch { expected: 1, patch: Box::new(second) }).await;
        assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    }
    assert_eq!(store.patches().await.unwrap(), (1, vec![patch(1)]));

    // Of one base many images can be made, and one image of many bases.
    let mut other_image = patch(4);
    other_image.named.delta.base = patch(1).named.delta.base;
    let mut other_base = patch(5);
    other_base.makes = patch(1).makes;
    for (expected, other) in [(1, other_image), (2, other_base)] {
        store.apply(Change::AddPatch { expected, patch: Box::new(other) }).await.unwrap();
    }
}

async fn only_the_last_dropped_requests_are_kept(store: impl Store) {
    let id = filled(&store).await;
    for number in 0..MAX_REFUSED + 3 {
        let reason = format!("reason {number}");
        let attack = Some(uptane::Attack::Replay);
        store.apply(Change::Refuse { vehicle: id, at: time(5), reason, attack }).await.unwrap();
    }
    let kept = store.refused(id).await.unwrap();
    assert_eq!(kept.len(), MAX_REFUSED);
    assert_eq!(kept[0].reason, "reason 3");
}

#[tokio::test]
async fn another_handle_on_the_file_sees_a_change_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("director.db");
    let server = Sqlite::create(&path).await.unwrap();
    filled(&server).await;

    let command_line = Sqlite::open(&path).await.unwrap();
    command_line.apply(assign("brake", 0)).await.unwrap();
    let facts = server.by_certificate(Sha256([1; 32])).await.unwrap().unwrap();
    assert_eq!(facts.vehicle.content_seq.get(), 1);
}

#[tokio::test]
async fn a_store_is_neither_made_twice_nor_opened_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("director.db");
    assert!(matches!(Sqlite::open(&path).await, Err(Error::NotInitialised)));
    Sqlite::create(&path).await.unwrap();
    assert!(matches!(Sqlite::create(&path).await, Err(Error::AlreadyInitialised)));
}
