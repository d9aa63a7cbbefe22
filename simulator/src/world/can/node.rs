//! One node of a bus: its transmit mailboxes, its receive FIFO, and how it stands to the bus.

use std::collections::VecDeque;
use std::time::Duration;

use proto::can::{Frame, FrameBits, Id, frame_bits};

use super::controller::Controller;
use super::counters::Counters;
use super::error::Error;
use super::noise::Noise;
use crate::world::chance::{Chance, PerBillion};
use crate::world::time::Moment;

/// What a node's controller and driver are like.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "written out by whoever attaches a node")]
pub struct Config {
    /// Whether the controller speaks CAN FD. One that does not destroys FD frames, as the real ones do.
    pub fd: bool,
    /// Frames it holds for sending.
    pub mailboxes: usize,
    /// Which of them is sent first.
    pub order: Order,
    /// Frames it holds until the CPU has read them.
    pub fifo: usize,
    /// How long after its arrival the CPU has read a frame.
    pub latency: Duration,
    /// Which frames are received; all if there is none.
    pub filters: Vec<Filter>,
    /// How long after bus-off the driver asks the controller to come back; `None`: only [`Bus::restart`] does.
    ///
    /// [`Bus::restart`]: super::Bus::restart
    pub restart: Option<Duration>,
    /// How likely this node sees a bit otherwise than it is on the wire.
    pub noise: PerBillion,
    /// Whether somebody acts on the frames it sends and receives. [`Bus::next`] does not wait for those of other nodes, and
    /// [`Bus::overhear`] alone tells of them.
    ///
    /// [`Bus::next`]: super::Bus::next
    /// [`Bus::overhear`]: super::Bus::overhear
    pub attended: bool,
}

impl Default for Config {
    /// A CAN FD controller with 3 mailboxes by priority and a FIFO for 64 frames, read at once.
    fn default() -> Self {
        Self {
            fd: true,
            mailboxes: 3,
            order: Order::Priority,
            fifo: 64,
            latency: Duration::ZERO,
            filters: Vec::new(),
            restart: None,
            noise: PerBillion::NEVER,
            attended: true,
        }
    }
}

/// Which frame a controller sends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "controllers do one or the other")]
pub enum Order {
    /// The one that came first.
    Fifo,
    /// The one that would win the bus; of equal ones that which came first.
    Priority,
}

/// Frames with these bits in their identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    id: Id,
    mask: u32,
}

impl Filter {
    /// Identifiers as long as `id` that have the same bits wherever `mask` is one.
    pub fn new(id: Id, mask: u32) -> Self {
        Self { id, mask }
    }

    /// This identifier alone.
    pub fn exactly(id: Id) -> Self {
        Self::new(id, u32::MAX)
    }

    fn accepts(&self, id: Id) -> bool {
        id == self.id || id.is_extended() == self.id.is_extended() && (id.raw() ^ self.id.raw()) & self.mask == 0
    }
}

/// A node of a bus.
#[derive(Debug)]
pub(super) struct Node {
    config: Box<Config>,
    pub(super) presence: Presence,
    pub(super) counters: Counters,
    /// Before this it may not start a frame.
    pub(super) suspended: Moment,
    /// When the first of its waiting frames came.
    pub(super) ready: Moment,
    waiting: VecDeque<Outgoing>,
    pub(super) in_flight: Option<Frame>,
    inbox: VecDeque<(Moment, Frame)>,
    held: Moment,
    pub(super) noise: Noise,
    // Seldom looked at, and large.
    pub(super) bits: Box<Bits>,
}

/// A frame that is to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    pub(super) frame: Frame,
    /// Its length, while its sender is error active.
    pub(super) bits: FrameBits,
}

/// How a node stands to the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Without power.
    Off,
    /// In traffic.
    On,
    /// Bus-off until the driver asks for the way back.
    Stopped { until: Moment },
    /// It must see eleven recessive bits `left` times; the run that counts began at `from`.
    Waiting { left: u8, from: Moment },
}

/// What is only of interest while the bus is simulated bit by bit.
#[derive(Debug)]
pub(super) struct Bits {
    pub(super) controller: Controller,
    /// The tick of its next sample point.
    pub(super) next: u64,
    /// Whether the bus was dominant at some time since the last.
    pub(super) dipped: bool,
    /// The attempt it follows, and the bit of it that it sees next.
    pub(super) attempt: u64,
    pub(super) bit: u32,
}

impl Outgoing {
    fn new(frame: Frame) -> Self {
        Self { frame, bits: frame_bits(&frame) }
    }

    /// What it wins the bus by, the lowest first.
    pub(super) fn key(&self) -> u32 {
        self.frame.arbitration()
    }
}

