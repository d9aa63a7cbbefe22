//! The invariant of refusals: what an ECU refuses, the Director hears of.
//!
//! Whoever finds that metadata, an image or a command fails a check says so in its reports, and names the attack that
//! points to (§5.4.2.1). The next of its reports that the Director takes has to say it; and none may still be owed when the
//! vehicle has come to rest. What a power failure undid before the refusal was out was never refused.

#[cfg(test)]
mod tests;

use primary_ecu::Error;
use uptane::{Attack, Counter, EcuId, ResultCode};

use super::World;
use crate::world::node::Refused;
use crate::world::time::Moment;

/// Reports that are owed.
#[derive(Debug, Default)]
pub(super) struct Owed {
    debts: Vec<Debt>,
    /// Refusals so far, told or not.
    pub(super) refusals: u64,
}

/// A refusal that the Director has not heard of.
#[derive(Clone, Debug)]
struct Debt {
    ecu: EcuId,
    /// The failed check.
    what: &'static str,
    /// The attack it points to, if it does to one.
    attack: Option<Attack>,
    /// The counter of the last report before; `None` if the ECU has made none.
    before: Option<Counter>,
    /// When the refusal is out.
    out: Moment,
}

impl World {
    /// What a Secondary has refused since this was last asked.
    pub(super) fn note_refusals(&mut self, ecu: EcuId) {
        let refused = self.secondaries.get_mut(&ecu).map(|node| node.take_refusals()).unwrap_or_default();
        for Refused { check, attack, before, out } in refused {
            let what = uptane::Error::name_of(check).unwrap_or("unknown");
            self.owe(Debt { ecu, what, attack, before: Some(before), out });
        }
    }

    /// A cycle of the Primary ended so.
    pub(super) fn note_refusal_of_primary(&mut self, error: &Error) {
        let Error::Refused { check } = error else { return };
        let (ecu, what, attack) = (self.primary.ecu, check.name(), check.attack());
        let last = self.oem.last_report(ecu);
        // It tells the Director within the same cycle, if it can.
        if last.as_ref().is_some_and(|last| last.attack == attack && last.result == ResultCode::VerificationFailed) {
            return self.watch.owed.count();
        }
        self.owe(Debt { ecu, what, attack, before: last.map(|last| last.counter), out: self.engine.now() });
    }

    fn owe(&mut self, debt: Debt) {
        self.watch.owed.count();
        // The same thing refused again is told by the same report.
        let same = |known: &Debt| known.ecu == debt.ecu && known.what == debt.what;
        self.watch.owed.debts.retain(|known| !same(known));
        self.watch.owed.debts.push(debt);
    }

    /// An ECU lost power: what it had not said by now, it has not refused.
    pub(super) fn forgive(&mut self, ecu: EcuId) {
        let now = self.engine.now();
        self.watch.owed.debts.retain(|debt| debt.ecu != ecu || debt.out <= now);
    }

    /// The Director took a check-in, and perhaps reports with it.
    pub(super) fn watch_reports(&mut self) {
        for debt in std::mem::take(&mut self.watch.owed.debts) {
            let Some(last) = self.oem.last_report(debt.ecu).filter(|last| Some(last.counter) > debt.before) else {
                self.watch.owed.debts.push(debt);
                continue;
            };
            let names_it = debt.attack.is_some() || OWN_MISTAKES.contains(&debt.what);
            if !names_it || last.attack != debt.attack {
                let said = last.attack.map_or("no attack", Attack::word);
                let how = format!("{} refused something ({}), and its next report names {said}", debt.ecu, debt.what);
                self.violated(ALWAYS_REPORTED, how);
            }
        }
    }

    /// The vehicle is at rest, and the Director has been within reach.
    pub(super) fn watch_owed(&mut self) {
        for debt in std::mem::take(&mut self.watch.owed.debts) {
            self.violated(
                ALWAYS_REPORTED,
                format!("{} refused something ({}), and never reported it", debt.ecu, debt.what),
            );
        }
    }
}

impl Owed {
    fn count(&mut self) {
        self.refusals = self.refusals.saturating_add(1);
    }
}

/// Checks that fail by a mistake of the vehicle's own side, and point to no attack.
const OWN_MISTAKES: [&str; 2] = ["bad-mapping", "nothing-for-this-ecu"];
/// The invariant of refusals, as violations name it.
pub const ALWAYS_REPORTED: &str = "every refusal has its report";
