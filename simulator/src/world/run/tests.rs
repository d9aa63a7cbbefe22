//! Whole runs of the smallest vehicle: what ships, on virtual disks, flash, links and a bit-exact bus.

mod doors;

use std::ops::ControlFlow;

use primary_ecu::node::Answer;
use proto::can::Frame;
use proto::secondary::{Phase, Request};

use super::*;
use crate::runs::{Made, Recipe, many, smaller};
use crate::world::trace;

/// One release for both ECUs, and what else the scenario says.
pub(super) fn recipe(more: &str, seed: u64) -> Recipe {
    let scenario = format!(
        r#"
name = "bench"
about = "one release for both ECUs"
vehicle = "bench"
limit = "10 min"
{more}
[[must]]
ecus = "all"
runs = "r2"
[[release]]
name = "r2"
at = "1 s"
images = [{{ ecus = "all", size = "4 KiB" }}]
[[campaign]]
name = "spring"
release = "r2"
at = "2 s"
"#
    );
    let vehicle = crate::world::vehicle::ready::Ready::named("2-ecus-workbench").unwrap().text.to_owned();
    Recipe { file: "bench.toml".to_owned(), scenario, vehicle, seed, outside: None }
}

pub(super) fn made(more: &str, seed: u64) -> Made {
    recipe(more, seed).make(false).unwrap()
}

const POWER_CUT: &str = r#"
[[fault]]
kind = "power-cut"
node = "brakes"
at = "11 s"
lasts = "2 s"
"#;

#[test]
fn a_vehicle_is_updated_over_a_bit_exact_bus_in_virtual_time() {
    let Made { ended, .. } = made("", 1);
    assert!(ended.run.holds(), "{:?}", ended.run);
    assert!(ended.frames > 500, "{} frames", ended.frames);
    assert!(ended.run.end < Moment::START + Duration::from_secs(120));
}

