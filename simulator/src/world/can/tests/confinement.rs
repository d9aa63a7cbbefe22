//! Error counters, error passive, bus-off and the way back.

use super::*;

/// A node whose every frame fails for it alone, at the same bit.
fn failing() -> (Rig, Vec<NodeId>) {
    let config = Config { restart: None, ..Config::default() };
    let (mut rig, nodes) = Rig::with(vec![config, Config::default(), Config::default()]);
    (0..40).for_each(|frame| rig.bus.disturb(nodes[0], frame, 30).unwrap());
    rig.send(nodes[0], frame(0x2a5, &[0x5a; 8]));
    (rig, nodes)
}

#[test]
fn thirty_two_errors_in_a_row_take_a_sender_off_the_bus() {
    let (mut rig, nodes) = failing();
    rig.run_for(Duration::from_millis(50));
    let counts: Vec<u16> = rig.errors(nodes[0]).iter().map(|error| error.counters.transmit).collect();
    assert_eq!(counts, (1..=32).map(|count| count * 8).collect::<Vec<_>>());
    let states: Vec<What> = rig
        .of_node(nodes[0])
        .map(|(_, what)| what)
        .filter(|what| matches!(what, What::Passive | What::Active | What::BusOff))
        .collect();
    assert_eq!(states, [What::Passive, What::BusOff]);
    assert_eq!(rig.bus.send(nodes[0], frame(1, &[]), rig.now), Err(Error::BusOff));
    assert_eq!(rig.bus.pending(nodes[0]), Ok(0));
}

#[test]
fn the_way_back_is_128_times_11_recessive_bits() {
    let (mut rig, nodes) = failing();
    rig.run_for(Duration::from_millis(50));
    rig.bus.restart(nodes[0], rig.now).unwrap();
    let asked = rig.now;
    rig.run_for(Duration::from_millis(10));
    let back = rig.when(nodes[0], What::Synchronized).unwrap();
    assert_eq!(back - asked, Duration::from_nanos(2_000) * 128 * 11);
    assert_eq!(rig.bus.counters(nodes[0]), Ok(Counters::default()));
    rig.send(nodes[0], frame(0x123, &[]));
    rig.run_for(Duration::from_millis(1));
    assert_eq!(rig.received(nodes[1]), [frame(0x123, &[])]);
}

#[test]
fn on_a_busy_bus_every_frame_counts_once_on_the_way_back() {
    let (mut rig, nodes) = failing();
    rig.run_for(Duration::from_millis(50));
    let other = frame(0x100, &[0x55; 8]);
    let start = rig.now;
    rig.bus.restart(nodes[0], start).unwrap();
    for _ in 0..140 {
        rig.send(nodes[1], other);
        rig.run_for(Duration::from_nanos(2_000) * length(&other));
    }
    let back = rig.when(nodes[0], What::Synchronized).unwrap();
    assert_eq!(back - start, Duration::from_nanos(2_000) * length(&other) * 128);
}

#[test]
fn a_driver_that_restarts_by_itself_waits_its_time_first() {
    let config = Config { restart: Some(Duration::from_millis(100)), ..Config::default() };
    let (mut rig, nodes) = Rig::with(vec![config, Config::default()]);
    (0..40).for_each(|frame| rig.bus.disturb(nodes[0], frame, 30).unwrap());
    rig.send(nodes[0], frame(0x2a5, &[0x5a; 8]));
    rig.run_for(Duration::from_millis(500));
    let off = rig.when(nodes[0], What::BusOff).unwrap();
    let back = rig.when(nodes[0], What::Synchronized).unwrap();
    assert_eq!(back - off, Duration::from_millis(100) + Duration::from_nanos(2_000) * 128 * 11);
}

#[test]
fn a_passive_sender_leaves_the_bus_to_others_for_eight_bits() {
    let (mut rig, nodes) = Rig::of(3);
    (0..16).for_each(|frame| rig.bus.disturb(nodes[0], frame, 30).unwrap());
    let sent = frame(0x2a5, &[0x5a; 8]);
    (0..3).for_each(|_| rig.send(nodes[0], sent));
    rig.run_for(Duration::from_millis(50));
    // The first success leaves 127: active again. A failure makes it passive, and a success active.
    let gaps: Vec<_> = rig.sent(nodes[0]).windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [Duration::from_nanos(2_000) * length(&sent); 2]);

    (0..2).for_each(|frame| rig.bus.disturb(nodes[0], frame, 30).unwrap());
    let before = rig.events.len();
    (0..3).for_each(|_| rig.send(nodes[0], sent));
    rig.send(nodes[1], frame(0x7ff, &[]));
    rig.run_for(Duration::from_millis(50));
    assert!(rig.events[before..].iter().any(|event| event.what == What::Passive));
    let order: Vec<NodeId> = rig.events[before..]
        .iter()
        .filter(|event| matches!(event.what, What::Transmitted(_)))
        .map(|event| event.node)
        .collect();
    assert_eq!(order, [1, 0, 0, 0].map(|node| nodes[node]), "the lesser priority went first");
}

#[test]
fn a_passive_receiver_does_not_disturb_the_frame_it_cannot_read() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x2a5, &[0x5a; 8]);
    // One receiver finds the ACK delimiter wrong each time, nine counts each, until it is passive.
    (0..40).for_each(|frame| rig.bus.disturb(nodes[1], frame, length(&sent) - 3 - 7 - 1).unwrap());
    for _ in 0..25 {
        if rig.bus.pending(nodes[0]) == Ok(0) {
            rig.send(nodes[0], sent);
        }
        rig.run_for(Duration::from_micros(400));
    }
    let passive = rig.when(nodes[1], What::Passive).unwrap();
    let late: Vec<What> = rig.of_node(nodes[0]).filter(|(at, _)| *at > passive).map(|(_, what)| what).collect();
    let faults = late.iter().filter(|what| matches!(what, What::Error(_))).count();
    assert_eq!((faults, late.len() > 3), (0, true), "{late:?}");
}

#[test]
fn a_short_takes_senders_off_and_they_come_back_after_it() {
    let config = Config { restart: Some(Duration::from_millis(20)), ..Config::default() };
    let (mut rig, nodes) = Rig::with(vec![config, Config::default()]);
    rig.send(nodes[0], frame(0x123, &[1; 8]));
    rig.run_until(bit(50));
    rig.bus.cut(rig.now);
    rig.run_for(Duration::from_millis(2));
    let off = rig.when(nodes[0], What::BusOff).unwrap();
    assert!(off < Moment::from_nanos(1_000_000), "{off}");
    rig.bus.mend(rig.now);
    rig.run_for(Duration::from_millis(50));
    rig.send(nodes[0], frame(0x124, &[2]));
    rig.run_for(Duration::from_millis(1));
    assert_eq!(rig.received(nodes[1]), [frame(0x124, &[2])]);
}
