//! `power-cut-can`: power fails at every flash operation and in every frame of an update over CAN.
//!
//! The vehicles are simulated: the code that ships on virtual flash and bit-exact buses, with one Secondary that has two
//! banks or one, on classical CAN or CAN FD; its image comes whole or, with two banks, as a patch. An update without a cut leaves a log of its bus; then power fails, in a run of
//! its own each, at some bit of each frame: of the ECU, of the Primary, of the whole vehicle. Each operation of the flash is
//! cut in five ways. Power is back after three seconds, and the world goes on until it rests.

mod points;

use std::thread;

use anyhow::{Context, Result, ensure};

use self::points::{Cut, Series, UPDATES};
use super::Item;
use super::power_cut_vehicle::tally::{End, Seen};
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "power-cut-can",
    promise: "a cut at any flash operation or frame of an update over CAN leaves an ECU that boots, or with a single bank takes its image over CAN, and the update completes",
    show,
};

/// Worlds that run at the same time.
const JOBS: usize = 2;
/// Cuts that are made at least.
const CUTS: f64 = 5_000.0;
/// Cuts that are described if they end badly.
const MOST_NOTES: usize = 5;

fn show(record: &mut Record) -> Result<()> {
    let watch = host::clock::stopwatch();
    let (mut made, mut possible) = (0, 0);
    for series in Series::all(&UPDATES) {
        let cuts = cuts(record, &series)?;
        possible += cuts.len();
        let chosen = choose(&cuts, record.few());
        let seen = make(&series, &chosen, record.seed())?;
        say(record, &series, &chosen, &seen);
        made += chosen.len();
    }
    let least = number(possible).max(CUTS);
    record.figure("cuts in all", number(made), "", Limit::AtLeast(least));
    record.figure("seconds", watch.elapsed().as_secs_f64(), "s", Limit::Shown);
    Ok(())
}

/// Every cut of a series, whose points are recorded.
fn cuts(record: &mut Record, series: &Series) -> Result<Vec<Cut>> {
    let points = points::find(series, record.seed())?;
    let Seen { end, violations, .. } = Seen::of(&points.ended);
    ensure!(end == End::New && violations == 0, "{series}, without a cut: {:?}", points.ended.run);
    record.figure(format!("{series}: frames"), number(points.frames.len()), "", Limit::AtLeast(1.0));
    let operations = f64::from(u32::try_from(points.operations)?);
    record.figure(format!("{series}: flash operations"), operations, "", Limit::AtLeast(1.0));
    Ok(points.cuts(record.seed()))
}

/// As many as are asked for, spread over all.
fn choose(cuts: &[Cut], few: Option<usize>) -> Vec<Cut> {
    let step = few.map_or(1, |few| cuts.len().div_ceil(few.max(1))).max(1);
    cuts.iter().step_by(step).copied().collect()
}

/// Makes each cut in a world of its own.
fn make(series: &Series, cuts: &[Cut], seed: u64) -> Result<Vec<Seen>> {
    let part = |job: usize| {
        let mine = cuts.iter().skip(job).step_by(JOBS);
        mine.map(|cut| Ok(Seen::of(&points::run(series, &cut.text(), seed)?))).collect::<Result<_>>()
    };
    let parts: Vec<Vec<Seen>> = thread::scope(|scope| {
        let part = &part;
        let threads: Vec<_> = (0..JOBS).map(|job| scope.spawn(move || part(job))).collect();
        threads.into_iter().map(|thread| thread.join().ok().context("a world broke off")?).collect::<Result<_>>()
    })?;
    let of = |number: usize| parts.get(number % JOBS)?.get(number / JOBS).copied();
    (0..cuts.len()).map(|number| of(number).context("a cut was left out")).collect()
}

fn say(record: &mut Record, series: &Series, cuts: &[Cut], seen: &[Seen]) {
    let bad = cuts.iter().zip(seen).filter(|(_, seen)| !seen.holds(End::New));
    for (cut, seen) in bad.take(MOST_NOTES) {
        record.note(format!("{series}: {seen:?} after\n{}", cut.text()));
    }
    let of = |holds: &dyn Fn(&Cut) -> bool| number(cuts.iter().filter(|cut| holds(cut)).count());
    let in_frame = |victim| of(&|cut| matches!(cut, Cut::Frame { victim: theirs, .. } if *theirs == victim));
    let kinds = [
        ("cuts of the ECU at a flash operation", of(&|cut| matches!(cut, Cut::Flash { .. }))),
        ("cuts of the ECU in a frame", in_frame(points::Victim::Ecu)),
        ("cuts of the Primary in a frame", in_frame(points::Victim::Primary)),
        ("cuts of the whole vehicle in a frame", in_frame(points::Victim::Vehicle)),
    ];
    for (name, count) in kinds {
        record.figure(format!("{series}: {name}"), count, "", Limit::Shown);
    }
    let count = |holds: fn(&Seen) -> bool| number(seen.iter().filter(|seen| holds(seen)).count());
    let figures: [(&str, f64, f64); 4] = [
        ("vehicles that run the new image in the end", count(|seen| seen.end == End::New), number(seen.len())),
        ("ECUs that did not come back, or another invariant violated", count(|seen| seen.violations > 0), 0.0),
        ("vehicles that were mixed once their transaction was closed", count(|seen| seen.was_mixed), 0.0),
        ("cuts that did not happen", count(|seen| !seen.was_cut), 0.0),
    ];
    for (name, value, limit) in figures {
        record.figure(format!("{series}: {name}"), value, "", Limit::Exactly(limit));
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_cuts_leaves_an_ecu_that_boots_and_takes_its_image() {
        for series in Series::all(&UPDATES) {
            let mut record = Record::new(false, 1);
            let chosen = choose(&cuts(&mut record, &series).unwrap(), Some(5));
            let seen = make(&series, &chosen, 1).unwrap();
            let bad: Vec<_> = chosen.iter().zip(&seen).filter(|(_, seen)| !seen.holds(End::New)).collect();
            assert!(bad.is_empty(), "{series}: {bad:#?}");
            assert!(seen.len() >= 4, "{}", seen.len());
        }
    }
}
