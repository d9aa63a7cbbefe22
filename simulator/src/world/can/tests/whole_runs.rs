//! What holds of any run, however it went.

use proptest::prelude::*;
use proto::can::bus_time;

use super::*;
use crate::world::chance::PerBillion;

#[derive(Clone, Debug)]
struct Sending {
    node: usize,
    at: u32,
    frame: Frame,
}

fn any_sending(nodes: usize) -> impl Strategy<Value = Sending> {
    let data = proptest::collection::vec(any::<u8>(), 0..=8);
    let frame = (0..8_u16, any::<bool>(), any::<bool>(), data).prop_map(|(base, long, fd, data)| {
        let id = if long { Id::extended(u32::from(base) << 18 | 5).unwrap() } else { id(base) };
        if fd { Frame::fd(id, &data).unwrap() } else { Frame::classical(id, &data).unwrap() }
    });
    // In steps of a quarter of a bit.
    (0..nodes, 0_u32..8_000, frame).prop_map(|(node, at, frame)| Sending { node, at: at * 500, frame })
}

/// Every node has identifiers of its own, as in any vehicle.
fn own(node: usize, frame: &Frame) -> Frame {
    let base = (frame.id().raw() >> if frame.id().is_extended() { 18 } else { 0 }) * 8 + u32::try_from(node).unwrap();
    let id = match frame.id().is_extended() {
        true => Id::extended(base << 18 | 5).unwrap(),
        false => id(u16::try_from(base).unwrap()),
    };
    Frame::new(id, frame.format(), frame.data()).unwrap()
}

/// Sends all of it; `bitwise` makes the bus look at every bit of every frame.
fn run(config: &Config, seed: u64, sendings: &[Sending], bitwise: bool) -> Rig {
    let (mut rig, nodes) = Rig::seeded(seed, vec![config.clone(); 4]);
    if bitwise {
        (0..1_000).for_each(|frame| rig.bus.disturb(nodes[0], frame, u32::MAX).unwrap());
    }
    for sending in sendings {
        // All that is sent at one moment contends in it.
        rig.now = Moment::from_nanos(sending.at.into());
        rig.send(nodes[sending.node], own(sending.node, &sending.frame));
    }
    rig.run_for(Duration::from_millis(200));
    rig
}

fn roomy() -> Config {
    Config { mailboxes: 100, ..Config::default() }
}

fn sorted(mut sendings: Vec<Sending>) -> Vec<Sending> {
    sendings.sort_by_key(|sending| sending.at);
    sendings
}

