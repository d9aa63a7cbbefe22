//! One image for many ECUs, over the bus.

use proto::broadcast::{Outcome, Why};
use proto::isotp::Framing;
use uptane::Length;

use super::*;
use crate::world::can::broadcast::{Broadcast, Group};
use crate::world::chance::PerBillion;

fn group(framing: Framing) -> Group {
    let config = Config { latency: Duration::from_micros(500), ..Config::default() };
    Group { rates: BitRates::COMMON, framing, ecus: 10, config, writing: Duration::ZERO, stalls: None }
}

fn image(len: usize) -> Vec<u8> {
    let mut image = vec![0; len];
    Chance::seeded(5).fill(&mut image);
    image
}

/// Runs until all is over; every ECU must have the image.
fn arrives(group: &Group, len: usize) -> Broadcast {
    let mut broadcast = Broadcast::new(group, image(len), &Chance::seeded(1)).unwrap();
    broadcast.run().unwrap();
    assert!(broadcast.outcomes().all(|outcome| outcome == Outcome::Complete));
    assert!((0..group.ecus).all(|ecu| broadcast.flash(ecu) == image(len)));
    broadcast
}

#[test]
fn ten_ecus_have_an_image_in_the_time_of_its_frames_and_three_milliseconds_for_each_window() {
    let len = 16_384;
    let broadcast = arrives(&group(Framing::CLASSICAL), len);
    // Frames of 7 bytes with 111 to 122 bits at 500 kbit/s; ten windows of 240 frames.
    let frames = Duration::from_nanos(2_000) * 111 * 2_341..=Duration::from_nanos(2_000) * 122 * 2_341;
    let took = broadcast.now() - Moment::START;
    assert!(frames.contains(&(took - Duration::from_millis(3) * 10 - Duration::from_millis(5))), "{took:?}");
    assert_eq!((broadcast.overruns(), broadcast.load().failures), (0, 0));
}

#[test]
fn fd_frames_carry_it_as_well() {
    let took = arrives(&group(Framing::FD), 16_384).now() - Moment::START;
    assert!(took < Duration::from_millis(125), "{took:?}");
}

#[test]
fn what_receivers_lose_is_said_again() {
    let mut group = group(Framing::CLASSICAL);
    group.stalls = Some((Duration::from_millis(20), Duration::from_millis(300)));
    let broadcast = arrives(&group, 16_384);
    assert!(broadcast.overruns() > 50, "{}", broadcast.overruns());
}

#[test]
fn an_ecu_whose_cpu_only_writes_while_it_writes_loses_nothing_its_fifo_can_hold() {
    let mut group = group(Framing::CLASSICAL);
    group.writing = Duration::from_millis(8);
    assert_eq!(arrives(&group, 16_384).overruns(), 0);
}

#[test]
fn bit_errors_are_repaired_below() {
    let mut group = group(Framing::CLASSICAL);
    (group.ecus, group.config.noise) = (3, PerBillion::new(20_000));
    let broadcast = arrives(&group, 4_096);
    assert!(broadcast.load().failures > 2, "{:?}", broadcast.load());
}

#[test]
fn an_ecu_that_loses_power_is_dropped_and_one_that_gets_it_back_goes_on_in_the_end() {
    let mut broadcast = Broadcast::new(&group(Framing::CLASSICAL), image(16_384), &Chance::seeded(1)).unwrap();
    broadcast.run_until(Moment::START + Duration::from_millis(150)).unwrap();
    [3, 7].into_iter().for_each(|ecu| broadcast.power_off(ecu).unwrap());
    broadcast.run_until(Moment::START + Duration::from_millis(400)).unwrap();
    broadcast.power_on(7).unwrap();
    broadcast.run().unwrap();
    // Two windows were whole; the answer to the second poll told of the first.
    assert_eq!(broadcast.flash(3).len(), 3_360);
    let dropped = Outcome::Dropped { at: Length::new(1_680).unwrap(), why: Why::Silent };
    for (ecu, outcome) in broadcast.outcomes().enumerate() {
        match ecu {
            3 => assert_eq!(outcome, dropped),
            _ => assert_eq!((outcome, broadcast.flash(ecu)), (Outcome::Complete, &image(16_384)[..])),
        }
    }
}

#[test]
fn an_ecu_that_is_bus_off_is_dropped() {
    let group = Group { ecus: 3, ..group(Framing::CLASSICAL) };
    let mut broadcast = Broadcast::new(&group, image(4_096), &Chance::seeded(1)).unwrap();
    let node = broadcast.node(1).unwrap();
    broadcast.run_until(Moment::START + Duration::from_millis(50)).unwrap();
    // It says something, and sees a bit of it flipped however often it does.
    let now = broadcast.now();
    broadcast.bus_mut().send(node, frame(1, &[0; 8]), now).unwrap();
    (0..200).for_each(|frame| broadcast.bus_mut().disturb(node, frame, 40).unwrap());
    broadcast.run().unwrap();
    let now = broadcast.now();
    assert_eq!(broadcast.bus_mut().send(node, frame(1, &[]), now), Err(Error::BusOff));
    let silent = Outcome::Dropped { at: Length::ZERO, why: Why::Silent };
    assert!(broadcast.outcomes().eq([Outcome::Complete, silent, Outcome::Complete]));
}

#[test]
fn without_a_bus_it_ends() {
    let group = Group { ecus: 2, ..group(Framing::CLASSICAL) };
    let mut broadcast = Broadcast::new(&group, image(4_096), &Chance::seeded(1)).unwrap();
    broadcast.run_until(Moment::START + Duration::from_millis(50)).unwrap();
    let now = broadcast.now();
    broadcast.bus_mut().cut(now);
    broadcast.run().unwrap();
    let dropped = |outcome| matches!(outcome, Outcome::Dropped { at: Length::ZERO, why: Why::Silent | Why::Bus });
    assert!(broadcast.outcomes().all(dropped));
}
