//! `can-fuzz`: ten million frames and messages that are not what they should be, and what an ECU on CAN makes of them.
//!
//! The cases are those of [`crate::can_fuzz`]. They run in two processes of `fuzz/src/sessions.rs`, whose ISO-TP and UDS
//! count the lines that are reached: what is covered is what these very cases cover, by LLVM's own count, of every file
//! under `proto/src/isotp` and `proto/src/uds` but tests, lines with code alone.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

use super::Item;
use super::fuzz::COUNTERS;
use super::fuzz::coverage::{Coverage, Lines};
use crate::can_fuzz::Mutation;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "can-fuzz",
    promise: "ten million frames and PDUs, a third of them of sessions with one mutation, do an ECU on CAN no harm that lasts",
    show,
};

/// Frames and messages in all; `--few N` gives a thousand N, which says so and falls short.
const GIVEN: u32 = 10_000_000;
/// Of a hundred, so many are of sessions in which one thing goes wrong.
const DISTURBED: f64 = 100.0 / 3.0;
/// Of the lines of ISO-TP and UDS, so many of a hundred are reached.
const LINES: f64 = 90.0;
/// Processes that run at the same time.
const JOBS: u32 = 2;
/// Cases that are described if they end badly.
const MOST_NOTES: usize = 10;

fn show(record: &mut Record) -> Result<()> {
    let program = super::fuzz::build("coverage", COUNTERS, "sessions")?;
    let coverage = Coverage::new(program.clone())?;
    let folder = tempfile::tempdir()?;
    let given = record.few().map_or(Ok(GIVEN), |few| u32::try_from(few).map(|few| few.saturating_mul(1_000)))?;
    let watch = host::clock::stopwatch();
    let runs = run(&program, record.seed(), given, folder.path())?;
    let seconds = watch.elapsed().as_secs_f64();
    let found = Found::read(&runs)?;
    found.tell(record, seconds);
    let raw: Vec<PathBuf> = (0..JOBS).map(|job| raw(folder.path(), job)).collect();
    tell_lines(record, &coverage.files(&raw, &folder.path().join("profdata"))?)
}

/// Runs the cases, each job its share. What each printed.
fn run(program: &Path, seed: u64, given: u32, folder: &Path) -> Result<Vec<String>> {
    let start = |job: u32| {
        let mut command = Command::new(program);
        command
            .args([seed, (given.div_ceil(JOBS)).into(), job.into(), JOBS.into()].map(|number: u64| number.to_string()));
        command.env("LLVM_PROFILE_FILE", raw(folder, job)).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot start the cases")
    };
    let started: Vec<_> = (0..JOBS).map(start).collect::<Result<_>>()?;
    // Each says little until its end, so none waits for another to be read.
    started.into_iter().map(|child| said(&child.wait_with_output()?)).collect()
}

fn said(output: &Output) -> Result<String> {
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the cases broke off with {}: {}", output.status, error.trim_end());
    Ok([String::from_utf8_lossy(&output.stdout), error].concat())
}

fn raw(folder: &Path, job: u32) -> PathBuf {
    folder.join(format!("{job}.profraw"))
}

/// What all jobs counted, and what they say of cases that ended badly.
#[derive(Debug, Default, PartialEq)]
struct Found {
    counts: BTreeMap<String, u64>,
    bad: Vec<String>,
}

impl Found {
    /// Reads lines like `count: given = 5000000` and `bad: case 5 of seed 1, …`; what a panic says stands in between.
    fn read(runs: &[String]) -> Result<Self> {
        let mut found = Self::default();
        for line in runs.iter().flat_map(|said| said.lines()) {
            if let Some((name, count)) = line.strip_prefix("count: ").and_then(|count| count.rsplit_once(" = ")) {
                *found.counts.entry(name.to_owned()).or_default() += count.parse::<u64>()?;
            } else if line.starts_with("bad: ") || line.contains("panicked at") {
                found.bad.push(line.to_owned());
            }
        }
        ensure!(found.counts.contains_key("given"), "the cases say nothing of what they gave: {runs:?}");
        Ok(found)
    }

