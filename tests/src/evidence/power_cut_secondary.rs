//! `power-cut-secondary`: power fails at every operation of an update of a Secondary, in every way it can, and once more
//! while the ECU recovers.
//!
//! Operations are the erases, writes and syncs of its flash, and with full verification the changes of the files it keeps
//! metadata in: these are whole or not there, as [`Disk`](host::disk::Disk) promises; what a file system must do for that
//! is not shown here. Power that comes back starts the ECU afresh, from what flash and files hold.

mod cuts;
mod layouts;
mod tally;

use anyhow::{Context, Result, bail};

use self::cuts::{Seconds, Share};
use self::layouts::{LAYOUTS, Subject};
use self::tally::{Count, Tally};
use super::Item;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "power-cut-secondary",
    promise: "after any of 20,000 power cuts during updates and recoveries a Secondary boots what is signed for it, or with a single bank waits for it, and is updated in the end",
    show,
};

/// Cuts that are made at least.
const CUTS: usize = 20_000;

fn show(record: &mut Record) -> Result<()> {
    let layouts = record.few().unwrap_or(LAYOUTS).min(LAYOUTS);
    let subjects = layouts::subjects(layouts);
    let (seed, watch) = (record.seed(), host::clock::stopwatch());
    let mut all = Tally::default();
    for subject in &subjects {
        // One of each kind of verification is cut twice in every combination of places.
        let seconds = if subject.is_first { Seconds::Every } else { Seconds::Some(4) };
        let tally = cut_all(subject, Share { seed, first: 0, step: 1 }, seconds);
        let tally = tally.with_context(|| subject.name.clone())?;
        record.figure(
            format!("{}: operations of an update", subject.name),
            tally.of(Count::Operations),
            "",
            Limit::Shown,
        );
        record.figure(format!("{}: cuts", subject.name), tally.of(Count::Cuts), "", Limit::Shown);
        record.figure(format!("{}: second cuts", subject.name), tally.of(Count::SecondCuts), "", Limit::Shown);
        all.add_all(tally);
    }
    say(record, &all, number(CUTS * layouts / LAYOUTS)?);
    record.figure("seconds", watch.elapsed().as_secs_f64(), "s", Limit::Shown);
    Ok(())
}

fn number(number: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(number)?))
}

fn say(record: &mut Record, all: &Tally, least: f64) {
    for (tear, count) in all.tears() {
        record.figure(format!("cuts, {}", tally::words(tear)), count, "", Limit::Shown);
    }
    let (first, second) = (all.of(Count::Cuts), all.of(Count::SecondCuts));
    record.figure("second cuts while an ECU recovers", second, "", Limit::Shown);
    record.figure("cuts in all", first + second, "", Limit::AtLeast(least));
    for (count, name) in tally::FAULTS {
        record.figure(name, all.of(count), "", Limit::Exactly(0.0));
    }
}

/// Makes the cuts of a subject, on every processor.
fn cut_all(subject: &Subject, share: Share, seconds: Seconds) -> Result<Tally> {
    let threads = u64::try_from(std::thread::available_parallelism()?.get())?;
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let part = |number: u64| {
            let share = Share { first: share.first + number * share.step, step: share.step * threads, ..share };
            scope.spawn(move || (subject.cut)(subject, share, seconds))
        };
        let handles: Vec<_> = (0..threads).map(part).collect();
        handles.into_iter().map(|handle| handle.join().ok()).collect::<Option<_>>().context("a thread broke off")
    })?;
    let mut all = Tally::default();
    tallies.into_iter().for_each(|tally| all.add_all(tally));
    if all.of(Count::Cuts) == 0.0 { bail!("nothing was cut") } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_cuts_on_every_layout_ends_in_the_new_image() {
        let mut all = Tally::default();
        for (number, subject) in layouts::subjects(LAYOUTS).iter().enumerate() {
            // Another place for each, far apart.
            let share = Share { seed: 1, first: u64::try_from(number).unwrap() * 5, step: 97 };
            all.add_all(cut_all(subject, share, Seconds::Some(1)).unwrap());
        }
        assert!(all.of(Count::Cuts) >= 60.0 && all.of(Count::SecondCuts) >= 60.0, "{all:?}");
        assert!(tally::FAULTS.iter().all(|(count, _)| all.of(*count) == 0.0), "{all:?}");
    }
}