/// The frames in the order in which they were on the bus, with the moments at which they ended.
fn sent(rig: &Rig) -> Vec<(Moment, Frame)> {
    let frame = |event: &Event| if let What::Transmitted(frame) = event.what { Some((event.at, frame)) } else { None };
    rig.events.iter().filter_map(frame).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_bus_is_busy_for_exactly_the_bits_of_its_frames(
        sendings in proptest::collection::vec(any_sending(4), 1..40)
    ) {
        let sendings = sorted(sendings);
        let rig = run(&roomy(), 1, &sendings, false);
        let sent = sent(&rig);
        prop_assert_eq!(sent.len(), sendings.len());
        let whole: Duration = sent.iter().map(|(_, frame)| bus_time(frame, BitRates::COMMON)).sum();
        prop_assert_eq!(rig.bus.load().busy, whole);
        // Two frames are never on the bus at once.
        for pair in sent.windows(2) {
            prop_assert!(pair[1].0 - pair[0].0 >= bus_time(&pair[1].1, BitRates::COMMON));
        }
    }

    #[test]
    fn whoever_begins_has_the_least_identifier_of_those_that_wait(
        sendings in proptest::collection::vec(any_sending(4), 1..40)
    ) {
        let sendings = sorted(sendings);
        let rig = run(&roomy(), 1, &sendings, false);
        let mut waiting: Vec<(Moment, Frame)> = sendings
            .iter()
            .map(|sending| (Moment::from_nanos(sending.at.into()), own(sending.node, &sending.frame)))
            .collect();
        for (end, frame) in sent(&rig) {
            // Three bits of interframe space follow the end.
            let began = Moment::START + ((end - Moment::START) - (bus_time(&frame, BitRates::COMMON) - Duration::from_micros(6)));
            let least = waiting.iter().filter(|(at, _)| *at <= began).map(|(_, frame)| frame.arbitration()).min();
            prop_assert_eq!(Some(frame.arbitration()), least);
            let place = waiting.iter().position(|(_, other)| *other == frame).unwrap();
            waiting.remove(place);
        }
        prop_assert!(waiting.is_empty());
    }

    #[test]
    fn frame_by_frame_and_bit_by_bit_are_the_same(sendings in proptest::collection::vec(any_sending(4), 1..20)) {
        let sendings = sorted(sendings);
        let (whole, bitwise) = (run(&roomy(), 1, &sendings, false), run(&roomy(), 1, &sendings, true));
        prop_assert_eq!(whole.events, bitwise.events);
        prop_assert_eq!(whole.bus.load(), bitwise.bus.load());
    }

    #[test]
    fn noise_delays_frames_and_loses_none(
        seed in any::<u64>(),
        sendings in proptest::collection::vec(any_sending(4), 1..20),
    ) {
        let sendings = sorted(sendings);
        let config = Config { noise: PerBillion::new(200_000), ..roomy() };
        let rig = run(&config, seed, &sendings, false);
        let mut frames: Vec<_> = sent(&rig).iter().map(|(_, frame)| format!("{frame:?}")).collect();
        let mut expected: Vec<_> =
            sendings.iter().map(|sending| format!("{:?}", own(sending.node, &sending.frame))).collect();
        frames.sort();
        expected.sort();
        prop_assert_eq!(frames, expected);
        let clean: Duration = sent(&rig).iter().map(|(_, frame)| bus_time(frame, BitRates::COMMON)).sum();
        let load = rig.bus.load();
        // A frame that fails takes no longer than a whole one and an error frame; overload frames are not counted.
        let failures = u32::try_from(load.failures + load.frames).unwrap();
        let most = Duration::from_micros(600) * failures;
        prop_assert!(load.busy >= clean && load.busy <= clean + most, "{load:?} {clean:?}");
    }

    #[test]
    fn the_same_seed_makes_the_same_run(seed in any::<u64>()) {
        let sendings: Vec<Sending> =
            (0..40).map(|at| Sending { node: at % 4, at: 0, frame: frame(3, &[1, 2, 3, 4, 5, 6, 7, 8]) }).collect();
        let config = Config { noise: PerBillion::new(1_000_000), ..roomy() };
        prop_assert_eq!(run(&config, seed, &sendings, false).events, run(&config, seed, &sendings, false).events);
    }
}

#[test]
fn another_seed_disturbs_other_bits() {
    let sendings: Vec<Sending> = (0..40).map(|at| Sending { node: at % 4, at: 0, frame: frame(3, &[1; 8]) }).collect();
    let config = Config { noise: PerBillion::new(1_000_000), ..roomy() };
    assert_ne!(run(&config, 1, &sendings, false).events, run(&config, 2, &sendings, false).events);
}

#[test]
fn a_rate_without_whole_nanoseconds_does_not_drift() {
    let mut bus = Bus::new(rates(33_333, 33_333), Chance::seeded(1));
    let nodes = [bus.attach(Config { mailboxes: 1_000, ..Config::default() }), bus.attach(Config::default())];
    let sent = frame(0x123, &[7; 8]);
    (0..1_000).for_each(|_| bus.send(nodes[0], sent, Moment::START).unwrap());
    bus.advance(Moment::from_nanos(u64::MAX - 1));
    let last = std::iter::from_fn(|| bus.poll()).last().unwrap();
    let bits = u64::from(length(&sent)) * 1_000 - 3;
    assert_eq!(last.at, Moment::from_nanos(bits * 1_000_000_000 / 33_333));
}
