use super::*;
use uptane::sign::{CheckInBuilder, InstalledImage, ManifestBuilder, MemorySigner, ReportBuilder, ReportedVersions};
use uptane::{Attack, HardwareId, ResultCode, Version};

use crate::testing::{self, BRAKE_SEED, PRIMARY_SEED, VEHICLE, at, ecu_id};

const NOW: u64 = 1_000_500;

/// A manifest that is right in every respect until a test breaks one thing.
struct Sent {
    vehicle: VehicleId,
    primary: EcuId,
    counter: u64,
    director: ReportedVersions,
    signed_by: [u8; 32],
    own: ReportBuilder,
    own_signed_by: [u8; 32],
    others: Vec<(ReportBuilder, [u8; 32])>,
    unreachable: Vec<(EcuId, Time)>,
}

fn sent() -> Sent {
    Sent {
        vehicle: VEHICLE,
        primary: ecu_id("primary"),
        counter: 4,
        director: ReportedVersions::default(),
        signed_by: PRIMARY_SEED,
        own: report("primary", "primary-hw"),
        own_signed_by: PRIMARY_SEED,
        others: vec![(report("brake", "brake-hw"), BRAKE_SEED)],
        unreachable: Vec::new(),
    }
}

fn report(ecu: &str, hardware: &str) -> ReportBuilder {
    let Installed { name, length, sha256, counter, .. } = testing::installed(2);
    ReportBuilder {
        ecu: ecu_id(ecu),
        hardware_id: HardwareId::parse(hardware).unwrap(),
        vehicle: VEHICLE,
        counter: counter_of(3),
        time: at(NOW - 10),
        image: InstalledImage { name, length, sha256, release_counter: counter },
        result: ResultCode::Installed,
        attack: None,
        targets_version: None,
        nonce: None,
        transaction: None,
        campaign: None,
    }
}

fn counter_of(counter: u64) -> Counter {
    Counter::new(counter).unwrap()
}

impl Sent {
    fn file(&self) -> Vec<u8> {
        let sign = |report: &ReportBuilder, seed| report.sign(&MemorySigner::from_seed(seed)).unwrap();
        let own = sign(&self.own, &self.own_signed_by);
        let mut manifest =
            ManifestBuilder::new(self.vehicle, counter_of(self.counter), self.director, self.primary, own);
        for (report, seed) in &self.others {
            // A report may claim another ECU than the place it stands in.
            manifest = manifest.report(ecu_id(&format!("place-{}", report.ecu)), sign(report, seed)).unwrap();
        }
        for (ecu, since) in &self.unreachable {
            manifest = manifest.unreachable(*ecu, *since).unwrap();
        }
        manifest.sign(&MemorySigner::from_seed(&self.signed_by)).unwrap()
    }
}

fn judge(facts: &Facts, sent: &Sent) -> Result<Verdict, Error> {
    manifest(facts, &sent.file(), None, at(NOW))
}

fn accepted(facts: &Facts, sent: &Sent) -> Accepted {
    match judge(facts, sent) {
        Ok(Verdict::News(accepted)) => *accepted,
        other => panic!("{other:?}"),
    }
}

/// The facts after the manifest was accepted.
fn after(mut facts: Facts, accepted: &Accepted) -> Facts {
    facts.vehicle.manifest = Some(accepted.manifest);
    for (id, installed, report) in &accepted.reports {
        let ecu = facts.ecus.iter_mut().find(|ecu| ecu.id == *id).unwrap();
        (ecu.installed, ecu.last_report) = (Some(*installed), Some(report.clone()));
    }
    facts
}

/// One fault each: what is changed, and what must be said of it.
type Fault = (fn(&mut Sent), fn(&Error) -> bool, Attack);

