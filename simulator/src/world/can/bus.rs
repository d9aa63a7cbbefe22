//! The bus: who sends next, for how long, and what reaches whom.
//!
//! A frame that nothing disturbs is simulated as a whole: its length in bits is counted, and the moments at which it is
//! valid for receivers and for its sender, and at which the bus is free again, follow. Anything else (a flipped bit, an
//! identifier with two senders, a sender that loses power, nobody to acknowledge) is simulated bit by bit, controller by
//! controller, until all are in step again.
//!
//! What nobody waits for happens late, but as it would have: before anything is done to a bus, and before anything is told,
//! all that was due comes first.

use std::collections::VecDeque;
use std::time::Duration;

use proto::can::{BitRates, Frame, Id};

use super::bits::Episode;
use super::counters::Counters;
use super::error::Error;
use super::event::{Event, NodeId, What};
use super::frames::Running;
use super::grid::{Grid, Point};
use super::node::{Config, Node, Presence};
use super::noise::Noise;
use super::routes::Routes;
use super::routine::{RECOVERY, Source};
use super::traffic::Traffic;
use crate::world::chance::{Chance, PerBillion};
use crate::world::time::Moment;

/// A CAN bus.
///
/// Call [`Bus::advance`] at [`Bus::next`], and then take the events with [`Bus::poll`]. What is done to a bus must not be
/// earlier than what was done before; time between goes by as it would have.
#[derive(Debug)]
pub struct Bus {
    pub(super) grid: Grid,
    pub(super) nodes: Vec<Node>,
    pub(super) state: State,
    events: VecDeque<Event>,
    /// What happened to nodes that nobody attends to, if it is kept.
    asides: Option<VecDeque<Event>>,
    /// Whether all nodes are attended to.
    attends_all: bool,
    /// Whether nothing can go wrong with a frame that begins now, unless two nodes send the same identifier.
    pub(super) calm: bool,
    /// Whether an attended node accepts frames of nodes that nobody attends to.
    hears_others: bool,
    routes: Routes,
    pub(super) upcoming: Moment,
    /// Not after the first moment at which a node does something by itself.
    pub(super) timer: Moment,
    pub(super) cut: bool,
    /// Frames begun so far, those that failed included.
    pub(super) attempts: u64,
    pub(super) disturbances: Vec<Disturbance>,
    chance: Chance,
    /// How often the noise was set.
    noises: u64,
    pub(super) sources: Vec<Source>,
    pub(super) load: Load,
    busy_ticks: u64,
}

/// How busy a bus has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Frames that were sent whole.
    pub frames: u64,
    /// Frames that some node found faulty.
    pub failures: u64,
    /// How long the bus was not free, interframe spaces included.
    pub busy: Duration,
}

/// What the bus does.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Nothing; frames may begin from this point on.
    Free(Point),
    /// A frame that nothing disturbs.
    Frame(Running),
    /// Something else, bit by bit.
    Bits(Episode),
}

/// A bit that one node sees flipped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disturbance {
    pub(super) attempt: u64,
    pub(super) node: usize,
    pub(super) bit: u32,
}

impl Bus {
    /// A bus without nodes. `chance` decides which bits noise disturbs.
    pub fn new(rates: BitRates, chance: Chance) -> Self {
        Self {
            grid: Grid::new(rates),
            nodes: Vec::new(),
            state: State::Free(Point::default()),
            events: VecDeque::new(),
            asides: None,
            attends_all: false,
            calm: false,
            hears_others: false,
            routes: Routes::default(),
            upcoming: Moment::NEVER,
            timer: Moment::NEVER,
            cut: false,
            attempts: 0,
            disturbances: Vec::new(),
            chance,
            noises: 0,
            sources: Vec::new(),
            load: Load::default(),
            busy_ticks: 0,
        }
    }

    /// Attaches a node, which takes part from the beginning. Once the bus has been in use, it is attached without power.
    pub fn attach(&mut self, config: Config) -> NodeId {
        let index = self.nodes.len();
        let mut node = Node::new(config, self.chance.split(&index.to_string()));
        if self.attempts > 0 {
            node.presence = Presence::Off;
        }
        self.calm = false;
        self.routes.add(&node);
        self.nodes.push(node);
        self.hears_others = self.hears_others || self.would_hear_others();
        NodeId(index)
    }

    /// Lets a node send `traffic`, as far as its mailboxes have room for it.
    pub fn add_traffic(&mut self, node: NodeId, traffic: Traffic) -> Result<(), Error> {
        self.known(node)?;
        self.sources.push(Source { node: node.0, traffic });
        self.calm = false;
        self.hears_others = self.hears_others || self.would_hear_others();
        self.plan();
        Ok(())
    }

