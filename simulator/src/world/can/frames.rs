//! The bus, frame by frame: what a frame that nothing disturbs brings about, and when.

use proto::can::{Confinement, Frame, FrameBits, frame_bits_from};

use super::bus::{Bus, State};
use super::controller::{INTERMISSION, SUSPEND};
use super::counters::{Counters, Role};
use super::event::What;
use super::grid::{Grid, Point};
use super::node::{Node, Outgoing, Presence};
use crate::world::time::Moment;

/// A frame that nothing disturbs, and the ticks at which it is valid to receivers and to its sender, and over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub(super) start: Point,
    /// Who sends it, or the first of those who do.
    pub(super) sender: usize,
    /// Whether an attended node may accept it.
    pub(super) is_heard: bool,
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
        self.run_sources(now);
        if !self.calm {
            for index in 0..self.nodes.len() {
                if self.nodes.get(index).is_some_and(|node| self.synchronizes(node) <= now) {
                    self.synchronized(index, now);
                }
            }
            self.calm = self.is_calm();
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
            self.tell(at, index, What::Synchronized);
        }
    }

    /// Everybody who may begin does so.
    fn begin(&mut self, start: Point, at: Moment) {
        self.attempts += 1;
        if !self.calm {
            self.end_recessive_runs(at);
        }
        let Some((sender, key, ties)) = self.winner(at) else { return };
        let known = if self.calm && !ties { self.first_of(sender) } else { self.undisturbed(key, at) };
        match known {
            Some(bits) => {
                self.launch(sender, ties, key, at);
                let end = start.ticks + self.grid.frame(bits);
                let (bits, is_heard) =
                    (u64::from(bits.nominal + bits.data), self.is_attended(sender) || self.is_loud());
                self.state = State::Frame(Running { start, sender, is_heard, bits, stage: Stage::Valid, end });
            }
            None => {
                for node in self.nodes.iter_mut().filter(|node| node.contends(at).is_some()) {
                    node.launch();
                }
                self.enter_bits(start, at);
            }
        }
    }

    /// Who wins the bus, the key that wins it, and whether somebody else has the same.
    fn winner(&self, at: Moment) -> Option<(usize, u32, bool)> {
        let keys = self.nodes.iter().enumerate().filter_map(|(index, node)| Some((index, node.contends(at)?.key())));
        keys.fold(None, |best, (index, key)| match best {
            Some((_, least, _)) if key > least => best,
            Some((first, least, _)) if key == least => Some((first, least, true)),
            Some(_) | None => Some((index, key, false)),
        })
    }

    fn launch(&mut self, sender: usize, ties: bool, key: u32, at: Moment) {
        let end = if ties { self.nodes.len() } else { sender + 1 };
        for node in self.nodes.get_mut(sender..end).unwrap_or_default() {
            if node.contends(at).is_some_and(|next| next.key() == key) {
                node.launch();
            }
        }
    }

    fn first_of(&self, sender: usize) -> Option<FrameBits> {
        self.nodes.get(sender)?.next().map(|next| next.bits)
    }

    /// The length of the frame that wins the bus, if nothing can go wrong with it.
    fn undisturbed(&self, key: u32, at: Moment) -> Option<FrameBits> {
        let wins = |node: &&Node| node.contends(at).is_some_and(|next| next.key() == key);
        let mut winners = self.nodes.iter().filter(wins);
        let first = winners.next()?;
        let Outgoing { frame, bits } = *first.contends(at)?;
        let sender = first.counters.confinement();
        let bits = if sender == Confinement::Active { bits } else { frame_bits_from(sender, &frame) };
        let count = u64::from(bits.nominal + bits.data);
        // Two nodes may send the very same frame.
        let same = |node: &Node| {
            node.contends(at).is_some_and(|next| next.frame == frame)
                && (!frame.is_fd() || node.counters.confinement() == sender)
        };
        let agree = winners.all(same);
        let others = self.nodes.iter().filter(|node| node.is_on() && !wins(node));
        let acknowledged = others.clone().next().is_some();
        let understood = !frame.is_fd() || others.into_iter().all(|node| node.config().fd);
        let clear = self.nodes.iter().all(|node| !node.is_on() || node.noise.spares(count));
        let planned = self.disturbances.iter().any(|planned| planned.attempt == self.attempts);
        (agree && acknowledged && understood && clear && !planned && !self.cut).then_some(bits)
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

    /// A frame that nothing disturbs goes through all of its stages up to `now`, and those after it.
    pub(super) fn go_on_until(&mut self, now: Moment) {
        while let State::Frame(running) = self.state
            && self.grid.moment(running.due(&self.grid)) <= now
        {
            self.go_on(running);
        }
    }

    /// The next stage of a frame that nothing disturbs.
    fn go_on(&mut self, running: Running) {
        let at = self.grid.moment(running.due(&self.grid));
        let next = match running.stage {
            Stage::Valid => {
                self.deliver_to_all(&running, at);
                Stage::Sent
            }
            Stage::Sent => {
                // What came before this moment found the mailbox of this frame taken.
                self.run_sources(at);
                self.confirm(at);
                self.load.frames += 1;
                Stage::Over
            }
            Stage::Over => return self.finish(running, at),
        };
        self.state = State::Frame(Running { stage: next, ..running });
    }

    fn deliver_to_all(&mut self, running: &Running, at: Moment) {
        let frame = self.nodes.get(running.sender).and_then(|node| node.in_flight);
        let Some(frame) = frame else { return };
        if self.calm {
            return self.deliver_by_routes(&frame, at);
        }
        for index in 0..self.nodes.len() {
            let Some(node) = self.nodes.get_mut(index).filter(|node| node.is_on() && node.in_flight.is_none()) else {
                continue;
            };
            if node.counters != Counters::default() {
                let before = node.counters;
                node.counters.success(Role::Receiver);
                self.tell_change(index, before, at);
            }
            self.deliver(index, &frame, at);
        }
    }

    /// Nobody's counters change; so whoever does not accept the frame need not be asked.
    fn deliver_by_routes(&mut self, frame: &Frame, at: Moment) {
        let mut number = 0;
        loop {
            let hearer = self.hearers(frame.id()).nth(number);
            let Some(index) = hearer else { return };
            number += 1;
            if self.nodes.get(index).is_some_and(|node| node.is_on() && node.in_flight.is_none()) {
                self.deliver(index, frame, at);
            }
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
        self.tell(at, index, what);
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
            self.tell(at, index, What::Transmitted(frame));
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
        self.tell(at, index, what);
    }

    /// The interframe space is over. Recessive since the acknowledgement: eleven bits.
    fn finish(&mut self, running: Running, at: Moment) {
        if !self.calm {
            let recessive = self.grid.moment(Point { ticks: running.end - self.grid.bits(11), ..running.start });
            for node in &mut self.nodes {
                match &mut node.presence {
                    Presence::Waiting { from, .. } => *from = recessive.max(*from),
                    Presence::On => node.noise.pass(running.bits),
                    Presence::Off | Presence::Stopped { .. } => {}
                }
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

    /// When its sender knows that it was sent.
    pub(super) fn sent(&self, grid: &Grid) -> Point {
        Point { ticks: self.end - grid.bits(INTERMISSION), ..self.start }
    }

    /// When the bus is free again.
    pub(super) fn over(&self) -> Point {
        Point { ticks: self.end, ..self.start }
    }

    /// Whether receivers have it.
    pub(super) fn is_valid(&self) -> bool {
        self.stage != Stage::Valid
    }

    /// Whether its sender knows that they do.
    pub(super) fn is_sent(&self) -> bool {
        self.stage == Stage::Over
    }
}
