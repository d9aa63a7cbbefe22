//! What may happen next, and what comes of it.

use primary_ecu::machine::transaction::Standing;

use super::primary::{Cue, Deed, Homes, Outcome};
use super::secondary::Happening;
use super::single_bank::Extent;
use super::table::Number;
use super::world::{Body, Disk, Errand, Image, World};
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
    /// Its disk begins to lie: nothing that is written to the journal from now on stays.
    Lie,
    /// The Primary dies, and its journal is the one that was written last before the disk lied.
    Forget,
    /// A request of this transaction reaches this ECU, now or again.
    Arrive(usize, usize, Errand),
    /// Only the first part of an image of this transaction reaches this ECU.
    ArrivePart(usize, usize),
    /// This image reaches the only bank of this ECU.
    Fill(usize, Image, Extent),
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
                let opened = self.primary.open(world.round + 1, self.homes(world));
                opened.outcome.choices.iter().for_each(|choice| add(Kind::Open(*choice)));
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
                        if self.may_refuse(world, at) {
                            learn(Cue::Refused(at));
                        }
                        learn(Cue::Unreachable(at));
                    }
                }
                learn(Cue::Withdrawn);
                add(Kind::Crash);
                match world.disk {
                    Disk::True if self.lies => add(Kind::Lie),
                    Disk::Lying(_) => add(Kind::Forget),
                    Disk::True | Disk::Lied => {}
                }
            }
        }
    }

    /// Whether an ECU may refuse what it was asked. Where the journal may be an older one, it is taken that an ECU refuses only
    /// what it could not do: to hold an image, or to run one.
    fn may_refuse(&self, world: &World, at: usize) -> bool {
        let has_activated = |ecu: super::ecu::Ecu<'_>| {
            matches!(ecu.standing(), Standing::Trial | Standing::Healthy | Standing::Committed)
        };
        let could_not = || matches!(world.node(at).awaited, Some(Errand::Stage | Errand::Activate));
        world.disk != Disk::Lied || (could_not() && !self.ecu(world, at).is_some_and(has_activated))
    }

    fn moves_of(&self, world: &World, at: usize, add: &mut impl FnMut(Kind)) {
        let node = world.node(at);
        let Some(ecu) = self.ecu(world, at) else { return };
        add(Kind::Reset(at, true));
        if ecu.facts.armed {
            add(Kind::Reset(at, false));
        }
        if ecu.must_reset() {
            // Its driver takes no request before it has reset the ECU.
            return;
        }
        if ecu.facts.trying {
            add(Kind::Vote(at));
        }
        if ecu.standing() == Standing::Staged {
            add(Kind::Lose(at));
        }
        if ecu.has_single_bank() {
            let images = self.offered(world, at).into_iter();
            images.for_each(|image| Extent::ALL.into_iter().for_each(|extent| add(Kind::Fill(at, image, extent))));
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
            Kind::Lie => World { disk: Disk::Lying(world.journal?), ..*world },
            Kind::Forget => match world.disk {
                Disk::Lying(older) => world.with_older_journal(older),
                Disk::True | Disk::Lied => return None,
            },
            Kind::Arrive(at, round, Errand::Stage) => self.happen(world, at, Happening::Whole(round))?,
            Kind::Arrive(at, round, errand) => self.happen(world, at, Happening::Command(round, errand))?,
            Kind::ArrivePart(at, round) => self.happen(world, at, Happening::Part(round))?,
            Kind::Fill(at, image, extent) => self.fill(world, at, image, extent)?,
            Kind::Lose(at) => self.happen(world, at, Happening::Lost)?,
            Kind::Reset(at, whole) => self.reset(world, at, whole)?,
            Kind::Vote(at) => self.happen(world, at, Happening::Vote)?,
        })
    }

    /// The next transaction, over whatever the last one left.
    pub(super) fn open(&self, last: &World, choice: Choice) -> World {
        let mut world = *last;
        world.round += usize::from(last.ended.is_some());
        let homes = self.homes(last);
        let opened = self.primary.open(world.round, homes);
        for ((node, home), takes_part) in world.nodes.iter_mut().zip(homes).zip(opened.members) {
            (node.said, node.takes_part) = (Default::default(), takes_part);
            node.before = home.unwrap_or(node.before);
        }
        self.act(&World { ended: None, ..world }, &opened.outcome, choice)
    }

    fn homes(&self, world: &World) -> Homes {
        std::array::from_fn(|at| self.ecu(world, at)?.facts.home)
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
                    next =
                        World { ended: Some(ended), journal: None, disk: next.disk.over(), ..next.without_primary() };
                }
            }
        }
        if choice.deeds.is_some() { next.without_primary() } else { next }
    }

    /// Something happens to an ECU; none if it changes nothing.
    pub(super) fn happen(&self, world: &World, at: usize, happening: Happening) -> Option<World> {
        let node = world.node(at);
        let state = self.secondaries.after(at, node.body.state()?, happening)?;
        Some(self.heard(&world.with_node(at, node.with_body(node.body.with_state(state))), at))
    }

    /// An ECU resets, and runs the bank it then wants; none if that changes nothing.
    pub(super) fn reset(&self, world: &World, at: usize, whole: bool) -> Option<World> {
        let node = world.node(at);
        let body = match node.body {
            Body::None => return None,
            Body::Two { state, .. } => self.reset_two(at, state, whole),
            Body::One(only) => Body::One(self.reset_single(at, only, whole)),
        };
        (body != node.body).then(|| self.heard(&world.with_node(at, node.with_body(body)), at))
    }

    fn reset_two(&self, at: usize, state: Number, whole: bool) -> Body {
        let state = self.secondaries.after(at, state, Happening::Boot(whole)).unwrap_or(state);
        Body::Two { state, running: self.secondaries.facts(state).wanted }
    }

    /// Adds to what an ECU can truthfully answer where it stands now. Every request may arrive at any time and is answered
    /// with that; bringing an image opens the transaction first, so its answer is never that there is none.
    pub(super) fn heard(&self, world: &World, at: usize) -> World {
        let mut node = world.node(at);
        let asked = node.asked_in(world.round);
        let Some(ecu) = self.ecu(world, at).filter(|_| !asked.is_empty()) else { return *world };
        let standing = ecu.standing();
        if asked.has_look() || standing != Standing::Absent {
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
