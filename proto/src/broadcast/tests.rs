use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use uptane::Length;

use self::bus::{Bus, LIMIT, MEMBERS, Node, Trouble, any_session, image, member_id, session};
use super::*;
use crate::can::{Frame, MAX_DATA};
use crate::isotp::Framing;
use crate::secondary::{Refusal, Reply, Request};

mod bus;
mod hostile;

/// What a member ends with, beside what the sender says of it.
fn agrees(node: &Node, outcome: Outcome, image: &[u8]) -> bool {
    let holds_beginning = image.starts_with(&node.flash);
    match outcome {
        Outcome::Complete => node.flash == image,
        Outcome::Dropped { at, .. } | Outcome::UnderWay { at } => {
            holds_beginning && usize::try_from(at.get()).unwrap() <= node.flash.len()
        }
    }
}

fn length_of(bytes: usize) -> Length {
    Length::new(bytes.try_into().unwrap()).unwrap()
}

fn dropped(at: usize, why: Why) -> Outcome {
    Outcome::Dropped { at: length_of(at), why }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn an_image_of_any_length_arrives_at_all_members(
        session in any_session(), len in 0_usize..6_000, windows in proptest::collection::vec(63_u32..600, 1..=MEMBERS)
    ) {
        let nodes = windows.iter().map(|window| Node { window: *window, ..Node::default() });
        let mut bus = Bus::new(session, image(len), nodes);
        bus.run();
        prop_assert!(bus.outcomes().all(|outcome| outcome == Outcome::Complete));
        prop_assert!(bus.nodes.iter().all(|node| node.flash == bus.image));
        let frames = len.div_ceil(session.framing.length() - 1);
        prop_assert_eq!(bus.data_frames, frames, "each is said once");
    }

    #[test]
    fn whatever_is_lost_or_doubled_all_members_have_the_image_in_the_end(
        session in any_session(), len in 1_usize..3_000, seed in 1_u64.., lost in 0_u64..80, doubled in 0_u64..80
    ) {
        let mut bus = Bus::new(session, image(len), vec![Node::default(); MEMBERS]);
        bus.trouble = Trouble { lost, doubled, ..Trouble::seeded(seed) };
        bus.run();
        prop_assert!(bus.outcomes().all(|outcome| outcome == Outcome::Complete), "{:?}", bus.outcomes().collect::<Vec<_>>());
        prop_assert!(bus.nodes.iter().all(|node| node.flash == bus.image));
    }

    #[test]
    fn members_are_complete_or_dropped_by_name_with_what_they_have_and_nobody_waits_for_ever(
        session in any_session(), len in 1_usize..3_000, seed in 1_u64.., lost in 0_u64..700,
        dies in proptest::collection::vec(proptest::option::of(0_u64..400), MEMBERS),
        refuses in proptest::option::of(0_usize..3_000), slow in 0_u64..40, stuck in any::<bool>(),
    ) {
        let mut nodes: Vec<Node> = dies.iter().map(|dies| Node { dies: dies.map(Duration::from_millis), ..Node::default() }).collect();
        nodes[0].refuses = refuses;
        nodes[1].chunk_takes = Duration::from_millis(if stuck { 20_000 } else { slow });
        let mut bus = Bus::new(session, image(len), nodes);
        bus.trouble = Trouble { lost, ..Trouble::seeded(seed) };
        bus.run();
        prop_assert!(bus.now < LIMIT);
        for (node, outcome) in bus.nodes.iter().zip(bus.outcomes()) {
            prop_assert!(agrees(node, outcome, &bus.image), "{outcome:?}");
        }
        prop_assert!(bus.is_settled());
    }

    #[test]
    fn members_go_on_where_they_stood(
        len in 1_usize..3_000, held in proptest::collection::vec(0_usize..3_000, MEMBERS), seed in 1_u64.., lost in 0_u64..60
    ) {
        let image = image(len);
        let nodes = held.iter().map(|held| Node { flash: image[..len.min(*held)].to_vec(), ..Node::default() });
        let mut bus = Bus::new(session(), image.clone(), nodes);
        bus.trouble = Trouble { lost, ..Trouble::seeded(seed) };
        bus.run();
        prop_assert!(bus.outcomes().all(|outcome| outcome == Outcome::Complete));
        prop_assert!(bus.nodes.iter().all(|node| node.flash == image));
    }
}

