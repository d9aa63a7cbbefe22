//! What can be wrong with a bus: frames and bits that are disturbed, controllers that are driven off, nodes that do not
//! belong there.

use std::collections::BTreeMap;

use proto::can::Id;
use uptane::EcuId;

use super::buses::{CanBus, RESTART};
use crate::world::can::{Config, Filter, NodeId, Traffic};
use crate::world::chance::PerBillion;
use crate::world::scenario::{BusFault, Flood};
use crate::world::time::Moment;

/// What is wrong with a bus now.
#[derive(Debug, Default)]
pub(super) struct Ills {
    /// The share of the frames that have a wrong bit.
    frames: PerBillion,
    /// The share of the bits that each node sees wrong.
    bits: PerBillion,
    /// The node of every flood there has been, by the number of the fault; one whose flood is over has no power.
    intruders: BTreeMap<usize, NodeId>,
    flooding: Vec<usize>,
    /// Whether controllers on it speak CAN FD.
    is_fd: bool,
}

impl Ills {
    /// Nothing yet, with a bus that is for CAN FD or not.
    pub(super) fn none(is_fd: bool) -> Self {
        Self { is_fd, ..Self::default() }
    }

    /// Whether a node is an intruder.
    pub(super) fn has(&self, node: NodeId) -> bool {
        self.intruders.values().any(|intruder| *intruder == node)
    }
}

impl CanBus {
    /// From now on these faults act on the bus, and no others.
    pub(super) fn suffer(&mut self, faults: &[(usize, BusFault)], now: Moment) {
        let (mut frames, mut bits, mut floods) = (0_u32, 0_u32, Vec::new());
        for (number, fault) in faults {
            match fault {
                BusFault::BitErrorRate { share, .. } => bits = bits.saturating_add(share.billionths()),
                BusFault::BitErrors { share, .. } => frames = frames.saturating_add(share.billionths()),
                BusFault::Flood { flood, .. } => floods.push((*number, *flood)),
            }
        }
        self.ills.frames = PerBillion::new(frames);
        self.disturb_next(now);
        let bits = PerBillion::new(bits);
        if self.ills.bits != bits {
            self.ills.bits = bits;
            self.bus.set_noise(bits, now);
        }
        self.flood(&floods, now);
    }

    /// An ECU that is on this bus is to be driven off it; whether it is.
    pub(super) fn drive_off(&mut self, ecu: EcuId, is_primary: bool) -> bool {
        let port = self.ports.iter_mut().find(|port| port.ecu == ecu);
        match port {
            Some(port) => port.is_driven_off = true,
            None if is_primary => self.is_primary_driven_off = true,
            None => return false,
        }
        true
    }

    /// Lets a disturbance hit the next frame, if faults want that. While they do, every frame has to be looked at.
    pub(super) fn disturb_next(&mut self, now: Moment) {
        let share = self.ills.frames;
        let is_driven = self.is_primary_driven_off || self.ports.iter().any(|port| port.is_driven_off);
        self.bus.attend_all(share != PerBillion::NEVER || is_driven, now);
        let hits = share != PerBillion::NEVER && self.chance.happens(share);
        let victim = match (self.off_next(), hits) {
            (Some(node), _) => Some((node, OFF_BIT)),
            (None, true) => {
                let at = usize::try_from(self.chance.below(u64::try_from(self.ports.len()).unwrap_or(0)));
                let node = at.ok().and_then(|at| self.ports.get(at)).map_or(self.primary, |port| port.node);
                Some((node, u32::try_from(self.chance.below(BITS)).unwrap_or(0)))
            }
            (None, false) => None,
        };
        if let Some((node, bit)) = victim {
            // Every node of a port is known to its bus.
            let _known = self.bus.disturb(node, 0, bit);
        }
    }

    /// The node that is driven off next: one that has something to send.
    fn off_next(&self) -> Option<NodeId> {
        let ports = self.ports.iter().filter(|port| port.is_driven_off).map(|port| port.node);
        let mut driven = ports.chain(self.is_primary_driven_off.then_some(self.primary));
        driven.find(|node| self.bus.pending(*node).is_ok_and(|pending| pending > 0))
    }

    /// Lets these floods go on or begin, and ends the others.
    fn flood(&mut self, floods: &[(usize, Flood)], now: Moment) {
        let is_over = |number: &usize| floods.iter().all(|(flood, _)| flood != number);
        for number in std::mem::take(&mut self.ills.flooding).into_iter().filter(is_over) {
            if let Some(node) = self.ills.intruders.get(&number).copied() {
                // It was attached when its flood began.
                let _known = self.bus.stop_traffic(node, now).and_then(|()| self.bus.power_off(node, now));
            }
        }
        for (number, flood) in floods {
            if !self.ills.intruders.contains_key(number) {
                let node = self.let_in(*number, flood, now);
                self.ills.intruders.insert(*number, node);
            }
        }
        self.ills.flooding = floods.iter().map(|(number, _)| *number).collect();
    }

    /// A node comes to the bus that floods it.
    fn let_in(&mut self, number: usize, flood: &Flood, now: Moment) -> NodeId {
        // It reads nothing.
        let filters = Id::standard(0).map(Filter::exactly).into_iter().collect();
        let fd = self.ills.is_fd;
        let config = Config { fd, filters, restart: Some(RESTART), attended: false, ..Config::default() };
        let node = self.bus.attach(config);
        let traffic = Traffic::flood(flood.message, flood.says, now, self.chance.split(&format!("flood {number}")));
        // The node was attached just now.
        let _known = self.bus.add_traffic(node, traffic).and_then(|()| self.bus.power_on(node, now));
        node
    }
}

/// Bits of a frame that may be disturbed.
const BITS: u64 = 100;
/// The bit that is disturbed to drive a node off its bus: one behind the identifier.
const OFF_BIT: u32 = 20;

#[cfg(test)]
mod tests;
