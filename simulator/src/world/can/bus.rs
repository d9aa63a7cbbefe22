//! The bus: who sends next, for how long, and what reaches whom.
//!
//! A frame that nothing disturbs is simulated as a whole: its length in bits is counted, and the moments at which it is
//! valid for receivers and for its sender, and at which the bus is free again, follow. Anything else (a flipped bit, an
//! identifier with two senders, a sender that loses power, nobody to acknowledge) is simulated bit by bit, controller by
//! controller, until all are in step again.

use std::collections::VecDeque;
use std::time::Duration;

use proto::can::{BitRates, Frame};

use super::bits::Episode;
use super::counters::Counters;
use super::error::Error;
use super::event::{Event, NodeId, What};
use super::frames::Running;
use super::grid::{Grid, Point};
use super::node::{Config, Node, Presence};
use super::traffic::Traffic;
use crate::world::chance::Chance;
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
    pub(super) events: VecDeque<Event>,
    upcoming: Moment,
    /// Not after the first moment at which a node does something by itself.
    timer: Moment,
    pub(super) cut: bool,
    /// Frames begun so far, those that failed included.
    pub(super) attempts: u64,
    pub(super) disturbances: Vec<Disturbance>,
    chance: Chance,
    sources: Vec<Source>,
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

/// Traffic that a node sends by itself.
#[derive(Debug)]
struct Source {
    node: usize,
    traffic: Traffic,
}

impl Bus {
    /// A bus without nodes. `chance` decides which bits noise disturbs.
    pub fn new(rates: BitRates, chance: Chance) -> Self {
        Self {
            grid: Grid::new(rates),
            nodes: Vec::new(),
            state: State::Free(Point::default()),
            events: VecDeque::new(),
            upcoming: Moment::NEVER,
            timer: Moment::NEVER,
            cut: false,
            attempts: 0,
            disturbances: Vec::new(),
            chance,
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
        self.nodes.push(node);
        NodeId(index)
    }

    /// Lets a node send `traffic`, as far as its mailboxes have room for it.
    pub fn add_traffic(&mut self, node: NodeId, traffic: Traffic) -> Result<(), Error> {
        self.known(node)?;
        self.sources.push(Source { node: node.0, traffic });
        self.plan();
        Ok(())
    }

    /// Hands a frame to a node's controller for sending.
    pub fn send(&mut self, node: NodeId, frame: Frame, now: Moment) -> Result<(), Error> {
        self.pass_until(now);
        self.node_mut(node)?.queue(frame, now)?;
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
        Ok(())
    }

    /// When something happens next.
    pub fn next(&self) -> Moment {
        if self.events.is_empty() { self.upcoming } else { Moment::START }
    }

    /// Lets time go by up to and including `now`.
    pub fn advance(&mut self, now: Moment) {
        while self.upcoming <= now && self.upcoming != Moment::NEVER {
            self.step(self.upcoming);
        }
    }

    /// What has happened, in order.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A node's error counters.
    pub fn counters(&self, node: NodeId) -> Result<Counters, Error> {
        self.known(node).map(|node| node.counters)
    }

    /// How busy the bus has been.
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
    }

    fn step(&mut self, now: Moment) {
        if self.timer <= now {
            self.run_timers(now);
        }
        self.run_sources(now);
        match self.state {
            State::Free(free) => self.begin_if_due(free, now),
            State::Frame(running) if self.grid.moment(running.due(&self.grid)) <= now => self.go_on(running),
            State::Frame(_) => {}
            State::Bits(episode) => self.run_bits(episode, now),
        }
        self.plan();
    }

    /// Finds out when something happens next.
    pub(super) fn plan(&mut self) {
        let bus = match self.state {
            State::Free(free) => {
                let free = self.grid.moment(free);
                let times = self.nodes.iter().map(|node| node.begins(free).min(self.synchronizes(node)));
                times.min().unwrap_or(Moment::NEVER)
            }
            State::Frame(running) => self.grid.moment(running.due(&self.grid)),
            State::Bits(episode) => self.next_sample(episode),
        };
        let sources = self.sources.iter().map(|source| source.traffic.next());
        self.upcoming = sources.fold(bus.min(self.timer), Moment::min);
    }

    /// When a waiting node has seen enough recessive bits, if the bus stays free.
    pub(super) fn synchronizes(&self, node: &Node) -> Moment {
        match node.presence {
            Presence::Waiting { left, from } => from + self.grid.pause(self.grid.bits(11 * u64::from(left))),
            Presence::Off | Presence::On | Presence::Stopped { .. } => Moment::NEVER,
        }
    }

    fn run_timers(&mut self, now: Moment) {
        for index in 0..self.nodes.len() {
            let Some(node) = self.nodes.get_mut(index).filter(|node| node.timer() <= now) else { continue };
            while let Some((at, frame)) = node.read(now) {
                self.events.push_back(Event { at, node: NodeId(index), what: What::Received(frame) });
            }
            if let Presence::Stopped { until } = node.presence
                && until <= now
            {
                self.wait(index, RECOVERY, now);
            }
        }
        self.timer = self.nodes.iter().map(Node::timer).min().unwrap_or(Moment::NEVER);
    }

    /// A node may have something to do by itself now.
    pub(super) fn note_timer(&mut self, index: usize) {
        let timer = self.nodes.get(index).map_or(Moment::NEVER, Node::timer);
        self.timer = self.timer.min(timer);
    }

    fn run_sources(&mut self, now: Moment) {
        for source in &mut self.sources {
            while let Some((due, frame)) = source.traffic.take(now) {
                // A frame for which there is no room is lost, as it is for a task that does not wait.
                let _sent = self.nodes.get_mut(source.node).map(|node| node.queue(frame, due));
            }
        }
    }

    /// Makes a node wait for eleven recessive bits, `left` times.
    fn wait(&mut self, index: usize, left: u8, now: Moment) {
        let state = self.state;
        let Some(node) = self.nodes.get_mut(index) else { return };
        node.presence = Presence::Waiting { left, from: now };
        if let State::Bits(episode) = state {
            node.bits.controller.begin(node.counters, Some((left, 0)));
            node.bits.next = self.grid.tick(episode.base, now) + self.grid.bits(1);
        }
    }

    pub(super) fn add_busy(&mut self, ticks: u64) {
        self.busy_ticks += ticks;
    }
}

/// How often a node that was bus-off must see eleven recessive bits.
const RECOVERY: u8 = 128;
