//! A Director from its founding to a rotated key, over a store in memory and without a runtime.

use host::provisioning::Banks;
use proto::secondary::Verification;
use uptane::sign::{InstalledImage, ManifestBuilder, MemorySigner, ReportBuilder, ReportedVersions, Signer as _};
use uptane::testing::{Repo, TestEcu};
use uptane::verify::Step;
use uptane::{Counter, Length, Nonce, ReleaseCounter, ResultCode, TargetNameBuf};

use super::*;
use crate::desired;
use crate::enrolment::{self, Enrolment};
use crate::facts::Ecu;
use crate::images::Refreshing;
use crate::keys::AnySigner;
use crate::root_file::{Current, founding};
use crate::store::{Memory, at_once};

const CERTIFICATE: Sha256 = Sha256([7; 32]);

fn key(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&[seed; 32])
}

fn online(seeds: [u8; 4]) -> OnlineKeys {
    OnlineKeys::new(seeds.into_iter().map(|seed| -> AnySigner { Box::new(key(seed)) }).collect())
}

fn now<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    at_once(future).expect("nothing to wait for")
}

fn installed(ecu: &TestEcu, release: u64) -> InstalledImage {
    let bytes = ecu.image(release);
    InstalledImage {
        name: TargetNameBuf::parse(&ecu.image_name(release)).unwrap(),
        length: Length::new(u64::try_from(bytes.len()).unwrap()).unwrap(),
        sha256: Sha256::of(&bytes),
        release_counter: ReleaseCounter::new(release).unwrap(),
    }
}

/// A Director with one vehicle of one ECU, beside an Image repository.
fn director(repo: &Repo) -> Director<Memory> {
    let store = Memory::new();
    let (root, signers) = (key(0), [1, 2, 3, 4].map(key));
    let [timestamp, snapshot, targets, time] = &signers;
    let image_root = repo.image().first_root().to_vec();
    for change in founding(image_root, &root, [timestamp, snapshot, targets, time], repo.now()).unwrap() {
        now(store.apply(change)).unwrap();
    }
    let own = &repo.ecus()[0];
    let ecu = Ecu {
        id: own.ecu,
        hardware: own.hardware,
        verification: Verification::Full,
        banks: Banks::Two,
        key: own.signer().public_key(),
        installed: None,
        last_report: None,
        unreachable: None,
        desired: None,
    };
    let enrolments = vec![Enrolment { ecu, is_primary: true, tls_request: None }];
    enrolment::check(&enrolments).unwrap();
    let new = enrolment::new_vehicle(repo.vehicle(), CERTIFICATE, None, enrolments, repo.now()).unwrap();
    now(store.apply(Change::Register(Box::new(new)))).unwrap();
    Director::with_keys(store, online([1, 2, 3, 4]))
}

fn refresh(director: &Director<Memory>, repo: &Repo) {
    let mut refreshing = Refreshing::begin(now(director.store().image()).unwrap(), repo.now()).unwrap();
    while let Step::Fetch { file, .. } = refreshing.next() {
        refreshing.supply(repo.image().get(file).map(<[u8]>::to_vec)).unwrap();
    }
    now(director.store().apply(refreshing.change().unwrap())).unwrap();
}

fn assign(director: &Director<Memory>, repo: &Repo, release: u64) {
    let facts = now(director.store().by_id(repo.vehicle())).unwrap().unwrap();
    let catalogue = images::catalogue(&now(director.store().image()).unwrap().1).unwrap();
    let own = &repo.ecus()[0];
    let wanted = [(own.ecu, TargetNameBuf::parse(&own.image_name(release)).unwrap())];
    now(director.store().apply(desired::assign(&facts, &catalogue, &wanted).unwrap())).unwrap();
}

fn check_in(director: &Director<Memory>, repo: &Repo, counter: u64) -> Result<Reply, Error> {
    let own = &repo.ecus()[0];
    let report = ReportBuilder {
        ecu: own.ecu,
        hardware_id: own.hardware,
        vehicle: repo.vehicle(),
        counter: Counter::new(counter).unwrap(),
        time: repo.now(),
        image: installed(own, 1),
        result: ResultCode::None,
        attack: None,
        targets_version: None,
        nonce: None,
        transaction: None,
        campaign: None,
    };
    let (counter, versions) = (Counter::new(counter + 1).unwrap(), ReportedVersions::default());
    let report = report.sign(&own.signer()).unwrap();
    let manifest = ManifestBuilder::new(repo.vehicle(), counter, versions, own.ecu, report);
    let state = State::Manifest(manifest.sign(&own.signer()).unwrap());
    let nonces = vec![Nonce([3; 16])];
    let request = Request { root: 1, timestamp: 0, snapshot: 0, targets: 0, nonces, state };
    now(director.check_in(CERTIFICATE, &request, repo.now()))
}

#[test]
fn a_director_is_founded_and_answers_without_a_runtime() {
    let repo = Repo::seeded(1);
    let director = director(&repo);
    refresh(&director, &repo);
    assign(&director, &repo, 1);
    let reply = check_in(&director, &repo, 1).unwrap();
    let targets = String::from_utf8(reply.answer.targets.unwrap()).unwrap();
    assert!(targets.contains(&repo.ecus()[0].image_name(1)), "{targets}");
    assert!(matches!(check_in(&director, &repo, 0), Err(Error::CounterBehind { .. })));
    now(director.flush()).unwrap();
    now(director.advance_epoch(repo.now())).unwrap();
}

#[test]
fn an_instance_that_was_given_its_keys_signs_with_a_new_one_only_once_it_holds_it() {
    let repo = Repo::seeded(1);
    let director = director(&repo);
    let current = now(Current::of(director.store())).unwrap();
    let root = current.rotated("targets", &key(9), &key(0), repo.now()).unwrap();
    now(director.store().apply(root)).unwrap();
    assert!(matches!(check_in(&director, &repo, 1), Err(Error::KeyMissing { role: "targets", .. })));
    director.hold(online([1, 2, 9, 4]));
    let reply = check_in(&director, &repo, 3).unwrap();
    assert_eq!((reply.roots.len(), reply.answer.newest.root.get()), (1, 2));
}
