//! What arrives, and what is said of what does not.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_message_of_any_length_arrives_as_it_was_sent(
        len in 1_usize..=ROOM, framing in any_framing(), addressing in any_addressing(),
        block_size in any::<u8>(), separation in any::<u8>()
    ) {
        let mut configs = both(framing, addressing);
        configs[1].block_size = block_size;
        configs[1].separation = Separation::from_byte(separation);
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

fn frames_of(framing: Framing, addressing: Addressing, len: usize) -> usize {
    let mut bus = Bus::new(both(framing, addressing), no_fault);
    bus.carry(&message(len));
    bus.sent
}
