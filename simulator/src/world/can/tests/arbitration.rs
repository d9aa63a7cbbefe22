//! Who gets the bus.

use super::*;

#[test]
fn the_least_identifier_goes_first_in_the_order_of_the_wire() {
    let extended = Id::extended(0x100 << 18).unwrap();
    let frames = [
        frame(0x101, &[]),
        Frame::remote(extended, 0).unwrap(),
        Frame::classical(extended, &[1]).unwrap(),
        Frame::remote(id(0x100), 0).unwrap(),
        frame(0x100, &[7]),
    ];
    let (mut rig, nodes) = Rig::of(6);
    for (node, frame) in nodes.iter().zip(frames) {
        rig.send(*node, frame);
    }
    rig.run_for(Duration::from_millis(5));
    let mut expected = frames.to_vec();
    expected.reverse();
    assert_eq!(rig.received(nodes[5]), expected);
}

#[test]
fn a_frame_that_comes_later_waits_whatever_its_identifier() {
    let (mut rig, nodes) = Rig::of(3);
    rig.send(nodes[0], frame(0x700, &[0; 8]));
    rig.run_until(bit(10));
    rig.send(nodes[1], frame(0x001, &[]));
    rig.run_for(Duration::from_millis(1));
    assert_eq!(rig.received(nodes[2]), [frame(0x700, &[0; 8]), frame(0x001, &[])]);
}

#[test]
fn a_controller_sends_by_priority_or_in_order_as_it_is_made() {
    let frames = [frame(0x300, &[]), frame(0x200, &[]), frame(0x100, &[]), frame(0x200, &[1])];
    let run = |order| {
        let (mut rig, nodes) = Rig::with(vec![Config { order, mailboxes: 4, ..Config::default() }, Config::default()]);
        frames.iter().for_each(|frame| rig.send(nodes[0], *frame));
        rig.run_for(Duration::from_millis(2));
        rig.received(nodes[1])
    };
    assert_eq!(run(Order::Fifo), frames);
    assert_eq!(run(Order::Priority), [frames[2], frames[1], frames[3], frames[0]]);
}

#[test]
fn two_nodes_may_send_the_very_same_frame_at_once() {
    let (mut rig, nodes) = Rig::of(3);
    rig.send(nodes[0], frame(0x123, &[1]));
    rig.send(nodes[1], frame(0x123, &[1]));
    rig.run_for(Duration::from_millis(1));
    assert_eq!(rig.sent(nodes[0]), rig.sent(nodes[1]));
    assert_eq!((rig.received(nodes[2]).len(), rig.bus.load().frames), (1, 1));
}

#[test]
fn one_identifier_with_two_senders_ends_in_bit_errors_until_one_is_passive() {
    let (mut rig, nodes) = Rig::of(3);
    rig.send(nodes[0], frame(0x123, &[0x0f]));
    rig.send(nodes[1], frame(0x123, &[0xf0]));
    rig.run_for(Duration::from_millis(20));
    let first = |node: NodeId| rig.errors(node)[0];
    assert_eq!(first(nodes[1]).kind, ErrorKind::Bit(true), "its recessive bit was overwritten");
    assert_eq!(first(nodes[0]).kind, ErrorKind::Bit(true), "it met the other's error flag");
    // After sixteen times both are passive; the flag of one no longer disturbs the other.
    assert_eq!((rig.errors(nodes[0]).len(), rig.errors(nodes[1]).len()), (16, 17));
    assert_eq!(rig.received(nodes[2]), [frame(0x123, &[0x0f]), frame(0x123, &[0xf0])]);
}

#[test]
fn an_fd_frame_loses_to_a_classical_one_with_its_identifier_by_a_bit_error() {
    let (mut rig, nodes) = Rig::of(3);
    rig.send(nodes[0], Frame::fd(id(0x123), &[1]).unwrap());
    rig.send(nodes[1], frame(0x123, &[1]));
    rig.run_until(bit(40));
    assert_eq!(rig.errors(nodes[0])[0].field, Some(proto::can::Field::Format));
}
