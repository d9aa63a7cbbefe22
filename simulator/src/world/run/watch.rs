//! The invariants: what must hold after every event, whatever goes wrong.
//!
//! * No ECU runs an image that was never authorised for it.
//! * Once a transaction is closed, its members all run the new image, or none does; one of a single bank then runs what it
//!   ran before, and is not left in its boot loader.
//! * Versions that the Primary accepted, and release counters that an ECU would not go below, never become lower.
//! * What the Director believes an ECU runs, it runs or has run.
//! * Every refusal has its report ([`refusals`](super::refusals)).
//! * Once nothing goes wrong any more, the vehicle comes to rest.
//!
//! What an ECU has said and must keep stands in [`kept`](super::kept). Each is looked at when something happened to whom it
//! speaks of; a violation is data, and the run goes on.

use std::collections::{BTreeMap, BTreeSet};

use uptane::{EcuId, ReleaseCounter, Sha256};

use super::World;
use super::ended::{Closed, Told};
use super::event::Record;
use super::kept::Said;
use super::refusals::Owed;
use crate::world::report::{Phase, Stretch, Violation};
use crate::world::time::Moment;

/// What has been seen so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) runs: BTreeMap<EcuId, Sha256>,
    pub(super) has_run: BTreeMap<EcuId, BTreeSet<Sha256>>,
    floors: BTreeMap<EcuId, ReleaseCounter>,
    versions: Vec<u64>,
    pub(super) owed: Owed,
    pub(super) violations: Vec<Violation>,
    /// What became of each transaction that was closed.
    pub(super) closed: Vec<Closed>,
    /// What the Director was told of updates.
    pub(super) told: Vec<Told>,
    pub(super) phases: BTreeMap<EcuId, Vec<Stretch>>,
    pub(super) said: Said,
}

impl World {
    /// What every ECU has run before anything happens, and the Primary runs now.
    pub(super) fn see_factory(&mut self) {
        let ecus: Vec<EcuId> = self.scenario.vehicle().ecus().map(crate::world::vehicle::Ecu::id).collect();
        for ecu in ecus {
            let Some(image) = self.oem.factory(ecu).map(|firmware| firmware.image.sha256) else { continue };
            self.watch.has_run.entry(ecu).or_default().insert(image);
            if ecu == self.primary.ecu {
                self.see(ecu, image);
            }
        }
    }

    /// Something happened to a Secondary.
    pub(super) fn after(&mut self, ecu: EcuId) {
        if let Some(number) = self.secondaries.number(ecu) {
            self.after_number(number);
        }
    }

    /// Something happened to the Secondary of this number. While no transaction is closed, nothing more is to be seen of one
    /// that looks as it did.
    pub(super) fn after_number(&mut self, number: usize) {
        let Some(ecu) = self.secondaries.ecu(number) else { return };
        self.note_refusals(ecu);
        self.watch_power(ecu);
        if self.secondaries.has_changed(number) || self.primary.settled.is_some() {
            self.look_at(ecu);
        }
    }

    fn look_at(&mut self, ecu: EcuId) {
        let Some(node) = self.secondaries.get(&ecu) else { return };
        let (runs, phase, broken) = (node.running(), node.phase(), node.broken());
        match (runs, phase) {
            (Some(image), _) => self.see(ecu, image),
            // It waits for an image in its boot loader.
            (None, Some(_)) => self.watch_settled(ecu, None),
            (None, None) => {}
        }
        if let Some(why) = broken {
            self.violated("every ECU comes back from a reset", format!("{ecu}: {why}"));
        }
        self.watch_standing(ecu);
        self.note_phase(ecu);
    }

    /// Something happened to the Primary.
    pub(super) fn watch_primary(&mut self) {
        let ecu = self.primary.ecu;
        if self.primary.disk.is_dark() {
            if self.is_on(ecu) {
                self.note_dark(ecu);
            }
            return;
        }
        let running = self.primary.node.as_ref().and_then(|node| node.running().ok());
        if let Some(image) = running {
            self.see(ecu, image.sha256);
        }
        self.note_phase(ecu);
        if !self.primary.is_busy {
            self.watch_versions();
        }
    }

    /// An ECU runs this.
    fn see(&mut self, ecu: EcuId, image: Sha256) {
        self.watch_settled(ecu, Some(image));
        if self.watch.runs.insert(ecu, image) == Some(image) {
            return;
        }
        self.record(|| Record::Runs { ecu: ecu.to_string(), image: image.to_string() });
        self.watch.has_run.entry(ecu).or_default().insert(image);
        if !self.oem.authorises(ecu, image) {
            self.violated("an ECU runs only what was authorised for it", format!("{ecu} runs {image}"));
        }
        self.watch_floor(ecu);
    }

    fn watch_settled(&mut self, ecu: EcuId, runs: Option<Sha256>) {
        if let Some(how) = self.primary.broken_by(ecu, runs, self.engine.now()) {
            self.violated(NEVER_MIXED, format!("{ecu} {how}"));
        }
    }

