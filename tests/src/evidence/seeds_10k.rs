//! Ten thousand vehicles, each with faults of its own: nothing that must hold is ever violated.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "seeds-10k",
    promise: "10,000 seeds of the default fault mix on the 8-ECU vehicle violate nothing, in under 15 minutes on two cores",
    show,
};

/// Seeds that are run; `--few N` runs N, which says so and falls short.
const SEEDS: u32 = 10_000;
/// Minutes they may take.
const MINUTES: f64 = 15.0;
/// Faults that strike in a run, on average.
const FAULTS: f64 = 5.0;
/// Every kind of the mix.
const KINDS: [&str; 12] = [
    "bit-errors",
    "bus-off",
    "disk-lie",
    "flash-tear",
    "link-cut",
    "link-delay",
    "link-loss",
    "overrun",
    "power-cut",
    "reset",
    "sick-image",
    "slow-server",
];

/// What `simulator run --json` prints.
#[derive(Deserialize)]
struct Runs {
    runs: u32,
    failed: Vec<u64>,
    violations: u32,
    faults: Map<String, Value>,
    frames: f64,
    simulated_seconds: f64,
}

fn show(record: &mut Record) -> Result<()> {
    let seeds = record.few().map_or(Ok(SEEDS), u32::try_from)?;
    let watch = host::clock::stopwatch();
    let mut command = Command::new(programs::ours("simulator")?);
    command.args(["run", "default-mix", "--jobs", "2", "--json", "--seed", &record.seed().to_string()]);
    let output = command.args(["--seeds", &seeds.to_string()]).stdin(Stdio::null()).output()?;
    let minutes = watch.elapsed().as_secs_f64() / 60.0;
    if !matches!(output.status.code(), Some(0 | 1)) {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let runs: Runs = serde_json::from_slice(&output.stdout).context("what the simulator prints")?;
    let count = f64::from(runs.runs.max(1));
    record.figure("seeds", f64::from(runs.runs), "", Limit::AtLeast(f64::from(SEEDS)));
    record.figure("invariants violated", f64::from(runs.violations), "", Limit::Exactly(0.0));
    let failed = u32::try_from(runs.failed.len())?;
    record.figure("seeds in which something that must hold does not", f64::from(failed), "", Limit::Exactly(0.0));
    if let Some(first) = runs.failed.first() {
        record.note(format!("do: simulator run default-mix --seed {first} --shrink"));
    }
    let of = |kind: &str| runs.faults.get(kind).and_then(Value::as_f64).unwrap_or(0.0);
    for kind in KINDS {
        record.figure(format!("faults that struck, {kind}"), of(kind), "", Limit::AtLeast(1.0));
    }
    let struck: f64 = KINDS.iter().map(|kind| of(kind)).sum();
    record.figure("faults that struck in a run, on average", struck / count, "", Limit::AtLeast(FAULTS));
    record.figure("CAN frames in a run, on average", runs.frames / count, "", Limit::Shown);
    record.figure("simulated time of a run, on average", runs.simulated_seconds / count, "s", Limit::Shown);
    record.figure("it takes", minutes, "minutes", Limit::AtMost(MINUTES));
    Ok(())
}
