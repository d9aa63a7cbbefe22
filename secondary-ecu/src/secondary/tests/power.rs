//! Power fails at every flash operation of an update, in every way it can; afterwards the ECU boots an authorised
//! image, no counter has fallen, and the update goes through.

use proto::secondary::{Phase, Refusal};
use uptane::testing::Repo;
use uptane::{Action, Sha256, TransactionId};

use super::bench::*;
use crate::flash::ram::Tear;
use crate::secondary::Running;

/// What must never fall.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Marks {
    floor: u64,
    reports: u64,
    nonces: u64,
    root: u64,
    targets: u64,
}

fn marks(ecu: &Ecu<'_>, repo: &Repo) -> Marks {
    let state = ecu.state();
    Marks {
        floor: state.floors.of(me(repo).line).get(),
        reports: state.reports.get(),
        nonces: state.nonces,
        root: state.root.map_or(0, |held| held.version.get()),
        targets: state.targets.map_or(0, |held| held.version.get()),
    }
}

impl Marks {
    fn none_below(&self, before: &Self) -> bool {
        self.floor >= before.floor
            && self.reports >= before.reports
            && self.nonces >= before.nonces
            && self.root >= before.root
            && self.targets >= before.targets
    }
}

/// Drives the ECU from wherever it stands to the committed release, as a Primary would that forgot everything but
/// which transactions it used.
fn drive(ecu: &mut Ecu<'_>, repo: &Repo, transaction: TransactionId) -> Result<(), Refusal> {
    let target = Sha256::of(&me(repo).image(repo.release()));
    loop {
        match phase(ecu) {
            Phase::Idle | Phase::RolledBack(_) => begin(ecu, repo, transaction)?,
            Phase::Staging(_) => {
                send_time(ecu, repo)?;
                send_root(ecu, repo, 2)?;
                send_targets(ecu, repo)?;
                send_image(ecu, repo)?;
            }
            Phase::Staged(_) => send_command(ecu, repo, Action::Activate)?,
            Phase::Trial(_) => return Err(Refusal::Phase),
            Phase::Healthy(_) => send_command(ecu, repo, Action::Commit)?,
            Phase::Committed(_) => {
                assert_eq!(ecu.identity().running, target);
                report(ecu, repo.now())?;
                return Ok(());
            }
        }
    }
}

/// A first start after power came back: it must boot one of the two authorised images.
fn restart<'f>(repo: &Repo, flash: &'f mut Nor) -> Ecu<'f> {
    let mut ecu = booted(repo, flash).unwrap();
    let images = [1, 2].map(|release| Sha256::of(&me(repo).image(release)));
    let Running { sha256, authorised, .. } = ecu.running();
    assert!(authorised && images.contains(&sha256), "runs {sha256}");
    ecu.vote_healthy().unwrap();
    ecu
}

fn repository() -> (Repo, Nor) {
    let mut repo = Repo::seeded(2);
    let flash = provisioned(&repo);
    repo.publish(|next| {
        next.release();
        next.director.renew_root();
    });
    (repo, flash)
}

fn operations_of_an_update(repo: &Repo, mut flash: Nor) -> u64 {
    let before = flash.operations();
    drive(&mut booted(repo, &mut flash).unwrap(), repo, OPEN).unwrap();
    flash.operations() - before
}

/// Runs an update into a power cut; what the ECU had promised by then, if it came so far as to boot.
fn cut(repo: &Repo, flash: &mut Nor, operation: u64, tear: Tear, transaction: TransactionId) -> Option<Marks> {
    flash.cut_power_at(operation, tear);
    let promised = booted(repo, flash).ok().map(|mut ecu| {
        // Once power is gone every request is refused.
        let _ = ecu.vote_healthy();
        let _ = drive(&mut ecu, repo, transaction);
        marks(&ecu, repo)
    });
    flash.restore_power();
    promised
}

#[test]
fn an_update_survives_a_power_cut_at_every_flash_operation() {
    let (repo, flash) = repository();
    let operations = operations_of_an_update(&repo, flash.clone());
    assert!(operations > 50, "{operations}");
    for (tear, operation) in Tear::ALL.into_iter().flat_map(|tear| (0..operations).map(move |at| (tear, at))) {
        let mut flash = flash.clone();
        let promised = cut(&repo, &mut flash, operation, tear, OPEN);
        let mut ecu = restart(&repo, &mut flash);
        let now = marks(&ecu, &repo);
        assert!(promised.is_none_or(|promised| now.none_below(&promised)), "{tear:?} {operation}: {now:?}");
        drive(&mut ecu, &repo, TransactionId([2; 16])).unwrap();
    }
}

#[test]
fn an_update_survives_a_second_cut_while_it_recovers() {
    let (repo, flash) = repository();
    let operations = operations_of_an_update(&repo, flash.clone());
    let cuts = (0..operations).step_by(3).flat_map(|first| (0..12).step_by(2).map(move |second| (first, second)));
    for ((first, second), tear) in cuts.zip(Tear::ALL.into_iter().cycle()) {
        let mut flash = flash.clone();
        cut(&repo, &mut flash, first, tear, OPEN);
        cut(&repo, &mut flash, second, tear, TransactionId([2; 16]));
        drive(&mut restart(&repo, &mut flash), &repo, TransactionId([3; 16])).unwrap();
    }
}
