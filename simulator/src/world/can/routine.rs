//! What nodes do by themselves: they send traffic, read what their FIFOs hold, and come back from bus-off.

use super::bus::{Bus, State};
use super::event::What;
use super::node::{Node, Presence};
use super::traffic::Traffic;
use crate::world::time::Moment;

/// Traffic that a node sends by itself.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) node: usize,
    pub(super) traffic: Traffic,
}

impl Bus {
    pub(super) fn sources_next(&self) -> Moment {
        self.sources.iter().map(|source| source.traffic.next()).fold(Moment::NEVER, Moment::min)
    }

    pub(super) fn run_timers(&mut self, now: Moment) {
        for index in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(index).filter(|node| node.timer() <= now) else { continue };
            let restarts = matches!(node.presence, Presence::Stopped { until } if until <= now);
            while let Some((at, frame)) = self.nodes.get_mut(index).and_then(|node| node.read(now)) {
                self.tell(at, index, What::Received(frame));
            }
            if restarts {
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

    pub(super) fn run_sources(&mut self, now: Moment) {
        for source in &mut self.sources {
            while let Some((due, frame)) = source.traffic.take(now) {
                // A frame for which there is no room is lost, as it is for a task that does not wait.
                let _sent = self.nodes.get_mut(source.node).map(|node| node.queue(frame, due));
            }
        }
    }

    /// Makes a node wait for eleven recessive bits, `left` times.
    pub(super) fn wait(&mut self, index: usize, left: u8, now: Moment) {
        let state = self.state;
        let Some(node) = self.nodes.get_mut(index) else { return };
        node.presence = Presence::Waiting { left, from: now };
        self.calm = false;
        if let State::Bits(episode) = state {
            node.bits.controller.begin(node.counters, Some((left, 0)));
            node.bits.next = self.grid.tick(episode.base, now) + self.grid.bits(1);
        }
    }
}

/// How often a node that was bus-off must see eleven recessive bits.
pub(super) const RECOVERY: u8 = 128;
