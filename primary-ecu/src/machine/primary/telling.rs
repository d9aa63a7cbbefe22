//! Meeting the ECUs, and working out what the Director has not been told yet (§5.4.2.1).

use std::collections::BTreeSet;

use uptane::{Attack, EcuId, ResultCode, Sha256};

use super::{Cycle, Met, Output, Outputs, Phase};
use crate::Error;
use crate::store::{Outcome, Told};

impl Cycle {
    /// Begins a round.
    pub(super) fn meet(&mut self, outputs: &mut Outputs) {
        self.round = self.round.saturating_add(1);
        self.met.clear();
        let waiting: BTreeSet<EcuId> = self.secondaries().collect();
        outputs.extend(waiting.iter().map(|ecu| Output::Meet(*ecu)));
        match waiting.is_empty() {
            true => self.tell(outputs),
            false => self.phase = Phase::Meeting(waiting),
        }
    }

    pub(super) fn met(
        &mut self,
        mut waiting: BTreeSet<EcuId>,
        ecu: EcuId,
        met: Option<Met>,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        waiting.remove(&ecu);
        self.met.extend(met.map(|met| (ecu, met)));
        match waiting.is_empty() {
            true => self.tell(outputs),
            false => self.phase = Phase::Meeting(waiting),
        }
        Ok(())
    }

    /// Says to the Director that nothing changed, or collects reports to say what did.
    fn tell(&mut self, outputs: &mut Outputs) {
        match self.start.told.as_ref() == Some(&self.to_tell()) {
            true => self.check_in(None, outputs),
            false => self.collect_reports(outputs),
        }
    }

    pub(super) fn collect_reports(&mut self, outputs: &mut Outputs) {
        let nonce = self.report_nonce();
        let waiting: BTreeSet<EcuId> = self.met.keys().copied().collect();
        outputs.extend(waiting.iter().map(|ecu| Output::Report(*ecu, nonce)));
        match waiting.is_empty() {
            true => self.check_in(Some(self.to_tell()), outputs),
            false => self.phase = Phase::Reporting(waiting),
        }
    }

    pub(super) fn reported(
        &mut self,
        mut waiting: BTreeSet<EcuId>,
        ecu: EcuId,
        told: bool,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        waiting.remove(&ecu);
        if !told {
            self.met.remove(&ecu);
        }
        match waiting.is_empty() {
            true => self.check_in(Some(self.to_tell()), outputs),
            false => self.phase = Phase::Reporting(waiting),
        }
        Ok(())
    }

    /// What a full manifest would tell now. Of an ECU that does not answer it tells what was told before.
    pub(super) fn to_tell(&self) -> Told {
        let before = |ecu: EcuId| self.start.told.as_ref()?.running.get(ecu.as_str()).cloned();
        let now = |ecu: EcuId| Some(self.running(ecu)?.to_string());
        let entry = |ecu: &EcuId| Some((ecu.to_string(), now(*ecu).or_else(|| before(*ecu))?));
        let running = self.start.ecus.keys().filter_map(entry).collect();
        let unreachable = self.secondaries().filter(|ecu| !self.met.contains_key(ecu)).map(|ecu| ecu.to_string());
        Told { running, unreachable: unreachable.collect(), outcome: self.start.outcome.clone() }
    }

    /// What the Primary's next report says of this failure; `None` where it says nothing about an update.
    pub(super) fn outcome_of(&self, error: &Error) -> Option<Outcome> {
        let result = match error {
            Error::Refused { .. } | Error::DirectorAnswer { .. } | Error::NoFallback { .. } => {
                ResultCode::VerificationFailed
            }
            Error::ImageRepository { .. } | Error::Slow { .. } => ResultCode::DownloadFailed,
            Error::Host(_) => ResultCode::StorageFailed,
            // Remembered with its transaction already.
            Error::RolledBack { .. } => return None,
            Error::BadArgument { .. }
            | Error::BadGroup { .. }
            | Error::BadPercent { .. }
            | Error::BadSecondary { .. }
            | Error::Behind { .. }
            | Error::Damaged { .. }
            | Error::Director { .. }
            | Error::Journal { .. }
            | Error::NoAddress { .. }
            | Error::Rejected { .. }
            | Error::Sign(_)
            | Error::Unreachable { .. }
            | Error::UnknownSecondary { .. }
            | Error::Waiting { .. } => return None,
        };
        let attack = error.attack().map(Attack::word).map(str::to_owned);
        Some(Outcome { result: result.word().to_owned(), attack, ..Outcome::default() })
    }

    /// Digest of the image an ECU runs, if it said.
    fn running(&self, ecu: EcuId) -> Option<Sha256> {
        if ecu == self.start.own {
            return Some(self.start.own_image);
        }
        self.met.get(&ecu).map(|met| met.running)
    }

    fn secondaries(&self) -> impl Iterator<Item = EcuId> + '_ {
        let own = self.start.own;
        self.start.ecus.keys().copied().filter(move |ecu| *ecu != own)
    }
}
