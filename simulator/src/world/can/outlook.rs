//! When something on a bus is told next, without looking at what nobody waits for.
//!
//! Most of the time a bus is calm: all who take part are in step, and nothing is planned that would disturb a frame. Then
//! no frame is told of before its own bits have passed, and those that concern nobody need not be waited for.

use super::bus::{Bus, State};
use super::controller::INTERMISSION;
use super::counters::Counters;
use super::frames::Running;
use super::node::{Node, Outgoing, Presence};
use crate::world::time::Moment;

impl Bus {
    /// When something is told next, if nothing is done to the bus before: that moment, or an earlier one at which there is
    /// nothing to tell yet.
    pub fn next(&self) -> Moment {
        if self.has_events() {
            return Moment::START;
        }
        let told = match self.state {
            State::Free(free) if self.calm => self.first_told(self.grid.moment(free)),
            State::Frame(running) if self.calm => {
                let (told, over) = (self.running_told(&running), self.grid.moment(running.over()));
                // What follows is told later than the frame under way, unless that is read late.
                if told <= over { told } else { told.min(self.first_told(over)) }
            }
            State::Bits(_) | State::Frame(_) | State::Free(_) => self.upcoming,
        };
        told.min(self.timer)
    }

    /// Whether nothing can go wrong with a frame that begins now, unless two nodes send the same identifier.
    pub(super) fn is_calm(&self) -> bool {
        let bitwise = matches!(self.state, State::Bits(_));
        let undisturbed = !bitwise && !self.cut && self.disturbances.is_empty() && self.sources.len() <= 1;
        let in_step = |node: &Node| match node.presence {
            Presence::On => node.counters == Counters::default() && node.noise.is_never(),
            Presence::Off | Presence::Stopped { .. } => true,
            Presence::Waiting { .. } => false,
        };
        let on = |fd: bool| self.nodes.iter().filter(|node| node.is_on() && node.config().fd == fd).count();
        // A controller that does not speak FD takes no FD frame for sending, and spoils those of others.
        let understood = on(true) == 0 || on(false) == 0;
        let acknowledged = on(true) + on(false) >= 2;
        undisturbed && understood && acknowledged && self.nodes.iter().all(in_step)
    }

    /// Whether an attended node accepts what sources send.
    pub(super) fn would_hear_others(&self) -> bool {
        let accepts = |node: &Node| self.sources.iter().any(|source| node.may_accept(|id| source.traffic.may_hold(id)));
        self.nodes.iter().any(|node| node.config().attended && accepts(node))
    }

    /// Whether a frame under way is neither from nor for a node that is attended to, and changes no node.
    pub(super) fn concerns_nobody(&self, running: &Running) -> bool {
        self.calm && !running.is_heard && !self.is_attended(running.sender)
    }

    /// When the frame under way is told of next.
    fn running_told(&self, running: &Running) -> Moment {
        let sent = match self.is_attended(running.sender) && !running.is_sent() {
            true => self.grid.moment(running.sent(&self.grid)),
            false => Moment::NEVER,
        };
        if running.is_valid() || !running.is_heard {
            return sent;
        }
        let valid = self.grid.moment(running.due(&self.grid));
        let Some(frame) = self.nodes.get(running.sender).and_then(|node| node.in_flight) else { return sent };
        let hearers = self.hearers(frame.id()).filter_map(|index| self.nodes.get(index));
        let reads = hearers.filter(|node| node.is_on() && node.accepts(&frame)).map(|node| node.reads_at(valid));
        reads.fold(sent, Moment::min)
    }

    /// Not after the first moment at which a frame is told of that begins at `free` or later.
    fn first_told(&self, free: Moment) -> Moment {
        let mut first = if self.is_loud() { self.sources_next().max(free) } else { Moment::NEVER };
        for (index, node) in self.nodes.iter().enumerate() {
            let Some(next) = node.next().filter(|_| self.is_loud() || self.is_attended(index)) else { continue };
            let begins = node.begins(free);
            first = first.min(if self.is_unique(index, next) { begins + self.until_valid(next) } else { begins });
        }
        first
    }

    /// Whether no other node may send a frame of the same identifier.
    fn is_unique(&self, index: usize, next: &Outgoing) -> bool {
        let mut others = self.nodes.iter().enumerate().filter(|(other, _)| *other != index);
        let mut sources = self.sources.iter().filter(|source| source.node != index);
        !others.any(|(_, node)| node.has_waiting(next.key()))
            && !sources.any(|source| source.traffic.may_hold(next.frame.id()))
    }

    fn until_valid(&self, next: &Outgoing) -> std::time::Duration {
        self.grid.pause(self.grid.frame(next.bits).saturating_sub(self.grid.bits(INTERMISSION + 1)))
    }
}
