//! Invariants of what an ECU has said or promised and must keep, whatever resets and power cuts come.
//!
//! * No ECU tries its image before every ECU of the transaction holds its own.
//! * An image that is committed is the lowest of its line that its ECU still takes. Once it has said that it is, that never
//!   becomes lower.
//! * A report's counter is used for one report.
//!
//! What a node holds may be ahead of what its flash has done. An ECU is held to what it has said, as that leaves it later.

use std::collections::BTreeMap;

use primary_ecu::node::Answer;
use proto::secondary::Phase;
use uptane::metadata::{Envelope, Report};
use uptane::{Counter, EcuId, ReleaseCounter, Sha256};

use super::World;

/// What has been said so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    stands: BTreeMap<EcuId, Phase>,
    floors: BTreeMap<EcuId, ReleaseCounter>,
    reports: BTreeMap<(EcuId, Counter), Sha256>,
}

impl World {
    /// Something happened to a Secondary: where it stands may have changed.
    pub(super) fn watch_standing(&mut self, ecu: EcuId) {
        let Some(phase) = self.secondaries.get(&ecu).and_then(|node| node.phase()) else { return };
        if self.watch.said.stands.insert(ecu, phase) == Some(phase) {
            return;
        }
        self.watch_promised(ecu);
        self.watch_committed(ecu, phase);
        self.watch_trial(ecu, phase);
    }

    fn watch_promised(&mut self, ecu: EcuId) {
        let promised = self.watch.said.floors.get(&ecu).copied();
        if let Some((promised, floor)) = promised.zip(self.floor(ecu)).filter(|(promised, floor)| floor < promised) {
            let how = format!("{ecu} had committed release {promised} and takes {floor} again");
            self.violated("a committed image is the lowest that its ECU still takes", how);
        }
    }

    /// The lowest release that a Secondary still takes.
    fn floor(&self, ecu: EcuId) -> Option<ReleaseCounter> {
        let line = self.oem.factory(ecu)?.image.line;
        self.secondaries.get(&ecu)?.floor(line)
    }

    fn watch_committed(&mut self, ecu: EcuId, phase: Phase) {
        let Phase::Committed(_) = phase else { return };
        let Some(runs) = self.watch.runs.get(&ecu).copied() else { return };
        let release = self.oem.release_of(ecu, runs).cloned();
        let Some(image) = release.and_then(|release| self.oem.firmware(ecu, &release)).map(|of| of.image) else {
            return;
        };
        if let Some(floor) = self.floor(ecu).filter(|floor| *floor < image.counter) {
            let how = format!("{ecu} committed release {} and still takes {floor}", image.counter);
            self.violated("a committed image is the lowest that its ECU still takes", how);
        }
    }

    fn watch_trial(&mut self, ecu: EcuId, phase: Phase) {
        let Phase::Trial(transaction) = phase else { return };
        let lags = |node: &dyn super::Secondary| node.phase() == Some(Phase::Staging(transaction));
        let lagging = self.secondaries.iter().find_map(|(other, node)| lags(node).then_some(other));
        if let Some(other) = lagging {
            let how = format!("{ecu} tries its image, and {other} has not got its own");
            self.violated("no ECU tries its image before every ECU holds its own", how);
        }
    }

    /// A Secondary answered.
    pub(super) fn watch_answer(&mut self, ecu: EcuId, answer: &Answer) {
        match answer {
            Answer::Identity(identity) if matches!(identity.phase, Phase::Committed(_)) => {
                let floor = self.floor(ecu);
                self.watch.said.floors.extend(floor.map(|floor| (ecu, floor)));
            }
            Answer::Report(file) => self.watch_report(ecu, file),
            Answer::Done
            | Answer::Identity(_)
            | Answer::Ready(..)
            | Answer::Refused(_)
            | Answer::Taken(_)
            | Answer::TimeNonce(_) => {}
        }
    }

    fn watch_report(&mut self, ecu: EcuId, file: &[u8]) {
        // What is no report is the Primary's to refuse.
        let decoded = Envelope::decode(file).and_then(|envelope| Report::decode(envelope.signed()));
        let Ok(Report { counter, .. }) = decoded else { return };
        let digest = Sha256::of(file);
        let before = self.watch.said.reports.insert((ecu, counter), digest);
        if before.is_some_and(|before| before != digest) {
            self.violated("a counter stands in one report", format!("{ecu} used {counter} twice"));
        }
    }
}

#[cfg(test)]
mod tests {
    use uptane::sign::{InstalledImage, ReportBuilder};
    use uptane::{Length, Nonce, ResultCode, TargetName, Time};

    use super::*;
    use crate::world::run::tests::recipe;

    fn world() -> World {
        let recipe = recipe("", 1);
        recipe.world(&recipe.scenario().unwrap()).unwrap()
    }

    fn report(world: &World, ecu: EcuId, counter: u64, nonce: u8) -> Answer {
        let inventory = world.oem.inventory();
        let report = ReportBuilder {
            ecu,
            hardware_id: inventory.ecus.iter().find(|known| known.ecu == ecu).unwrap().hardware,
            vehicle: inventory.id,
            counter: Counter::new(counter).unwrap(),
            time: Time::EPOCH,
            image: InstalledImage {
                name: TargetName::parse("brakes.bin").unwrap().to_buf(),
                length: Length::new(1).unwrap(),
                sha256: Sha256([1; 32]),
                release_counter: ReleaseCounter::new(1).unwrap(),
            },
            result: ResultCode::None,
            attack: None,
            targets_version: None,
            nonce: Some(Nonce([nonce; 16])),
            transaction: None,
            campaign: None,
        };
        Answer::Report(report.sign(&world.oem.signer(ecu).unwrap()).unwrap())
    }

    #[test]
    fn a_report_may_come_twice_and_its_counter_stand_in_no_other() {
        let mut world = world();
        let ecu = EcuId::parse("brakes").unwrap();
        for (counter, nonce) in [(1, 1), (2, 2), (2, 2)] {
            let answer = report(&world, ecu, counter, nonce);
            world.watch_answer(ecu, &answer);
        }
        assert_eq!(world.watch.violations, []);
        let answer = report(&world, ecu, 1, 3);
        world.watch_answer(ecu, &answer);
        assert_eq!(world.watch.violations[0].how, "brakes used 1 twice");
    }
}
