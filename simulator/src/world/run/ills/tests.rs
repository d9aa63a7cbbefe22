//! Faults of a bus, amid an update of the smallest vehicle.

use std::time::Duration;

use crate::world::run::tests::made;
use crate::world::run::{ALWAYS_REPORTED, Ended};
use crate::world::time::Moment;

fn fault(kind: &str, more: &str, at: &str) -> String {
    format!("[[fault]]\nkind = \"{kind}\"\nat = \"{at}\"\n{more}\n")
}

/// A flood of the bus from the time at which the ECU receives something.
fn flood(more: &str) -> String {
    fault("flood", &format!("bus = \"chassis\"\n{more}"), "11 s")
}

fn holds(more: &str, seed: u64) -> Ended {
    let ended = made(more, seed).ended;
    assert!(ended.run.holds() && ended.struck.total() > 0, "{:?}", ended.run);
    ended
}

/// When the update was complete.
fn complete(ended: &Ended) -> Moment {
    ended.closed.iter().find(|closed| closed.is_committed).unwrap().at
}

#[test]
fn a_bus_that_has_time_for_nothing_else_delays_an_update() {
    let undisturbed = complete(&made("", 1).ended);
    let flooded = complete(&holds(&flood("id = 0\nlasts = \"3 s\""), 1));
    let lost = flooded - undisturbed;
    assert!(lost > Duration::from_secs(2) && lost < Duration::from_secs(30), "{lost:?}");
}

#[test]
fn an_update_gets_over_an_intruder_whatever_it_pretends_to_be() {
    for id in ["0x7e0", "0x7e8"] {
        for says in ["anything", "iso-tp", "requests", "responses"] {
            let more = flood(&format!("id = {id}\nsays = \"{says}\"\nevery = \"9 ms\"\nlasts = \"20 s\""));
            let run = made(&more, 1).ended.run;
            // Whoever poses as an ECU can keep the Primary from asking it for its report.
            let violated = run.violations.iter().any(|violation| violation.invariant != ALWAYS_REPORTED);
            let short = run.verdicts.iter().any(|verdict| verdict.falls_short.is_some());
            assert!(!violated && !short, "{id} {says}: {run:?}");
        }
    }
}

#[test]
fn an_intruder_on_somebodys_identifier_is_not_taken_for_it_by_the_log() {
    let made = made(&flood("id = 0x7e8\nevery = \"1 ms\"\nlasts = \"5 s\""), 2);
    let log = String::from_utf8(made.log).unwrap();
    assert!(log.contains("\"intruder\""), "it finds errors where both begin at once");
    assert!(made.ended.run.holds(), "{:?}", made.ended.run);
}

#[test]
fn an_update_gets_over_a_primary_that_is_bus_off_or_takes_no_frames() {
    let off = fault("bus-off", "node = \"gateway\"", "11 s");
    let ended = holds(&off, 1);
    assert_eq!(ended.struck.of("bus-off"), 1);
    let overrun = fault("overrun", "node = \"gateway\"\nlasts = \"40 ms\"", "11 s");
    holds(&overrun, 1);
}

#[test]
fn what_the_director_is_told_of_an_update_comes_with_the_time() {
    let ended = holds(&fault("reset", "node = \"brakes\"", "11 s"), 1);
    let installed = ended.told.iter().find(|told| told.result.word() == "installed").unwrap();
    assert!(installed.at > complete(&ended), "{:?}", ended.told);
}

#[test]
fn a_bit_error_rate_costs_frames_and_no_update() {
    let ended = holds(&fault("bit-error-rate", "bus = \"chassis\"\nshare = \"0.01 %\"\nlasts = \"60 s\"", "500 ms"), 1);
    assert!(complete(&ended) > complete(&made("", 1).ended), "{:?}", ended.closed);
}
