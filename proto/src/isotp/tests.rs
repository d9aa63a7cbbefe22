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
            frame.into_iter().for_each(|frame| self.deliver(from, frame, outcome));
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
    prop_oneof![Just(Framing::CLASSICAL), Just(Framing::FD), proptest::sample::select(lengths.to_vec())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_message_of_any_length_arrives_as_it_was_sent(
        len in 1_usize..=ROOM, framing in any_framing(), block_size in any::<u8>(), separation in any::<u8>()
    ) {
        let mut configs = configs(framing);
        configs[1].block_size = block_size;
        configs[1].separation = Separation::from_byte(separation);
        prop_assert_eq!(Bus::new(configs, no_fault).carry(&message(len)), arrived(&message(len)));
    }

    #[test]
    fn a_lost_frame_ends_in_a_named_error_and_the_next_message_arrives(
        len in 64_usize..=ROOM, framing in any_framing(), lost in any::<prop::sample::Index>()
    ) {
        let frames = frames_of(framing, len);
        let lost = lost.index(frames);
        let mut bus = Bus::new(configs(framing), |number, frame| if number == lost { vec![] } else { vec![frame] });
        let outcome = bus.carry(&message(len));
        let expected = match lost {
            0 => Error::FlowTimeout,
            last if last == frames - 1 => Error::ConsecutiveTimeout,
            other => Error::WrongSequence { expected: sequence(other), got: sequence(other + 1) },
        };
        prop_assert_eq!(outcome, Outcome { arrived: vec![], errors: vec![expected] });
        prop_assert_eq!(bus.carry(&message(len)), arrived(&message(len)));
    }

    #[test]
    fn a_doubled_consecutive_frame_ends_in_a_named_error_and_the_next_message_arrives(
        len in 200_usize..=ROOM, framing in any_framing(), doubled in any::<prop::sample::Index>()
    ) {
        // The last frame doubled completes the message; its double belongs to none.
        let doubled = 1 + doubled.index(frames_of(framing, len) - 2);
        let fault = |number, frame| if number == doubled { vec![frame, frame] } else { vec![frame] };
        let mut bus = Bus::new(configs(framing), fault);
        let wrong = Error::WrongSequence { expected: sequence(doubled + 1), got: sequence(doubled) };
        prop_assert_eq!(bus.carry(&message(len)), Outcome { arrived: vec![], errors: vec![wrong] });
        prop_assert_eq!(bus.carry(&message(len)), arrived(&message(len)));
    }

    #[test]
    fn frames_out_of_order_end_in_a_named_error_and_the_next_message_arrives(
        len in 300_usize..=ROOM, framing in any_framing(), early in any::<prop::sample::Index>()
    ) {
        let held = 1 + early.index(frames_of(framing, len) - 2);
        let mut kept = None;
        let mut bus = Bus::new(configs(framing), |number, frame| match kept.take() {
            _ if number == held => { kept = Some(frame); vec![] }
            Some(late) => vec![frame, late],
            None => vec![frame],
        });
        let wrong = Error::WrongSequence { expected: sequence(held), got: sequence(held + 1) };
        prop_assert_eq!(bus.carry(&message(len)), Outcome { arrived: vec![], errors: vec![wrong] });
        prop_assert_eq!(bus.carry(&message(len)), arrived(&message(len)));
    }

    #[test]
    fn nothing_from_the_bus_panics_and_a_message_still_arrives(
        noise in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..=8), 0_u64..2_000), 0..40)
    ) {
        let mut bus = Bus::new(configs(Framing::CLASSICAL), no_fault);
        for (data, wait) in noise {
            let frame = Frame::classical(ids()[0], &data).unwrap();
            let _whatever = bus.ends[1].handle(&frame, bus.now);
            bus.now += Duration::from_millis(wait);
            let _whatever = bus.ends[1].poll(bus.now);
        }
        let outcome = bus.carry(&message(100));
        prop_assert_eq!(outcome.arrived, vec![message(100)]);
    }
}

/// The sequence number of the frame with this number, the first frame being number 0.
fn sequence(number: usize) -> u8 {
    u8::try_from(number % 16).unwrap()
}

fn frames_of(framing: Framing, len: usize) -> usize {
    let mut bus = Bus::new(configs(framing), no_fault);
    bus.carry(&message(len));
    bus.sent
}

#[test]
fn separation_is_milliseconds_or_hundreds_of_microseconds_and_reserved_bytes_are_the_longest() {
    let time = |byte| Separation::from_byte(byte).time();
    assert_eq!(time(0x00), Duration::ZERO);
    assert_eq!(time(0x7f), Duration::from_millis(127));
    assert_eq!(time(0xf1), Duration::from_micros(100));
    assert_eq!(time(0xf9), Duration::from_micros(900));
    for reserved in [0x80, 0xf0, 0xfa, 0xff] {
        assert_eq!(time(reserved), Duration::from_millis(127));
    }
}

