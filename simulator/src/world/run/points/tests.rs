//! Power fails exactly where a file says, and nowhere else.

use super::*;
use crate::runs::Made;
use crate::world::run::Record;
use crate::world::run::tests::{made, recipe};
use crate::world::time::Moment;
use crate::world::trace;

fn fault(kind: &str, node: &str, number: u64, more: &str) -> String {
    let counted = format!("kind = \"{kind}\"\nnode = \"{node}\"\nnumber = {number}\n{more}");
    format!("[[fault]]\n{counted}\nat = \"2500 ms\"\nlasts = \"2 s\"\n")
}

/// When each ECU lost power.
fn outages(made: &Made) -> Vec<(String, Moment)> {
    let read = trace::read::<crate::runs::Recipe, Record>(made.log.as_slice()).unwrap();
    let off = read.entries.into_iter().filter_map(|entry| {
        let Record::Power { ecu, on: false } = entry.event else { return None };
        Some((ecu, entry.at))
    });
    off.collect()
}

#[test]
fn power_fails_once_at_an_operation_or_message_that_is_counted_to_and_the_vehicle_is_updated_all_the_same() {
    for (kind, node) in
        [("disk-cut", "gateway"), ("flash-cut", "brakes"), ("message-cut", "brakes"), ("message-cut", "gateway")]
    {
        let made = made(&fault(kind, node, 12, ""), 1);
        assert_eq!((made.ended.struck.of(kind), made.ended.struck.total()), (1, 1), "{kind}");
        assert!(made.ended.run.holds(), "{kind}: {:?}", made.ended.run);
        let outages = outages(&made);
        assert_eq!(outages.iter().map(|(ecu, _)| ecu.as_str()).collect::<Vec<_>>(), [node], "{kind}");
    }
}

#[test]
fn all_of_the_vehicle_loses_power_at_the_same_moment_if_the_fault_says_so() {
    let outages = outages(&made(&fault("flash-cut", "brakes", 20, "reach = \"vehicle\""), 1));
    let [(first, at), (second, then)] = outages.as_slice() else { panic!("{outages:?}") };
    assert_eq!((first.as_str(), second.as_str(), at), ("brakes", "gateway", then));
}

#[test]
fn flash_that_is_cut_when_it_is_done_has_taken_its_time_first() {
    let at = |torn: &str| {
        let more = format!("torn = \"{torn}\"");
        outages(&made(&fault("flash-cut", "brakes", 20, &more), 1))[0].1
    };
    let [before, half, after] = ["before", "half", "after"].map(at);
    assert!(before < half && half < after, "{before} {half} {after}");
    assert_eq!(half - before, after - half);
}

#[test]
fn a_message_is_cut_before_it_is_sent() {
    // The first message of the Primary after the release is assigned is the question who the Secondary is.
    let made = made(&fault("message-cut", "gateway", 1, ""), 1);
    let cut = outages(&made)[0].1;
    let read = trace::read::<crate::runs::Recipe, Record>(made.log.as_slice()).unwrap();
    let asked = read.entries.iter().filter(|entry| matches!(entry.event, Record::Asks { .. } | Record::Frame { .. }));
    let between = asked.filter(|entry| entry.at > Moment::START + Duration::from_millis(2_500) && entry.at <= cut);
    assert_eq!(between.count(), 0);
}

#[test]
fn a_count_that_is_not_reached_says_how_far_it_came() {
    let faults = ["disk-cut", "message-cut"].map(|kind| fault(kind, "gateway", 1_000_000, "")).concat();
    let Made { ended, .. } = made(&faults, 1);
    assert_eq!(ended.struck.total(), 0);
    let [(0, disk), (1, messages)] = ended.counted.iter().map(|(a, b)| (*a, *b)).collect::<Vec<_>>()[..] else {
        panic!("{:?}", ended.counted)
    };
    assert!(disk > 20 && messages > 20, "{disk} {messages}");
    // One less than one more than happened is the last that happens.
    let last = made_with("disk-cut", disk);
    let none = made_with("disk-cut", disk + 1);
    assert_eq!((last, none), (1, 0));
}

/// How often power fails at the operation of this number of the Primary.
fn made_with(kind: &str, number: u64) -> u64 {
    recipe(&fault(kind, "gateway", number, ""), 1).make(false).unwrap().ended.struck.of(kind)
}
