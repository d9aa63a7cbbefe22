//! A receiver that has no room for more asks to wait.

use super::*;

/// A receiver that has heard a first frame, with room or without.
fn begun(config: impl FnOnce(&mut Config), ready: bool) -> Link<20, 0> {
    let [_, mut receiving] = configs(Framing::CLASSICAL);
    config(&mut receiving);
    let mut link = Link::new(receiving);
    link.set_ready(ready);
    link.handle(&Frame::classical(ids()[0], &[0x10, 20, 1, 2, 3, 4, 5, 6]).unwrap(), Duration::ZERO).unwrap();
    link
}

fn next(link: &mut Link<20, 0>, sequence: u8, now: Duration) {
    let frame = Frame::classical(ids()[0], &[0x20 | sequence, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(link.handle(&frame, now), Ok(None));
}

/// The flow status that is due.
fn status(link: &mut Link<20, 0>, now: Duration) -> Option<u8> {
    link.poll(now).unwrap().map(|frame| frame.data()[0] & 15)
}

#[test]
fn without_room_the_sender_waits_until_there_is_some() {
    let mut link = begun(|_| (), false);
    assert_eq!(link.deadline(), Some(Duration::ZERO));
    assert_eq!(status(&mut link, Duration::ZERO), Some(1));
    assert_eq!(link.deadline(), Some(WAIT_INTERVAL));
    assert_eq!(status(&mut link, WAIT_INTERVAL / 2), None);
    assert_eq!(status(&mut link, WAIT_INTERVAL), Some(1));
    link.set_ready(true);
    assert!(link.deadline() <= Some(WAIT_INTERVAL));
    assert_eq!(status(&mut link, WAIT_INTERVAL), Some(0));
    assert_eq!(link.deadline(), Some(WAIT_INTERVAL + CONSECUTIVE_TIMEOUT));
}

#[test]
fn a_sender_waits_between_blocks_as_before_the_first() {
    let mut link = begun(|config| config.block_size = 1, true);
    assert_eq!(status(&mut link, Duration::ZERO), Some(0));
    link.set_ready(false);
    next(&mut link, 1, Duration::ZERO);
    assert_eq!(status(&mut link, Duration::ZERO), Some(1));
    link.set_ready(true);
    assert_eq!(status(&mut link, Duration::ZERO), Some(0));
}

#[test]
fn a_block_that_was_allowed_is_taken_whether_there_is_room_or_not() {
    let mut link = begun(|_| (), true);
    assert_eq!(status(&mut link, Duration::ZERO), Some(0));
    link.set_ready(false);
    next(&mut link, 1, Duration::ZERO);
    assert_eq!(link.poll(Duration::ZERO), Ok(None));
    let last = Frame::classical(ids()[0], &[0x22, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert!(link.handle(&last, Duration::ZERO).unwrap().is_some());
}

#[test]
fn after_all_the_waits_there_may_be_the_message_is_given_up() {
    for waits in [0, 1, 8] {
        let mut link = begun(|config| config.waits = waits, false);
        let mut now = Duration::ZERO;
        for _ in 0..waits {
            assert_eq!(status(&mut link, now), Some(1));
            now += WAIT_INTERVAL;
        }
        assert_eq!(link.deadline(), Some(now));
        assert_eq!(link.poll(now), Err(Error::NotReady));
        assert!(!link.is_receiving());
    }
}

#[test]
fn the_waits_are_counted_anew_after_each_leave_to_go_on() {
    let mut link = begun(|config| (config.block_size, config.waits) = (1, 1), false);
    assert_eq!(status(&mut link, Duration::ZERO), Some(1));
    link.set_ready(true);
    assert_eq!(status(&mut link, Duration::ZERO), Some(0));
    link.set_ready(false);
    next(&mut link, 1, Duration::ZERO);
    assert_eq!(status(&mut link, Duration::ZERO), Some(1));
    assert_eq!(link.poll(WAIT_INTERVAL), Err(Error::NotReady));
}

#[test]
fn the_next_wait_counts_from_when_the_one_before_left() {
    let mut link = begun(|config| config.confirms = true, false);
    let wait = link.poll(Duration::ZERO).unwrap().unwrap();
    link.confirm(&wait, WAIT_INTERVAL / 2);
    assert_eq!(status(&mut link, WAIT_INTERVAL), None);
    assert_eq!(status(&mut link, WAIT_INTERVAL * 3 / 2), Some(1));
}

#[test]
fn a_peer_puts_up_with_all_the_waits_and_the_message_arrives() {
    let [sending, receiving] = configs(Framing::CLASSICAL);
    let (mut sender, mut receiver) = (Link::<0, 50>::new(sending), Link::<50, 0>::new(receiving));
    receiver.set_ready(false);
    sender.send(&message(50), Duration::ZERO).unwrap();
    let mut now = Duration::ZERO;
    let free = WAIT_INTERVAL * 8 - Duration::from_millis(1);
    let mut waits = 0;
    loop {
        if now >= free {
            receiver.set_ready(true);
        }
        while let Some(frame) = receiver.poll(now).unwrap() {
            waits += usize::from(frame.data()[0] == 0x31);
            sender.handle(&frame, now).unwrap();
        }
        while let Some(frame) = sender.poll(now).unwrap() {
            if let Some(arrived) = receiver.handle(&frame, now).unwrap() {
                assert_eq!((arrived, waits), (&message(50)[..], 8));
                return;
            }
        }
        now = [sender.deadline(), receiver.deadline(), (now < free).then_some(free)]
            .into_iter()
            .flatten()
            .min()
            .unwrap()
            .max(now);
    }
}
