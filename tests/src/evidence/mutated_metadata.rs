//! Half a million changed role files, judged by `uptane` and by the oracle: both must say the same.

mod bytes;
mod case;
mod chance;
mod delegated;
mod delegating;
mod forge;
mod judge;
mod keys;
mod meaning;
mod structure;
mod tree;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result, bail};

use self::case::{Case, make};
use self::chance::Chance;
use self::world::World;
use super::Item;
use crate::oracle::Oracle;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "mutated-metadata",
    promise: "500,000 changed role files are accepted or refused exactly as an independent verifier does",
    show,
};

/// Cases that are judged; `--few N` has a thousand N judged, which says so and falls short.
const CASES: u64 = 500_000;
/// At least so many of a hundred are signed again after they were changed.
const RESIGNED: f64 = 30.0;

fn show(record: &mut Record) -> Result<()> {
    let worlds = all_worlds()?;
    let seed = record.seed();
    let watch = host::clock::stopwatch();
    let cases = record.few().map_or(Ok(CASES), |few| u64::try_from(few).map(|few| few.saturating_mul(1_000)))?;
    let tally = judge_all(&worlds, seed, cases)?;
    let seconds = watch.elapsed().as_secs_f64();

    record.figure("vehicles and updates to begin with", count(worlds.len())?, "", Limit::Shown);
    let cases = tally.sum("cases");
    record.figure("changed files judged", cases, "", Limit::AtLeast(500_000.0));
    let resigned = 100.0 * tally.sum("signed again") / cases;
    record.figure("of them signed again by their role", resigned, "%", Limit::AtLeast(RESIGNED));
    record.figure("judged otherwise by the oracle", tally.sum("disagreements"), "", Limit::Exactly(0.0));
    record.figure("panics", tally.sum("panics"), "", Limit::Exactly(0.0));
    record.figure("judged a second", cases / seconds, "", Limit::Shown);
    for (name, number) in tally.0.iter().filter(|(name, _)| name.contains(": ")) {
        record.figure(name, *number, "", Limit::Shown);
    }
    Ok(())
}

fn all_worlds() -> Result<Vec<World>> {
    Ok(world::all()?.into_iter().chain(delegated::all()?).collect())
}

fn count(number: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(number)?))
}

/// What was counted, by name.
#[derive(Default)]
struct Tally(BTreeMap<String, f64>);

impl Tally {
    fn add(&mut self, name: impl Into<String>) {
        *self.0.entry(name.into()).or_default() += 1.0;
    }

    fn sum(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }
}

/// Judges the cases of a seed, on every processor.
fn judge_all(worlds: &[World], seed: u64, cases: u64) -> Result<Tally> {
    let threads = std::thread::available_parallelism()?.get();
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let part = |first: u64| scope.spawn(move || judge_part(worlds, seed, (first..cases).step_by(threads)));
        let handles: Vec<_> = (0..).take(threads).map(part).collect();
        handles.into_iter().map(|handle| handle.join().ok()).collect::<Option<_>>().context("a thread broke off")
    })?;
    let mut all = Tally::default();
    for (name, number) in tallies.into_iter().flat_map(|tally| tally.0) {
        *all.0.entry(name).or_default() += number;
    }
    if all.0.is_empty() { bail!("nothing was judged") } else { Ok(all) }
}

fn judge_part(worlds: &[World], seed: u64, cases: impl Iterator<Item = u64>) -> Tally {
    let (mut tally, mut oracle) = (Tally::default(), Oracle::default());
    for number in cases {
        let mut chance = Chance::of(seed, number);
        let Some((world, case)) = make(worlds, &mut chance) else { continue };
        tally.add("cases");
        if case.resigned {
            tally.add("signed again");
        }
        tally.add(format!("file: {:?} {:?}", case.whose, case.which));
        tally.add(format!("change: {}", case.kind));
        let judged = catch_unwind(AssertUnwindSafe(|| judge(&mut oracle, world, &case)));
        match judged {
            Ok(Ok(verdict)) => tally.add(format!("verdict: {verdict}")),
            Ok(Err(difference)) => {
                eprintln!(
                    "--seed {seed}, case {number}, \"{}\", {:?} {:?}, {}: {difference}",
                    world.name, case.whose, case.which, case.kind
                );
                tally.add("disagreements");
            }
            Err(_) => {
                eprintln!("--seed {seed}, case {number}: panic");
                tally.add("panics");
            }
        }
    }
    tally
}

/// What both say of a case, or in what they differ.
fn judge(oracle: &mut Oracle, world: &World, case: &Case) -> Result<String, String> {
    let (ours, error) = judge::ours(world, case);
    let (theirs, why) = judge::theirs(oracle, world, case);
    match ours == theirs {
        true => Ok(error.map_or("accepted".to_owned(), |error| format!("refused, {error}"))),
        false => Err(format!("uptane says {error:?}, the oracle {why:?}\n  {ours:?}\n  {theirs:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_verifiers_judge_a_thousand_changed_files_alike() {
        let worlds = all_worlds().unwrap();
        let tally = judge_all(&worlds, 1, 1_000).unwrap();
        assert_eq!(tally.sum("cases"), 1_000.0);
        assert_eq!((tally.sum("disagreements"), tally.sum("panics")), (0.0, 0.0));
        assert!(tally.sum("signed again") > 300.0);
        assert!(tally.sum("verdict: accepted") > 100.0);
    }
}
