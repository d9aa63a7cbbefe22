//! What the whole bus must do.

mod arbitration;
mod asides;
mod broadcast;
mod carrier;
mod confinement;
mod errors;
mod intruders;
mod power;
mod receiving;
mod whole_runs;

use std::num::NonZeroU32;
use std::time::Duration;

use proto::can::{BitRates, Frame, Id, frame_bits};

use super::*;
use crate::world::chance::Chance;
use crate::world::time::Moment;

/// A bus, and all that has happened on it.
pub(super) struct Rig {
    pub(super) bus: Bus,
    pub(super) events: Vec<Event>,
    pub(super) now: Moment,
}

impl Rig {
    /// A bus at 500 kbit/s and 2 Mbit/s with so many nodes that can do everything.
    pub(super) fn of(nodes: usize) -> (Self, Vec<NodeId>) {
        Self::with(vec![Config::default(); nodes])
    }

    pub(super) fn with(configs: Vec<Config>) -> (Self, Vec<NodeId>) {
        Self::seeded(1, configs)
    }

    pub(super) fn seeded(seed: u64, configs: Vec<Config>) -> (Self, Vec<NodeId>) {
        let mut bus = Bus::new(BitRates::COMMON, Chance::seeded(seed));
        let nodes = configs.into_iter().map(|config| bus.attach(config)).collect();
        (Self { bus, events: Vec::new(), now: Moment::START }, nodes)
    }

    pub(super) fn send(&mut self, node: NodeId, frame: Frame) {
        self.bus.send(node, frame, self.now).unwrap();
    }

    /// Goes on to `until`.
    pub(super) fn run_until(&mut self, until: Moment) {
        self.bus.advance(until);
        self.now = until;
        while let Some(event) = self.bus.poll() {
            self.events.push(event);
        }
    }

    pub(super) fn run_for(&mut self, pause: Duration) {
        self.run_until(self.now + pause);
    }

    /// When a node's frames were sent.
    pub(super) fn sent(&self, node: NodeId) -> Vec<Moment> {
        self.of_node(node).filter(|(_, what)| matches!(what, What::Transmitted(_))).map(|(at, _)| at).collect()
    }

    pub(super) fn received(&self, node: NodeId) -> Vec<Frame> {
        let frame = |(_, what)| if let What::Received(frame) = what { Some(frame) } else { None };
        self.of_node(node).filter_map(frame).collect()
    }

    pub(super) fn errors(&self, node: NodeId) -> Vec<BusError> {
        let error = |(_, what)| if let What::Error(error) = what { Some(error) } else { None };
        self.of_node(node).filter_map(error).collect()
    }

    pub(super) fn of_node(&self, node: NodeId) -> impl Iterator<Item = (Moment, What)> {
        self.events.iter().filter(move |event| event.node == node).map(|event| (event.at, event.what))
    }

    pub(super) fn when(&self, node: NodeId, what: What) -> Option<Moment> {
        self.of_node(node).find(|(_, other)| *other == what).map(|(at, _)| at)
    }
}

pub(super) fn id(id: u16) -> Id {
    Id::standard(id).unwrap()
}

pub(super) fn frame(raw: u16, data: &[u8]) -> Frame {
    Frame::classical(id(raw), data).unwrap()
}

/// The moment so many bits at 500 kbit/s after the beginning.
pub(super) fn bit(count: u32) -> Moment {
    Moment::START + Duration::from_nanos(2_000) * count
}

/// Bits of a classical frame, interframe space included.
pub(super) fn length(frame: &Frame) -> u32 {
    frame_bits(frame).nominal
}

pub(super) fn rates(nominal: u32, data: u32) -> BitRates {
    BitRates::new(NonZeroU32::new(nominal).unwrap(), NonZeroU32::new(data).unwrap())
}

#[test]
fn receivers_have_a_frame_one_bit_before_its_sender_knows() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x555, &[0x55; 8]);
    rig.send(nodes[0], sent);
    rig.run_until(bit(200));
    let length = length(&sent);
    for receiver in &nodes[1..] {
        assert_eq!(rig.when(*receiver, What::Received(sent)), Some(bit(length - 4)));
    }
    assert_eq!(rig.when(nodes[0], What::Transmitted(sent)), Some(bit(length - 3)));
    assert_eq!(rig.events.len(), 3);
}

#[test]
fn an_fd_frame_takes_its_bits_at_both_rates() {
    let (mut rig, nodes) = Rig::of(2);
    let sent = Frame::fd(id(0x555), &[0x55; 64]).unwrap();
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(1));
    // 30 nominal bits, 3 of them interframe space, and 549 data bits.
    let end = Moment::START + Duration::from_nanos(27 * 2_000 + 549 * 500);
    assert_eq!(rig.when(nodes[0], What::Transmitted(sent)), Some(end));
    assert_eq!(rig.bus.load().busy, Duration::from_nanos(334_500));
}

#[test]
fn frames_follow_each_other_without_a_gap() {
    let (mut rig, nodes) = Rig::of(2);
    let sent = frame(0x123, &[1, 2, 3]);
    (0..3).for_each(|_| rig.send(nodes[0], sent));
    assert_eq!(rig.bus.send(nodes[0], sent, rig.now), Err(Error::Full { mailboxes: 3 }));
    rig.run_for(Duration::from_millis(2));
    let length = length(&sent);
    assert_eq!(rig.sent(nodes[0]), [1, 2, 3].map(|count| bit(count * length - 3)));
}
