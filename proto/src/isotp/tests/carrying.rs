//! What arrives, and what is said of what does not.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_message_of_any_length_arrives_as_it_was_sent(
        len in 1_usize..=ROOM, framing in any_framing(), addressing in any_addressing(),
        block_size in any::<u8>(), separation in any::<u8>(), confirms in any::<[bool; 2]>()
    ) {
        let mut configs = both(framing, addressing);
        configs[1].block_size = block_size;
        configs[1].separation = Separation::from_byte(separation);
        [configs[0].confirms, configs[1].confirms] = confirms;
        prop_assert_eq!(Bus::new(configs, no_fault).carry(&message(len)), arrived(&message(len)));
    }

    #[test]
    fn a_lost_frame_ends_in_a_named_error_and_the_next_message_arrives(
        len in 64_usize..=ROOM, framing in any_framing(), addressing in any_addressing(), lost in any::<prop::sample::Index>()
    ) {
        let frames = frames_of(framing, addressing, len);
        let lost = lost.index(frames);
        let mut bus = Bus::new(both(framing, addressing), |number, frame| if number == lost { vec![] } else { vec![frame] });
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
        len in 200_usize..=ROOM, framing in any_framing(), addressing in any_addressing(), doubled in any::<prop::sample::Index>()
    ) {
        // The last frame doubled completes the message; its double belongs to none.
        let doubled = 1 + doubled.index(frames_of(framing, addressing, len) - 2);
        let fault = |number, frame| if number == doubled { vec![frame, frame] } else { vec![frame] };
        let mut bus = Bus::new(both(framing, addressing), fault);
        let wrong = Error::WrongSequence { expected: sequence(doubled + 1), got: sequence(doubled) };
        prop_assert_eq!(bus.carry(&message(len)), Outcome { arrived: vec![], errors: vec![wrong] });
        prop_assert_eq!(bus.carry(&message(len)), arrived(&message(len)));
    }

    #[test]
    fn frames_out_of_order_end_in_a_named_error_and_the_next_message_arrives(
        len in 300_usize..=ROOM, framing in any_framing(), addressing in any_addressing(), early in any::<prop::sample::Index>()
    ) {
        let held = 1 + early.index(frames_of(framing, addressing, len) - 2);
        let mut kept = None;
        let mut bus = Bus::new(both(framing, addressing), |number, frame| match kept.take() {
            _ if number == held => { kept = Some(frame); vec![] }
            Some(late) => vec![frame, late],
            None => vec![frame],
        });
        let wrong = Error::WrongSequence { expected: sequence(held), got: sequence(held + 1) };
        prop_assert_eq!(bus.carry(&message(len)), Outcome { arrived: vec![], errors: vec![wrong] });
        prop_assert_eq!(bus.carry(&message(len)), arrived(&message(len)));
    }

    #[test]
    fn whatever_happens_nothing_panics_and_the_next_message_arrives(
        framing in any_framing(), addressing in any_addressing(), block_size in 0_u8..4, waits in 0_u8..3,
        confirms in any::<[bool; 2]>(), events in proptest::collection::vec(any_event(), 0..60)
    ) {
        let change = |config| Config { block_size, waits, adaptive: true, ..config };
        let mut configs = both(framing, addressing).map(change);
        [configs[0].confirms, configs[1].confirms] = confirms;
        let mut bus = Bus::new(configs, no_fault);
        events.iter().for_each(|event| bus.suffer(event));
        bus.settle();
        prop_assert_eq!(bus.carry(&message(300)), arrived(&message(300)));
    }
}

/// What may happen to an end, by number.
#[derive(Debug)]
enum Event {
    /// A frame with this data, for it or not, after its address byte or not.
    Hears { end: usize, to: bool, addressed: bool, data: Vec<u8> },
    /// It begins to send.
    Sends { end: usize, len: usize },
    /// Its controller loses frames, and there is room or not.
    Loses { end: usize, ready: bool },
    /// A frame of its own leaves, if it has one.
    Polls { end: usize, confirmed: bool, arrives: bool },
    /// Time passes.
    Waits { milliseconds: u64 },
}

fn any_event() -> impl Strategy<Value = Event> {
    let code = prop_oneof![0_u8..0x40, any::<u8>()];
    let length = proptest::sample::select(vec![0_usize, 1, 2, 3, 5, 7, 8, 8, 8, 12, 16, 20, 24, 32, 48, 64]);
    let data = (code, any::<[u8; 8]>(), length).prop_map(|(code, rest, length)| {
        [code].into_iter().chain(rest.into_iter().cycle()).take(length).collect::<Vec<u8>>()
    });
    let end = 0_usize..2;
    prop_oneof![
        4 => (end.clone(), prop::bool::weighted(0.9), prop::bool::weighted(0.9), data)
            .prop_map(|(end, to, addressed, data)| Event::Hears { end, to, addressed, data }),
        1 => (end.clone(), 0_usize..200).prop_map(|(end, len)| Event::Sends { end, len }),
        1 => (end.clone(), any::<bool>()).prop_map(|(end, ready)| Event::Loses { end, ready }),
        4 => (end, any::<bool>(), any::<bool>())
            .prop_map(|(end, confirmed, arrives)| Event::Polls { end, confirmed, arrives }),
        1 => (0_u64..2_000).prop_map(|milliseconds| Event::Waits { milliseconds }),
    ]
}

impl<F: FnMut(usize, Frame) -> Vec<Frame>> Bus<F> {
    fn suffer(&mut self, event: &Event) {
        let now = self.now;
        match event {
            Event::Hears { end, to, addressed, data } => {
                let address = self.addressing(*end, *to);
                let byte = address.byte().filter(|_| *addressed);
                let mut bytes: Vec<u8> = byte.into_iter().chain(data.iter().copied()).take(64).collect();
                bytes.resize(frame_length(bytes.len()).unwrap(), 0);
                let _lost = self.ends[*end].handle(&Frame::fd(address.id(), &bytes).unwrap(), now);
            }
            Event::Sends { end, len } => drop(self.ends[*end].send(&message(*len), now)),
            Event::Loses { end, ready } => {
                self.ends[*end].overrun();
                self.ends[*end].set_ready(*ready);
            }
            Event::Polls { end, confirmed, arrives } => {
                let Ok(Some(frame)) = self.ends[*end].poll(now) else { return };
                if *confirmed {
                    self.ends[*end].confirm(&frame, now);
                }
                if *arrives {
                    let _lost = self.ends[1 - *end].handle(&frame, now);
                }
            }
            Event::Waits { milliseconds } => self.now += Duration::from_millis(*milliseconds),
        }
    }

    /// The address of an end, or of its peer.
    fn addressing(&self, end: usize, own: bool) -> Address {
        let addressing = self.ends[end].config().addressing;
        if own { addressing.receive() } else { addressing.send() }
    }

    /// Nothing more arrives until both ends have given up, and there is room again.
    fn settle(&mut self) {
        while let Some(deadline) = self.ends.iter().filter_map(Link::deadline).min() {
            self.now = deadline.max(self.now);
            for end in &mut self.ends {
                let _lost = end.poll(self.now);
            }
        }
        self.ends.iter_mut().for_each(|end| end.set_ready(true));
    }
}

/// The sequence number of the frame with this number, the first frame being number 0.
fn sequence(number: usize) -> u8 {
    u8::try_from(number % 16).unwrap()
}

fn frames_of(framing: Framing, addressing: Addressing, len: usize) -> usize {
    let mut bus = Bus::new(both(framing, addressing), no_fault);
    bus.carry(&message(len));
    bus.sent
}