    fn of(&self, name: &str) -> f64 {
        let count = self.counts.get(name).copied().unwrap_or_default();
        f64::from(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn tell(&self, record: &mut Record, seconds: f64) {
        let given = self.of("given");
        record.figure("frames and PDUs", given, "", Limit::AtLeast(GIVEN.into()));
        record.figure("of strangers, frames", self.of("frames of strangers"), "", Limit::Shown);
        record.figure("of strangers, PDUs", self.of("messages of strangers"), "", Limit::Shown);
        let share = 100.0 * self.of("disturbed") / given.max(1.0);
        record.figure("of sessions with one mutation", share, "%", Limit::AtLeast(DISTURBED));
        record.figure("cases", self.of("cases"), "", Limit::AtLeast(1.0));
        record.figure("sessions with one mutation", self.of("disturbed sessions"), "", Limit::AtLeast(1.0));
        record.figure("of these, do not mind it", self.of("disturbed sessions that complete"), "", Limit::Shown);
        for mutation in Mutation::ALL {
            let count = self.of(&format!("mutation: {}", mutation.name()));
            record.figure(format!("sessions with {}", mutation.name()), count, "", Limit::AtLeast(1.0));
        }
        self.tell_harm(record);
        record.figure("frames of the sessions after the cases", self.of("after"), "", Limit::Shown);
        record.figure("seconds", seconds, "s", Limit::Shown);
        record.figure("frames and PDUs a second", (given / seconds).floor(), "", Limit::Shown);
    }

    fn tell_harm(&self, record: &mut Record) {
        let harm = [
            ("panics", "panics"),
            ("images changed", "cases after which something ran that was not to run"),
            ("next session failed", "cases after which the next session failed, its predecessor's time being over"),
            ("not healed", "cases after which a power cycle did not heal the ECU"),
        ];
        for (name, what) in harm {
            record.figure(what, self.of(name), "", Limit::Exactly(0.0));
        }
        self.bad.iter().take(MOST_NOTES).for_each(|bad| record.note(bad.clone()));
        if !self.bad.is_empty() {
            record.note("to run one of them again: target/fuzz/coverage/release/sessions SEED case NUMBER");
        }
    }
}

/// The lines of ISO-TP and UDS, file by file, and together.
fn tell_lines(record: &mut Record, files: &BTreeMap<String, Lines>) -> Result<()> {
    let mut reached = Vec::new();
    for source in sources()? {
        let of = |(path, _): &(&String, &Lines)| path.ends_with(&format!("/proto/src/{source}"));
        match files.iter().find(of) {
            Some((_, lines)) => {
                record.figure(format!("lines of {source} reached"), Lines::share([lines]), "%", Limit::Shown);
                reached.push(lines);
            }
            None => record.note(format!("       {source} has no code to be reached")),
        }
    }
    record.figure("lines of ISO-TP and UDS reached", Lines::share(reached), "%", Limit::AtLeast(LINES));
    Ok(())
}

/// Every source file of ISO-TP and UDS but tests, as its path in `proto/src`.
fn sources() -> Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/src");
    let mut sources = Vec::new();
    for part in ["isotp", "uds"] {
        sources.push(format!("{part}.rs"));
        list(&root, Path::new(part), &mut sources)?;
    }
    sources.sort_unstable();
    Ok(sources)
}

fn list(root: &Path, folder: &Path, sources: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if path.file_stem() == Some(OsStr::new("tests")) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => list(root, &path, sources)?,
            false => sources.push(path.display().to_string()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_jobs_are_added_and_bad_cases_are_kept() {
        let said = ["count: given = 3\nbad: case 2 of seed 1\n", "thread panicked at x.rs\ncount: given = 4\n"];
        let found = Found::read(&said.map(String::from)).unwrap();
        assert_eq!(found.of("given"), 7.0);
        assert_eq!(found.bad, ["bad: case 2 of seed 1", "thread panicked at x.rs"]);
        assert!(Found::read(&[String::new()]).is_err());
    }

    #[test]
    fn the_sources_are_those_of_both_layers() {
        let sources = sources().unwrap();
        assert!(sources.iter().any(|source| source == "isotp/receiver.rs"), "{sources:?}");
        assert!(sources.iter().any(|source| source == "uds/server/transfer.rs"), "{sources:?}");
        assert!(!sources.iter().any(|source| source.contains("tests")), "{sources:?}");
    }
}
