//! Nodes that come and go.

use super::*;

#[test]
fn a_sender_that_loses_power_leaves_an_error_to_the_others() {
    let (mut rig, nodes) = Rig::of(3);
    rig.send(nodes[0], frame(0x123, &[0x5a; 8]));
    rig.run_until(bit(50));
    rig.bus.power_off(nodes[0], rig.now).unwrap();
    rig.send(nodes[1], frame(0x200, &[1]));
    rig.run_for(Duration::from_millis(2));
    for node in &nodes[1..] {
        assert_eq!(rig.errors(*node)[0].kind, ErrorKind::Stuff);
    }
    assert_eq!(rig.received(nodes[2]), [frame(0x200, &[1])]);
    assert_eq!(rig.bus.send(nodes[0], frame(1, &[]), rig.now), Err(Error::Off));
    // Silence is a stuff error after six bits; then 6 for the flags, 8 and 3; and a frame.
    let end = rig.sent(nodes[1])[0];
    assert!(end <= bit(50 + 6 + 6 + 8 + 3 + length(&frame(0x200, &[1]))), "{end}");
}

#[test]
fn nothing_before_the_cut_is_told_twice() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x123, &[0x5a; 8]);
    // Between the bit in which receivers accept and the one in which the sender knows.
    rig.send(nodes[0], sent);
    rig.run_until(bit(length(&sent) - 4));
    rig.bus.power_off(nodes[0], rig.now).unwrap();
    rig.run_for(Duration::from_millis(1));
    assert_eq!((rig.received(nodes[1]), rig.received(nodes[2])), (vec![sent], vec![sent]));
    assert_eq!((rig.sent(nodes[0]), rig.errors(nodes[1])), (vec![], vec![]));
}

#[test]
fn a_receiver_that_loses_power_changes_nothing_for_the_others() {
    let (mut rig, nodes) = Rig::of(3);
    let sent = frame(0x123, &[0x5a; 8]);
    rig.send(nodes[0], sent);
    rig.run_until(bit(50));
    rig.bus.power_off(nodes[1], rig.now).unwrap();
    rig.run_for(Duration::from_millis(1));
    assert_eq!(rig.sent(nodes[0]), [bit(length(&sent) - 3)]);
    assert_eq!((rig.received(nodes[1]), rig.received(nodes[2])), (vec![], vec![sent]));
}

#[test]
fn the_only_receiver_that_loses_power_leaves_the_frame_unacknowledged() {
    let (mut rig, nodes) = Rig::of(2);
    rig.send(nodes[0], frame(0x123, &[0x5a; 8]));
    rig.run_until(bit(50));
    rig.bus.power_off(nodes[1], rig.now).unwrap();
    rig.run_for(Duration::from_millis(1));
    assert_eq!(rig.errors(nodes[0])[0].kind, ErrorKind::Ack);
}

#[test]
fn a_node_that_gets_power_takes_part_after_eleven_recessive_bits() {
    let (mut rig, nodes) = Rig::of(3);
    rig.bus.power_off(nodes[2], rig.now).unwrap();
    let sent = frame(0x123, &[0x5a; 8]);
    rig.send(nodes[0], sent);
    rig.run_until(bit(50));
    rig.bus.power_on(nodes[2], rig.now).unwrap();
    rig.run_for(Duration::from_millis(1));
    // Acknowledgement delimiter, end of frame and interframe space are eleven.
    assert_eq!(rig.when(nodes[2], What::Synchronized), Some(bit(length(&sent))));
    assert_eq!(rig.received(nodes[2]), []);
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(1));
    assert_eq!(rig.received(nodes[2]), [sent]);
}

#[test]
fn a_reset_loses_what_was_to_be_sent_and_what_was_not_read() {
    let slow = Config { latency: Duration::from_millis(5), ..Config::default() };
    let (mut rig, nodes) = Rig::with(vec![slow, Config::default()]);
    rig.send(nodes[1], frame(0x100, &[]));
    rig.run_for(Duration::from_millis(1));
    rig.send(nodes[0], frame(0x200, &[]));
    rig.bus.reset(nodes[0], rig.now).unwrap();
    rig.run_for(Duration::from_millis(10));
    assert_eq!((rig.received(nodes[0]), rig.received(nodes[1])), (vec![], vec![]));
    assert_eq!(rig.when(nodes[0], What::Synchronized), Some(Moment::from_nanos(1_000_000 + 22_000)));
}
