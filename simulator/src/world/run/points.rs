//! Power that fails at one certain operation or message of an ECU.
//!
//! What is counted happens inside the ECUs: operations of disk and flash, and messages of a Secondary, are counted there
//! and fail there; messages of the Primary are counted here. Code of a Secondary runs ahead of the time that its flash
//! takes, so that the moment at which its power fails may still be to come: until then it says nothing more.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uptane::EcuId;

use super::World;
use super::event::Event;
use crate::world::disk::{Cut, Unsynced};
use crate::world::scenario::{Counted, Node, NodeFault, PowerPoint, Reach, What};

/// The power failures that are counted to.
#[derive(Debug, Default)]
pub(super) struct Points {
    /// Messages that the Primary has sent and taken.
    messages: u64,
    planned: Vec<Planned>,
    /// The Secondaries whose power fails at a moment that is known and still to come.
    failing: BTreeSet<EcuId>,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    fault: usize,
    ecu: EcuId,
    counted: Counted,
    /// What had been counted when the fault began.
    from: u64,
    /// What will have been counted before.
    at: u64,
}

impl World {
    /// Begins to count.
    pub(super) fn plan_point(&mut self, fault: usize, ecu: EcuId, point: &PowerPoint) {
        let PowerPoint { counted, number, torn, .. } = *point;
        let (from, after) = (self.count(ecu, counted), u64::from(number.get() - 1));
        let at = from.saturating_add(after);
        if let Some(node) = self.secondaries.get_mut(&ecu) {
            node.fail_power(counted, after, torn);
        } else if counted == Counted::Disk {
            self.primary.disk.cut_power_at(after, Cut { point: torn.into(), unsynced: Unsynced::Mixed });
        }
        self.points.planned.push(Planned { fault, ecu, counted, from, at });
    }

    /// The Primary is about to send a message, or to take one. Whether its power fails instead.
    pub(super) fn primary_message_fails(&mut self) -> bool {
        let number = self.points.messages;
        self.points.messages = number.saturating_add(1);
        let primary = self.primary.ecu;
        let is_it =
            |planned: &Planned| planned.ecu == primary && planned.counted == Counted::Message && planned.at == number;
        let Some(place) = self.points.planned.iter().position(is_it) else { return false };
        let planned = self.points.planned.remove(place);
        self.fail(planned);
        true
    }

    /// The power of a Secondary fails by itself, now or at a moment to come.
    pub(super) fn watch_power(&mut self, ecu: EcuId) {
        let since = self.secondaries.get(&ecu).and_then(|node| node.dark_since());
        let Some(since) = since.filter(|_| self.is_on(ecu)) else { return };
        if since <= self.engine.now() {
            self.note_dark(ecu);
        } else if self.points.failing.insert(ecu) {
            self.engine.schedule(since, Event::Dark(ecu));
        }
    }

    /// The moment may have come.
    pub(super) fn dark(&mut self, ecu: EcuId) {
        self.points.failing.remove(&ecu);
        self.after(ecu);
    }

    /// An ECU has lost power in an operation. It gets power back after a while.
    pub(super) fn note_dark(&mut self, ecu: EcuId) {
        let is_past = |planned: &Planned| planned.ecu == ecu && planned.at < self.count(ecu, planned.counted);
        let planned = self.points.planned.iter().position(is_past);
        match planned.map(|place| self.points.planned.remove(place)) {
            Some(planned) => self.fail(planned),
            None => {
                let lasts = self.chance.pause(SHORTEST_OUTAGE..=LONGEST_OUTAGE);
                self.cut(ecu, lasts);
            }
        }
    }

    /// How far the counts came that no power failed at, by the number of the fault.
    pub(super) fn counted(&self) -> BTreeMap<usize, u64> {
        let count = |planned: &Planned| self.count(planned.ecu, planned.counted).saturating_sub(planned.from);
        self.points.planned.iter().map(|planned| (planned.fault, count(planned))).collect()
    }

    fn fail(&mut self, planned: Planned) {
        let Some(what) = self.faults.get(planned.fault).map(|fault| fault.what().clone()) else { return };
        let What::Node { node: Node::Ecu(ecu), fault: NodeFault::PowerPoint(point) } = &what else { return };
        self.note_struck(&what);
        let others: Vec<EcuId> = match point.reach {
            Reach::Node => Vec::new(),
            Reach::Vehicle => self.power.keys().copied().filter(|other| other != ecu).collect(),
        };
        self.cut(*ecu, point.lasts);
        others.into_iter().for_each(|other| self.cut(other, point.lasts));
    }

    fn count(&self, ecu: EcuId, counted: Counted) -> u64 {
        match (self.secondaries.get(&ecu), counted) {
            (Some(node), counted) => node.counted(counted),
            (None, Counted::Disk) => self.primary.disk.operations(),
            (None, Counted::Flash) => 0,
            (None, Counted::Message) => self.points.messages,
        }
    }
}

/// How long an ECU is without power whose write was torn.
const SHORTEST_OUTAGE: Duration = Duration::from_millis(100);
const LONGEST_OUTAGE: Duration = Duration::from_secs(3);