const FAULTS: [Fault; 18] = [
    (|sent| sent.vehicle = VehicleId([9; 16]), |e| matches!(e, Error::WrongVehicle { .. }), Attack::Replay),
    (
        |sent| sent.signed_by = BRAKE_SEED,
        |e| matches!(e, Error::Uptane(uptane::Error::BelowThreshold { .. })),
        Attack::ArbitrarySoftware,
    ),
    (
        |sent| (sent.primary, sent.own.ecu) = (ecu_id("brake"), ecu_id("brake")),
        |e| matches!(e, Error::NotThePrimary { .. }),
        Attack::ArbitrarySoftware,
    ),
    (|sent| sent.others.clear(), |e| matches!(e, Error::MissingReport { .. }), Attack::DropRequest),
    (
        |sent| (sent.own.ecu, sent.own_signed_by) = (ecu_id("brake"), BRAKE_SEED),
        |e| matches!(e, Error::Hardware { .. }),
        Attack::IncompatibleImage,
    ),
    (|sent| sent.own = report("brake", "brake-hw"), |e| matches!(e, Error::Report { .. }), Attack::ArbitrarySoftware),
    (|sent| sent.others[0].1 = PRIMARY_SEED, |e| matches!(e, Error::Report { .. }), Attack::ArbitrarySoftware),
    (
        |sent| sent.others[0].0.ecu = ecu_id("stranger"),
        |e| matches!(e, Error::UnknownEcu { .. }),
        Attack::ArbitrarySoftware,
    ),
    (
        |sent| sent.others.push((ReportBuilder { ecu: ecu_id("stranger"), ..report("x", "x") }, BRAKE_SEED)),
        |e| matches!(e, Error::UnknownEcu { .. }),
        Attack::ArbitrarySoftware,
    ),
    (|sent| sent.others[0].0.vehicle = VehicleId([9; 16]), |e| matches!(e, Error::WrongVehicle { .. }), Attack::Replay),
    (
        |sent| sent.others[0].0.hardware_id = HardwareId::parse("other-hw").unwrap(),
        |e| matches!(e, Error::Hardware { .. }),
        Attack::IncompatibleImage,
    ),
    (|sent| sent.others[0].0.time = at(NOW + 601), |e| matches!(e, Error::ReportTime { .. }), Attack::Freeze),
    (|sent| sent.others[0].0.time = at(999_999), |e| matches!(e, Error::ReportTime { .. }), Attack::Freeze),
    (
        |sent| sent.unreachable.push((ecu_id("stranger"), at(NOW))),
        |e| matches!(e, Error::UnknownEcu { .. }),
        Attack::ArbitrarySoftware,
    ),
    (
        |sent| sent.unreachable.push((ecu_id("brake"), at(NOW + 601))),
        |e| matches!(e, Error::ReportTime { .. }),
        Attack::Freeze,
    ),
    (
        |sent| sent.director.root = Some(Version::new(2).unwrap()),
        |e| matches!(e, Error::RootAhead { .. }),
        Attack::Rollback,
    ),
    (
        |sent| sent.director.targets = Some(Version::new((MAX_RESTORED + 9) << 20).unwrap()),
        |e| matches!(e, Error::ImplausibleVersion { .. }),
        Attack::Rollback,
    ),
    (
        |sent| sent.others.push((report("primary", "primary-hw"), PRIMARY_SEED)),
        |e| matches!(e, Error::EcuTwice { .. }),
        Attack::Replay,
    ),
];

#[test]
fn each_fault_of_a_manifest_is_refused_by_its_name() {
    for (number, (break_it, is_it, attack)) in FAULTS.into_iter().enumerate() {
        let mut sent = sent();
        break_it(&mut sent);
        let error = judge(&testing::facts(), &sent).unwrap_err();
        assert!(is_it(&error), "fault {number}: {error:?}");
        assert_eq!(error.attack(), Some(attack), "fault {number}: {error:?}");
        assert!(error.is_refusal(), "fault {number}: {error:?}");
    }
}

#[test]
fn a_manifest_without_fault_is_news() {
    let facts = testing::facts();
    let accepted = accepted(&facts, &sent());
    assert_eq!(accepted.reports.len(), 2);
    assert_eq!(accepted.content_seq, None);
    let (brake, installed, report) = &accepted.reports[1];
    assert_eq!((*brake, *installed), (ecu_id("brake"), testing::installed(2)));
    assert_eq!(report.result, ResultCode::Installed);
}

#[test]
fn the_same_manifest_again_is_no_news() {
    let facts = testing::facts();
    let facts = after(facts.clone(), &accepted(&facts, &sent()));
    assert_eq!(judge(&facts, &sent()).unwrap(), Verdict::Known(vec![]));
}

