//! Whose turn it is: flow control, and who gives up when.

use super::*;

#[test]
fn separation_is_milliseconds_or_hundreds_of_microseconds_and_reserved_bytes_are_the_longest() {
    let time = |byte| Separation::from_byte(byte).time();
    assert_eq!(time(0x00), Duration::ZERO);
    assert_eq!(time(0x7f), Duration::from_millis(127));
    assert_eq!(time(0xf1), Duration::from_micros(100));
    assert_eq!(time(0xf9), Duration::from_micros(900));
    for reserved in [0x80, 0xf0, 0xfa, 0xff] {
        assert_eq!(time(reserved), Duration::from_millis(127));
    }
}

#[test]
fn the_sender_keeps_the_separation_the_receiver_asks_for() {
    let mut configs = configs(Framing::CLASSICAL);
    configs[1].separation = Separation::from_byte(5);
    let mut bus = Bus::new(configs, no_fault);
    bus.carry(&message(6 + 7 * 10));
    assert_eq!(bus.now, Duration::from_millis(9 * 5));
}

#[test]
fn a_message_longer_than_the_buffer_is_refused_to_both_ends() {
    let [sender, receiver] = configs(Framing::FD);
    let (mut long, mut short) = (Link::<0, 200>::new(sender), Link::<100, 0>::new(receiver));
    long.send(&message(200), Duration::ZERO).unwrap();
    let first = long.poll(Duration::ZERO).unwrap().unwrap();
    assert_eq!(short.handle(&first, Duration::ZERO), Err(Error::TooLong { len: 200, most: 100 }));
    let overflow = short.poll(Duration::ZERO).unwrap().unwrap();
    assert_eq!(overflow.data(), [0x32, 0, 0, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc]);
    assert_eq!(long.handle(&overflow, Duration::ZERO), Err(Error::PeerOverflow));
    assert!(!long.is_sending() && !short.is_receiving());
}

/// A link whose first frame is out.
fn first_sent() -> Link<0, 20> {
    let [config, _] = configs(Framing::CLASSICAL);
    let mut link = Link::new(config);
    link.send(&message(20), Duration::ZERO).unwrap();
    link.poll(Duration::ZERO).unwrap().unwrap();
    link
}

/// Flow control of this status arrives.
fn flow(link: &mut Link<0, 20>, status: u8, now: Duration) -> Result<(), Error> {
    let frame = Frame::classical(ids()[1], &[0x30 | status, 0, 0]).unwrap();
    link.handle(&frame, now).map(|message| assert_eq!(message, None))
}

/// What becomes of a message if flow control of this status arrives so often.
fn answered(status: u8, times: u32) -> Result<(), Error> {
    let mut link = first_sent();
    (0..times).try_for_each(|_| flow(&mut link, status, Duration::ZERO))
}

#[test]
fn a_receiver_may_ask_to_wait_as_often_as_configured() {
    assert_eq!(answered(1, 8), Ok(()));
    assert_eq!(answered(1, 9), Err(Error::WaitLimit));
}

#[test]
fn a_reserved_flow_status_ends_the_message() {
    assert_eq!(answered(3, 1), Err(Error::BadFlowStatus { status: 3 }));
}

#[test]
fn a_wait_frame_gives_the_receiver_its_time_anew() {
    let mut link = first_sent();
    flow(&mut link, 1, FLOW_TIMEOUT / 2).unwrap();
    assert_eq!(link.poll(FLOW_TIMEOUT), Ok(None));
    assert_eq!(link.poll(FLOW_TIMEOUT * 3 / 2), Err(Error::FlowTimeout));
}

#[test]
fn a_first_frame_interrupts_a_message_and_begins_its_own() {
    let [_, config] = configs(Framing::CLASSICAL);
    let mut link = Link::<20, 0>::new(config);
    let frame = |data| Frame::classical(ids()[0], data).unwrap();
    let first = frame(&[0x10, 9, 1, 2, 3, 4, 5, 6]);
    assert_eq!(link.handle(&first, Duration::ZERO), Ok(None));
    assert_eq!(link.handle(&first, Duration::ZERO), Err(Error::Interrupted));
    link.poll(Duration::ZERO).unwrap().unwrap();
    let last = frame(&[0x21, 7, 8, 9]);
    assert_eq!(link.handle(&last, Duration::ZERO), Ok(Some(&[1, 2, 3, 4, 5, 6, 7, 8, 9][..])));
}

#[test]
fn a_single_frame_interrupts_a_message() {
    let [_, config] = configs(Framing::CLASSICAL);
    let mut link = Link::<20, 0>::new(config);
    let frame = |data| Frame::classical(ids()[0], data).unwrap();
    link.handle(&frame(&[0x10, 9, 1, 2, 3, 4, 5, 6]), Duration::ZERO).unwrap();
    assert_eq!(link.handle(&frame(&[1, 9]), Duration::ZERO), Ok(Some(&[9][..])));
    assert!(!link.is_receiving());
}

#[test]
fn a_frame_the_bus_does_not_take_ends_the_message() {
    let [config, _] = configs(Framing::CLASSICAL);
    let mut link = Link::<8, 8>::new(config);
    link.send(&[1], Duration::ZERO).unwrap();
    assert_eq!(link.send(&[1], Duration::ZERO), Err(Error::Busy));
    assert_eq!(link.poll(BUS_TIMEOUT), Err(Error::SendTimeout));
    assert!(!link.is_sending());
}
