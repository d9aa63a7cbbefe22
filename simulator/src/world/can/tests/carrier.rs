//! ISO-TP over the bus.

use proto::isotp::{Config as Carrier, Framing};

use super::*;
use crate::world::chance::PerBillion;

type End = Channel<4_095, 4_095>;

/// Two ends on a bus, the one that sends first.
struct Pair {
    rig: Rig,
    nodes: Vec<NodeId>,
    ends: [End; 2],
    arrived: Option<(Moment, Vec<u8>)>,
    broken: Vec<Broken>,
}

impl Pair {
    fn new(framing: Framing, seed: u64, config: Config) -> Self {
        let (rig, nodes) = Rig::seeded(seed, vec![config; 3]);
        let (request, response) = (id(0x7e0), id(0x7e8));
        let end = |node: usize, send, receive| End::new(nodes[node], Carrier::new(framing, send, receive));
        let ends = [end(0, request, response), end(1, response, request)];
        Self { rig, nodes, ends, arrived: None, broken: Vec::new() }
    }

    /// Sends a message and goes on until it has arrived or is lost.
    fn carry(&mut self, message: &[u8]) {
        self.ends[0].send(message, self.rig.now).unwrap();
        (self.arrived, self.broken) = (None, Vec::new());
        self.feed(0);
        while self.arrived.is_none() && self.broken.is_empty() {
            let deadlines = self.ends.iter().map(End::deadline);
            let next = deadlines.fold(self.rig.bus.next(), Moment::min).max(self.rig.now);
            self.rig.events.clear();
            self.rig.run_until(next);
            for event in self.rig.events.clone() {
                let Some(end) = self.nodes.iter().position(|node| *node == event.node).filter(|end| *end < 2) else {
                    continue;
                };
                if let What::Received(frame) = event.what {
                    match self.ends[end].receive(&frame, event.at) {
                        Ok(message) => self.arrived = message.map(|message| (event.at, message.to_vec())),
                        Err(error) => self.broken.push(error.into()),
                    }
                }
            }
            (0..2).for_each(|end| self.feed(end));
        }
    }

    fn feed(&mut self, end: usize) {
        if let Err(broken) = self.ends[end].feed(&mut self.rig.bus, self.rig.now) {
            self.broken.push(broken);
        }
    }
}

fn message(seed: u64) -> Vec<u8> {
    let mut message = vec![0; 4_095];
    Chance::seeded(seed).fill(&mut message);
    message
}

#[test]
fn a_message_takes_the_time_of_its_frames() {
    for (framing, least, most) in [(Framing::CLASSICAL, 134, 139), (Framing::FD, 21, 24)] {
        let mut pair = Pair::new(framing, 1, Config::default());
        pair.carry(&message(1));
        let (at, arrived) = pair.arrived.take().unwrap();
        assert_eq!(arrived, message(1));
        let millis = (at - Moment::START).as_millis();
        assert!((least..=most).contains(&millis), "{millis} ms");
        pair.rig.run_until(at + Duration::from_nanos(2_000) * 4);
        assert_eq!(pair.rig.bus.load().busy, pair.rig.now - Moment::START, "the bus is never free in between");
    }
}

#[test]
fn disturbed_frames_are_repeated_below_iso_tp() {
    let config = Config { noise: PerBillion::new(100_000), ..Config::default() };
    let mut pair = Pair::new(Framing::CLASSICAL, 3, config);
    pair.carry(&message(2));
    assert_eq!(pair.arrived.take().unwrap().1, message(2));
    assert!(pair.rig.bus.load().failures > 5, "{:?}", pair.rig.bus.load());
}

#[test]
fn a_receiver_that_is_too_slow_for_its_fifo_loses_the_message() {
    let mut pair = Pair::new(Framing::CLASSICAL, 1, Config { fifo: 3, ..Config::default() });
    let until = Moment::from_nanos(50_000_000);
    let late = Moment::from_nanos(10_000_000);
    pair.ends[0].send(&message(3), pair.rig.now).unwrap();
    pair.rig.bus.hold(pair.nodes[1], late, pair.rig.now).unwrap();
    pair.feed(0);
    pair.rig.run_until(late);
    pair.ends[1].receive(&pair.rig.received(pair.nodes[1])[0], late).unwrap();
    pair.feed(1);
    pair.rig.bus.hold(pair.nodes[1], until, late).unwrap();
    pair.rig.events.clear();
    // The flow control, and then frame by frame what the sender has.
    while pair.rig.now < until {
        let next = pair.rig.bus.next().max(pair.rig.now);
        let seen = pair.rig.events.len();
        pair.rig.run_until(next.min(until));
        for event in pair.rig.events[seen..].iter().copied() {
            if let (true, What::Received(frame)) = (event.node == pair.nodes[0], event.what) {
                pair.ends[0].receive(&frame, event.at).unwrap();
            }
        }
        pair.feed(0);
    }
    assert!(pair.rig.of_node(pair.nodes[1]).any(|(_, what)| matches!(what, What::Overrun(_))));
}

#[test]
fn a_frame_that_is_not_sent_within_its_time_ends_the_message() {
    let mut pair = Pair::new(Framing::CLASSICAL, 1, Config::default());
    (1..3).for_each(|node| pair.rig.bus.power_off(pair.nodes[node], pair.rig.now).unwrap());
    pair.carry(&message(4));
    assert_eq!(pair.broken, [Broken::Carrier(proto::Error::FlowTimeout)]);
    assert_eq!(pair.rig.now, Moment::from_nanos(1_000_000_000));
}
