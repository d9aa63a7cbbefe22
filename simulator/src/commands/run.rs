//! `simulator run`: lets a scenario happen, once or with many seeds.

use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::outputs::Outputs;
use super::{Error, scenario};
use crate::runs::{Made, Recipe, Tally, many, smaller};
use crate::world::report::Run;

/// What to run, and what to write of it.
#[derive(Args, Debug)]
pub struct Options {
    /// A TOML file, or the name of a ready scenario.
    #[arg(value_name = "FILE|NAME")]
    scenario: String,
    /// The seed, or the first of several.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs so many seeds, one after the other.
    #[arg(long, default_value_t = NonZeroU64::MIN)]
    seeds: NonZeroU64,
    /// Worlds that run at the same time.
    #[arg(long, default_value_t = NonZeroU64::MIN)]
    jobs: NonZeroU64,
    /// Ends with the first seed that fails.
    #[arg(long)]
    until_failure: bool,
    /// Leaves out of a run that fails everything from outside that it fails without, and makes the rest simpler.
    #[arg(long)]
    shrink: bool,
    /// What is written; of several seeds, of the first that fails, or else of the first.
    #[command(flatten)]
    outputs: Outputs,
    /// Prints the result as one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(options: &Options) -> Result<(), Error> {
    let recipe = scenario::recipe(&options.scenario, options.seed)?;
    let mut shown = recipe.clone();
    let mut tally = Tally::default();
    if options.seeds > NonZeroU64::MIN {
        tally = all_seeds(&recipe, options)?;
        shown = recipe.with_seed(tally.failed.first().copied().unwrap_or(options.seed));
    }
    let mut made = shown.make(options.outputs.wants_buses())?;
    if options.seeds == NonZeroU64::MIN {
        tally.add(options.seed, &made.ended);
    }
    if options.shrink && !made.ended.run.holds() {
        shown = smaller(&shown, MOST_RUNS)?.unwrap_or(shown);
        made = shown.make(options.outputs.wants_buses())?;
    }
    options.outputs.write(&made)?;
    match options.json {
        true => host::cli::print(as_json(&tally, &made, &shown)),
        false => print(&tally, &made, &shown, options),
    }
    match tally.failed.len() {
        0 => Ok(()),
        failed => Err(Error::FellShort { scenario: made.ended.run.scenario, failed, runs: tally.runs }),
    }
}