    /// Takes the traffic from a node again; what is in its mailboxes stays there.
    pub fn stop_traffic(&mut self, node: NodeId, now: Moment) -> Result<(), Error> {
        self.pass_until(now);
        self.known(node)?;
        self.sources.retain(|source| source.node != node.0);
        self.plan();
        Ok(())
    }

    /// From now on, or the next frame, every node by itself sees this share of the bits otherwise than they are on the wire.
    pub fn set_noise(&mut self, share: PerBillion, now: Moment) {
        self.pass_until(now);
        self.noises += 1;
        let chance = self.chance.split(&format!("noise {}", self.noises));
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.noise = Noise::new(share, chance.split(&index.to_string()));
        }
        self.calm = false;
        self.plan();
    }

    /// Hands a frame to a node's controller for sending.
    pub fn send(&mut self, node: NodeId, frame: Frame, now: Moment) -> Result<(), Error> {
        self.pass_until(now);
        self.node_mut(node)?.queue(frame, now)?;
        self.hears_others = self.hears_others || !self.is_attended(node.0) && self.hearers(frame.id()).next().is_some();
        self.plan();
        Ok(())
    }

    /// Takes back what a node has not begun to send; how many frames that is.
    pub fn withdraw(&mut self, node: NodeId, now: Moment) -> Result<usize, Error> {
        self.pass_until(now);
        let count = self.node_mut(node)?.withdraw();
        self.plan();
        Ok(count)
    }

    /// Frames a node has not sent yet.
    pub fn pending(&self, node: NodeId) -> Result<usize, Error> {
        self.known(node).map(Node::pending)
    }

    /// A node's CPU reads no frames before `until`.
    pub fn hold(&mut self, node: NodeId, until: Moment, now: Moment) -> Result<(), Error> {
        self.pass_until(now);
        self.node_mut(node)?.hold(until);
        self.plan();
        Ok(())
    }

    /// Takes the power from a node, in the middle of a bit if need be.
    pub fn power_off(&mut self, node: NodeId, now: Moment) -> Result<(), Error> {
        self.pass_until(now);
        self.known(node)?;
        self.disturb_running(node.0, now);
        let off = self.node_mut(node)?;
        off.bits.controller.stop();
        off.presence = Presence::Off;
        off.forget();
        self.calm = false;
        self.plan();
        Ok(())
    }

    /// Gives a node power; it takes part once it has seen eleven recessive bits. Nothing happens to one that has power.
    pub fn power_on(&mut self, node: NodeId, now: Moment) -> Result<(), Error> {
        self.pass_until(now);
        if self.node_mut(node)?.presence == Presence::Off {
            self.wait(node.0, 1, now);
            self.plan();
        }
        Ok(())
    }

    /// Takes the power from a node and gives it back.
    pub fn reset(&mut self, node: NodeId, now: Moment) -> Result<(), Error> {
        self.power_off(node, now)?;
        self.power_on(node, now)
    }

    /// Asks a node that is bus-off to come back: after 128 times eleven recessive bits.
    pub fn restart(&mut self, node: NodeId, now: Moment) -> Result<(), Error> {
        self.pass_until(now);
        if let Presence::Stopped { .. } = self.node_mut(node)?.presence {
            self.wait(node.0, RECOVERY, now);
            self.plan();
        }
        Ok(())
    }

    /// Shorts the wires: until [`Bus::mend`] every node sees recessive bits, whatever is sent.
    pub fn cut(&mut self, now: Moment) {
        self.pass_until(now);
        self.make_bits(now);
        self.cut = true;
        self.calm = false;
        self.plan();
    }

    /// Takes the short away.
    pub fn mend(&mut self, now: Moment) {
        self.pass_until(now);
        self.cut = false;
        self.plan();
    }

    /// Makes a node see one bit flipped: bit `bit` on the wire, start of frame being 0, of the frame that begins after
    /// `frames` more have begun.
    pub fn disturb(&mut self, node: NodeId, frames: u64, bit: u32) -> Result<(), Error> {
        self.known(node)?;
        let attempt = self.attempts + 1 + frames;
        self.disturbances.push(Disturbance { attempt, node: node.0, bit });
        self.calm = false;
        Ok(())
    }

    /// Lets time go by up to and including `now`.
    pub fn advance(&mut self, now: Moment) {
        while self.upcoming <= now && self.upcoming != Moment::NEVER {
            self.step(self.upcoming);
        }
    }

    /// Lets time go by up to `now`; what is due then waits, for all who act at that moment. Nothing becomes another for it.
    pub fn catch_up(&mut self, now: Moment) {
        self.pass_until(now);
        self.plan();
    }

    /// What has happened, in order.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What has happened to nodes that nobody attends to, in order, since it is kept.
    pub fn overhear(&mut self) -> Option<Event> {
        self.asides.as_mut()?.pop_front()
    }

    /// From now on what happens to nodes that nobody attends to is kept for [`Bus::overhear`].
    pub fn keep_asides(&mut self) {
        self.asides.get_or_insert_default();
    }

    /// From now on all nodes are attended to, or only those that say so.
    pub fn attend_all(&mut self, all: bool, now: Moment) {
        if self.attends_all != all {
            self.catch_up(now);
            self.attends_all = all;
            self.plan();
        }
    }

    /// A node's error counters.
    pub fn counters(&self, node: NodeId) -> Result<Counters, Error> {
        self.known(node).map(|node| node.counters)
    }

    /// How busy the bus has been, up to where time has gone by.
    pub fn load(&self) -> Load {
        Load { busy: self.grid.pause(self.busy_ticks), ..self.load }
    }

    fn known(&self, node: NodeId) -> Result<&Node, Error> {
        self.nodes.get(node.0).ok_or(Error::Unknown { node: node.0 })
    }

    fn node_mut(&mut self, node: NodeId) -> Result<&mut Node, Error> {
        self.nodes.get_mut(node.0).ok_or(Error::Unknown { node: node.0 })
    }

    /// Lets happen what is due before `now`. What is due at `now` waits, for all who act at that moment.
    fn pass_until(&mut self, now: Moment) {
        while self.upcoming < now {
            self.step(self.upcoming);
        }
        // Of a frame that concerns nobody, only the end is planned; and what sources have, is taken when it is needed.
        if let Some(before) = now.nanos().checked_sub(1).map(Moment::from_nanos) {
            self.go_on_until(before);
            self.run_sources(before);
        }
    }

    fn step(&mut self, now: Moment) {
        if self.timer <= now {
            self.run_sources(now);
            self.run_timers(now);
        }
        match self.state {
            State::Free(free) => self.begin_if_due(free, now),
            State::Frame(_) => self.go_on_until(now),
            State::Bits(episode) => {
                self.run_sources(now);
                self.run_bits(episode, now);
            }
        }
        self.plan();
    }

    /// Finds out when something happens next.
    pub(super) fn plan(&mut self) {
        self.calm = self.calm || self.is_calm();
        let bus = match self.state {
            State::Free(free) => self.sources_next().min(self.begins(self.grid.moment(free))),
            State::Frame(running) if self.concerns_nobody(&running) => self.grid.moment(running.over()),
            State::Frame(running) => self.grid.moment(running.due(&self.grid)),
            State::Bits(episode) => self.sources_next().min(self.next_sample(episode)),
        };
        self.upcoming = bus.min(self.timer);
    }

    /// When a node begins a frame or takes part, if the bus is free from `free` on.
    pub(super) fn begins(&self, free: Moment) -> Moment {
        let times = self.nodes.iter().map(|node| match node.presence {
            Presence::Waiting { .. } => self.synchronizes(node),
            Presence::Off | Presence::On | Presence::Stopped { .. } => node.begins(free),
        });
        times.min().unwrap_or(Moment::NEVER)
    }

    /// When a waiting node has seen enough recessive bits, if the bus stays free.
    pub(super) fn synchronizes(&self, node: &Node) -> Moment {
        match node.presence {
            Presence::Waiting { left, from } => from + self.grid.pause(self.grid.bits(11 * u64::from(left))),
            Presence::Off | Presence::On | Presence::Stopped { .. } => Moment::NEVER,
        }
    }

    /// Something happened to a node.
    pub(super) fn tell(&mut self, at: Moment, index: usize, what: What) {
        let event = Event { at, node: NodeId(index), what };
        let is_frame = matches!(what, What::Overrun(_) | What::Received(_) | What::Transmitted(_));
        if !is_frame || self.is_attended(index) {
            self.events.push_back(event);
        } else if let Some(asides) = &mut self.asides {
            asides.push_back(event);
        }
    }

    /// Nodes that may accept frames of this identifier.
    pub(super) fn hearers(&self, id: Id) -> impl Iterator<Item = usize> {
        self.routes.of(id)
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether frames of all nodes may have to be told of.
    pub(super) fn is_loud(&self) -> bool {
        self.attends_all || self.hears_others
    }

    pub(super) fn is_attended(&self, index: usize) -> bool {
        self.attends_all || self.nodes.get(index).is_some_and(|node| node.config().attended)
    }

    pub(super) fn add_busy(&mut self, ticks: u64) {
        self.busy_ticks += ticks;
    }
}
