//! Whose turn it is on a bus: the Primary talks to a few Secondaries at a time, as its driver does.

use std::collections::VecDeque;

use primary_ecu::can::AT_ONCE;
use uptane::EcuId;

/// Those that the Primary talks to on a bus, and those that wait for that.
#[derive(Debug, Default)]
pub(super) struct Line {
    talking: usize,
    waiting: VecDeque<EcuId>,
}

impl Line {
    /// One more is to be talked to; whether at once.
    pub(super) fn enter(&mut self, ecu: EcuId) -> bool {
        let has_room = self.talking < AT_ONCE;
        match has_room {
            true => self.talking = self.talking.saturating_add(1),
            false => self.waiting.push_back(ecu),
        }
        has_room
    }

    /// One was talked to; whose turn it is now.
    pub(super) fn leave(&mut self) -> Option<EcuId> {
        let next = self.waiting.pop_front();
        if next.is_none() {
            self.talking = self.talking.saturating_sub(1);
        }
        next
    }
}
