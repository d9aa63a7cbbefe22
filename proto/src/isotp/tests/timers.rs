//! The timers, and when each begins to run.

use alloc::collections::VecDeque;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// The two ends of a session whose drivers confirm.
fn confirming() -> [Link<ROOM, ROOM>; 2] {
    configs(Framing::CLASSICAL).map(|config| Link::new(Config { confirms: true, ..config }))
}

fn due<const RX: usize, const TX: usize>(link: &mut Link<RX, TX>, now: Duration) -> Frame {
    link.poll(now).unwrap().expect("a frame is due")
}

/// Flow control for whom sends on the first identifier.
fn flow_control(status: u8, block_size: u8, separation: u8) -> Frame {
    Frame::classical(ids()[1], &[0x30 | status, block_size, separation]).unwrap()
}

/// A first frame, then consecutive ones, of a message of 20 bytes, as the second end hears them.
fn part(number: u8) -> Frame {
    let data = [if number == 0 { 0x10 } else { 0x20 | number }, 20, 0, 0, 0, 0, 0, 0];
    Frame::classical(ids()[0], &data).unwrap()
}

#[test]
fn a_message_is_on_its_way_until_its_last_frame_has_left() {
    let [mut link, _] = confirming();
    link.send(&[1], Duration::ZERO).unwrap();
    let frame = due(&mut link, Duration::ZERO);
    assert!(link.is_sending());
    assert_eq!(link.send(&[2], Duration::ZERO), Err(Error::Busy));
    link.confirm(&frame, 5 * MS);
    assert!(!link.is_sending());
    assert_eq!(link.deadline(), None);
}

#[test]
fn a_frame_that_has_not_left_in_time_ends_the_message_of_the_sender() {
    let [mut link, _] = confirming();
    link.send(&message(20), Duration::ZERO).unwrap();
    due(&mut link, 10 * MS);
    assert_eq!(link.deadline(), Some(10 * MS + BUS_TIMEOUT));
    assert_eq!(link.poll(9 * MS + BUS_TIMEOUT), Ok(None));
    assert_eq!(link.poll(10 * MS + BUS_TIMEOUT), Err(Error::SendTimeout));
    assert!(!link.is_sending());
    link.send(&[1], 2 * BUS_TIMEOUT).unwrap();
    due(&mut link, 2 * BUS_TIMEOUT);
}

#[test]
fn flow_control_that_has_not_left_in_time_ends_the_message_of_the_receiver() {
    let [_, mut link] = confirming();
    link.handle(&part(0), Duration::ZERO).unwrap();
    due(&mut link, 10 * MS);
    assert_eq!(link.deadline(), Some(10 * MS + BUS_TIMEOUT));
    assert_eq!(link.poll(9 * MS + BUS_TIMEOUT), Ok(None));
    assert_eq!(link.poll(10 * MS + BUS_TIMEOUT), Err(Error::SendTimeout));
    assert!(!link.is_receiving());
}

#[test]
fn a_receiver_has_its_time_for_flow_control_from_when_the_first_frame_left() {
    let [mut link, _] = confirming();
    link.send(&message(20), Duration::ZERO).unwrap();
    let first = due(&mut link, Duration::ZERO);
    link.confirm(&first, 400 * MS);
    assert_eq!(link.deadline(), Some(400 * MS + FLOW_TIMEOUT));
    assert_eq!(link.poll(399 * MS + FLOW_TIMEOUT), Ok(None));
    assert_eq!(link.poll(400 * MS + FLOW_TIMEOUT), Err(Error::FlowTimeout));
}

#[test]
fn a_receiver_has_its_time_for_flow_control_from_when_the_last_frame_of_a_block_left() {
    let [mut link, _] = confirming();
    link.send(&message(20), Duration::ZERO).unwrap();
    let first = due(&mut link, Duration::ZERO);
    link.confirm(&first, Duration::ZERO);
    link.handle(&flow_control(0, 1, 0), Duration::ZERO).unwrap();
    let next = due(&mut link, Duration::ZERO);
    link.confirm(&next, 400 * MS);
    assert_eq!(link.poll(399 * MS + FLOW_TIMEOUT), Ok(None));
    assert_eq!(link.poll(400 * MS + FLOW_TIMEOUT), Err(Error::FlowTimeout));
}

#[test]
fn a_sender_has_its_time_for_a_consecutive_frame_from_when_flow_control_left() {
    let [_, mut link] = confirming();
    link.handle(&part(0), Duration::ZERO).unwrap();
    let flow = due(&mut link, Duration::ZERO);
    link.confirm(&flow, 700 * MS);
    assert_eq!(link.deadline(), Some(700 * MS + CONSECUTIVE_TIMEOUT));
    link.handle(&part(1), 800 * MS).unwrap();
    assert_eq!(link.poll(799 * MS + CONSECUTIVE_TIMEOUT), Ok(None), "each frame gives it its time anew");
    assert_eq!(link.poll(800 * MS + CONSECUTIVE_TIMEOUT), Err(Error::ConsecutiveTimeout));
}

