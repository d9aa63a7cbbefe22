//! Frames of others, and of nobody.

use super::frames::{Answer, Opening, Said, Says};
use super::*;
use crate::can::Format;
use crate::crc32;

fn frame(said: Said<'_>) -> Frame {
    said.frame(&session()).unwrap()
}

fn open(number: u8) -> Said<'static> {
    Said::Open(Opening { session: number, window: 1, frames: 2, offset: 0 })
}

/// A receiver of an image of 14 bytes, which is two frames.
fn receiver() -> (Node, Receiver<4_096>) {
    let node = Node::default();
    let receiver = node.join(session(), member_id(0), 14, Duration::ZERO);
    (node, receiver)
}

fn answer(receiver: &mut Receiver<4_096>, said: Said<'_>) -> Option<Says> {
    receiver.handle(&frame(said), Duration::ZERO);
    receiver.poll().and_then(|frame| Answer::decode(frame.data())).map(|answer| answer.says)
}

fn data(number: u8, bytes: &[u8]) -> Said<'_> {
    Said::Data { number, bytes }
}

fn poll(crc: u32) -> Said<'static> {
    Said::Poll { session: session().number, window: 1, crc }
}

#[test]
fn what_another_broadcast_says_is_not_taken_for_ours() {
    let (_, mut receiver) = receiver();
    let other = session().number + 1;
    for said in [open(session().number), open(other), data(0, &[1; 7]), data(1, &[1; 7])] {
        assert_eq!(answer(&mut receiver, said), None);
    }
    assert_eq!(answer(&mut receiver, Said::Poll { session: other, window: 1, crc: 0 }), None);
    let missing = Says::Missing { first: 0, bits: 0b11 << 30, more: false };
    assert_eq!(answer(&mut receiver, poll(0)), Some(missing));
    // Its own sender goes on.
    for said in [open(session().number), data(0, &[2; 7]), data(1, &[2; 7])] {
        assert_eq!(answer(&mut receiver, said), None);
    }
    assert_eq!(answer(&mut receiver, poll(crc32(&[2; 14]))), Some(Says::Busy { held: 0 }));
}

#[test]
fn a_frame_amid_ours_that_is_not_ours_costs_a_round() {
    let (mut node, mut receiver) = receiver();
    let says = [open(session().number), data(0, &[6; 7]), data(0, &[2; 7]), data(1, &[2; 7])];
    assert!(says.iter().all(|said| answer(&mut receiver, *said).is_none()));
    assert_eq!(answer(&mut receiver, poll(crc32(&[2; 14]))), Some(Says::All { from: 0 }));
    assert!(says[2..].iter().all(|said| answer(&mut receiver, *said).is_none()));
    assert_eq!(answer(&mut receiver, poll(crc32(&[2; 14]))), Some(Says::Busy { held: 0 }));
    node.receiver = Some(receiver);
    node.work(Duration::ZERO);
    assert_eq!(node.flash, [2; 14]);
}

/// The checksum is no protection: who forges frames forges it as well. The sender believes what it is told, and the member
/// holds other bytes than the others. Its own verification compares their digest with what is signed, and refuses them.
#[test]
fn a_forged_window_is_held_and_has_another_digest() {
    let mut bus = Bus::new(session(), image(14), vec![Node::default(); 2]);
    bus.supply();
    let forged = [open(session().number), data(0, &[6; 7]), data(1, &[6; 7]), poll(crc32(&[6; 14]))];
    forged.iter().for_each(|said| bus.deliver(1, &frame(*said)));
    bus.run_on();
    assert!(bus.outcomes().all(|outcome| outcome == Outcome::Complete));
    assert_eq!((&bus.nodes[0].flash, &bus.nodes[1].flash), (&image(14), &vec![6; 14]));
    assert_ne!(uptane::Sha256::of(&bus.nodes[1].flash), uptane::Sha256::of(&image(14)));
}

#[test]
fn a_forged_answer_makes_a_member_fall_behind_and_nothing_else() {
    let image = image(2_000);
    let mut bus = Bus::new(session(), image.clone(), vec![Node::default(); 2]);
    bus.supply();
    let ready = Answer { session: session().number, window: 1, says: Says::Ready { held: 511 } };
    bus.trouble.gap = Some((1, 0..60));
    bus.sender.handle(&ready.frame(member_id(1), Format::Classical).unwrap(), Duration::ZERO);
    bus.run_on();
    assert!(bus.outcomes().all(|outcome| outcome == Outcome::Complete));
    assert!(bus.nodes.iter().all(|node| node.flash == image));
    assert!(bus.data_frames > 2_000_usize.div_ceil(7), "what it fell behind by is said again in the end");
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop_oneof![0_u8..6, Just(0xf1), Just(0xf2), 0xf0_u8..];
    // Numbers that mean something more often than not.
    let words = prop_oneof![Just(0_u32), Just(63), Just(126), 0_u32..300, any::<u32>()];
    let short = (kinds, prop_oneof![Just(7_u8), any::<u8>()], 0_u8..4, prop_oneof![0_u8..10, any::<u8>()], words);
    let short = short.prop_map(|(kind, session, window, detail, word)| {
        [[kind, session, window, detail].as_slice(), &word.to_be_bytes()].concat()
    });
    prop_oneof![4 => short, 1 => proptest::collection::vec(any::<u8>(), 0..=8)]
}

proptest! {
    #[test]
    fn no_frames_make_a_receiver_panic_or_hand_over_what_is_out_of_order(
        frames in proptest::collection::vec((any_bytes(), any::<bool>()), 0..200), len in 0_usize..300, held in 0_usize..300
    ) {
        let mut node = Node { flash: vec![0; held.min(len)], ..Node::default() };
        let mut receiver = node.join(session(), member_id(0), len, Duration::ZERO);
        for (bytes, works) in frames {
            receiver.handle(&Frame::classical(session().id, &bytes).unwrap(), Duration::ZERO);
            let mut answers = 0;
            while receiver.poll().is_some() {
                answers += 1;
            }
            prop_assert!(answers <= 8);
            if works {
                node.receiver = Some(receiver);
                node.work(Duration::ZERO);
                receiver = node.receiver.take().unwrap();
            }
            prop_assert!(node.flash.len() <= len);
        }
    }

    #[test]
    fn no_answers_make_a_sender_panic_or_go_on_for_ever(
        answers in proptest::collection::vec((any_bytes(), 0_u8..3, 0_u64..30), 0..200), len in 0_usize..300
    ) {
        let mut bus = Bus::new(session(), image(len), vec![Node { dies: Some(Duration::ZERO), ..Node::default() }; 2]);
        bus.supply();
        for (bytes, member, millis) in answers {
            bus.sender.handle(&Frame::classical(member_id(member), &bytes).unwrap(), bus.now);
            bus.now += Duration::from_millis(millis);
            bus.supply();
            while let Some(frame) = bus.sender.poll(bus.now) {
                bus.carry(&frame);
            }
        }
        bus.run_on();
        prop_assert!(bus.is_settled());
    }
}
