//! `mutants`: whoever breaks a step of §5.4.4 in the verifier breaks a test of the verifier's own.
//!
//! Every line of `uptane/src/verify/` that cites a step is edited in a copy of the crate, one edit at a time, in every
//! way that might make the step pass what it should refuse; then the tests of that crate are run, and nothing else. An
//! edit that does not compile is no mutant. Where types leave no way to break a step (the order of the roles is one),
//! the code is replaced by a stop of the program, which shows no more than that a test comes by.

mod bench;
mod citations;
mod edits;
mod plan;
mod sites;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};

use self::bench::{Bench, Outcome};
use self::plan::{Mutant, Plan};
use self::steps::Steps;
use super::Item;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "mutants",
    promise: "whichever step of §5.4.4 is broken in a copy of uptane, a test of that crate fails",
    show,
};

/// Copies of the crate that are worked on at a time, where the machine has as many cores.
const COPIES: usize = 4;

/// Percent of all mutants that have to be caught.
const CAUGHT: f64 = 95.0;

fn show(record: &mut Record) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in the workspace")?;
    let steps = Steps::read(root)?;
    let plan = Plan::read(root)?;
    cite(record, &plan, &steps);
    match record.few() {
        Some(few) => show_few(record, root, &plan, &steps, few),
        None => show_all(record, root, &plan, &steps),
    }
}

/// What can be said before anything is run: every step is cited, on lines that do something.
fn cite(record: &mut Record, plan: &Plan, steps: &Steps) {
    record.figure("comments that cite a step", number(plan.cited.len()), "", Limit::Shown);
    record.figure("edits of the code they are about", number(plan.mutants.len()), "", Limit::Shown);
    for cited in &plan.cited {
        if cited.site.is_none() {
            record.claim(format!("{} cites a step above code that does it", plan.place(cited)), false);
        }
        for step in cited.citation.steps.iter().filter(|step| !steps.has(step)) {
            record.claim(format!("§{step}, which {} cites, is a step of the Standard", plan.place(cited)), false);
        }
    }
    let all: BTreeSet<&String> = plan.cited.iter().flat_map(|cited| &cited.citation.steps).collect();
    for step in steps.all().filter(|step| !all.contains(step)) {
        record.claim(format!("§{step} is cited"), false);
    }
}

/// As many mutants as asked for, chosen by the seed.
fn show_few(record: &mut Record, root: &Path, plan: &Plan, steps: &Steps, few: usize) -> Result<()> {
    let bench = Bench::set_up(root, &name(0))?;
    let mut caught = 0;
    let mut done = 0;
    for mutant in shuffled(&plan.mutants, record.seed()) {
        if done == few {
            break;
        }
        let outcome = judge(plan, steps, mutant, &bench)?;
        done += usize::from(outcome != Outcome::NotCompiled);
        caught += usize::from(matches!(outcome, Outcome::Caught(_)));
        tell(record, plan, mutant, &outcome);
    }
    record.figure(format!("mutants chosen by seed {}", record.seed()), number(done), "", Limit::Exactly(number(few)));
    record.figure("caught", number(caught), "", Limit::Exactly(number(done)));
    Ok(())
}

fn show_all(record: &mut Record, root: &Path, plan: &Plan, steps: &Steps) -> Result<()> {
    let copies = thread::available_parallelism().map_or(1, usize::from).min(COPIES);
    let benches = set_up(root, copies)?;
    let start = bench::now();
    let mut outcomes = judge_all(record, (plan, steps), &plan.mutants, &benches)?;
    let last: Vec<Mutant> = without_mutant(plan, &outcomes).filter_map(|cited| plan.last_resort(cited)).collect();
    outcomes.extend(judge_all(record, (plan, steps), &last, &benches)?);
    let seconds = start.elapsed().as_secs_f64();
    for cited in without_mutant(plan, &outcomes) {
        let place = plan.cited.get(cited).map(|cited| plan.place(cited)).unwrap_or_default();
        record.claim(format!("the code that {place} is about can be broken"), false);
    }
    count(record, plan, steps, &outcomes);
    let tried = number(plan.mutants.len() + last.len());
    record.figure("edits that did not compile", tried - number(outcomes.len()), "", Limit::Shown);
    record.figure("mutants that only stop the program", number(last.len()), "", Limit::Shown);
    record.figure("time", seconds / 60.0, "minutes", Limit::Shown);
    record.figure("time for each edit", seconds / tried, "s", Limit::Shown);
    Ok(())
}

/// A mutant, and the tests that caught it.
type Judged = (Mutant, Vec<String>);

/// What became of the mutants of one step.
#[derive(Clone, Copy, Default)]
struct Tally {
    all: usize,
    caught: usize,
    /// Caught by a test that the rule of the step names.
    by_name: usize,
}

