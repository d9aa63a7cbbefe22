//! A Secondary with a single bank: what stands in it, and what it finds there when it resets.
//!
//! As with two banks the shipped decisions are what moves ([`super::secondary`]). Written here is what the machine around
//! them does: an image goes into the only bank where [`intake`](secondary_ecu::transaction::intake) lets it, and only the one
//! that metadata, or the last commit, name.

use secondary_ecu::transaction::Intake;

use super::Model;
use super::secondary::{Facts, Happening};
use super::world::{Body, Errand, Image, OnlyBank, World};

/// How far an image gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Extent {
    /// The bank is erased, and not all has arrived.
    Part,
    /// All has arrived, and the power fails before that is recorded.
    Unrecorded,
    /// All has arrived.
    Whole,
}

impl Extent {
    pub(super) const ALL: [Self; 3] = [Self::Part, Self::Unrecorded, Self::Whole];
}

impl OnlyBank {
    /// The image that runs, or would after the reset that is due.
    pub(super) fn runs(&self, facts: &Facts) -> Option<Image> {
        self.held.filter(|held| facts.bootable == Some(*held))
    }

    /// The image it says it runs.
    pub(super) fn running(&self) -> Option<Image> {
        self.held.filter(|_| self.runs)
    }

    /// Whether its driver resets it before it takes another request.
    pub(super) fn must_reset(&self, facts: &Facts) -> bool {
        self.bank != facts.wanted || (!self.runs && self.runs(facts).is_some())
    }
}

impl Model {
    /// An image is offered to the only bank of an ECU; none if it is refused or changes nothing.
    pub(super) fn fill(&self, world: &World, at: usize, image: Image, extent: Extent) -> Option<World> {
        let node = world.node(at);
        let Body::One(only) = node.body else { return None };
        let intake = self.secondaries.intake(only.state, only.runs)?;
        let facts = self.secondaries.facts(only.state);
        let expected = match intake {
            Intake::Install => facts.open.map(Image::of),
            Intake::Restore => facts.home,
            Intake::Announce | Intake::Stage => None,
        };
        if expected != Some(image) {
            return None;
        }
        let next = match extent {
            // Where its one bank is overwritten nothing runs.
            Extent::Part => OnlyBank { held: None, runs: false, ..only },
            Extent::Unrecorded => OnlyBank { held: Some(image), runs: false, ..only },
            Extent::Whole => {
                let taken = self.secondaries.after(at, only.state, Happening::Taken(intake, image));
                OnlyBank { held: Some(image), runs: false, state: taken.unwrap_or(only.state), ..only }
            }
        };
        (next != only).then(|| self.heard(&world.with_node(at, node.with_body(Body::One(next))), at))
    }

    /// What a reset makes of an ECU with a single bank. Without `whole`, what was in its bank is damaged.
    pub(super) fn reset_single(&self, at: usize, only: OnlyBank, whole: bool) -> OnlyBank {
        let held = only.held.filter(|_| whole);
        let found = self.secondaries.facts(only.state);
        let is_whole = held.is_some() && held == found.bootable;
        let state = self.secondaries.after(at, only.state, Happening::Boot(is_whole)).unwrap_or(only.state);
        let facts = self.secondaries.facts(state);
        OnlyBank { state, held, bank: facts.wanted, runs: held.is_some() && held == facts.bootable }
    }

    /// Images that may be offered to an ECU: those of every errand it was ever sent on that brings one.
    pub(super) fn offered(&self, world: &World, at: usize) -> Vec<Image> {
        let node = world.node(at);
        let of = |round: usize| {
            let asked = node.asked_in(round);
            // Before the first transaction all ran the first image.
            let fallback = if round == world.round { node.before } else { Image(0) };
            let new = (asked.has(Errand::Stage) || asked.has(Errand::Activate)).then_some(Image::of(round));
            [new, asked.has(Errand::RollBack).then_some(fallback)]
        };
        let mut images: Vec<Image> = (0..=world.round).flat_map(of).flatten().collect();
        images.sort_unstable();
        images.dedup();
        images
    }
}
