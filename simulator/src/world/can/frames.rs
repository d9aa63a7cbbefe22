//! The bus, frame by frame: what a frame that nothing disturbs brings about, and when.

use proto::can::{Confinement, Frame, FrameBits, frame_bits_from};

use super::bus::{Bus, State};
use super::controller::{INTERMISSION, SUSPEND};
use super::counters::{Counters, Role};
use super::event::{Event, NodeId, What};
use super::grid::{Grid, Point};
use super::node::{Node, Presence};
use crate::world::time::Moment;

/// A frame that nothing disturbs, and the ticks at which it is valid to receivers and to its sender, and over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub(super) start: Point,
    frame: Frame,
    bits: u64,
    stage: Stage,
    end: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Receivers have the frame.
    Valid,
    /// Its sender knows that they do.
    Sent,
    /// The bus is free.
    Over,
}

impl Bus {
    /// The bus is free: nodes that waited for that take part, and a frame begins if one is due.
    pub(super) fn begin_if_due(&mut self, free: Point, now: Moment) {
        for index in 0..self.nodes.len() {
            if self.nodes.get(index).is_some_and(|node| self.synchronizes(node) <= now) {
                self.synchronized(index, now);
            }
        }
        let at = self.grid.moment(free);
        let start = self.nodes.iter().map(|node| node.begins(at)).min().unwrap_or(Moment::NEVER);
        if start <= now {
            let point = if start == at { free } else { Point::at(start) };
            self.begin(point, start);
        }
    }

    /// A node takes part, with nothing held against it.
    pub(super) fn synchronized(&mut self, index: usize, at: Moment) {
        if let Some(node) = self.nodes.get_mut(index) {
            node.presence = Presence::On;
            node.counters = Counters::default();
            node.suspended = Moment::START;
            self.events.push_back(Event { at, node: NodeId(index), what: What::Synchronized });
        }
    }

    /// Everybody who may begin does so.
    fn begin(&mut self, start: Point, at: Moment) {
        self.attempts += 1;
        self.end_recessive_runs(at);
        let best = self.nodes.iter().filter_map(|node| node.contends(at)).map(Frame::arbitration).min();
        let Some(key) = best else { return };
        match self.undisturbed(key, at) {
            Some((frame, bits)) => {
                self.launch(at, |other| other.arbitration() == key);
                let end = start.ticks + self.grid.frame(bits);
                let bits = u64::from(bits.nominal + bits.data);
                self.state = State::Frame(Running { start, frame, bits, stage: Stage::Valid, end });
            }
            None => {
                self.launch(at, |_| true);
                self.enter_bits(start, at);
            }
        }
    }

    fn launch(&mut self, at: Moment, wins: impl Fn(&Frame) -> bool) {
        for node in &mut self.nodes {
            if node.contends(at).is_some_and(&wins) {
                node.launch();
            }
        }
    }

    /// The frame that wins the bus and its length, if nothing can go wrong with it.
    fn undisturbed(&self, key: u32, at: Moment) -> Option<(Frame, FrameBits)> {
        let wins = |node: &&Node| node.contends(at).is_some_and(|frame| frame.arbitration() == key);
        let mut winners = self.nodes.iter().filter(wins);
        let first = winners.next()?;
        let frame = *first.contends(at)?;
        let sender = first.counters.confinement();
        let bits = frame_bits_from(sender, &frame);
        let count = u64::from(bits.nominal + bits.data);
        // Two nodes may send the very same frame.
        let same = |node: &Node| {
            node.contends(at) == Some(&frame) && (!frame.is_fd() || node.counters.confinement() == sender)
        };
        let agree = winners.all(same);
        let others = self.nodes.iter().filter(|node| node.is_on() && !wins(node));
        let acknowledged = others.clone().next().is_some();
        let understood = !frame.is_fd() || others.into_iter().all(|node| node.config().fd);
        let clear = self.nodes.iter().all(|node| !node.is_on() || node.noise.spares(count));
        let planned = self.disturbances.iter().any(|planned| planned.attempt == self.attempts);
        (agree && acknowledged && understood && clear && !planned && !self.cut).then_some((frame, bits))
    }

    /// A frame begins, which ends every run of recessive bits.
    fn end_recessive_runs(&mut self, at: Moment) {
        for node in &mut self.nodes {
            if let Presence::Waiting { left, from } = &mut node.presence {
                let seen = self.grid.bits_between(*from, at) / 11;
                *left = left.saturating_sub(u8::try_from(seen).unwrap_or(u8::MAX)).max(1);
                *from = at;
            }
        }
    }