#[test]
fn the_same_seed_leaves_the_same_log_byte_for_byte_and_another_seed_another() {
    let [first, again, other] = [1, 1, 2].map(|seed| made(POWER_CUT, seed).log);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn a_run_is_the_same_whether_it_is_logged_or_not() {
    let named = |name: &str| crate::world::scenario::ready::Ready::named(name).unwrap().text.to_owned();
    let vehicle = crate::world::vehicle::ready::Ready::named("8-ecus-compact").unwrap().text.to_owned();
    let (file, scenario) = ("mix.toml".to_owned(), named("default-mix"));
    let recipe = Recipe { file, scenario, vehicle, seed: 2, outside: None };
    let scenario = recipe.scenario().unwrap();
    let silent = recipe.world(&scenario).unwrap().run().unwrap();
    let logged = recipe.make(true).unwrap().ended;
    assert_eq!((silent.events, silent.frames, silent.struck), (logged.events, logged.frames, logged.struck));
    assert_eq!(format!("{:?}", silent.run), format!("{:?}", logged.run));
    let sent: usize = logged.bus_logs.iter().map(|(_, log)| log.len()).sum();
    assert!(u64::try_from(sent).unwrap() >= logged.frames);
}

#[test]
fn a_log_is_whole_and_repeats_its_run() {
    let Made { log, .. } = made(POWER_CUT, 3);
    let read = trace::read::<Recipe, Record>(log.as_slice()).unwrap();
    assert_eq!(read.run.make(false).unwrap().log, log);
    let struck = |entry: &trace::Entry<Record>| matches!(entry.event, Record::Fault { .. });
    assert_eq!(read.entries.iter().filter(|entry| struck(entry)).count(), 1);
}

#[test]
fn an_update_gets_over_a_power_cut_of_the_secondary() {
    let Made { ended, .. } = made(POWER_CUT, 4);
    assert_eq!(ended.struck.of("power-cut"), 1);
    assert!(ended.run.holds(), "{:?}", ended.run);
}

/// The same run, of a vehicle whose only Secondary has a single bank.
fn of_single_bank(more: &str, seed: u64) -> Recipe {
    let two = recipe(more, seed);
    let vehicle = two.vehicle.replace("bank_size = \"384 KiB\"", "bank_size = \"384 KiB\"\nbanks = \"single\"");
    Recipe { vehicle, ..two }
}

#[test]
fn an_ecu_of_a_single_bank_is_updated_after_the_others() {
    let Made { ended, .. } = of_single_bank("", 1).make(false).unwrap();
    assert!(ended.run.holds(), "{:?}", ended.run);
    assert_eq!(ended.closed.len(), 2);
}

#[test]
fn an_ecu_of_a_single_bank_gets_over_power_cuts_while_nothing_runs_in_it() {
    for (seed, at) in (1..).zip((11_100..14_000).step_by(400)) {
        let cut = POWER_CUT.replace("11 s", &format!("{at} ms"));
        let Made { ended, .. } = of_single_bank(&cut, seed).make(false).unwrap();
        assert!(ended.run.holds() && ended.struck.of("power-cut") == 1, "{at}: {:?}", ended.run);
    }
}

#[test]
fn an_ecu_of_a_single_bank_is_given_its_old_image_again_where_the_new_one_is_sick() {
    let sick = "[[fault]]\nkind = \"sick-image\"\necu = \"brakes\"\nrelease = \"r2\"\nsickness = \"crashes\"\n\
                [[must]]\necus = [\"brakes\"]\nkeeps = \"factory\"\nresult = \"activation-failed\"\n";
    let recipe = of_single_bank(sick, 1);
    let scenario = recipe.scenario.replace("ecus = \"all\"\nruns", "ecus = [\"gateway\"]\nruns");
    let scenario = scenario.replace("10 min", "3 h");
    let Made { ended, .. } = Recipe { scenario, ..recipe }.make(false).unwrap();
    assert!(ended.run.holds(), "{:?}", ended.run);
}

/// A node that has power and says nothing.
struct Mute;

impl Secondary for Mute {
    fn power_off(&mut self, _now: Moment) {}

    fn power_on(&mut self, _now: Moment) {}

    fn ask(&mut self, _request: Request<'_>, _now: Moment) -> Option<(Answer, Moment)> {
        None
    }

    fn frame(&mut self, _frame: &Frame, _now: Moment) {}

    fn poll(&mut self, _now: Moment) -> Option<Frame> {
        None
    }

    fn deadline(&self) -> Moment {
        Moment::NEVER
    }

    fn running(&self) -> Option<uptane::Sha256> {
        None
    }

    fn phase(&self) -> Option<Phase> {
        None
    }
}

#[test]
fn a_vehicle_whose_secondary_says_nothing_is_not_updated_and_the_run_says_so() {
    let recipe = recipe("", 1);
    let scenario = recipe.scenario().unwrap();
    let mut world = recipe.world(&scenario).unwrap();
    world.replace(EcuId::parse("brakes").unwrap(), Box::new(Mute));
    let ended = world.run().unwrap();
    assert!(!ended.run.holds());
    assert_eq!(ended.run.violations, []);
}

#[test]
fn a_run_that_fails_is_made_smaller_to_the_fault_that_matters() {
    // An image that votes sick is never committed, so that `r2` cannot run; the power cut has nothing to do with that.
    let sick = r#"
[[fault]]
kind = "sick-image"
ecu = "brakes"
release = "r2"
sickness = "votes-sick"
"#;
    let failing = recipe(&format!("{sick}{POWER_CUT}"), 1);
    assert!(!failing.make(false).unwrap().ended.run.holds());
    let least = smaller(&failing, 50).unwrap().unwrap();
    let left = least.scenario().unwrap().outside(1);
    let kinds: Vec<_> = least.scenario().unwrap().faults(1).iter().map(|fault| fault.what().kind()).collect();
    // What `r2` is has to happen too: without it nobody could run it.
    assert_eq!((left.len(), kinds), (3, vec!["sick-image"]));
    let Made { ended, .. } = least.make(false).unwrap();
    assert!(!ended.run.holds());
    assert_eq!(ended.run.violations, []);
}

#[test]
fn a_vehicle_that_stood_without_power_for_three_weeks_is_updated_because_metadata_was_renewed() {
    let power = |at: &str, state: &str| format!("[[power]]\nat = \"{at}\"\nstate = \"{state}\"\n");
    let mut recipe = recipe(&[power("0 s", "off"), power("504 h", "parked")].concat(), 1);
    recipe.scenario = recipe.scenario.replacen("10 min", "505 h", 1);
    let Made { ended, log } = recipe.make(false).unwrap();
    assert!(ended.run.holds(), "{:?}", ended.run);
    let read = trace::read::<Recipe, Record>(log.as_slice()).unwrap();
    let renewals = read.entries.iter().filter(|entry| matches!(entry.event, Record::Renewed));
    assert_eq!(renewals.count(), 21);
}

#[test]
fn no_further_seed_is_begun_once_one_is_enough() {
    let mut over = Vec::new();
    let hear = |seed, _: &Ended| {
        over.push(seed);
        ControlFlow::Break(())
    };
    many(&recipe("", 1), 5..100_000, 2, hear).unwrap();
    over.sort_unstable();
    assert!(over.contains(&5) && over.len() < 20, "{over:?}");
}
