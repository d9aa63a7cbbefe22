//! Errors on the wire, and how long they take.

use proto::can::Field;

use super::*;

/// A frame of which some nodes see bit `at` flipped the first time: how many bits there are from that bit to the next
/// start of frame.
fn overhead(disturbed: &[usize], data: u8, at: u32) -> u32 {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x2a5, &[data; 8]);
    disturbed.iter().for_each(|node| rig.bus.disturb(nodes[*node], 0, at).unwrap());
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(2));
    assert_eq!(rig.received(nodes[1]), [sent], "{at}");
    let end = rig.sent(nodes[0])[0];
    let bits = u32::try_from((end - Moment::START).as_nanos() / 2_000).unwrap();
    bits - (length(&sent) - 3) - (at + 1)
}

#[test]
fn an_error_frame_has_6_to_12_bits_of_flags_then_8_and_3() {
    // Behind arbitration, which the sender would believe to have lost, and before the checksum.
    let lengths: Vec<u32> = (15..80).map(|at| overhead(&[0], 0x5a, at)).collect();
    assert!(lengths.iter().all(|length| (17..=23).contains(length)), "{lengths:?}");
    assert_eq!(lengths.iter().max(), Some(&23));
}

#[test]
fn an_error_that_all_see_at_once_takes_one_flag() {
    // A bit flipped for everybody: the receivers find the sixth equal bit when the sender finds its bit wrong.
    let length = |at| overhead(&[0, 1, 2], 0, at);
    assert_eq!((30..60).map(length).min(), Some(17));
}

#[test]
fn what_the_sender_does_not_see_costs_it_eight_and_the_finder_one() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x2a5, &[0x5a; 8]);
    // The ACK delimiter, seen dominant by one receiver.
    rig.bus.disturb(nodes[1], 0, length(&sent) - 3 - 7 - 1).unwrap();
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(2));
    let found = rig.errors(nodes[1])[0];
    assert_eq!((found.kind, found.field, found.role), (ErrorKind::Form, Some(Field::AckDelimiter), Role::Receiver));
    // One for the error, and eight because the others answered its flag: dominant after it.
    assert_eq!(found.counters.receive, 1);
    assert_eq!(rig.errors(nodes[0])[0].counters.transmit, 8);
    assert_eq!(rig.bus.counters(nodes[0]).unwrap().transmit, 7, "one less for the frame that went through");
    assert_eq!(rig.bus.counters(nodes[1]).unwrap().receive, 8);
    assert_eq!(rig.bus.counters(nodes[2]).unwrap().receive, 0);
    assert_eq!((rig.received(nodes[1]), rig.received(nodes[2])), (vec![sent], vec![sent]));
}

#[test]
fn a_checksum_error_is_signalled_after_the_ack_delimiter() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x2a5, &[0x5a; 8]);
    rig.bus.disturb(nodes[1], 0, 40).unwrap();
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(2));
    let (at, what) = rig.of_node(nodes[1]).next().unwrap();
    assert!(matches!(what, What::Error(BusError { kind: ErrorKind::Crc, field: Some(Field::AckDelimiter), .. })));
    assert_eq!(at, bit(length(&sent) - 3 - 7));
    assert_eq!(rig.received(nodes[2]), [sent]);
}

#[test]
fn an_error_in_the_last_bit_but_one_delivers_the_frame_twice() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x2a5, &[0x5a; 8]);
    rig.bus.disturb(nodes[1], 0, length(&sent) - 3 - 2).unwrap();
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(2));
    assert_eq!(rig.received(nodes[1]), [sent], "refused once");
    assert_eq!(rig.received(nodes[2]), [sent, sent], "accepted before the error flag");
    assert_eq!(rig.sent(nodes[0]).len(), 1);
}

#[test]
fn a_dominant_last_bit_is_no_error_to_a_receiver() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x2a5, &[0x5a; 8]);
    rig.bus.disturb(nodes[1], 0, length(&sent) - 3 - 1).unwrap();
    rig.send(nodes[0], sent);
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(2));
    assert_eq!(rig.errors(nodes[1]), []);
    assert_eq!(rig.received(nodes[2]), [sent, sent]);
    // An overload flag and its delimiter stand between the frames; six to twelve bits, and eight.
    let [first, second] = rig.sent(nodes[0])[..] else { panic!("{:?}", rig.events) };
    let gap = u32::try_from((second - first).as_nanos() / 2_000).unwrap() - length(&sent);
    assert!((14..=20).contains(&gap), "{gap}");
}

#[test]
fn an_error_in_the_data_phase_is_signalled_at_the_nominal_rate() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = Frame::fd(id(0x2a5), &[0x5a; 64]).unwrap();
    rig.bus.disturb(nodes[0], 0, 200).unwrap();
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(2));
    assert_eq!(rig.received(nodes[1]), [sent]);
    let whole = proto::can::bus_time(&sent, BitRates::COMMON);
    let again = rig.sent(nodes[0])[0] - Moment::START - (whole - Duration::from_micros(6));
    let until_error = again - Duration::from_nanos(2_000 * (6 + 8 + 3));
    // 17 nominal bits and the rest of 201 at the data rate; the others answer after six data bits.
    assert!(until_error.as_nanos() > 17 * 2_000 + 184 * 500 && until_error.as_nanos() < 17 * 2_000 + 190 * 500 + 2_000);
}

#[test]
fn a_classical_controller_destroys_fd_frames() {
    let (mut rig, nodes) =
        Rig::with(vec![Config::default(), Config::default(), Config { fd: false, ..Config::default() }]);
    assert_eq!(rig.bus.send(nodes[2], Frame::fd(id(1), &[1]).unwrap(), rig.now), Err(Error::NotFd));
    rig.send(nodes[0], Frame::fd(id(0x123), &[1; 8]).unwrap());
    rig.run_for(Duration::from_millis(50));
    // Until it is error passive: after that its flags are recessive, and frames get through between its waits.
    let found = rig.errors(nodes[2]);
    assert_eq!((found[0].kind, found[0].field), (ErrorKind::Form, Some(Field::Format)));
    assert!(rig.errors(nodes[0]).len() >= 15, "{}", rig.errors(nodes[0]).len());
}

#[test]
fn a_frame_nobody_acknowledges_is_repeated_for_ever_and_never_takes_its_sender_off() {
    let (mut rig, nodes) = Rig::of(1);
    rig.send(nodes[0], frame(0x123, &[1]));
    rig.run_for(Duration::from_secs(1));
    assert!(rig.errors(nodes[0]).iter().all(|error| error.kind == ErrorKind::Ack));
    assert!(rig.errors(nodes[0]).len() > 4_000);
    assert_eq!(rig.bus.counters(nodes[0]).unwrap().transmit, 128, "error passive, and no further");
    let late = rig.bus.attach(Config::default());
    rig.bus.power_on(late, rig.now).unwrap();
    rig.run_for(Duration::from_millis(1));
    assert_eq!(rig.received(late), [frame(0x123, &[1])]);
}
