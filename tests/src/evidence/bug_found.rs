//! `bug-found`: bugs that an engineer might write, planted in a copy of what ships, are found by the simulator.
//!
//! Each bug is a patch in `tests/planted/`. The simulator is built with it, and lets a scenario happen with one seed after
//! the other until something is violated; makes that run as small as it can; and repeats it from its log.

mod planted;
mod runs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use self::planted::Planted;
use self::runs::{Failure, Simulator};
use super::Item;
use crate::programs;
use crate::record::{Limit, Record};
use crate::sources::Copy;

pub(super) const ITEM: Item = Item {
    name: "bug-found",
    promise: "ten bugs planted in a copy are found by simulated runs, made small, and repeated from the log",
    show,
};

/// Bugs that are planted; `--few N` plants the first N, which falls short.
const BUGS: f64 = 10.0;
/// Seeds within which each is found.
const SEEDS: u64 = 2_000;
/// Seeds of each scenario with which the copy holds before anything is planted.
const SOUND: u64 = 50;
/// Events from outside that are left of a run at most.
const EVENTS: f64 = 29.0;

fn show(record: &mut Record) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in the workspace")?;
    let mut bugs = planted::all(root)?;
    bugs.truncate(record.few().unwrap_or(usize::MAX));
    record.figure("bugs planted", number(bugs.len()), "", Limit::AtLeast(BUGS));
    let watch = host::clock::stopwatch();
    let copy = Copy::empty("planted")?;
    copy.take_tracked(root)?;
    sound(record, &built(&copy)?, &bugs)?;
    for bug in &bugs {
        bug.plant(&copy).with_context(|| format!("{} cannot be planted", bug.name()))?;
        find(record, &built(&copy)?, bug)?;
        bug.remove(&copy)?;
    }
    record.figure("it takes", watch.elapsed().as_secs_f64() / 60.0, "minutes", Limit::Shown);
    Ok(())
}

/// Without any bug nothing is found, whatever is going to be run.
fn sound(record: &mut Record, simulator: &Simulator, bugs: &[Planted]) -> Result<()> {
    let scenarios: BTreeSet<&str> = bugs.iter().map(Planted::scenario).collect();
    for scenario in scenarios {
        let found = simulator.first_failure(scenario, record.seed(), SOUND)?;
        let failed = u32::from(found.is_some());
        record.figure(format!("{scenario}: nothing planted, failures in {SOUND} seeds"), f64::from(failed), "", NONE);
    }
    Ok(())
}

fn find(record: &mut Record, simulator: &Simulator, bug: &Planted) -> Result<()> {
    let name = bug.name();
    record.note(format!("{name}: {}", bug.what()));
    let seed = simulator.first_failure(bug.scenario(), record.seed(), SEEDS)?;
    // Not found counts as found too late.
    let after = seed.map_or(SEEDS + 1, |seed| seed - record.seed() + 1);
    record.figure(format!("{name}: found after"), whole(after), "seeds", Limit::AtMost(whole(SEEDS)));
    let Some(seed) = seed else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("run.jsonl");
    let small = simulator.shrink(bug.scenario(), seed, &log)?;
    tell(record, bug, &small);
    let repeated = simulator.replay(&log)?;
    record.claim(format!("{name}: its log shows the same again"), repeated.as_ref() == Some(&small.shown()));
    Ok(())
}

fn tell(record: &mut Record, bug: &Planted, small: &Failure) {
    let name = bug.name();
    let broken = small.broken();
    record.note(format!("       breaks \"{broken}\""));
    small.events().iter().for_each(|event| record.note(format!("       {event}")));
    record.claim(format!("{name}: breaks what its patch says"), bug.breaks().any(|promise| promise == broken));
    let left = number(small.events().len());
    record.figure(format!("{name}: events from outside left"), left, "", Limit::AtMost(EVENTS));
}

/// Builds the copy. What is planted changes one crate or two; the others stay as they were built.
fn built(copy: &Copy) -> Result<Simulator> {
    let mut command = copy.cargo("build");
    command.args(["--release", "--locked", "--package", "simulator"]);
    // Built eleven times and run for minutes: what makes the build quicker is worth more than what makes runs quicker.
    command.env("CARGO_PROFILE_RELEASE_INCREMENTAL", "true");
    programs::output(&mut command)?;
    let program: PathBuf = copy.target().join("release/simulator");
    ensure!(program.is_file(), "cargo built no {}", program.display());
    Ok(Simulator::new(program, copy.sources()))
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn whole(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

const NONE: Limit = Limit::Exactly(0.0);