#[test]
fn a_used_counter_with_other_content_is_a_replay() {
    let facts = testing::facts();
    let facts = after(facts.clone(), &accepted(&facts, &sent()));

    let mut same_manifest_counter = sent();
    same_manifest_counter.own.counter = counter_of(9);
    let error = judge(&facts, &same_manifest_counter).unwrap_err();
    assert!(matches!(error, Error::CounterBehind { .. }), "{error:?}");

    let mut same_report_counter = sent();
    same_report_counter.counter = 5;
    same_report_counter.others[0].0.result = ResultCode::RolledBack;
    let error = judge(&facts, &same_report_counter).unwrap_err();
    assert!(matches!(error, Error::CounterReused { ecu, .. } if ecu == ecu_id("brake")), "{error:?}");
    assert_eq!(error.attack(), Some(Attack::Replay));
}

#[test]
fn an_old_report_in_a_new_manifest_is_no_news_and_an_older_one_a_replay() {
    let facts = testing::facts();
    let first = after(facts.clone(), &accepted(&facts, &sent()));
    let mut second = sent();
    second.counter = 5;
    assert_eq!(accepted(&first, &second).reports, []);

    let mut third = sent();
    third.counter = 6;
    third.others[0].0.counter = counter_of(7);
    let third = after(first.clone(), &accepted(&first, &third));
    let mut replayed = sent();
    replayed.counter = 8;
    let error = judge(&third, &replayed).unwrap_err();
    assert!(matches!(error, Error::CounterReused { .. }), "{error:?}");
}

#[test]
fn an_ecu_whose_time_went_back_is_noticed() {
    let facts = testing::facts();
    let first = accepted(&facts, &sent());
    assert_eq!(first.went_back, []);
    let facts = after(facts, &first);
    let mut back = sent();
    back.counter = 5;
    back.others[0].0.counter = counter_of(9);
    back.others[0].0.time = at(NOW - 11);
    assert_eq!(accepted(&facts, &back).went_back, [ecu_id("brake")]);
}

const DAY: u64 = 86_400;

/// What the brake is found to be when it reports this time, in a vehicle that was told the time at `NOW`.
fn frozen_at(time: u64, change: impl FnOnce(&mut Facts, &mut Sent)) -> Vec<EcuId> {
    let (mut facts, mut sent) = (testing::facts(), sent());
    facts.vehicle.registered = at(0);
    sent.others[0].0.time = at(time);
    change(&mut facts, &mut sent);
    accepted(&facts, &sent).frozen
}

const BEHIND: u64 = NOW - 10 - DAY - 1;

#[test]
fn an_ecu_whose_time_stands_still_while_its_primary_s_goes_on_is_noticed() {
    assert_eq!(frozen_at(BEHIND, |_, _| {}), [ecu_id("brake")]);
    assert_eq!(frozen_at(BEHIND + 1, |_, _| {}), [], "a day is not long");
}

#[test]
fn a_primary_that_keeps_the_time_from_itself_too_is_noticed_with_its_ecus() {
    let frozen = frozen_at(BEHIND, |facts, sent| {
        sent.own.time = at(BEHIND);
        facts.vehicle.seen = Some(Seen { at: at(NOW - 10), counter: counter_of(1) });
    });
    assert_eq!(frozen, [ecu_id("brake"), ecu_id("primary")]);
}

#[test]
fn an_ecu_that_was_away_is_not_taken_for_one_whose_time_stands_still() {
    let was_away = |facts: &mut Facts, _: &mut Sent| facts.ecus[0].unreachable = Some(at(5));
    assert_eq!(frozen_at(BEHIND, was_away), []);
    let is_away = |_: &mut Facts, sent: &mut Sent| sent.unreachable.push((ecu_id("brake"), at(5)));
    assert_eq!(frozen_at(BEHIND, is_away), []);
}

#[test]
fn an_old_report_in_a_new_manifest_shows_a_time_that_stands_still() {
    let (mut facts, mut sent) = (testing::facts(), sent());
    facts.vehicle.registered = at(0);
    (sent.own.time, sent.others[0].0.time) = (at(NOW - 3 * DAY), at(NOW - 3 * DAY));
    let first = accepted(&facts, &sent);
    assert_eq!(first.frozen, []);
    let facts = after(facts, &first);
    (sent.counter, sent.own.counter, sent.own.time) = (9, counter_of(9), at(NOW));
    let second = accepted(&facts, &sent);
    assert_eq!((second.reports.len(), second.frozen), (1, vec![ecu_id("brake")]));
}

