//! One ECU of a world, as it stands.

use primary_ecu::machine::transaction::{Reading, Standing};

use super::secondary::{self, Facts};
use super::world::{Body, Image, World};
use super::{Fault, Model};

/// One ECU, looked at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ecu<'a> {
    pub(super) facts: Facts,
    body: Body,
    reading: &'a Reading,
    /// The Primary looks at its phase alone: a planted fault.
    by_phase: bool,
}

impl Model {
    /// An ECU, if there is one.
    pub(super) fn ecu(&self, world: &World, at: usize) -> Option<Ecu<'_>> {
        let node = world.node(at);
        Some(Ecu {
            facts: self.secondaries.facts(node.body.state()?),
            body: node.body,
            reading: self.primary.reading(world.round, at, node.before)?,
            by_phase: self.fault == Some(Fault::BackTooSoon),
        })
    }

    /// All ECUs.
    pub(super) fn ecus<'a>(&'a self, world: &'a World) -> impl Iterator<Item = (usize, Ecu<'a>)> {
        (0..self.orders.len()).filter_map(|at| Some((at, self.ecu(world, at)?)))
    }
}

impl Ecu<'_> {
    /// Whether it resets before it takes another request.
    pub(super) fn must_reset(&self) -> bool {
        match self.body {
            Body::None => false,
            Body::Two { running, .. } => running != self.facts.wanted,
            Body::One(only) => only.must_reset(&self.facts),
        }
    }

    /// The image it runs, or will once a reset that is due has come.
    pub(super) fn runs(&self) -> Option<Image> {
        match self.body {
            Body::None => None,
            Body::Two { .. } => self.facts.bootable,
            Body::One(only) => only.runs(&self.facts),
        }
    }

    /// Whether what it committed last still stands in its bank, of two or of one.
    pub(super) fn holds_home(&self) -> bool {
        match self.body {
            Body::None | Body::Two { .. } => true,
            Body::One(only) => only.held == self.facts.home,
        }
    }

    /// Whether it has a single bank.
    pub(super) fn has_single_bank(&self) -> bool {
        matches!(self.body, Body::One(_))
    }

    /// Where it stands in this transaction, as the Primary reads its account.
    pub(super) fn standing(&self) -> Standing {
        match self.by_phase {
            true => self.standing_by_phase(),
            false => self.reading.standing(self.facts.phase, self.running()),
        }
    }

    /// Where it stands by its phase: what commands it would take.
    pub(super) fn standing_by_phase(&self) -> Standing {
        self.reading.by_phase(self.facts.phase, self.running())
    }

    /// What it says it runs; where there are two banks nobody asks.
    fn running(&self) -> uptane::Sha256 {
        match self.body {
            Body::None | Body::Two { .. } => secondary::running(None),
            Body::One(only) => secondary::running(only.running()),
        }
    }
}
