//! Faults: how each one of the scenario comes about in the world, and how it ends.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use uptane::EcuId;

use super::World;
use super::calls::Peer;
use super::event::{Event, Record};
use crate::world::chance::PerBillion;
use crate::world::description::BitRate;
use crate::world::disk::{Cut, Device, Point, Unsynced, Word};
use crate::world::flash::Torn;
use crate::world::report::Fired;
use crate::world::scenario::{LinkFault, LinkName, Node, NodeFault, Server, What};

/// How many faults of each kind have struck.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Struck(BTreeMap<&'static str, u64>);

impl Struck {
    /// Every kind that struck, with its number.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }

    /// How many of a kind, as scenarios name it.
    pub fn of(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Adds those of another run.
    pub fn join(&mut self, other: &Self) {
        for (kind, count) in other.kinds() {
            self.add(kind, count);
        }
    }

    fn add(&mut self, kind: &'static str, count: u64) {
        let sum = self.0.entry(kind).or_default();
        *sum = sum.saturating_add(count);
    }
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<String> = self.kinds().map(|(kind, count)| format!("{kind} {count}")).collect();
        f.write_str(&kinds.join(", "))
    }
}

impl World {
    /// A fault strikes.
    pub(super) fn strike(&mut self, number: usize) {
        let Some(what) = self.faults.get(number).map(|fault| fault.what().clone()) else { return };
        self.record(|| Record::Fault { number, what: what.to_string() });
        let lasts = lasts(&what);
        if !self.begin_fault(number, &what) {
            return;
        }
        self.note_struck(&what);
        if let Some(lasts) = lasts {
            self.active.insert(number);
            self.engine.schedule_in(lasts, Event::FaultOver(number));
            self.impair();
        }
    }

    /// A fault means something to whom it strikes.
    pub(super) fn note_struck(&mut self, what: &What) {
        self.struck.add(what.kind(), 1);
        let (at, place) = (self.engine.now(), place(what));
        self.fired.push(Fired { at, place, what: what.to_string() });
    }

    /// A fault that lasts is over.
    pub(super) fn fault_over(&mut self, number: usize) {
        self.active.remove(&number);
        self.record(|| Record::FaultOver { number });
        self.impair();
    }

    /// What happens at once. Whether the fault means anything to whom it strikes.
    fn begin_fault(&mut self, number: usize, what: &What) -> bool {
        match what {
            What::Bus { .. } | What::Link { .. } => true,
            What::Node { node: Node::Server(_), .. } => true,
            What::Node { node: Node::Ecu(ecu), fault } => self.strike_ecu(number, *ecu, fault),
        }
    }

    fn strike_ecu(&mut self, number: usize, ecu: EcuId, fault: &NodeFault) -> bool {
        let is_on = self.is_on(ecu);
        match fault {
            // The state of the vehicle may have taken its power already; then it stays away for longer.
            NodeFault::PowerCut(lasts) => self.cut(ecu, *lasts),
            NodeFault::PowerPoint(point) => {
                self.plan_point(number, ecu, point);
                return false;
            }
            NodeFault::Reset => self.reset(ecu),
            NodeFault::FlashTear => self.tear(ecu),
            NodeFault::BusOff => self.drive_off(ecu),
            NodeFault::Overrun(lasts) => self.hold(ecu, *lasts),
            NodeFault::DiskLie(_) => return self.has_disk(ecu),
            // It takes effect when the release is published.
            NodeFault::SickImage { .. } => return self.faults.get(number).is_some(),
            NodeFault::SlowServer { .. } => return false,
        }
        is_on
    }

    fn has_disk(&self, ecu: EcuId) -> bool {
        self.scenario.vehicle().ecu(&ecu).is_some_and(|ecu| ecu.hardware().disk().is_some())
    }

    /// Power fails within the next write.
    fn tear(&mut self, ecu: EcuId) {
        if ecu == self.primary.ecu {
            let point = *self.chance.choose(&[Point::Before, Point::Inside, Point::After]).unwrap_or(&Point::Inside);
            self.primary.disk.cut_power_at(0, Cut { point, unsynced: Unsynced::Mixed });
        } else if let Some(node) = self.secondaries.get_mut(&ecu) {
            let torn = self.chance.choose(&Torn::ALL).copied().unwrap_or(Torn::Half);
            node.tear_next(torn);
        }
    }

    /// Its controllers, of which the Primary has one on every bus, are disturbed until they are bus-off.
    fn drive_off(&mut self, ecu: EcuId) {
        let (now, is_primary) = (self.engine.now(), ecu == self.primary.ecu);
        for number in 0..self.buses.len() {
            if let Some(bus) = self.buses.get_mut(number)
                && bus.drive_off(ecu, is_primary)
            {
                bus.disturb_next(now);
                self.plan_bus(number);
            }
        }
    }

