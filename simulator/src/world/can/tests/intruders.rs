//! Noise that comes and goes, and nodes that send what they should not.

use crate::world::chance::PerBillion;

use super::*;

/// Frames of a second in which a node sends as fast as it can, and errors that are found.
fn a_second(rig: &mut Rig, nodes: &[NodeId]) -> (usize, usize) {
    let before = rig.events.len();
    let end = rig.now + Duration::from_secs(1);
    while rig.now < end {
        let _full = rig.bus.send(nodes[0], frame(0x123, &[0xa5; 8]), rig.now);
        rig.run_for(Duration::from_micros(100));
    }
    let new = &rig.events[before..];
    let sent = new.iter().filter(|event| matches!(event.what, What::Transmitted(_))).count();
    (sent, new.iter().filter(|event| matches!(event.what, What::Error(_))).count())
}

#[test]
fn noise_disturbs_frames_from_when_it_is_set_until_it_is_taken_away() {
    let (mut rig, nodes) = Rig::of(2);
    let (all, none) = a_second(&mut rig, &nodes);
    assert!(all > 4_000 && none == 0, "{all} {none}");
    // Of a frame's hundred bits at two nodes.
    rig.bus.set_noise(PerBillion::new(100_000), rig.now);
    let (sent, errors) = a_second(&mut rig, &nodes);
    assert!(sent < all && (60..300).contains(&errors), "{sent} {errors}");
    rig.bus.set_noise(PerBillion::NEVER, rig.now);
    // What was disturbed before may still be signalled.
    assert!(a_second(&mut rig, &nodes).1 <= 2);
    assert_eq!(a_second(&mut rig, &nodes).1, 0);
}

#[test]
fn a_flood_that_wins_the_bus_leaves_nothing_of_it_until_it_ends() {
    let (mut rig, nodes) = Rig::of(3);
    let message = Message { id: id(0), period: Duration::from_micros(100) };
    let traffic = Traffic::flood(message, Says::Anything, Moment::START, Chance::seeded(3));
    rig.bus.add_traffic(nodes[2], traffic).unwrap();
    rig.run_for(Duration::from_millis(1));
    rig.send(nodes[0], frame(0x123, &[1]));
    rig.run_for(Duration::from_millis(500));
    assert_eq!(rig.sent(nodes[0]), []);
    rig.bus.stop_traffic(nodes[2], rig.now).unwrap();
    rig.run_for(Duration::from_millis(2));
    assert_eq!(rig.sent(nodes[0]).len(), 1);
}

#[test]
fn two_nodes_that_send_one_identifier_at_once_and_differ_drive_each_other_off() {
    let (mut rig, nodes) = Rig::of(3);
    let message = Message { id: id(0x123), period: Duration::from_micros(100) };
    let traffic = Traffic::flood(message, Says::Anything, Moment::START, Chance::seeded(3));
    rig.bus.add_traffic(nodes[2], traffic).unwrap();
    a_second(&mut rig, &nodes);
    let off = nodes.iter().filter(|node| rig.when(**node, What::BusOff).is_some()).count();
    assert!(off > 0 && rig.when(nodes[1], What::BusOff).is_none(), "{off}");
}