impl Node {
    pub(super) fn new(config: Config, chance: Chance) -> Self {
        let controller = Controller::new(config.fd);
        Self {
            presence: Presence::On,
            counters: Counters::default(),
            suspended: Moment::START,
            ready: Moment::START,
            waiting: VecDeque::with_capacity(config.mailboxes + 1),
            in_flight: None,
            inbox: VecDeque::with_capacity(config.fifo),
            held: Moment::START,
            noise: Noise::new(config.noise, chance),
            bits: Box::new(Bits { controller, next: 0, dipped: false, attempt: 0, bit: 0 }),
            config: Box::new(config),
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn is_on(&self) -> bool {
        self.presence == Presence::On
    }

    /// Whether its controller sees the bus.
    pub(super) fn watches(&self) -> bool {
        matches!(self.presence, Presence::On | Presence::Waiting { .. })
    }

    /// Takes a frame for sending.
    pub(super) fn queue(&mut self, frame: Frame, now: Moment) -> Result<(), Error> {
        let mailboxes = self.config.mailboxes;
        match self.presence {
            Presence::Off => return Err(Error::Off),
            Presence::Stopped { .. } => return Err(Error::BusOff),
            Presence::Waiting { .. } | Presence::On => {}
        }
        if frame.is_fd() && !self.config.fd {
            return Err(Error::NotFd);
        }
        if self.pending() >= mailboxes {
            return Err(Error::Full { mailboxes });
        }
        if self.waiting.is_empty() {
            self.ready = now;
        }
        let place = match self.config.order {
            Order::Fifo => self.waiting.len(),
            Order::Priority => self.waiting.partition_point(|other| other.key() <= frame.arbitration()),
        };
        self.waiting.insert(place, Outgoing::new(frame));
        Ok(())
    }

    /// Frames that are not on the bus yet, the one under way included.
    pub(super) fn pending(&self) -> usize {
        self.waiting.len() + usize::from(self.in_flight.is_some())
    }

    /// The frame it would send next, if it may begin at `moment`.
    pub(super) fn contends(&self, moment: Moment) -> Option<&Outgoing> {
        let may = self.is_on() && self.ready <= moment && self.suspended <= moment;
        self.waiting.front().filter(|_| may)
    }

    /// When it begins to send, if the bus is free from `free` on.
    pub(super) fn begins(&self, free: Moment) -> Moment {
        match self.is_on() && !self.waiting.is_empty() {
            true => free.max(self.ready).max(self.suspended),
            false => Moment::NEVER,
        }
    }

    /// The frame it sends next, whenever that is.
    pub(super) fn next(&self) -> Option<&Outgoing> {
        self.waiting.front().filter(|_| self.is_on())
    }

    /// Puts the next frame on the bus.
    pub(super) fn launch(&mut self) -> Option<Frame> {
        self.in_flight = self.waiting.pop_front().map(|next| next.frame);
        self.in_flight
    }

    /// The frame under way was not sent: it is the next of its priority again.
    pub(super) fn put_back(&mut self) {
        let Some(frame) = self.in_flight.take() else { return };
        let place = match self.config.order {
            Order::Fifo => 0,
            Order::Priority => self.waiting.partition_point(|other| other.key() < frame.arbitration()),
        };
        self.waiting.insert(place, Outgoing::new(frame));
    }

    /// Drops the frames that are not under way; how many there were.
    pub(super) fn withdraw(&mut self) -> usize {
        let count = self.waiting.len();
        self.waiting.clear();
        count
    }

    /// Whether a frame of this key waits.
    pub(super) fn has_waiting(&self, key: u32) -> bool {
        self.waiting.iter().any(|other| other.key() == key)
    }

    /// The identifiers it accepts, if it accepts them one by one.
    pub(super) fn exact_ids(&self) -> Option<impl Iterator<Item = Id>> {
        let filters = &self.config.filters;
        let are_exact = !filters.is_empty() && filters.iter().all(|filter| filter.mask == u32::MAX);
        are_exact.then(|| filters.iter().map(|filter| filter.id))
    }

    /// Whether it may accept a frame of one of some identifiers.
    pub(super) fn may_accept(&self, holds: impl Fn(Id) -> bool) -> bool {
        let filters = &self.config.filters;
        filters.is_empty() || filters.iter().any(|filter| filter.mask != u32::MAX || holds(filter.id))
    }

    pub(super) fn accepts(&self, frame: &Frame) -> bool {
        let filters = &self.config.filters;
        filters.is_empty() || filters.iter().any(|filter| filter.accepts(frame.id()))
    }

    /// Stores a frame until the CPU has read it; false if there is no room.
    pub(super) fn store(&mut self, frame: Frame, now: Moment) -> bool {
        if self.inbox.len() >= self.config.fifo {
            return false;
        }
        self.inbox.push_back((self.reads_at(now), frame));
        true
    }

    /// When the CPU will have read a frame that arrives at `moment`; then already if there is no room for it.
    pub(super) fn reads_at(&self, moment: Moment) -> Moment {
        if self.inbox.len() >= self.config.fifo {
            return moment;
        }
        let after = self.inbox.back().map_or(Moment::START, |(due, _)| *due);
        (moment + self.config.latency).max(self.held).max(after)
    }

    /// Whether a frame that arrives now is read at once.
    pub(super) fn reads_at_once(&self, now: Moment) -> bool {
        self.config.latency.is_zero() && self.inbox.is_empty() && self.held <= now && self.config.fifo > 0
    }

    /// A frame that the CPU has read by now.
    pub(super) fn read(&mut self, now: Moment) -> Option<(Moment, Frame)> {
        self.inbox.pop_front_if(|(due, _)| *due <= now)
    }

    /// The CPU reads nothing before `until`.
    pub(super) fn hold(&mut self, until: Moment) {
        self.held = self.held.max(until);
        self.inbox.iter_mut().for_each(|(due, _)| *due = (*due).max(until));
    }

    /// When it does something that no frame on the bus makes it do.
    pub(super) fn timer(&self) -> Moment {
        let read = self.inbox.front().map_or(Moment::NEVER, |(due, _)| *due);
        match self.presence {
            Presence::Stopped { until } => read.min(until),
            Presence::Off | Presence::On | Presence::Waiting { .. } => read,
        }
    }

    /// Nothing is left of what it had to send or had received.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
        self.in_flight = None;
        self.inbox.clear();
        self.held = Moment::START;
        self.suspended = Moment::START;
        self.counters = Counters::default();
    }

    /// It leaves the bus: its mailboxes are empty from now on.
    pub(super) fn leave(&mut self, now: Moment) {
        self.waiting.clear();
        self.in_flight = None;
        let until = self.config.restart.map_or(Moment::NEVER, |pause| now + pause);
        self.presence = Presence::Stopped { until };
    }
}