    fn hold(&mut self, ecu: EcuId, lasts: Duration) {
        let (now, is_primary) = (self.engine.now(), ecu == self.primary.ecu);
        for number in 0..self.buses.len() {
            let Some(bus) = self.buses.get_mut(number) else { continue };
            let port = bus.ports.iter().find(|port| port.ecu == ecu).map(|port| port.node);
            if let Some(node) = port.or(is_primary.then_some(bus.primary)) {
                // Every node of a port is known to its bus.
                let _known = bus.bus.hold(node, now + lasts, now);
                self.plan_bus(number);
            }
        }
    }

    /// Makes links, buses and disks as bad as the faults that last now want them.
    fn impair(&mut self) {
        let now = self.engine.now();
        let active: Vec<(usize, What)> =
            self.active.iter().filter_map(|number| Some((*number, self.faults.get(*number)?.what().clone()))).collect();
        for (peer, way) in &mut self.ways {
            let (mut slower, mut loss, mut is_cut) = (Duration::ZERO, PerBillion::NEVER, false);
            for (_, what) in &active {
                match what {
                    What::Link { link, fault, .. } if is_of(*link, *peer) => match fault {
                        LinkFault::Cut => is_cut = true,
                        LinkFault::Delay(delay) => slower += *delay,
                        LinkFault::Loss(share) => {
                            loss = PerBillion::new(loss.billionths().saturating_add(share.billionths()));
                        }
                    },
                    What::Link { .. } | What::Bus { .. } | What::Node { .. } => {}
                }
            }
            way.impair(slower, loss, is_cut);
        }
        for bus in &mut self.buses {
            let here = |(number, what): &(usize, What)| match what {
                What::Bus { bus: name, fault } if name.as_str() == bus.name => Some((*number, *fault)),
                What::Bus { .. } | What::Link { .. } | What::Node { .. } => None,
            };
            let faults: Vec<_> = active.iter().filter_map(here).collect();
            bus.suffer(&faults, now);
        }
        (0..self.buses.len()).for_each(|number| self.plan_bus(number));
        self.impair_disks(&active);
    }

    fn impair_disks(&mut self, active: &[(usize, What)]) {
        let lying = |ecu: EcuId| {
            active.iter().any(|(_, what)| match what {
                What::Node { node: Node::Ecu(of), fault: NodeFault::DiskLie(_) } => *of == ecu,
                What::Node { .. } | What::Bus { .. } | What::Link { .. } => false,
            })
        };
        let word = if lying(self.primary.ecu) { Word::Broken } else { Word::Kept };
        self.primary.disk.replace_device(Device { files: word, folders: word });
        for (ecu, node) in self.secondaries.iter_mut() {
            node.lie(lying(ecu));
        }
    }

    /// How fast a server is, and whether it is down.
    pub(super) fn server(&self, server: Server) -> (Option<BitRate>, bool) {
        let (mut slowest, mut is_down) = (None, false);
        for number in &self.active {
            match self.faults.get(*number).map(crate::world::scenario::Fault::what) {
                Some(What::Node { node: Node::Server(of), fault }) if *of == server => match fault {
                    NodeFault::SlowServer { rate, .. } => {
                        slowest = Some(slowest.map_or(*rate, |slowest: BitRate| slowest.min(*rate)));
                    }
                    NodeFault::PowerCut(_) => is_down = true,
                    NodeFault::BusOff
                    | NodeFault::DiskLie(_)
                    | NodeFault::FlashTear
                    | NodeFault::Overrun(_)
                    | NodeFault::PowerPoint(_)
                    | NodeFault::Reset
                    | NodeFault::SickImage { .. } => {}
                },
                Some(What::Node { .. } | What::Bus { .. } | What::Link { .. }) | None => {}
            }
        }
        (slowest, is_down)
    }
}

fn is_of(link: LinkName, peer: Peer) -> bool {
    match (link, peer) {
        (LinkName::Cloud, Peer::Cloud) => true,
        (LinkName::Ecu(link), Peer::Ecu(ecu)) => link == ecu,
        (LinkName::Cloud, Peer::Ecu(_)) | (LinkName::Ecu(_), Peer::Cloud) => false,
    }
}

/// How long a fault lasts that the world must end.
fn lasts(what: &What) -> Option<Duration> {
    match what {
        What::Bus { fault, .. } => Some(fault.lasts()),
        What::Link { lasts, .. } => Some(*lasts),
        What::Node { node, fault } => match fault {
            NodeFault::DiskLie(lasts) | NodeFault::SlowServer { lasts, .. } => Some(*lasts),
            NodeFault::PowerCut(lasts) => matches!(node, Node::Server(_)).then_some(*lasts),
            NodeFault::BusOff
            | NodeFault::FlashTear
            | NodeFault::Overrun(_)
            | NodeFault::PowerPoint(_)
            | NodeFault::Reset
            | NodeFault::SickImage { .. } => None,
        },
    }
}

fn place(what: &What) -> String {
    match what {
        What::Bus { bus, .. } => bus.to_string(),
        What::Link { link, .. } => link.to_string(),
        What::Node { node, .. } => node.to_string(),
    }
}
