//! `can-faults`: buses with bit errors, controllers that go bus-off or overrun, ECUs that are reset, nodes that flood a bus
//! or pretend to be somebody on it, all on the bit-exact bus and amid an update of four Secondaries.
//!
//! Every fault is one that scenarios of `simulator run` can name. An update is offered, and after it another one, which is
//! the next session. What is short of the promise is a figure; time lost is measured from the same vehicle without faults.

mod cases;
mod runs;

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use self::cases::{CASES, Case, Wanted};
use self::runs::{Base, Seen};
use super::Item;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "can-faults",
    promise: "an update over faulty CAN buses completes, or ends all-old with a reason that the Director hears; the next one works",
    show,
};

/// Seeds of each case.
const SEEDS: u64 = 5;
/// Worlds that run at the same time.
const JOBS: usize = 2;
/// Runs that are described if they end badly.
const MOST_NOTES: usize = 5;

fn show(record: &mut Record) -> Result<()> {
    let watch = host::clock::stopwatch();
    let bases = bases(record.seed())?;
    let first = bases.first().context("no seed")?;
    record.figure("an update without faults takes", first.complete().as_secs_f64(), "s", Limit::Shown);
    for ecu in ["battery", "engine", "door", "seat"] {
        record.figure(format!("of it, {ecu} receives for"), first.receives(ecu).as_secs_f64(), "s", Limit::Shown);
    }
    let cases: Vec<&Case> = CASES.iter().take(record.few().unwrap_or(usize::MAX)).collect();
    let seen = make(&cases, &bases, record.seed())?;
    for (case, seen) in cases.iter().zip(seen.chunks(bases.len())) {
        say(record, case, seen);
    }
    let [shown, all] = [cases.len(), CASES.len()].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    record.figure("cases", f64::from(shown), "", Limit::AtLeast(f64::from(all)));
    record.figure("seconds", watch.elapsed().as_secs_f64(), "s", Limit::Shown);
    Ok(())
}

/// A run without faults for every seed.
fn bases(seed: u64) -> Result<Vec<Base>> {
    (0..SEEDS).map(|number| Base::new(seed + number)).collect()
}

/// What became of every case with every seed, seed by seed.
fn make(cases: &[&Case], bases: &[Base], seed: u64) -> Result<Vec<Seen>> {
    let all: Vec<(&Case, u64, &Base)> =
        cases.iter().flat_map(|case| (seed..).zip(bases).map(move |(seed, base)| (*case, seed, base))).collect();
    let part = |job: usize| {
        let mine = all.iter().skip(job).step_by(JOBS);
        mine.map(|(case, seed, base)| runs::of(case, base, *seed).context(case.name)).collect::<Result<Vec<_>>>()
    };
    let parts: Vec<Vec<Seen>> = thread::scope(|scope| {
        let part = &part;
        let threads: Vec<_> = (0..JOBS).map(|job| scope.spawn(move || part(job))).collect();
        threads.into_iter().map(|thread| thread.join().ok().context("a world broke off")?).collect::<Result<_>>()
    })?;
    let of = |number: usize| parts.get(number % JOBS)?.get(number / JOBS).cloned();
    (0..all.len()).map(|number| of(number).context("a run was left out")).collect()
}

fn say(record: &mut Record, case: &Case, seen: &[Seen]) {
    let name = case.name;
    let count = |which: fn(&Seen) -> bool| number(seen.iter().filter(|seen| which(seen)).count());
    let (all, back) = (number(seen.len()), count(|seen| seen.returns > 0));
    // Whoever poses as an ECU can keep the Primary from asking it for its report.
    let (first, unreported) = match case.wanted {
        Wanted::Completes => (Limit::Exactly(0.0), Limit::Exactly(0.0)),
        Wanted::MayGoBack => (Limit::Shown, Limit::Shown),
        Wanted::GoesBack => (Limit::Exactly(all), Limit::Exactly(0.0)),
    };
    let told = count(|seen| seen.returns > 0 && !seen.reasons.is_empty());
    let none = Limit::Exactly(0.0);
    let figures = [
        ("runs that complete", count(|seen| seen.lost.is_some()), Limit::Exactly(all)),
        ("runs that go back first, all old", back, first),
        ("of these, runs whose reason the Director hears", told, Limit::Exactly(back)),
        ("runs after which the next session works", count(|seen| seen.next_works), Limit::Exactly(all)),
        ("runs that violate another invariant of the world", count(|seen| !seen.violations.is_empty()), none),
        ("runs with a refusal not named by the next report", count(|seen| !seen.unreported.is_empty()), unreported),
        ("runs in which no fault struck", count(|seen| seen.struck == 0), none),
    ];
    for (what, value, limit) in figures {
        record.figure(format!("{name}: {what}"), value, "", limit);
    }
    say_times(record, name, seen);
    say_words(record, name, seen);
}

/// What the Director hears, and what went wrong.
fn say_words(record: &mut Record, name: &str, seen: &[Seen]) {
    let reasons: BTreeSet<&str> = seen.iter().flat_map(|seen| &seen.reasons).map(String::as_str).collect();
    if !reasons.is_empty() {
        let reasons: Vec<&str> = reasons.into_iter().collect();
        record.note(format!("       {name}: the Director hears {}", reasons.join(", ")));
    }
    for bad in seen.iter().flat_map(|seen| seen.violations.iter().chain(&seen.unreported)).take(MOST_NOTES) {
        record.note(format!("       {name}: {bad}"));
    }
}

/// The time lost: least, median, most.
fn say_times(record: &mut Record, name: &str, seen: &[Seen]) {
    let mut lost: Vec<Duration> = seen.iter().filter_map(|seen| seen.lost).collect();
    lost.sort_unstable();
    for seen in seen {
        record.sample(&format!("{name}: frames"), f64::from(u32::try_from(seen.frames).unwrap_or(u32::MAX)));
    }
    lost.iter().for_each(|lost| record.sample(&format!("{name}: time lost"), lost.as_secs_f64()));
    let shown = [("least", lost.first()), ("median", lost.get(lost.len() / 2)), ("most", lost.last())];
    for (which, lost) in shown {
        if let Some(lost) = lost {
            record.figure(format!("{name}: time lost, {which}"), lost.as_secs_f64(), "s", Limit::Shown);
        }
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_faults_costs_time_and_no_update() {
        let base = Base::new(1).unwrap();
        for case in CASES.iter().filter(|case| case.wanted == Wanted::Completes).step_by(4) {
            let seen = runs::of(case, &base, 1).unwrap();
            assert!(seen.lost.is_some() && seen.returns == 0 && seen.next_works, "{}: {seen:?}", case.name);
            assert!(seen.violations.is_empty() && seen.struck > 0, "{}: {seen:?}", case.name);
        }
    }
}
