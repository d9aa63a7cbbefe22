//! The simulator of a copy, as a person would run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// `simulator` as it was built.
pub(super) struct Simulator {
    program: PathBuf,
    folder: PathBuf,
}

/// A run that fails, made small.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    outside: Option<Vec<String>>,
    verdicts: Vec<Verdict>,
    violations: Vec<Violation>,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    must: String,
    falls_short: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Violation {
    at: String,
    invariant: String,
    how: String,
}

/// What `simulator run --json` prints.
#[derive(Deserialize)]
struct Runs {
    failed: Vec<u64>,
    shown: Failure,
}

/// Worlds at a time.
const JOBS: &str = "2";

impl Simulator {
    /// The program, and the folder of the copy it was built from.
    pub(super) fn new(program: PathBuf, folder: PathBuf) -> Self {
        Self { program, folder }
    }

    /// The first seed from `first` on, of so many, with which the scenario fails.
    pub(super) fn first_failure(&self, scenario: &str, first: u64, seeds: u64) -> Result<Option<u64>> {
        let (first, seeds) = (first.to_string(), seeds.to_string());
        let runs = self.run(&[scenario, "--seed", &first, "--seeds", &seeds, "--jobs", JOBS, "--until-failure"])?;
        Ok(runs.failed.first().copied())
    }

    /// Makes the run with a seed as small as it can be, and writes its log.
    pub(super) fn shrink(&self, scenario: &str, seed: u64, log: &Path) -> Result<Failure> {
        let log = log.to_str().context("a temporary folder has a plain name")?;
        Ok(self.run(&[scenario, "--seed", &seed.to_string(), "--shrink", "--trace", log])?.shown)
    }

    /// What the run of a log breaks, told in lines; `None` if it does not come out the same.
    pub(super) fn replay(&self, log: &Path) -> Result<Option<Vec<String>>> {
        let output = self.output(Command::new(&self.program).arg("replay").arg(log))?;
        if !output.status.success() {
            return Ok(None);
        }
        let printed = String::from_utf8(output.stdout)?;
        let is_broken = |line: &&str| BROKEN.iter().any(|broken| line.starts_with(broken));
        Ok(Some(printed.lines().map(str::trim_start).filter(is_broken).map(str::to_owned).collect()))
    }

    fn run(&self, arguments: &[&str]) -> Result<Runs> {
        let output = self.output(Command::new(&self.program).args(["run", "--json"]).args(arguments))?;
        match output.status.code() {
            Some(0 | 1) => serde_json::from_slice(&output.stdout).context("what the simulator prints"),
            _ => bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()),
        }
    }

    fn output(&self, command: &mut Command) -> Result<Output> {
        command.current_dir(&self.folder).stdin(Stdio::null()).output().context("cannot start the simulator")
    }
}

impl Failure {
    /// The first that it breaks: an invariant, or else what must hold at the end.
    pub(super) fn broken(&self) -> &str {
        let violated = self.violations.first().map(|violation| violation.invariant.as_str());
        let short = self.verdicts.iter().find(|verdict| verdict.falls_short.is_some());
        violated.or(short.map(|verdict| verdict.must.as_str())).unwrap_or("nothing")
    }

    /// What happens from outside, an event a line.
    pub(super) fn events(&self) -> &[String] {
        self.outside.as_deref().unwrap_or_default()
    }

    /// All that it breaks, in the lines that `simulator replay` prints.
    pub(super) fn shown(&self) -> Vec<String> {
        let short = self.verdicts.iter().filter_map(|verdict| {
            let why = verdict.falls_short.as_ref()?;
            Some(format!("{} {}: {why}", BROKEN[0], verdict.must))
        });
        let violated = self.violations.iter();
        let violated = violated.map(|one| format!("{} at {} s: {}: {}", BROKEN[1], one.at, one.invariant, one.how));
        short.chain(violated).collect()
    }
}

/// How a line begins that says what is broken.
const BROKEN: [&str; 2] = ["falls short:", "violated"];
