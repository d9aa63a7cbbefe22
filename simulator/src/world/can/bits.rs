//! The bus, bit by bit: every controller at its own sample points, over the wired AND of what all of them send.
//!
//! The sample point is at the end of the bit, and there is no propagation delay, so nodes that began a frame together
//! stay together, across both changes of the bit rate. A node that finds an error in the data phase goes back to the
//! nominal rate by itself; from then on it has its own sample points until a start of frame brings all into step again.

use proto::can::Frame;

use super::bus::{Bus, Disturbance, State};
use super::controller::Outcome;
use super::event::{BusError, What};
use super::grid::Point;
use super::node::{Node, Presence};
use crate::world::time::Moment;

/// A stretch of time that is simulated bit by bit. Ticks count from `base`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Episode {
    pub(super) base: Moment,
    /// When it began; until then the bus was free.
    begun: u64,
    /// Whether the frame that began last has been found faulty.
    failed: bool,
    /// Everything up to now has happened before: nothing is told and nothing disturbed.
    again: bool,
}

impl Bus {
    /// A frame begins that is to be simulated bit by bit, with those nodes sending that have one in flight.
    pub(super) fn enter_bits(&mut self, start: Point, at: Moment) {
        let next = start.ticks + self.grid.bits(1);
        for node in &mut self.nodes {
            let waiting = match node.presence {
                Presence::Waiting { left, .. } => Some((left, 0)),
                Presence::Off | Presence::On | Presence::Stopped { .. } => None,
            };
            let bits = &mut node.bits;
            bits.controller.begin(node.counters, waiting);
            (bits.next, bits.dipped, bits.attempt, bits.bit) = (next, false, self.attempts, 0);
            if let Some(frame) = node.in_flight.filter(|_| node.presence == Presence::On) {
                bits.controller.start(&frame);
            }
        }
        debug_assert!(self.grid.moment(start) <= at);
        self.calm = false;
        self.state = State::Bits(Episode { base: start.base, begun: start.ticks, failed: false, again: false });
    }

    /// From now on the frame under way is simulated bit by bit: what it has had so far is gone through again.
    pub(super) fn make_bits(&mut self, now: Moment) {
        let State::Frame(running) = self.state else { return };
        // What has been told already may have been so at this very moment. After the last there are recessive bits alone.
        let Some(told) = running.told(&self.grid) else { return };
        let senders: Vec<Option<Frame>> = self.nodes.iter().map(|node| node.in_flight).collect();
        self.enter_bits(running.start, now);
        while let State::Bits(episode) = self.state
            && (self.next_sample(episode) < now || self.next_tick() <= told)
        {
            let tick = self.next_tick();
            self.sample_all(Episode { again: true, ..episode }, tick);
        }
        for (node, frame) in self.nodes.iter_mut().zip(senders) {
            node.in_flight = frame;
            node.bits.controller.set_counters(node.counters);
        }
        if let State::Bits(episode) = self.state {
            self.state = State::Bits(Episode { again: false, ..episode });
        }
    }

    /// When some controller looks at the bus next.
    pub(super) fn next_sample(&self, episode: Episode) -> Moment {
        match self.next_tick() {
            u64::MAX => Moment::NEVER,
            ticks => self.grid.moment(Point { base: episode.base, ticks }),
        }
    }

    fn next_tick(&self) -> u64 {
        self.nodes.iter().filter(|node| node.watches()).map(|node| node.bits.next).min().unwrap_or(u64::MAX)
    }

    /// Goes on to `now`.
    pub(super) fn run_bits(&mut self, mut episode: Episode, now: Moment) {
        loop {
            let tick = self.next_tick();
            let at = self.grid.moment(Point { base: episode.base, ticks: tick });
            if at > now {
                return;
            }
            self.sample_all(episode, tick);
            if self.leave_bits(episode, tick, at) {
                return;
            }
            self.start_all(&mut episode, tick, at);
            match self.state {
                State::Bits(Episode { failed, .. }) => episode.failed = failed,
                State::Free(_) | State::Frame(_) => return,
            }
            self.state = State::Bits(episode);
        }
    }

    /// Everybody whose bit ends at `tick` looks at the bus.
    fn sample_all(&mut self, episode: Episode, tick: u64) {
        let at = self.grid.moment(Point { base: episode.base, ticks: tick });
        let sends = |node: &Node| node.watches() && !node.bits.controller.output();
        let level = self.cut || !self.nodes.iter().any(sends);
        let mut any_sent = false;
        for index in 0..self.nodes.len() {
            let Some(node) = self.nodes.get_mut(index).filter(|node| node.watches()) else { continue };
            node.bits.dipped |= !level;
            if node.bits.next != tick {
                continue;
            }
            let seen = level ^ (!episode.again && flips(index, node, level, &self.disturbances));
            let outcome = node.bits.controller.sample(seen, node.bits.dipped);
            node.bits.dipped = false;
            node.bits.bit += 1;
            node.bits.next = tick + self.grid.bit(node.bits.controller.rate());
            any_sent |= outcome == Some(Outcome::Sent);
            if !episode.again {
                self.settle(index, outcome, at);
            }
        }
        if any_sent && !episode.again {
            self.load.frames += 1;
        }
    }