#[test]
fn the_separation_counts_from_when_a_frame_left() {
    let [mut link, _] = confirming();
    link.send(&message(30), Duration::ZERO).unwrap();
    let first = due(&mut link, Duration::ZERO);
    link.confirm(&first, Duration::ZERO);
    link.handle(&flow_control(0, 0, 10), Duration::ZERO).unwrap();
    let next = due(&mut link, Duration::ZERO);
    assert_eq!(link.poll(15 * MS), Ok(None), "it has not left");
    link.confirm(&next, 30 * MS);
    assert_eq!(link.deadline(), Some(40 * MS));
    assert_eq!(link.poll(39 * MS), Ok(None));
    due(&mut link, 40 * MS);
}

#[test]
fn an_answer_shows_that_a_frame_has_left_and_its_late_confirmation_counts_for_no_other() {
    let [mut link, _] = confirming();
    link.send(&message(20), Duration::ZERO).unwrap();
    let first = due(&mut link, Duration::ZERO);
    link.handle(&flow_control(0, 0, 0), MS).unwrap();
    let next = due(&mut link, MS);
    link.confirm(&first, 2 * MS);
    assert_eq!(link.poll(2 * MS), Ok(None));
    link.confirm(&next, 3 * MS);
    due(&mut link, 3 * MS);
}

#[test]
fn what_a_driver_that_does_not_confirm_says_of_frames_is_ignored() {
    let [config, _] = configs(Framing::CLASSICAL);
    let mut link = Link::<0, 20>::new(config);
    link.send(&message(20), Duration::ZERO).unwrap();
    let first = due(&mut link, Duration::ZERO);
    link.confirm(&first, 400 * MS);
    assert_eq!(link.deadline(), Some(FLOW_TIMEOUT));
}

/// Whether a message of 50 bytes arrives on a bus that takes so long for each frame.
fn arrives(confirms: bool, delay: Duration) -> bool {
    let mut ends = configs(Framing::CLASSICAL).map(|config| Link::<50, 50>::new(Config { confirms, ..config }));
    let (mut now, mut free) = (Duration::ZERO, Duration::ZERO);
    let mut flying = VecDeque::new();
    ends[0].send(&message(50), now).unwrap();
    loop {
        for from in [0, 1] {
            let Ok(polled) = ends[from].poll(now) else { return false };
            if let Some(frame) = polled {
                free = free.max(now) + delay;
                flying.push_back((free, from, frame));
            }
        }
        let deadlines = ends.iter().filter_map(Link::deadline);
        now = deadlines.chain(flying.front().map(|(at, ..)| *at)).min().unwrap().max(now);
        let Some((_, from, frame)) = flying.pop_front_if(|(at, ..)| *at <= now) else { continue };
        ends[from].confirm(&frame, now);
        if ends[1 - from].handle(&frame, now).unwrap().is_some() {
            return true;
        }
    }
}

#[test]
fn on_a_busy_bus_a_message_arrives_if_the_driver_confirms() {
    assert!(arrives(true, 900 * MS));
    assert!(arrives(false, 400 * MS));
    assert!(!arrives(false, 900 * MS), "the time of frames on their way counts as the other end's");
}

#[test]
fn a_message_to_many_is_on_its_way_until_it_has_left() {
    let group = Address::normal(Id::standard(0x7df).unwrap());
    let mut functional = Functional::new(Framing::CLASSICAL, group).confirmed();
    functional.send(&[1], Duration::ZERO).unwrap();
    let frame = functional.poll(Duration::ZERO).unwrap().unwrap();
    assert_eq!(functional.send(&[2], Duration::ZERO), Err(Error::Busy));
    functional.confirm(&frame);
    functional.send(&[2], 5 * MS).unwrap();
    functional.poll(5 * MS).unwrap().unwrap();
    assert_eq!(functional.deadline(), Some(5 * MS + BUS_TIMEOUT));
    assert_eq!(functional.poll(5 * MS + BUS_TIMEOUT), Err(Error::SendTimeout));
    assert!(!functional.is_sending());
}

#[test]
fn a_port_gives_a_confirmation_to_the_session_whose_frame_it_is() {
    let [send, receive] = ids();
    let configs = [0x10, 0x11].map(|peer| {
        let addressing = Addressing::Extended { send, receive, own: peer + 1, peer };
        Config { confirms: true, ..Config::with(Framing::CLASSICAL, addressing) }
    });
    let group = Functional::new(Framing::CLASSICAL, Address::normal(Id::standard(0x7df).unwrap())).confirmed();
    let mut port = Port::<2, 8, 8>::new(configs, Some(group)).unwrap();
    (0..2).for_each(|number| port.link_mut(number).unwrap().send(&[1], Duration::ZERO).unwrap());
    port.functional_mut().unwrap().send(&[1], Duration::ZERO).unwrap();
    let frames: Vec<Frame> = core::iter::from_fn(|| port.poll(Duration::ZERO).unwrap()).collect();
    let sending = |port: &mut Port<2, 8, 8>| {
        let links = [0, 1].map(|number| port.link(number).unwrap().is_sending());
        (links, port.functional_mut().unwrap().is_sending())
    };
    port.confirm(&frames[1], MS);
    assert_eq!(sending(&mut port), ([true, false], true));
    port.confirm(&frames[2], MS);
    assert_eq!(sending(&mut port), ([true, false], false));
}
