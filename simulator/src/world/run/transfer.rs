//! How busy buses are while ECUs behind them receive something.

use std::time::Duration;

use uptane::EcuId;

use super::World;
use super::buses::CanBus;
use crate::world::report::Phase;
use crate::world::time::Moment;

/// The time in which at least one ECU of a bus received metadata or an image, and how busy the bus was in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// The bus.
    pub bus: String,
    /// How long that was, in all.
    pub lasted: Duration,
    /// For how much of that time the bus was not free, to the bit.
    pub busy: Duration,
}

/// Who receives on a bus, and what came of it before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Receiving {
    ecus: usize,
    /// Since when, and how busy the bus had been until then.
    since: (Moment, Duration),
    lasted: Duration,
    busy: Duration,
}

impl Receiving {
    /// One ECU more or less receives from `now` on; until then the bus had been busy for `busy`.
    fn change(&mut self, begins: bool, now: Moment, busy: Duration) {
        let before = self.ecus;
        self.ecus = if begins { before.saturating_add(1) } else { before.saturating_sub(1) };
        match (before, self.ecus) {
            (0, 1) => self.since = (now, busy),
            (1, 0) => {
                let (since, was_busy) = self.since;
                self.lasted += now - since;
                self.busy += busy.saturating_sub(was_busy);
            }
            _ => {}
        }
    }
}

impl World {
    /// An ECU goes from one phase to another.
    pub(super) fn note_transfer(&mut self, ecu: EcuId, from: Option<Phase>, to: Phase) {
        let (was, is) = (from == Some(Phase::Receiving), to == Phase::Receiving);
        let now = self.engine.now();
        let bus = self.places.get(&ecu).and_then(|(number, _)| self.buses.get_mut(*number));
        if let Some(bus) = bus.filter(|_| was != is) {
            bus.bus.catch_up(now);
            bus.receiving.change(is, now, bus.bus.load().busy);
        }
    }
}

impl CanBus {
    /// What came of it by `now`.
    pub(super) fn transfer(&self, now: Moment) -> Transfer {
        let mut receiving = self.receiving;
        while receiving.ecus > 0 {
            receiving.change(false, now, self.bus.load().busy);
        }
        Transfer { bus: self.name.clone(), lasted: receiving.lasted, busy: receiving.busy }
    }
}
