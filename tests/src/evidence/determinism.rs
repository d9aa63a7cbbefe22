//! The simulated world is a function of scenario and seed: the same log from every build, byte for byte.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "determinism",
    promise: "50 seeds of the default fault mix leave the same log, byte for byte, twice in debug and twice in release",
    show,
};

/// Seeds that are run; `--few N` runs N, which says so and falls short.
const SEEDS: u32 = 50;

fn show(record: &mut Record) -> Result<()> {
    let seeds = record.few().map_or(Ok(SEEDS), u32::try_from)?;
    let (debug, release) = (built_in_debug()?, programs::ours("simulator")?);
    let folder = tempfile::tempdir()?;
    let (mut equal, mut bytes) = (0, 0.0);
    for seed in (record.seed()..).take(usize::try_from(seeds)?) {
        let logs = [&debug, &debug, &release, &release].map(|program| log(program, seed, folder.path()));
        let [first, others @ ..] = logs;
        let first = first?;
        ensure!(first.len() > 1_000, "seed {seed} leaves a log of {} bytes", first.len());
        bytes += f64::from(u32::try_from(first.len())?);
        let mut all = true;
        for other in others {
            all &= other? == first;
        }
        equal += u32::from(all);
        if !all {
            record.note(format!("seed {seed} leaves different logs"));
        }
    }
    record.figure("bytes of one log, on average", bytes / f64::from(seeds.max(1)), "bytes", Limit::Shown);
    record.figure("seeds", f64::from(seeds), "", Limit::AtLeast(f64::from(SEEDS)));
    record.figure("seeds whose four logs are equal", f64::from(equal), "", Limit::Exactly(f64::from(seeds)));
    Ok(())
}

/// The simulator without optimisation, built here.
fn built_in_debug() -> Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?;
    programs::output(
        Command::new("cargo").args(["build", "--quiet", "--locked", "-p", "simulator"]).current_dir(workspace),
    )?;
    let target = std::env::current_exe()?;
    Ok(target.ancestors().nth(2).context("the target folder")?.join("debug/simulator"))
}

/// The log of a run. Whether the run holds is no matter here.
fn log(program: &Path, seed: u64, folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join("run.jsonl");
    let mut command = Command::new(program);
    command.args(["run", "default-mix", "--seed", &seed.to_string(), "--trace"]).arg(&path);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().context("cannot start the simulator")?;
    if !matches!(status.code(), Some(0 | 1)) {
        bail!("seed {seed}: {status}");
    }
    let log = std::fs::read(&path)?;
    std::fs::remove_file(&path)?;
    Ok(log)
}