#[test]
fn a_member_that_dies_is_dropped_where_it_stood_and_the_others_wait_a_second_for_it() {
    let with = |dies| {
        let mut nodes = vec![Node::default(); MEMBERS];
        nodes[2].dies = dies;
        let mut bus = Bus::new(session(), image(6_000), nodes);
        bus.run();
        bus
    };
    let (all, bus) = (with(None), with(Some(Duration::from_millis(100))));
    let mut outcomes = bus.outcomes();
    let stood = bus.nodes[2].flash.len();
    assert!(stood > 1_000 && stood < 5_000, "{stood}");
    // The last window it has was handed over after the answer that told of the one before.
    let told = stood - bus.nodes[2].last_chunk;
    assert_eq!(outcomes.nth(2), Some(dropped(told, Why::Silent)));
    assert_eq!(bus.outcomes().filter(|outcome| *outcome == Outcome::Complete).count(), MEMBERS - 1);
    let waited = bus.now.saturating_sub(all.now);
    assert!(waited < ANSWER_TIMEOUT * u32::from(MAX_SILENCES) + Duration::from_millis(100), "{waited:?}");
}

#[test]
fn a_member_that_refuses_a_chunk_leaves_at_that_chunk() {
    let mut nodes = vec![Node::default(); 3];
    nodes[1].refuses = Some(2_044);
    let mut bus = Bus::new(session(), image(6_000), nodes);
    bus.run();
    let left = bus.nodes[1].receiver.as_ref().unwrap().left();
    assert_eq!(left, Some(Left::Refused(Refusal::Storage)));
    let stood = bus.nodes[1].flash.len();
    assert!(bus.outcomes().eq([Outcome::Complete, dropped(stood, Why::Left), Outcome::Complete]));
}

#[test]
fn a_member_that_writes_slowly_is_waited_for_and_one_that_never_ends_is_not() {
    let mut nodes = vec![Node::default(); 3];
    nodes[0].chunk_takes = Duration::from_millis(60);
    nodes[1].chunk_takes = Duration::from_secs(3_600);
    let mut bus = Bus::new(session(), image(6_000), nodes);
    bus.run();
    let first = bus.nodes[1].flash.len();
    assert!(bus.outcomes().eq([Outcome::Complete, dropped(first, Why::Busy), Outcome::Complete]));
    assert!(bus.now < BUSY_LIMIT + Duration::from_secs(2), "{:?}", bus.now);
}

#[test]
fn a_member_whose_frames_are_always_lost_is_dropped_after_its_rounds() {
    let mut bus = Bus::new(session(), image(6_000), vec![Node::default(); 3]);
    bus.trouble.deaf = Some((1, 17));
    bus.run();
    assert!(bus.outcomes().eq([Outcome::Complete, dropped(0, Why::Lossy), Outcome::Complete]));
}

#[test]
fn one_that_comes_late_gets_in_the_end_what_was_said_before() {
    let image = image(6_000);
    let small = Node { window: 70, ..Node::default() };
    let mut bus = Bus::new(session(), image.clone(), [Node::default(), small, Node::default()]);
    bus.joins_late = Some((1, Duration::from_millis(100)));
    bus.run();
    assert!(bus.outcomes().all(|outcome| outcome == Outcome::Complete));
    assert!(bus.nodes.iter().all(|node| node.flash == image));
    assert_eq!(bus.data_frames, 2 * 6_000_usize.div_ceil(7), "the others had to hear it once");
    assert_eq!(bus.windows, 6_000_usize.div_ceil(511) + 6_000_usize.div_ceil(70), "in windows of their own size");
}

