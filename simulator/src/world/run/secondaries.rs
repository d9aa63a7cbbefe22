//! The Secondaries of a run, and how each looked when its invariants were last looked at.

use std::collections::BTreeMap;

use proto::secondary::Phase;
use uptane::{EcuId, Sha256};

use super::ecu::Secondary;

/// Every Secondary. Each has a number besides its id, as ids are long to compare.
#[derive(Default)]
pub(super) struct Secondaries {
    seats: Vec<Seat>,
    numbers: BTreeMap<EcuId, usize>,
}

struct Seat {
    ecu: EcuId,
    node: Box<dyn Secondary>,
    look: Option<Look>,
}

/// What the invariants and the report see of a Secondary.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    running: Option<Sha256>,
    phase: Option<Phase>,
    is_broken: bool,
}

impl Secondaries {
    /// Puts a node in the place of an ECU.
    pub(super) fn insert(&mut self, ecu: EcuId, node: Box<dyn Secondary>) {
        let seat = Seat { ecu, node, look: None };
        match self.number(ecu).and_then(|number| self.seats.get_mut(number)) {
            Some(old) => *old = seat,
            None => {
                self.numbers.insert(ecu, self.seats.len());
                self.seats.push(seat);
            }
        }
    }

    /// Puts a node around that of an ECU.
    #[cfg(test)]
    pub(super) fn wrap(&mut self, ecu: EcuId, around: impl FnOnce(Box<dyn Secondary>) -> Box<dyn Secondary>) {
        let number = self.number(ecu).unwrap();
        let inside = self.seats.remove(number).node;
        self.seats.insert(number, Seat { ecu, node: around(inside), look: None });
    }

    /// The number of an ECU.
    pub(super) fn number(&self, ecu: EcuId) -> Option<usize> {
        self.numbers.get(&ecu).copied()
    }

    /// The id of a number.
    pub(super) fn ecu(&self, number: usize) -> Option<EcuId> {
        self.seats.get(number).map(|seat| seat.ecu)
    }

    pub(super) fn get(&self, ecu: &EcuId) -> Option<&dyn Secondary> {
        self.seats.get(self.number(*ecu)?).map(|seat| &*seat.node)
    }

    pub(super) fn get_mut(&mut self, ecu: &EcuId) -> Option<&mut (dyn Secondary + 'static)> {
        self.at_mut(self.number(*ecu)?)
    }

    pub(super) fn at_mut(&mut self, number: usize) -> Option<&mut (dyn Secondary + 'static)> {
        self.seats.get_mut(number).map(|seat| &mut *seat.node)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (EcuId, &dyn Secondary)> {
        self.seats.iter().map(|seat| (seat.ecu, &*seat.node))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (EcuId, &mut (dyn Secondary + 'static))> {
        self.seats.iter_mut().map(|seat| (seat.ecu, &mut *seat.node))
    }

    /// Whether one looks otherwise than when this was last asked.
    pub(super) fn has_changed(&mut self, number: usize) -> bool {
        let Some(seat) = self.seats.get_mut(number) else { return false };
        let node = &seat.node;
        let look = Look { running: node.running(), phase: node.phase(), is_broken: node.broken().is_some() };
        seat.look.replace(look) != Some(look)
    }
}
