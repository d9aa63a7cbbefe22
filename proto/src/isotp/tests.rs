//! Two links on a virtual bus.

mod adapting;
mod addresses;
mod carrying;
mod frames;
mod functional;
mod port;
mod timers;
mod turns;
mod waiting;

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::can::Frame;

const ROOM: usize = 5_000;

/// Two ends of a bus on a virtual clock, and what may happen to a frame between them.
struct Bus<F> {
    ends: [Link<ROOM, ROOM>; 2],
    now: Duration,
    sent: usize,
    fault: F,
}

/// What came of a message: the message, and every error either end met.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    arrived: Vec<Vec<u8>>,
    errors: Vec<Error>,
}

fn ids() -> [Id; 2] {
    [Id::standard(0x7e0).unwrap(), Id::standard(0x7e8).unwrap()]
}

fn configs(framing: Framing) -> [Config; 2] {
    let [request, response] = ids();
    [Config::new(framing, request, response), Config::new(framing, response, request)]
}

fn no_fault(_: usize, frame: Frame) -> Vec<Frame> {
    vec![frame]
}

impl<F: FnMut(usize, Frame) -> Vec<Frame>> Bus<F> {
    /// `fault` is given each frame from the first end, with its number, and says which frames arrive instead.
    fn new(configs: [Config; 2], fault: F) -> Self {
        Self { ends: configs.map(Link::new), now: Duration::ZERO, sent: 0, fault }
    }

    /// Sends a message from the first end to the second and runs until the bus is still.
    fn carry(&mut self, message: &[u8]) -> Outcome {
        let mut outcome = Outcome::default();
        self.ends[0].send(message, self.now).unwrap();
        loop {
            while self.step(&mut outcome) {}
            let Some(deadline) = self.ends.iter().filter_map(Link::deadline).min() else {
                return outcome;
            };
            self.now = deadline.max(self.now);
        }
    }

    /// One frame of each end; `false` if there was none.
    fn step(&mut self, outcome: &mut Outcome) -> bool {
        let mut moved = false;
        for from in [0, 1] {
            let frame = match self.ends[from].poll(self.now) {
                Ok(frame) => frame,
                Err(error) => {
                    outcome.errors.push(error);
                    continue;
                }
            };
            moved |= frame.is_some();
            if let Some(frame) = frame {
                self.ends[from].confirm(&frame, self.now);
                self.deliver(from, frame, outcome);
            }
        }
        moved
    }

    fn deliver(&mut self, from: usize, frame: Frame, outcome: &mut Outcome) {
        let frames = if from == 0 {
            self.sent += 1;
            (self.fault)(self.sent - 1, frame)
        } else {
            vec![frame]
        };
        for frame in frames {
            match self.ends[1 - from].handle(&frame, self.now) {
                Ok(message) => outcome.arrived.extend(message.map(<[u8]>::to_vec)),
                Err(error) => outcome.errors.push(error),
            }
        }
    }
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn arrived(message: &[u8]) -> Outcome {
    Outcome { arrived: vec![message.to_vec()], errors: vec![] }
}

fn any_framing() -> impl Strategy<Value = Framing> {
    let lengths = [8, 12, 16, 20, 24, 32, 48, 64].map(|length| Framing::fd(length).unwrap());
    let length = prop_oneof![Just(Framing::CLASSICAL), Just(Framing::FD), proptest::sample::select(lengths.to_vec())];
    (length, any::<Option<u8>>()).prop_map(|(framing, padding)| match padding {
        Some(byte) => framing.padded(byte),
        None => framing.unpadded(),
    })
}

/// One end's view of two ends that talk in any format.
fn any_addressing() -> impl Strategy<Value = Addressing> {
    let ids = || [Id::standard(0x7e0).unwrap(), Id::standard(0x7e8).unwrap()];
    let long = || [Id::extended(0x18ff_0001).unwrap(), Id::extended(0x18ff_0002).unwrap()];
    let priority = (0_u8..8).prop_map(|priority| Priority::new(priority).unwrap());
    let pair = prop_oneof![Just(ids()), Just(long())];
    (0..5, pair, any::<[u8; 3]>(), priority).prop_map(|(kind, [send, receive], [own, peer, extension], priority)| {
        match kind {
            0 => Addressing::Normal { send, receive },
            1 => Addressing::NormalFixed { priority, own, peer },
            2 => Addressing::Extended { send, receive, own, peer },
            3 => Addressing::Mixed11 { send, receive, extension },
            _ => Addressing::Mixed29 { priority, own, peer, extension },
        }
    })
}

/// The other end's view.
fn turned(addressing: Addressing) -> Addressing {
    match addressing {
        Addressing::Normal { send, receive } => Addressing::Normal { send: receive, receive: send },
        Addressing::NormalFixed { priority, own, peer } => Addressing::NormalFixed { priority, own: peer, peer: own },
        Addressing::Extended { send, receive, own, peer } => {
            Addressing::Extended { send: receive, receive: send, own: peer, peer: own }
        }
        Addressing::Mixed11 { send, receive, extension } => {
            Addressing::Mixed11 { send: receive, receive: send, extension }
        }
        Addressing::Mixed29 { priority, own, peer, extension } => {
            Addressing::Mixed29 { priority, own: peer, peer: own, extension }
        }
    }
}

fn both(framing: Framing, addressing: Addressing) -> [Config; 2] {
    [addressing, turned(addressing)].map(|addressing| Config::with(framing, addressing))
}