    /// What a bit meant for a node.
    fn settle(&mut self, index: usize, outcome: Option<Outcome>, at: Moment) {
        let Some(node) = self.nodes.get_mut(index) else { return };
        let before = node.counters;
        node.counters = node.bits.controller.counters();
        match outcome {
            Some(Outcome::Error(error)) => self.failed(index, error, at),
            Some(Outcome::Received(frame)) => self.deliver(index, &frame, at),
            Some(Outcome::Sent) => self.sent(index, at),
            Some(Outcome::Synchronized) => return self.synchronized(index, at),
            Some(Outcome::LostArbitration) | None => {}
        }
        let Some(node) = self.nodes.get_mut(index) else { return };
        if !node.bits.controller.is_sending() {
            node.put_back();
        }
        if node.is_on() && node.counters.is_bus_off() {
            node.bits.controller.stop();
            node.leave(at);
            self.note_timer(index);
            self.tell(at, index, What::BusOff);
        } else if before != node.counters {
            self.tell_change(index, before, at);
        }
    }

    fn failed(&mut self, index: usize, error: BusError, at: Moment) {
        self.tell(at, index, What::Error(error));
        if let State::Bits(episode) = &mut self.state
            && !episode.failed
        {
            episode.failed = true;
            self.load.failures += 1;
        }
    }

    /// Once everybody in traffic sees a free bus, what follows is known without looking at bits.
    fn leave_bits(&mut self, episode: Episode, tick: u64, at: Moment) -> bool {
        let in_step = |node: &Node| !node.is_on() || node.bits.controller.suspended().is_some();
        if !self.nodes.iter().all(in_step) {
            return false;
        }
        for node in &mut self.nodes {
            let controller = &node.bits.controller;
            match (&mut node.presence, controller.suspended(), controller.waiting()) {
                (Presence::On, Some(bits), _) if bits > 0 => {
                    // It may be ahead of the others by a part of a bit.
                    let until = node.bits.next + self.grid.bits(bits - 1);
                    node.suspended = self.grid.moment(Point { base: episode.base, ticks: until });
                }
                (Presence::Waiting { left, from }, _, Some((still, run))) => {
                    let seen = self.grid.bits(u64::from(run) + 1);
                    let since = node.bits.next.saturating_sub(seen);
                    (*left, *from) = (still, self.grid.moment(Point { base: episode.base, ticks: since }).min(at));
                }
                (Presence::On | Presence::Off | Presence::Stopped { .. } | Presence::Waiting { .. }, _, _) => {}
            }
        }
        self.disturbances.retain(|disturbance| disturbance.attempt > self.attempts);
        self.add_busy(tick - episode.begun);
        self.state = State::Free(Point { base: episode.base, ticks: tick });
        true
    }

    /// Nodes whose bit ends at `tick`, that see a free bus and have something to send, begin; the others hear it.
    fn start_all(&mut self, episode: &mut Episode, tick: u64, at: Moment) {
        let after = tick + self.grid.bits(1);
        let mut any = false;
        for node in &mut self.nodes {
            let due = node.bits.next == after && node.bits.controller.is_idle();
            if due && node.contends(at).is_some() {
                any |= node.launch().map(|frame| node.bits.controller.start(&frame)).is_some();
            }
        }
        if !any {
            return;
        }
        self.attempts += 1;
        episode.failed = false;
        self.state = State::Bits(*episode);
        for node in self.nodes.iter_mut().filter(|node| node.watches()) {
            let starts = node.in_flight.is_some();
            if starts || node.bits.controller.synchronizes_hard() {
                (node.bits.next, node.bits.attempt, node.bits.bit) = (after, self.attempts, 0);
            }
            let joins = !starts && node.bits.controller.is_about_to_be_idle() && node.contends(at).is_some();
            if let Some(frame) = joins.then(|| node.launch()).flatten() {
                node.bits.controller.join(&frame);
            }
        }
    }
}

/// Whether a node sees the bit it is in flipped.
fn flips(index: usize, node: &mut Node, level: bool, disturbances: &[Disturbance]) -> bool {
    let (attempt, bit) = (node.bits.attempt, node.bits.bit);
    // Between frames there is nothing to disturb.
    let exposed = node.is_on() && !(node.bits.controller.is_idle() && level);
    let noise = exposed && node.noise.disturbs();
    let mut planned = disturbances.iter().filter(|planned| planned.node == index && planned.bit == bit);
    noise ^ (exposed && planned.any(|planned| planned.attempt == attempt))
}