    fn watch_floor(&mut self, ecu: EcuId) {
        let Some(line) = self.oem.factory(ecu).map(|firmware| firmware.image.line) else { return };
        let Some(floor) = self.secondaries.get(&ecu).and_then(|node| node.floor(line)) else { return };
        match self.watch.floors.insert(ecu, floor) {
            Some(before) if before > floor => {
                self.violated("release counters never become lower", format!("{ecu}: {before} became {floor}"));
            }
            Some(_) | None => {}
        }
    }

    /// What the Primary accepted of both repositories.
    fn watch_versions(&mut self) {
        let Some(node) = &self.primary.node else { return };
        let accepted = node.store().accepted();
        let of = |name| accepted.of(name);
        let (director, image) =
            (of(uptane::RepositoryName::of::<uptane::Director>()), of(uptane::RepositoryName::of::<uptane::Image>()));
        let versions = vec![director.snapshot, director.targets, image.snapshot, image.targets];
        let before = std::mem::replace(&mut self.watch.versions, versions.clone());
        if before.iter().zip(&versions).any(|(before, after)| before > after) {
            self.violated("accepted versions never become lower", format!("{before:?} became {versions:?}"));
        }
    }

    /// The Primary found its disk damaged, and fetches again what stood there.
    pub(super) fn forget_versions(&mut self) {
        self.watch.versions.clear();
    }

    /// The Director took a check-in.
    pub(super) fn watch_belief(&mut self) {
        self.note_told();
        let ecus: Vec<EcuId> = self.scenario.vehicle().ecus().map(crate::world::vehicle::Ecu::id).collect();
        for ecu in ecus {
            let Some(believed) = self.oem.believes(ecu) else { continue };
            if !self.watch.has_run.get(&ecu).is_some_and(|images| images.contains(&believed)) {
                self.violated(
                    "the Director believes what is true or was",
                    format!("{ecu} never ran {believed}, which the Director believes it runs"),
                );
            }
        }
    }

    /// The Director may have been told something new of an ECU's update.
    fn note_told(&mut self) {
        let at = self.engine.now();
        for (ecu, report) in self.oem.last_reports() {
            let (result, attack) = (report.result, report.attack);
            let before = self.watch.told.iter().rfind(|told| told.ecu == ecu);
            if before.is_none_or(|before| (before.result, before.attack) != (result, attack)) {
                self.watch.told.push(Told { at, ecu, result, attack });
            }
        }
    }

    /// The time of the scenario is up, and the vehicle is not at rest.
    pub(super) fn watch_rest(&mut self) {
        if self.has_calmed_down() {
            let open = self.primary.node.as_ref().and_then(|node| node.transaction());
            let how = open
                .map_or("it has no transaction".to_owned(), |open| format!("its transaction is {}", open.state.word()));
            self.violated("a vehicle comes to rest once nothing goes wrong any more", how);
        }
    }

    pub(super) fn violated(&mut self, invariant: &'static str, how: String) {
        let at = self.engine.now();
        self.record(|| Record::Violated { invariant: invariant.to_owned(), how: how.clone() });
        let same = |violation: &Violation| violation.invariant == invariant && violation.how == how;
        if self.watch.violations.len() < MOST_VIOLATIONS && !self.watch.violations.iter().any(same) {
            self.watch.violations.push(Violation { at, invariant: invariant.to_owned(), how });
        }
    }

    /// Which phase an ECU is in, for the report.
    pub(super) fn note_phase(&mut self, ecu: EcuId) {
        let phase = self.phase(ecu);
        let now = self.engine.now();
        let stretches = self.watch.phases.entry(ecu).or_default();
        let before = stretches.last().map(|last| last.phase);
        match stretches.last_mut() {
            Some(last) if last.phase == phase => last.end = now,
            Some(last) => {
                last.end = now;
                stretches.push(Stretch { phase, begin: now, end: now });
            }
            None => stretches.push(Stretch { phase, begin: Moment::START, end: now }),
        }
        self.note_transfer(ecu, before, phase);
    }

    fn phase(&self, ecu: EcuId) -> Phase {
        use proto::secondary::Phase as Stands;
        if !self.is_on(ecu) {
            return Phase::Down;
        }
        let is_as_before = || {
            let factory = self.oem.factory(ecu).map(|firmware| firmware.image.sha256);
            self.watch.runs.get(&ecu).copied() == factory
        };
        let idle = if is_as_before() { Phase::Before } else { Phase::Updated };
        let node = self.secondaries.get(&ecu);
        match node.and_then(|node| node.phase()) {
            // An only bank is on its way.
            Some(Stands::Trial(_) | Stands::RolledBack(_)) if node.is_some_and(|node| node.running().is_none()) => {
                Phase::Receiving
            }
            Some(Stands::Idle) | None => idle,
            Some(Stands::Staging(_)) => Phase::Receiving,
            Some(Stands::Staged(_)) => Phase::Staged,
            Some(Stands::Trial(_) | Stands::Healthy(_)) => Phase::Trial,
            Some(Stands::Committed(_)) => Phase::Updated,
            Some(Stands::RolledBack(_)) => Phase::Returned,
        }
    }
}

/// The invariant of a closed transaction, as violations name it.
pub const NEVER_MIXED: &str = "a vehicle is never mixed once its transaction is closed";
/// Violations that a run keeps; after the first, the others seldom say more.
const MOST_VIOLATIONS: usize = 100;
