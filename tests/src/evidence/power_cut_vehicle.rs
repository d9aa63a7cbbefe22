//! `power-cut-vehicle`: power fails at every durable write and at every message of an update of four ECUs.
//!
//! The vehicle is simulated: the code that ships on virtual disks, flash and buses. An update without a cut counts what each
//! ECU writes and says until the vehicle is at rest, or has gone back for the first time; then each of these is cut in a run of its own, power is back after three
//! seconds, and the world goes on until it rests again. Operations of a disk or of flash are cut before they begin and half
//! done; what a disk has not synchronised is kept in part, as chance has it. Messages are cut before they are sent and,
//! at the other end, before they are taken. On CAN a message is a whole request or answer.

mod points;
pub(super) mod tally;

use std::thread;

use anyhow::{Context, Result, ensure};

use self::points::{Cut, Series};
use self::tally::{End, Seen, Tally};
use super::Item;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "power-cut-vehicle",
    promise: "a cut at any durable write or message of a four-ECU update leaves all ECUs new if the new images boot, all old if not, never mixed",
    show,
};

/// Worlds that run at the same time.
const JOBS: usize = 2;
/// Cuts that are made at least.
const CUTS: f64 = 2_000.0;
/// Cuts that are described if they end badly.
const MOST_NOTES: usize = 5;

fn show(record: &mut Record) -> Result<()> {
    let watch = host::clock::stopwatch();
    let mut all = Tally::default();
    let mut possible = 0;
    for series in Series::ALL {
        let cuts = cuts(record, series)?;
        possible += cuts.len();
        let chosen = choose(&cuts, record.few());
        let seen = make(series, &chosen, record.seed())?;
        let tally = say(record, series, &chosen, &seen);
        all.cuts += tally.cuts;
    }
    let possible = f64::from(u32::try_from(possible)?);
    record.figure("cuts in all", f64::from(all.cuts), "", Limit::AtLeast(possible.max(CUTS)));
    record.figure("seconds", watch.elapsed().as_secs_f64(), "s", Limit::Shown);
    Ok(())
}

/// Every cut of a series, whose points are recorded.
fn cuts(record: &mut Record, series: Series) -> Result<Vec<Cut>> {
    let (ended, sites) = points::sites(series, record.seed())?;
    let Seen { end, violations, .. } = Seen::of(&ended);
    ensure!(end == wanted(series) && violations == 0, "{series}, without a cut: {:?}", ended.run);
    for site in &sites {
        let name = format!("{series}: {}, {}", site.node, site.what);
        record.figure(name, f64::from(u32::try_from(site.count)?), "", Limit::AtLeast(1.0));
    }
    Ok(sites.iter().flat_map(points::Site::cuts).collect())
}

/// As many as are asked for, spread over all.
fn choose(cuts: &[Cut], few: Option<usize>) -> Vec<Cut> {
    let step = few.map_or(1, |few| cuts.len().div_ceil(few.max(1))).max(1);
    cuts.iter().step_by(step).cloned().collect()
}

/// Makes each cut in a world of its own.
fn make(series: Series, cuts: &[Cut], seed: u64) -> Result<Vec<Seen>> {
    let part = |job: usize| {
        let mine = cuts.iter().skip(job).step_by(JOBS);
        mine.map(|cut| Ok(Seen::of(&points::run(&points::recipe(series, points::LIMIT, &cut.text(), seed))?)))
            .collect::<Result<_>>()
    };
    let parts: Vec<Vec<Seen>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..JOBS).map(|job| scope.spawn(move || part(job))).collect();
        threads.into_iter().map(|thread| thread.join().ok().context("a world broke off")?).collect::<Result<_>>()
    })?;
    let of = |number: usize| parts.get(number % JOBS)?.get(number / JOBS).copied();
    (0..cuts.len()).map(|number| of(number).context("a cut was left out")).collect()
}

fn say(record: &mut Record, series: Series, cuts: &[Cut], seen: &[Seen]) -> Tally {
    let mut tally = Tally::default();
    cuts.iter().zip(seen).for_each(|(cut, seen)| tally.add(seen, cut.whole));
    let bad = cuts.iter().zip(seen).filter(|(_, seen)| !seen.holds(wanted(series)));
    for (cut, seen) in bad.take(MOST_NOTES) {
        record.note(format!("{series}: {seen:?} after\n{}", cut.text()));
    }
    let Tally { cuts, of_vehicle, new, old, mixed, mixed_once_closed, stuck, missed, violations } = tally;
    let (all_new, all_old) = if wanted(series) == End::New { (cuts, 0) } else { (0, cuts) };
    let figures = [
        ("cuts, of one ECU", cuts - of_vehicle, None),
        ("cuts, of the whole vehicle", of_vehicle, None),
        ("vehicles that are all new in the end", new, Some(all_new)),
        ("vehicles that are all old in the end", old, Some(all_old)),
        ("vehicles that are mixed in the end", mixed, Some(0)),
        ("vehicles that were mixed once their transaction was closed", mixed_once_closed, Some(0)),
        ("vehicles that did not come to rest in half an hour", stuck, Some(0)),
        ("other invariants violated", violations, Some(0)),
        ("cuts that did not happen", missed, Some(0)),
    ];
    for (name, value, limit) in figures {
        let limit = limit.map_or(Limit::Shown, |limit| Limit::Exactly(f64::from(limit)));
        record.figure(format!("{series}: {name}"), f64::from(value), "", limit);
    }
    tally
}

fn wanted(series: Series) -> End {
    match series {
        Series::Good => End::New,
        Series::Crashes | Series::VotesSick => End::Old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_cuts_leaves_the_vehicle_all_new_or_all_old() {
        for series in Series::ALL {
            let mut record = Record::new(false, 1);
            let chosen = choose(&cuts(&mut record, series).unwrap(), Some(6));
            let seen = make(series, &chosen, 1).unwrap();
            let bad: Vec<_> = chosen.iter().zip(&seen).filter(|(_, seen)| !seen.holds(wanted(series))).collect();
            assert!(bad.is_empty(), "{series}: {bad:#?}");
            assert!(seen.len() >= 5, "{}", seen.len());
        }
    }
}