fn all_seeds(recipe: &Recipe, options: &Options) -> Result<Tally, Error> {
    let count = options.seeds.get();
    let bar = ProgressBar::new(count);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {eta} left {msg}") {
        bar.set_style(style);
    }
    let mut tally = Tally::default();
    let seeds = options.seed..options.seed.saturating_add(count);
    let jobs = usize::try_from(options.jobs.get()).unwrap_or(usize::MAX);
    many(recipe, seeds, jobs, |seed, ended| {
        tally.add(seed, ended);
        bar.inc(1);
        if !tally.failed.is_empty() {
            bar.set_message(format!("({} fail)", tally.failed.len()));
        }
        match options.until_failure && !tally.failed.is_empty() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    bar.finish_and_clear();
    Ok(tally)
}

fn print(tally: &Tally, made: &Made, shown: &Recipe, options: &Options) {
    let run = &made.ended.run;
    if tally.runs > 1 {
        let failed = tally.failed.len();
        host::cli::print(format!(
            "{}: {} of {} seeds hold; {} faults struck: {}",
            run.scenario,
            tally.runs.saturating_sub(u64::try_from(failed).unwrap_or(u64::MAX)),
            tally.runs,
            tally.struck.total(),
            tally.struck
        ));
        let first: Vec<String> = tally.failed.iter().take(MOST_NAMED).map(u64::to_string).collect();
        if failed > 0 {
            host::cli::print(format!(
                "seeds that fail: {}{}",
                first.join(", "),
                if failed > first.len() { ", …" } else { "" }
            ));
        }
    }
    if tally.runs == 1 || !run.holds() {
        lines(run, made).into_iter().for_each(host::cli::print);
    }
    if options.shrink && !run.holds() {
        let events = told(shown);
        host::cli::print(format!("fails with {} from outside alone:", host::cli::counted(events.len(), "event")));
        events.iter().for_each(|event| host::cli::print(format!("  {event}")));
    }
}

/// What happens from outside, for people; nothing where that is all that the scenario has in store.
fn told(shown: &Recipe) -> Vec<String> {
    let Some((scenario, events)) = shown.whole().ok().zip(shown.outside.as_ref()) else { return Vec::new() };
    events.iter().map(|event| scenario.told(shown.seed, event)).collect()
}

/// A run in lines.
fn lines(run: &Run, made: &Made) -> Vec<String> {
    let seconds = |pause: Duration| format!("{:.1} s", pause.as_secs_f64());
    let mut lines = vec![format!(
        "{} on {}, seed {}: {} in {} events and {} frames",
        run.scenario,
        run.vehicle,
        run.seed,
        seconds(run.end.since_start()),
        made.ended.events,
        made.ended.frames
    )];
    lines.extend(run.faults.iter().map(|fault| format!("  at {} s: {}", fault.at, fault.what)));
    lines.extend(run.verdicts.iter().map(|verdict| match &verdict.falls_short {
        None => format!("  holds: {}", verdict.must),
        Some(why) => format!("  falls short: {}: {why}", verdict.must),
    }));
    let violated = run.violations.iter();
    lines.extend(violated.map(|one| format!("  violated at {} s: {}: {}", one.at, one.invariant, one.how)));
    lines
}

fn as_json(tally: &Tally, made: &Made, shown: &Recipe) -> serde_json::Value {
    let run = &made.ended.run;
    let struck: serde_json::Map<_, _> =
        tally.struck.kinds().map(|(kind, count)| (kind.to_owned(), count.into())).collect();
    let digest = made.ended.summary.map(|summary| summary.digest.to_string());
    serde_json::json!({
        "scenario": run.scenario, "vehicle": run.vehicle, "runs": tally.runs, "failed": tally.failed,
        "violations": tally.violations, "faults": struck, "fewest_faults": tally.fewest_struck,
        "events": tally.events, "frames": tally.frames, "simulated_seconds": tally.simulated,
        "shown": {
            "seed": run.seed, "outside": shown.outside.as_ref().map(|_| told(shown)), "holds": run.holds(),
            "sha256": digest,
            "seconds": run.end.since_start().as_secs_f64(),
            "verdicts": run.verdicts.iter().map(|one| serde_json::json!({
                "must": one.must, "falls_short": one.falls_short,
            })).collect::<Vec<_>>(),
            "violations": run.violations.iter().map(|one| serde_json::json!({
                "at": one.at.to_string(), "invariant": one.invariant, "how": one.how,
            })).collect::<Vec<_>>(),
        },
    })
}

/// What to repeat.
#[derive(Args, Debug)]
pub struct Replay {
    /// A log that `simulator run --trace` wrote.
    log: PathBuf,
    /// What is written of the run.
    #[command(flatten)]
    outputs: Outputs,
}

/// Repeats the run of a log, which must come out the same, byte for byte.
pub fn replay(options: &Replay) -> Result<(), Error> {
    let log = read(&options.log)?;
    let bad = |source| Error::BadLog { path: options.log.clone(), source };
    let read = crate::world::trace::read::<Recipe, crate::world::run::Record>(log.as_slice()).map_err(bad)?;
    let made = read.run.make(options.outputs.wants_buses())?;
    options.outputs.write(&made)?;
    lines(&made.ended.run, &made).into_iter().for_each(host::cli::print);
    if made.log != log {
        let same = made.log.split(|byte| *byte == b'\n').zip(log.split(|byte| *byte == b'\n'));
        let line = same.take_while(|(now, then)| now == then).count().saturating_add(1);
        return Err(Error::Otherwise { path: options.log.clone(), line });
    }
    host::cli::print(format!("the same {} events, byte for byte", read.summary.events));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

/// Runs that making a failing run smaller may take.
const MOST_RUNS: u32 = 500;
/// Failing seeds that are named.
const MOST_NAMED: usize = 10;
