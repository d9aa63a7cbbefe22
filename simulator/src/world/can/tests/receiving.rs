//! From the controller to the CPU.

use super::*;

fn slow(fifo: usize, latency: Duration) -> (Rig, Vec<NodeId>) {
    let config = Config { fifo, latency, ..Config::default() };
    Rig::with(vec![Config { mailboxes: 10, order: Order::Fifo, ..Config::default() }, config, Config::default()])
}

#[test]
fn the_cpu_has_a_frame_after_its_latency() {
    let (mut rig, nodes) = slow(3, Duration::from_micros(500));
    let sent = frame(0x100, &[1]);
    rig.send(nodes[0], sent);
    rig.run_for(Duration::from_millis(2));
    let arrived = rig.when(nodes[2], What::Received(sent)).unwrap();
    assert_eq!(rig.when(nodes[1], What::Received(sent)), Some(arrived + Duration::from_micros(500)));
}

#[test]
fn a_full_fifo_loses_the_frame_that_comes_next() {
    let (mut rig, nodes) = slow(3, Duration::from_millis(10));
    let frames: Vec<Frame> = (0..5).map(|count| frame(0x100, &[count])).collect();
    frames.iter().for_each(|frame| rig.send(nodes[0], *frame));
    rig.run_for(Duration::from_millis(30));
    assert_eq!(rig.received(nodes[1]), frames[..3]);
    assert_eq!(rig.received(nodes[2]), frames, "others lose nothing, and the sender knows nothing of it");
    assert!(rig.when(nodes[1], What::Overrun(frames[3])).is_some());
    assert_eq!(rig.sent(nodes[0]).len(), 5);
}

#[test]
fn a_cpu_that_is_busy_reads_late_and_in_order() {
    let (mut rig, nodes) = slow(64, Duration::ZERO);
    let until = Moment::from_nanos(20_000_000);
    rig.bus.hold(nodes[1], until, rig.now).unwrap();
    let frames: Vec<Frame> = (0..5).map(|count| frame(0x100, &[count])).collect();
    frames.iter().for_each(|frame| rig.send(nodes[0], *frame));
    rig.run_for(Duration::from_millis(30));
    assert_eq!(rig.received(nodes[1]), frames);
    assert!(rig.of_node(nodes[1]).all(|(at, _)| at == until));
}

#[test]
fn filters_let_through_what_they_name() {
    let filters = vec![Filter::exactly(id(0x7e0)), Filter::new(id(0x100), 0x7f0)];
    let (mut rig, nodes) = Rig::with(vec![
        Config { mailboxes: 10, order: Order::Fifo, ..Config::default() },
        Config { filters, ..Config::default() },
    ]);
    let extended = Frame::classical(Id::extended(0x7e0).unwrap(), &[]).unwrap();
    for sent in [frame(0x7e0, &[]), frame(0x7e1, &[]), frame(0x10f, &[]), frame(0x110, &[]), extended] {
        rig.send(nodes[0], sent);
    }
    rig.run_for(Duration::from_millis(5));
    assert_eq!(rig.received(nodes[1]), [frame(0x7e0, &[]), frame(0x10f, &[])]);
}

#[test]
fn background_traffic_is_sent_by_its_node_and_loses_what_finds_no_room() {
    let (mut rig, nodes) = Rig::of(2);
    let log = "(0.0) can0 100#01\n(0.0) can0 101#02\n(0.0) can0 102#03\n(0.0) can0 103#04\n(0.010000) can0 104#05\n";
    let traffic = Traffic::recorded(log, None, Moment::from_nanos(1_000)).unwrap();
    rig.bus.add_traffic(nodes[0], traffic).unwrap();
    rig.run_for(Duration::from_millis(20));
    let got: Vec<u32> = rig.received(nodes[1]).iter().map(|frame| frame.id().raw()).collect();
    assert_eq!(got, [0x100, 0x101, 0x102, 0x104]);
}