fn count(record: &mut Record, plan: &Plan, steps: &Steps, outcomes: &[Judged]) {
    let mut of_step: BTreeMap<&str, Tally> = BTreeMap::new();
    for (mutant, caught) in outcomes {
        for step in plan.steps(mutant) {
            let tally = of_step.entry(step).or_default();
            tally.all += 1;
            tally.caught += usize::from(!caught.is_empty());
            tally.by_name += usize::from(caught.iter().any(|test| steps.names(step, test)));
        }
    }
    for step in steps.all() {
        let Tally { all, caught, by_name } = of_step.get(step.as_str()).copied().unwrap_or_default();
        let limit = if all == 0 { Limit::AtLeast(1.0) } else { Limit::Exactly(number(all)) };
        let name = format!("§{step} ({}), mutants caught", steps.what(step));
        record.figure(name, number(caught), "", limit);
        record.figure(format!("§{step}, by tests its rule names"), number(by_name), "", Limit::AtLeast(1.0));
    }
    let survivors = outcomes.iter().filter(|(_, caught)| caught.is_empty());
    for (mutant, _) in survivors.clone() {
        record.note(format!("survived: {}", plan.describe(mutant)));
    }
    let caught = outcomes.len() - survivors.count();
    record.figure("mutants", number(outcomes.len()), "", Limit::AtLeast(1.0));
    let percent = 100.0 * number(caught) / number(outcomes.len().max(1));
    record.figure("mutants caught", percent, "percent", Limit::AtLeast(CAUGHT));
}

/// The comments whose code no mutant edits that compiled.
fn without_mutant(plan: &Plan, outcomes: &[Judged]) -> impl Iterator<Item = usize> {
    let edited: BTreeSet<usize> = outcomes.iter().flat_map(|(mutant, _)| &mutant.cited_by).copied().collect();
    (0..plan.cited.len()).filter(move |cited| !edited.contains(cited)).collect::<Vec<_>>().into_iter()
}

/// What a copy is called.
fn name(copy: usize) -> String {
    format!("mutants/{copy}")
}

fn set_up(root: &Path, copies: usize) -> Result<Vec<Bench>> {
    thread::scope(|scope| {
        let one = |copy| scope.spawn(move || Bench::set_up(root, &name(copy)));
        let started: Vec<_> = (0..copies).map(one).collect();
        started
            .into_iter()
            .map(|bench| bench.join().unwrap_or_else(|_| anyhow::bail!("a copy could not be made")))
            .collect()
    })
}

/// Judges all mutants, each copy of the crate taking the next; those that do not compile are left out.
fn judge_all(
    record: &mut Record,
    (plan, steps): (&Plan, &Steps),
    mutants: &[Mutant],
    benches: &[Bench],
) -> Result<Vec<Judged>> {
    let (next, record, judged) = (AtomicUsize::new(0), Mutex::new(record), Mutex::new(Vec::new()));
    let work = |bench: &Bench| -> Result<()> {
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let start = bench::now();
            let outcome = judge(plan, steps, mutant, bench)?;
            let (Ok(mut record), Ok(mut judged)) = (record.lock(), judged.lock()) else { break };
            tell(&mut record, plan, mutant, &outcome);
            let caught = match outcome {
                Outcome::NotCompiled => continue,
                Outcome::Caught(tests) => tests,
                Outcome::Survived => Vec::new(),
            };
            record.sample("seconds of a mutant", start.elapsed().as_secs_f64());
            judged.push((mutant.clone(), caught));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let started: Vec<_> = benches.iter().map(|bench| scope.spawn(|| work(bench))).collect();
        started
            .into_iter()
            .try_for_each(|done| done.join().unwrap_or_else(|_| anyhow::bail!("a copy could not be edited")))
    })?;
    Ok(judged.into_inner().unwrap_or_default())
}

fn judge(plan: &Plan, steps: &Steps, mutant: &Mutant, bench: &Bench) -> Result<Outcome> {
    let (source, text) = plan.apply(mutant).context("an edit lies in its file")?;
    let named = plan.steps(mutant).into_iter().flat_map(|step| steps.tests(step)).collect();
    bench.judge(source, &text, &named)
}

fn tell(record: &mut Record, plan: &Plan, mutant: &Mutant, outcome: &Outcome) {
    match outcome {
        Outcome::NotCompiled => {}
        Outcome::Caught(tests) => record.note(format!("{}; caught by {}", plan.describe(mutant), tests.join(", "))),
        Outcome::Survived => record.note(format!("{}; SURVIVED", plan.describe(mutant))),
    }
}

/// All of them, in an order that `seed` decides.
fn shuffled(mutants: &[Mutant], seed: u64) -> Vec<&Mutant> {
    let mut random = seed;
    let mut order: Vec<(u64, &Mutant)> = mutants.iter().map(|mutant| (splitmix(&mut random), mutant)).collect();
    order.sort_by_key(|(key, _)| *key);
    order.into_iter().map(|(_, mutant)| mutant).collect()
}

/// The generator SplitMix64.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_the_standard_is_cited_above_code_that_does_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut record = Record::new(false, 1);
        cite(&mut record, &Plan::read(root).unwrap(), &Steps::read(root).unwrap());
        assert_eq!(record.verdict("mutants"), "mutants: holds, 2 figures");
    }

    #[test]
    fn the_seed_alone_decides_the_order() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let plan = Plan::read(root).unwrap();
        let order = |seed| shuffled(&plan.mutants, seed).iter().map(|m| plan.describe(m)).collect::<Vec<_>>();
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
    }
}
