//! Power: who has it by the state of the vehicle, and who lost it by a fault.

use std::time::Duration;

use uptane::EcuId;

use super::World;
use super::buses::{ANSWERING, ASKING};
use super::calls::Peer;
use super::event::{Event, Record};
use crate::world::disk::Unsynced;
use crate::world::time::Moment;

/// Whether an ECU has power.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Power {
    /// Whether it has power now.
    pub(super) is_on: bool,
    /// Whether the state of the vehicle gives it power.
    is_fed: bool,
    /// Outages so far, and whether the last one is still going on.
    outages: u64,
    is_out: bool,
    /// How often it got power.
    pub(super) starts: u64,
}

impl World {
    /// Whether an ECU has power.
    pub(super) fn is_on(&self, ecu: EcuId) -> bool {
        self.power.get(&ecu).is_some_and(|power| power.is_on)
    }

    /// The vehicle goes to the power state of this number.
    pub(super) fn enter(&mut self, number: usize) {
        let Some((_, state)) = self.scenario.power().get(number).copied() else { return };
        let fed: Vec<(EcuId, bool)> =
            self.scenario.vehicle().ecus().map(|ecu| (ecu.id(), ecu.is_powered(state))).collect();
        for (ecu, is_fed) in fed {
            self.power.entry(ecu).or_default().is_fed = is_fed;
            self.switch(ecu, Unsynced::Mixed);
        }
    }

    /// An ECU loses power for so long.
    pub(super) fn cut(&mut self, ecu: EcuId, lasts: Duration) {
        let power = self.power.entry(ecu).or_default();
        power.outages = power.outages.saturating_add(1);
        power.is_out = true;
        self.engine.schedule_in(lasts, Event::PowerBack(ecu, power.outages));
        self.switch(ecu, Unsynced::Mixed);
    }

    /// An outage is over, unless another has begun meanwhile.
    pub(super) fn power_back(&mut self, ecu: EcuId, outage: u64) {
        if let Some(power) = self.power.get_mut(&ecu).filter(|power| power.outages == outage) {
            power.is_out = false;
            self.switch(ecu, Unsynced::Mixed);
        }
    }

    /// An ECU starts anew: what its disk has, it keeps.
    pub(super) fn reset(&mut self, ecu: EcuId) {
        if self.is_on(ecu) {
            self.turn_off(ecu, Unsynced::Kept);
            self.turn_on(ecu);
        }
    }

    fn switch(&mut self, ecu: EcuId, unsynced: Unsynced) {
        let Some(power) = self.power.get(&ecu).copied() else { return };
        match (power.is_on, power.is_fed && !power.is_out) {
            (true, false) => self.turn_off(ecu, unsynced),
            (false, true) => self.turn_on(ecu),
            (true, true) | (false, false) => {}
        }
    }

    fn turn_off(&mut self, ecu: EcuId, unsynced: Unsynced) {
        let now = self.engine.now();
        self.power.entry(ecu).or_default().is_on = false;
        self.record(|| Record::Power { ecu: ecu.to_string(), on: false });
        if ecu == self.primary.ecu {
            self.primary.disk.cut_power(unsynced);
            self.primary.node = None;
            self.primary.drop_all();
            self.primary.idle_cycles = 0;
            self.drop_calls();
        } else if let Some(node) = self.secondaries.get_mut(&ecu) {
            node.power_off(now);
            self.forgive(ecu);
        }
        if let Some(way) = self.ways.get_mut(&Peer::Ecu(ecu)) {
            way.forget();
        }
        self.on_buses(ecu, |bus, node, now| bus.power_off(node, now));
        self.note_phase(ecu);
    }

    fn turn_on(&mut self, ecu: EcuId) {
        let now = self.engine.now();
        let power = self.power.entry(ecu).or_default();
        power.is_on = true;
        power.starts = power.starts.saturating_add(1);
        self.record(|| Record::Power { ecu: ecu.to_string(), on: true });
        self.on_buses(ecu, |bus, node, now| bus.power_on(node, now));
        if ecu == self.primary.ecu {
            self.primary.disk.restore_power();
            self.engine.schedule_in(BOOT, Event::Cycle(self.primary.cycle));
        } else if let Some(node) = self.secondaries.get_mut(&ecu) {
            node.power_on(now);
            self.touch(ecu);
        }
        self.note_phase(ecu);
    }

    /// Does something to the controllers of an ECU, and forgets what they were to send.
    fn on_buses(
        &mut self,
        ecu: EcuId,
        act: impl Fn(&mut crate::world::can::Bus, crate::world::can::NodeId, Moment) -> Result<(), crate::world::can::Error>,
    ) {
        let (now, is_primary, is_on) = (self.engine.now(), ecu == self.primary.ecu, self.is_on(ecu));
        for number in 0..self.buses.len() {
            let Some(bus) = self.buses.get_mut(number) else { continue };
            if is_primary {
                self.halls.iter_mut().for_each(|hall| hall.sending = None);
                // Every node of a port is known to its bus.
                let _known = act(&mut bus.bus, bus.primary, now);
                bus.is_primary_driven_off = false;
                bus.forget_conversations();
                for timer in bus.ports.iter_mut().filter_map(|port| port.timers[ASKING].take()) {
                    self.engine.cancel(timer);
                }
            } else if let Some(port) = bus.ports.iter_mut().find(|port| port.ecu == ecu) {
                // Every node of a port is known to its bus.
                let _known = act(&mut bus.bus, port.node, now);
                port.is_on = is_on;
                port.sending[ANSWERING] = None;
                port.is_driven_off = false;
                if let Some(timer) = port.timers[ANSWERING].take() {
                    self.engine.cancel(timer);
                }
            } else {
                continue;
            }
            self.plan_bus(number);
        }
    }

    /// A Secondary on Ethernet is woken at its deadline.
    pub(super) fn wake_at(&mut self, ecu: EcuId, deadline: Moment) {
        if let Some(planned) = self.wakes.remove(&ecu) {
            self.engine.cancel(planned);
        }
        if deadline < Moment::NEVER {
            let at = deadline.max(self.engine.now() + super::LEAST);
            self.wakes.insert(ecu, self.engine.schedule(at, Event::Wake(ecu)));
        }
    }
}

/// How long the Primary's machine takes to start its daemon.
const BOOT: Duration = Duration::from_millis(800);
