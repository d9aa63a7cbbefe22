//! What may happen next, and what comes of it.

use primary_ecu::machine::transaction::Standing;

use super::primary::{Cue, Deed, Outcome};
use super::secondary::Happening;
use super::world::{Body, Ended, Errand, World};
use super::{Choice, Model};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Move(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The Primary opens the next transaction.
    Open(Choice),
    /// The Primary learns something.
    Learn(Cue, Choice),
    /// The Primary dies.
    Crash,
    /// A request of this transaction reaches this ECU, now or again.
    Arrive(usize, usize, Errand),
    /// Only the first part of an image of this transaction reaches this ECU.
    ArrivePart(usize, usize),
    /// What an ECU has staged turns out not to be what must run.
    Lose(usize),
    /// An ECU resets; whether its new image boots.
    Reset(usize, bool),
    /// The new image of an ECU votes healthy.
    Vote(usize),
}

impl Model {
    pub(super) fn moves(&self, world: &World, moves: &mut Vec<Move>) {
        let mut add = |kind| moves.push(Move(kind));
        for at in 0..self.orders.len() {
            self.moves_of(world, at, &mut add);
        }
        let Some(journal) = world.journal else {
            if world.ended.is_some() && world.round + 1 < self.rounds {
                let opened = self.primary.open(world.round + 1);
                opened.choices.iter().for_each(|choice| add(Kind::Open(*choice)));
            }
            return;
        };
        let mut learn = |cue| {
            let from = world.primary.unwrap_or(journal);
            let outcome = self.primary.after(from, cue, false);
            outcome.choices.iter().for_each(|choice| add(Kind::Learn(cue, *choice)));
        };
        match world.primary {
            None => {
                learn(Cue::Resumed);
                // Until its course is its own, the Director is asked before the journal goes on.
                if !self.primary.facts(journal).must_go_on {
                    learn(Cue::Withdrawn);
                }
            }
            Some(_) => {
                for at in 0..self.orders.len() {
                    let node = world.node(at);
                    node.said.each().for_each(|standing| learn(Cue::Seen(at, standing)));
                    if !node.asked_in(world.round).is_empty() {
                        learn(Cue::Refused(at));
                        learn(Cue::Unreachable(at));
                    }
                }
                learn(Cue::Withdrawn);
                add(Kind::Crash);
            }
        }
    }

    fn moves_of(&self, world: &World, at: usize, add: &mut impl FnMut(Kind)) {
        let node = world.node(at);
        let Body::Two { state, running } = node.body else { return };
        let facts = self.secondaries.facts(state);
        add(Kind::Reset(at, true));
        if facts.armed {
            add(Kind::Reset(at, false));
        }
        if running != facts.wanted {
            // Its driver takes no request before it has reset the ECU.
            return;
        }
        if facts.trying {
            add(Kind::Vote(at));
        }
        if facts.standing(world.round) == Standing::Staged {
            add(Kind::Lose(at));
        }
        for round in 0..=world.round {
            let asked = node.asked_in(round);
            if asked.has(Errand::Stage) {
                add(Kind::ArrivePart(at, round));
            }
            let acts = |errand| errand != Errand::Look && asked.has(errand);
            let arriving = Errand::ALL.into_iter().filter(|errand| acts(*errand));
            arriving.for_each(|errand| add(Kind::Arrive(at, round, errand)));
        }
    }

    pub(super) fn make(&self, world: &World, kind: Kind) -> Option<World> {
        Some(match kind {
            Kind::Open(choice) => self.open(world, choice),
            Kind::Learn(cue, choice) => {
                let outcome = self.primary.after(world.primary.or(world.journal)?, cue, false);
                self.act(&answered(world, cue), &outcome, choice)
            }
            Kind::Crash => world.without_primary(),
            Kind::Arrive(at, round, Errand::Stage) => self.happen(world, at, Happening::Whole(round))?,
            Kind::Arrive(at, round, errand) => self.happen(world, at, Happening::Command(round, errand))?,
            Kind::ArrivePart(at, round) => self.happen(world, at, Happening::Part(round))?,
            Kind::Lose(at) => self.happen(world, at, Happening::Lost)?,
            Kind::Reset(at, whole) => self.reset(world, at, whole)?,
            Kind::Vote(at) => self.happen(world, at, Happening::Vote)?,
        })
    }

    /// The next transaction, over whatever the last one left.
    pub(super) fn open(&self, last: &World, choice: Choice) -> World {
        let mut world = *last;
        if let Some(ended) = world.ended {
            world.round += 1;
            if ended == Ended::Committed {
                world.before = super::world::Image::of(last.round);
            }
        }
        for node in &mut world.nodes {
            node.said = Default::default();
        }
        let opened = self.primary.open(world.round);
        self.act(&World { ended: None, ..world }, &opened, choice)
    }

    /// The Primary takes what follows from something, and does it, to the end or until it dies.
    pub(super) fn act(&self, world: &World, outcome: &Outcome, choice: Choice) -> World {
        let mut next = World { primary: outcome.next.get(choice.next).copied(), ..*world };
        for deed in outcome.deeds.iter().take(choice.deeds.unwrap_or(usize::MAX)) {
            match *deed {
                Deed::Record(journal) => next.journal = Some(journal),
                Deed::Ask(at, errand) => {
                    let node = next.node(at).ask(next.round, errand);
                    next = self.heard(&next.with_node(at, node), at);
                }
                Deed::Close(ended) => {
                    next = World { ended: Some(ended), journal: None, ..next.without_primary() };
                }
            }
        }
        if choice.deeds.is_some() { next.without_primary() } else { next }
    }

    /// Something happens to an ECU; none if it changes nothing.
    pub(super) fn happen(&self, world: &World, at: usize, happening: Happening) -> Option<World> {
        let node = world.node(at);
        let Body::Two { state, running } = node.body else { return None };
        let state = self.secondaries.after(at, state, happening)?;
        Some(self.heard(&world.with_node(at, node.with_body(Body::Two { state, running })), at))
    }

    /// An ECU resets, and runs the bank it then wants; none if that changes nothing.
    pub(super) fn reset(&self, world: &World, at: usize, whole: bool) -> Option<World> {
        let node = world.node(at);
        let Body::Two { state, .. } = node.body else { return None };
        let state = self.secondaries.after(at, state, Happening::Boot(whole)).unwrap_or(state);
        let body = Body::Two { state, running: self.secondaries.facts(state).wanted };
        if body == node.body {
            return None;
        }
        Some(self.heard(&world.with_node(at, node.with_body(body)), at))
    }

    /// Adds to what an ECU can truthfully answer where it stands now. Every request may arrive at any time and is answered
    /// with that; bringing an image opens the transaction first, so its answer is never that there is none.
    fn heard(&self, world: &World, at: usize) -> World {
        let mut node = world.node(at);
        let Body::Two { state, .. } = node.body else { return *world };
        let standing = self.secondaries.facts(state).standing(world.round);
        let asked = node.asked_in(world.round);
        if asked.has_look() || (!asked.is_empty() && standing != Standing::Absent) {
            node.said = node.said.with(standing);
        }
        world.with_node(at, node)
    }
}

/// An answer, or the want of one, ends an errand.
pub(super) fn answered(world: &World, cue: Cue) -> World {
    match cue {
        Cue::Seen(at, _) | Cue::Refused(at) | Cue::Unreachable(at) => world.with_node(at, world.node(at).answered()),
        Cue::Resumed | Cue::Withdrawn => *world,
    }
}