#[test]
fn the_last_manifest_once_more_shows_a_time_that_stands_still() {
    let (mut facts, sent) = (testing::facts(), sent());
    facts = after(facts.clone(), &accepted(&facts, &sent));
    facts.vehicle.seen = Some(Seen { at: at(NOW + 2 * DAY), counter: counter_of(1) });
    assert_eq!(judge(&facts, &sent).unwrap(), Verdict::Known(vec![ecu_id("brake"), ecu_id("primary")]));
}

#[test]
fn after_a_month_of_idle_check_ins_a_manifest_is_wanted() {
    let facts = testing::facts();
    let facts = after(facts.clone(), &accepted(&facts, &sent()));
    let last = facts.vehicle.manifest.unwrap().digest;
    let at_day = |day: u64| idle(&facts, &idle_file(9, last, &PRIMARY_SEED), None, at(NOW - 10 + day * DAY)).unwrap();
    assert!(matches!(at_day(30), Verdict::Idle(_)));
    assert_eq!(at_day(31), Verdict::ManifestWanted);
}

#[test]
fn an_ecu_may_be_missing_if_the_primary_signs_since_when() {
    let mut sent = sent();
    sent.others.clear();
    sent.unreachable.push((ecu_id("brake"), at(NOW - 50)));
    let accepted = accepted(&testing::facts(), &sent);
    assert_eq!(accepted.unreachable, [(ecu_id("brake"), at(NOW - 50))]);
}

#[test]
fn the_primary_cannot_excuse_itself() {
    let mut sent = sent();
    sent.own = report("brake", "brake-hw");
    sent.own_signed_by = BRAKE_SEED;
    sent.others.clear();
    sent.unreachable.push((ecu_id("primary"), at(NOW)));
    let error = judge(&testing::facts(), &sent).unwrap_err();
    assert!(matches!(error, Error::MissingReport { ecu } if ecu == ecu_id("primary")), "{error:?}");
}

#[test]
fn a_vehicle_ahead_of_a_restored_store_moves_the_sequence_past_it() {
    let mut sent = sent();
    sent.director.targets = Some(Version::new((8 << 20) + 3).unwrap());
    let accepted = accepted(&testing::facts(), &sent);
    let (from, to) = accepted.content_seq.unwrap();
    assert_eq!((from.get(), to.get()), (5, 9));
}

fn idle_file(counter: u64, manifest: Sha256, seed: &[u8; 32]) -> Vec<u8> {
    let check_in =
        CheckInBuilder { vehicle: VEHICLE, primary: ecu_id("primary"), counter: counter_of(counter), manifest };
    check_in.sign(&MemorySigner::from_seed(seed)).unwrap()
}

#[test]
fn an_idle_check_in_names_the_last_manifest_or_the_full_one_is_wanted() {
    let facts = testing::facts();
    let unknown = idle(&facts, &idle_file(9, Sha256([0; 32]), &PRIMARY_SEED), None, at(NOW)).unwrap();
    assert_eq!(unknown, Verdict::ManifestWanted);

    let facts = after(facts.clone(), &accepted(&facts, &sent()));
    let last = facts.vehicle.manifest.unwrap().digest;
    let known = idle(&facts, &idle_file(9, last, &PRIMARY_SEED), None, at(NOW)).unwrap();
    assert_eq!(known, Verdict::Idle(Seen { at: at(NOW), counter: counter_of(9) }));
}

#[test]
fn an_idle_check_in_is_signed_by_the_primary_over_a_new_counter() {
    let facts = testing::facts();
    let facts = after(facts.clone(), &accepted(&facts, &sent()));
    let last = facts.vehicle.manifest.unwrap().digest;

    let forged = idle(&facts, &idle_file(9, last, &BRAKE_SEED), None, at(NOW)).unwrap_err();
    assert_eq!(forged.attack(), Some(Attack::ArbitrarySoftware));
    for (counter, seen) in [(4, None), (9, Some(counter_of(9)))] {
        let replayed = idle(&facts, &idle_file(counter, last, &PRIMARY_SEED), seen, at(NOW)).unwrap_err();
        assert!(matches!(replayed, Error::CounterBehind { .. }), "{replayed:?}");
        assert_eq!(replayed.attack(), Some(Attack::Replay));
    }
}