#[test]
fn one_that_was_reset_and_joins_again_goes_on_with_the_others() {
    let image = image(6_000);
    let mut bus = Bus::new(session(), image.clone(), vec![Node::default(); 3]);
    bus.resets = Some((1, Duration::from_millis(100), Duration::from_millis(110)));
    bus.run();
    assert!(bus.outcomes().all(|outcome| outcome == Outcome::Complete));
    assert!(bus.nodes.iter().all(|node| node.flash == image));
}

#[test]
fn a_bus_that_takes_no_frame_ends_it_for_all() {
    let mut bus = Bus::new(session(), image(100), vec![Node::default(); 2]);
    bus.supply();
    assert!(bus.sender.poll(SEND_TIMEOUT).is_none());
    assert!(bus.sender.is_over());
    assert!(bus.outcomes().eq([dropped(0, Why::Bus), dropped(0, Why::Bus)]));
}

#[test]
fn a_lost_run_of_frames_is_named_in_several_answers_and_said_once_more() {
    let nodes = vec![Node { window: 1_680, ..Node::default() }; 2];
    let mut bus = Bus::new(session(), image(1_680), nodes);
    bus.trouble.gap = Some((1, 20..230));
    bus.run();
    assert!(bus.outcomes().all(|outcome| outcome == Outcome::Complete));
    assert_eq!(bus.data_frames, 240 + 210);
    // Seven name what is missing; each member says that it writes, which the first does while the second lacks frames,
    // and that it is done, which the first says again.
    assert_eq!(bus.answers, 7 + 2 + 2 + 1);
}

#[test]
fn members_that_take_no_frame_or_are_too_many_are_not_taken() {
    let mut sender = Sender::<1, 128>::new(session(), length(100)).unwrap();
    let member = |window, answer: u8| Member {
        answer: member_id(answer),
        from: Length::ZERO,
        window,
        separation: Duration::ZERO,
    };
    assert_eq!(sender.add(member(6, 0)), Err(Error::PeerOverflow));
    assert_eq!(sender.add(member(7, 0)), Ok(()));
    assert_eq!(sender.add(member(7, 1)), Err(Error::PeerOverflow));
    assert_eq!(sender.add(member(70, 0)), Ok(()), "the same one again");
    assert_eq!(sender.wants(), Some((Length::ZERO, 70)));
    assert_eq!(sender.supply(&[0; 69], Duration::ZERO), Err(Error::TooLong { len: 69, most: 70 }));
    let far = Length::new(1 << 32).unwrap();
    assert!(matches!(Sender::<1, 128>::new(session(), far), Err(Error::TooLong { .. })));
}

#[test]
fn the_slowest_member_says_how_fast_frames_follow() {
    let mut nodes = vec![Node::default(); 2];
    nodes[1].separation = Duration::from_millis(2);
    let mut bus = Bus::new(session(), image(700), nodes);
    bus.run();
    assert!(bus.now > Duration::from_millis(200) && bus.now < Duration::from_millis(250), "{:?}", bus.now);
}

#[test]
fn a_receiver_whose_sender_is_silent_leaves() {
    let node = Node::default();
    let mut receiver = node.join(session(), member_id(0), 100, Duration::ZERO);
    let open = frames::Said::Open(frames::Opening { session: session().number, window: 1, frames: 1, offset: 0 });
    let open = open.frame(&session()).unwrap();
    receiver.handle(&open, SESSION_TIMEOUT - Duration::from_nanos(1));
    assert_eq!((receiver.left(), receiver.expires()), (None, SESSION_TIMEOUT * 2 - Duration::from_nanos(1)));
    receiver.handle(&open, receiver.expires());
    assert_eq!(receiver.left(), Some(Left::Silence));
}
