//! What must hold after every case: what runs is untouched and signed for this ECU, and the next session works, first on
//! the ECU as it is, once its old session is over, then on one that has lost its power.

use std::fmt;
use std::time::Duration;

use proto::isotp::CONSECUTIVE_TIMEOUT;
use proto::secondary::{Phase, Request};
use proto::uds::S3;
use secondary_ecu::BootError;
use uptane::{Action, Sha256};

use super::line::{Ended, Line};
use super::scene::Scene;
use super::session::{Plan, Step};
use super::setup::Setup;
use super::tester::Answer;
use super::unit::Unit;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It does not start.
    Boot(BootError),
    /// What runs changed, though the Primary did not say so, or nothing signed for it runs.
    Image(Sha256),
    /// The next session fails.
    Session(Failure),
}

/// Where a valid session ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    step: Step,
    ended: Ended,
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}", self.ended, self.step)
    }
}

/// What runs is one of these releases, and what flash says may run.
pub(super) fn check_running(scene: &Scene, unit: &Unit, releases: &[usize]) -> Result<(), Broken> {
    if let Some(error) = unit.broken() {
        return Err(Broken::Boot(error));
    }
    let running = unit.running();
    let release = scene.release(running.sha256).map(|place| place + 1);
    let is_right = running.authorised && release.is_some_and(|release| releases.contains(&release));
    is_right.then_some(()).ok_or(Broken::Image(running.sha256))
}

impl Line<'_> {
    /// The session after the one that was disturbed, with another Primary and without a power cycle.
    pub(super) fn next_works(&mut self) -> Result<(), Broken> {
        self.renew();
        // First what was under way times out, as a driver that polls at its deadlines sees it.
        for pause in [CONSECUTIVE_TIMEOUT, S3] {
            self.now += pause + MOMENT;
            while self.unit.poll(self.now).is_some() {}
            self.unit.work(self.now);
            self.unit.settle();
        }
        self.update()
    }

    /// A whole update, from wherever the ECU stands.
    fn update(&mut self) -> Result<(), Broken> {
        self.end_open().map_err(|ended| Broken::Session(Failure { step: Step::Identify, ended }))?;
        let plan = Plan::whole();
        self.follow(&plan).map_err(|(step, ended)| Broken::Session(Failure { step, ended }))?;
        check_running(self.scene, &self.unit, &[plan.release])
    }

    /// Brings the ECU to where a transaction may begin: what was activated is taken back.
    fn end_open(&mut self) -> Result<(), Ended> {
        let Answer::Identity(identity) = self.request(Request::Identify)? else {
            return Err(Ended::Odd);
        };
        if let Phase::Trial(transaction) | Phase::Healthy(transaction) = identity.phase {
            let held = self.unit.machine().state().targets.map(|held| held.sha256);
            let is_later = held == Some(Sha256::of(self.scene.later.director().targets()));
            let release = if is_later { 3 } else { 2 };
            let plan = Plan { steps: vec![], release, transaction };
            self.step(Step::Command(Action::Rollback), &plan)?;
        }
        if identity.director_root.get() < 2 {
            let scene = self.scene;
            self.send_root(&scene.later)?;
        }
        Ok(())
    }
}

/// A power cycle: what is in this flash starts, runs what it must, and takes a whole update.
pub(super) fn power_cycle(
    scene: &Scene,
    before: &Unit,
    setup: Setup,
    releases: &[usize],
    chance: super::chance::Chance,
) -> Result<(), Broken> {
    let unit = Unit::boot(scene, before.flash(), setup).map_err(Broken::Boot)?;
    check_running(scene, &unit, releases)?;
    Line::new(scene, unit, setup, chance).update()
}

/// A little longer than a limit.
const MOMENT: Duration = Duration::from_millis(10);