    /// The next stage of a frame that nothing disturbs.
    pub(super) fn go_on(&mut self, running: Running) {
        let at = self.grid.moment(running.due(&self.grid));
        let next = match running.stage {
            Stage::Valid => {
                self.deliver_to_all(&running.frame, at);
                Stage::Sent
            }
            Stage::Sent => {
                self.confirm(at);
                self.load.frames += 1;
                Stage::Over
            }
            Stage::Over => return self.finish(running, at),
        };
        self.state = State::Frame(Running { stage: next, ..running });
    }

    fn deliver_to_all(&mut self, frame: &Frame, at: Moment) {
        for index in 0..self.nodes.len() {
            let Some(node) = self.nodes.get_mut(index).filter(|node| node.is_on() && node.in_flight.is_none()) else {
                continue;
            };
            if node.counters != Counters::default() {
                let before = node.counters;
                node.counters.success(Role::Receiver);
                self.tell_change(index, before, at);
            }
            self.deliver(index, frame, at);
        }
    }

    /// A node's controller has received a frame.
    pub(super) fn deliver(&mut self, index: usize, frame: &Frame, at: Moment) {
        let Some(node) = self.nodes.get_mut(index).filter(|node| node.accepts(frame)) else { return };
        let what = if node.reads_at_once(at) {
            What::Received(*frame)
        } else if node.store(*frame, at) {
            return self.note_timer(index);
        } else {
            What::Overrun(*frame)
        };
        self.events.push_back(Event { at, node: NodeId(index), what });
    }

    fn confirm(&mut self, at: Moment) {
        for index in 0..self.nodes.len() {
            let Some(node) = self.nodes.get_mut(index) else { continue };
            if node.in_flight.is_none() {
                continue;
            }
            let before = node.counters;
            node.counters.success(Role::Transmitter);
            if node.counters.confinement() == Confinement::Passive {
                node.suspended = at + self.grid.pause(self.grid.bits(INTERMISSION + u64::from(SUSPEND)));
            }
            self.sent(index, at);
            self.tell_change(index, before, at);
        }
    }

    /// A node's frame is on the bus whole.
    pub(super) fn sent(&mut self, index: usize, at: Moment) {
        let Some(node) = self.nodes.get_mut(index) else { return };
        if let Some(frame) = node.in_flight.take() {
            self.events.push_back(Event { at, node: NodeId(index), what: What::Transmitted(frame) });
        }
    }

    /// Says whether a node has become error passive or active.
    pub(super) fn tell_change(&mut self, index: usize, before: Counters, at: Moment) {
        let Some(node) = self.nodes.get(index) else { return };
        let what = match (before.confinement(), node.counters.confinement()) {
            (Confinement::Active, Confinement::Passive) => What::Passive,
            (Confinement::Passive, Confinement::Active) => What::Active,
            (Confinement::Active, Confinement::Active) | (Confinement::Passive, Confinement::Passive) => return,
        };
        self.events.push_back(Event { at, node: NodeId(index), what });
    }

    /// The interframe space is over. Recessive since the acknowledgement: eleven bits.
    fn finish(&mut self, running: Running, at: Moment) {
        let recessive = self.grid.moment(Point { ticks: running.end - self.grid.bits(11), ..running.start });
        for node in &mut self.nodes {
            match &mut node.presence {
                Presence::Waiting { from, .. } => *from = recessive.max(*from),
                Presence::On => node.noise.pass(running.bits),
                Presence::Off | Presence::Stopped { .. } => {}
            }
        }
        self.add_busy(running.end - running.start.ticks);
        self.state = State::Free(Point { ticks: running.end, ..running.start });
        self.begin_if_due(Point { ticks: running.end, ..running.start }, at);
    }

    /// A node is about to lose power. If the frame under way depends on it, the bus is simulated bit by bit from here on.
    pub(super) fn disturb_running(&mut self, index: usize, now: Moment) {
        let sends = self.nodes.get(index).is_some_and(|node| node.in_flight.is_some());
        let mut others = self.nodes.iter().enumerate().filter(|(other, node)| *other != index && node.is_on());
        let acknowledged = others.any(|(_, node)| node.in_flight.is_none());
        if sends || !acknowledged {
            self.make_bits(now);
        }
    }
}

impl Running {
    /// The tick of what was told last, while something is still to be told.
    pub(super) fn told(&self, grid: &Grid) -> Option<u64> {
        match self.stage {
            Stage::Valid => Some(0),
            Stage::Sent => Some(self.end - grid.bits(INTERMISSION + 1)),
            Stage::Over => None,
        }
    }

    /// When the stage it is in ends.
    pub(super) fn due(&self, grid: &Grid) -> Point {
        let before_end = match self.stage {
            Stage::Valid => INTERMISSION + 1,
            Stage::Sent => INTERMISSION,
            Stage::Over => 0,
        };
        Point { ticks: self.end - grid.bits(before_end), ..self.start }
    }
}