#[test]
fn the_sender_keeps_the_separation_the_receiver_asks_for() {
    let mut configs = configs(Framing::CLASSICAL);
    configs[1].separation = Separation::from_byte(5);
    let mut bus = Bus::new(configs, no_fault);
    bus.carry(&message(6 + 7 * 10));
    assert_eq!(bus.now, Duration::from_millis(9 * 5));
}

#[test]
fn a_message_longer_than_the_buffer_is_refused_to_both_ends() {
    let [sender, receiver] = configs(Framing::FD);
    let (mut long, mut short) = (Link::<0, 200>::new(sender), Link::<100, 0>::new(receiver));
    long.send(&message(200), Duration::ZERO).unwrap();
    let first = long.poll(Duration::ZERO).unwrap().unwrap();
    assert_eq!(short.handle(&first, Duration::ZERO), Err(Error::TooLong { len: 200, most: 100 }));
    let overflow = short.poll(Duration::ZERO).unwrap().unwrap();
    assert_eq!(overflow.data(), [0x32, 0, 0, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc]);
    assert_eq!(long.handle(&overflow, Duration::ZERO), Err(Error::PeerOverflow));
    assert!(!long.is_sending() && !short.is_receiving());
}

/// A sender whose first frame is out, and the answer to a flow control frame of this status.
fn answered(status: u8, times: u32) -> Result<(), Error> {
    let [config, _] = configs(Framing::CLASSICAL);
    let mut sender = Sender::new(config);
    sender.start(&message(20), Duration::ZERO).unwrap();
    sender.poll(Duration::ZERO, &message(20)).unwrap();
    (0..times).try_for_each(|_| sender.handle(&[0x30 | status, 0, 0], Duration::ZERO))
}

#[test]
fn a_receiver_may_ask_to_wait_as_often_as_configured() {
    assert_eq!(answered(1, 8), Ok(()));
    assert_eq!(answered(1, 9), Err(Error::WaitLimit));
}

#[test]
fn a_reserved_flow_status_ends_the_message() {
    assert_eq!(answered(3, 1), Err(Error::BadFlowStatus { status: 3 }));
}

#[test]
fn a_wait_frame_gives_the_receiver_its_time_anew() {
    let [config, _] = configs(Framing::CLASSICAL);
    let mut sender = Sender::new(config);
    sender.start(&message(20), Duration::ZERO).unwrap();
    sender.poll(Duration::ZERO, &message(20)).unwrap();
    sender.handle(&[0x31, 0, 0], FLOW_TIMEOUT / 2).unwrap();
    assert_eq!(sender.poll(FLOW_TIMEOUT, &message(20)), Ok(None));
    assert_eq!(sender.poll(FLOW_TIMEOUT * 3 / 2, &message(20)), Err(Error::FlowTimeout));
}

#[test]
fn a_first_frame_interrupts_a_message_and_begins_its_own() {
    let [_, config] = configs(Framing::CLASSICAL);
    let (mut receiver, mut buffer) = (Receiver::new(config), [0; 20]);
    let first = [0x10, 9, 1, 2, 3, 4, 5, 6];
    assert_eq!(receiver.handle(&first, Duration::ZERO, &mut buffer), Ok(None));
    assert_eq!(receiver.handle(&first, Duration::ZERO, &mut buffer), Err(Error::Interrupted));
    receiver.poll(Duration::ZERO).unwrap().unwrap();
    assert_eq!(receiver.handle(&[0x21, 7, 8, 9], Duration::ZERO, &mut buffer), Ok(Some(9)));
    assert_eq!(buffer[..9], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_single_frame_interrupts_a_message() {
    let [_, config] = configs(Framing::CLASSICAL);
    let (mut receiver, mut buffer) = (Receiver::new(config), [0; 20]);
    receiver.handle(&[0x10, 9, 1, 2, 3, 4, 5, 6], Duration::ZERO, &mut buffer).unwrap();
    assert_eq!(receiver.handle(&[1, 9], Duration::ZERO, &mut buffer), Ok(Some(1)));
    assert!(receiver.is_idle());
}

#[test]
fn a_frame_the_bus_does_not_take_ends_the_message() {
    let [config, _] = configs(Framing::CLASSICAL);
    let mut link = Link::<8, 8>::new(config);
    link.send(&[1], Duration::ZERO).unwrap();
    assert_eq!(link.send(&[1], Duration::ZERO), Err(Error::Busy));
    assert_eq!(link.poll(BUS_TIMEOUT), Err(Error::SendTimeout));
    assert!(!link.is_sending());
}

#[test]
fn frames_of_a_message_look_as_the_standard_says() {
    let mut frames = Vec::new();
    let mut bus = Bus::new(configs(Framing::CLASSICAL), |_, frame| {
        frames.push(frame.data().to_vec());
        vec![frame]
    });
    bus.carry(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    bus.carry(&[1, 2]);
    assert_eq!(frames[0], [0x10, 9, 1, 2, 3, 4, 5, 6]);
    assert_eq!(frames[1], [0x21, 7, 8, 9, 0xcc, 0xcc, 0xcc, 0xcc]);
    assert_eq!(frames[2], [0x02, 1, 2, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc]);
}
