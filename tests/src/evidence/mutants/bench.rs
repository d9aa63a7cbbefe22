//! A copy of the crate `uptane`, in which one file at a time is edited, and its tests are run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::plan::Source;
use crate::programs;
use crate::sources::Copy;

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is no Rust, and so no mutant.
    NotCompiled,
    /// These tests failed: of those that were to be run first all, of the others the first.
    Caught(Vec<String>),
    /// All tests passed.
    Survived,
}

/// A copy of the crate, built.
pub(super) struct Bench {
    copy: Copy,
    /// The two test binaries: unit tests, and those in `tests/verification`.
    suites: [Suite; 2],
}

struct Suite {
    /// How cargo is told of it.
    flags: &'static [&'static str],
    program: PathBuf,
    all: Vec<String>,
    /// Its tests that take long, which are run only when the others pass.
    slow: Vec<String>,
}

const UNIT: &[&str] = &["--lib"];
const VERIFICATION: &[&str] = &["--test", "verification"];

/// A test that takes longer is run last.
const SLOW: Duration = Duration::from_millis(500);

/// A test that takes longer than this will never end.
const ENDLESS: Duration = Duration::from_secs(180);

impl Bench {
    /// Copies the crate of the workspace at `root` to a copy of this name, builds it and runs its tests, which have to pass.
    pub(super) fn set_up(root: &Path, name: &str) -> Result<Self> {
        let copy = Copy::empty(name)?;
        for part in ["uptane", "tests/vectors", "Cargo.lock"] {
            copy.take(root, part)?;
        }
        let whole = fs::read_to_string(root.join("Cargo.toml"))?;
        fs::write(copy.sources().join("Cargo.toml"), manifest(&whole)?)?;
        let programs = build_all(&copy)?;
        let suite = |flags, name| {
            let program: &PathBuf = programs.get(name).with_context(|| format!("cargo built no tests of {name}"))?;
            Suite::measure(flags, program.clone(), &copy)
        };
        let suites = [suite(VERIFICATION, "verification")?, suite(UNIT, "uptane")?];
        Ok(Self { copy, suites })
    }

    /// Puts `text` in the place of a file and runs the tests until one fails, `first` those with these names.
    pub(super) fn judge(&self, source: &Source, text: &str, first: &BTreeSet<&String>) -> Result<Outcome> {
        let path = self.copy.sources().join(&source.path);
        fs::write(&path, text)?;
        let outcome = self.run(source, first);
        fs::write(&path, &source.text)?;
        outcome
    }

    fn run(&self, source: &Source, first: &BTreeSet<&String>) -> Result<Outcome> {
        let [verification, unit] = &self.suites;
        let order = match source.path.contains("/partial/") {
            true => [unit, verification],
            false => [verification, unit],
        };
        for suite in order {
            if !build(&self.copy, suite.flags)? {
                return Ok(Outcome::NotCompiled);
            }
            let named = suite.run_named(&self.copy, first)?;
            let failed = if named.is_empty() { suite.run_fast(&self.copy)? } else { named };
            if !failed.is_empty() {
                return Ok(Outcome::Caught(failed));
            }
        }
        for suite in order {
            let failed = suite.run_slow(&self.copy)?;
            if !failed.is_empty() {
                return Ok(Outcome::Caught(failed));
            }
        }
        Ok(Outcome::Survived)
    }
}

impl Suite {
    /// Runs every test once and sees which take long.
    fn measure(flags: &'static [&'static str], program: PathBuf, copy: &Copy) -> Result<Self> {
        let (mut all, mut slow) = (Vec::new(), Vec::new());
        let mut before = now();
        let failed = run_tests(&program, copy, &[], End::AtFirst, |test| {
            let after = now();
            all.push(test.to_owned());
            if after.duration_since(before) > SLOW {
                slow.push(test.to_owned());
            }
            before = after;
        })?;
        match failed.first() {
            Some(test) => bail!("{test} fails though nothing is edited"),
            None => Ok(Self { flags, program, all, slow }),
        }
    }

    /// Those of these tests that fail. Some may be tests of another suite, or of another crate.
    fn run_named(&self, copy: &Copy, names: &BTreeSet<&String>) -> Result<Vec<String>> {
        let is_named = |test: &&String| names.iter().any(|name| test.rsplit("::").next() == Some(name));
        let named: Vec<&str> = self.all.iter().filter(is_named).map(String::as_str).collect();
        match named.is_empty() {
            true => Ok(Vec::new()),
            false => run_tests(&self.program, copy, &named, End::AtLast, |_| {}),
        }
    }

    /// The first of the quick tests that fails.
    fn run_fast(&self, copy: &Copy) -> Result<Vec<String>> {
        let skipped = self.slow.iter().flat_map(|name| ["--skip", name]).collect::<Vec<_>>();
        run_tests(&self.program, copy, &skipped, End::AtFirst, |_| {})
    }

    /// The first of the slow tests that fails.
    fn run_slow(&self, copy: &Copy) -> Result<Vec<String>> {
        let names: Vec<&str> = self.slow.iter().map(String::as_str).collect();
        match names.is_empty() {
            true => Ok(Vec::new()),
            false => run_tests(&self.program, copy, &names, End::AtFirst, |_| {}),
        }
    }
}

/// When a run of tests ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With the first test that fails.
    AtFirst,
    /// When all were run.
    AtLast,
}

/// Runs tests one after the other, tells which passed, and gives back which failed.
fn run_tests(
    program: &Path,
    copy: &Copy,
    arguments: &[&str],
    end: End,
    mut passed: impl FnMut(&str),
) -> Result<Vec<String>> {
    let mut command = Command::new(program);
    command.args(arguments).args(["--exact", "--test-threads=1"]).current_dir(copy.sources().join("uptane"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).env("RUST_BACKTRACE", "0");
    let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    let lines = lines_of(&mut child)?;
    let (mut failed, ended) = failures(&lines, end, &mut passed);
    if !ended {
        child.kill()?;
    }
    let status = child.wait()?;
    if failed.is_empty() && !status.success() {
        failed.push(format!("the test program, which ended with {status}"));
    }
    Ok(failed)
}

/// The tests that failed, and whether the program said all that it has to say.
fn failures(lines: &Receiver<String>, end: End, passed: &mut impl FnMut(&str)) -> (Vec<String>, bool) {
    let mut failed = Vec::new();
    loop {
        let line = match lines.recv_timeout(ENDLESS) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return (failed, true),
            Err(RecvTimeoutError::Timeout) => {
                failed.push("a test that did not end".into());
                return (failed, false);
            }
        };
        match result(&line) {
            Some((test, true)) => passed(test),
            Some((test, false)) => failed.push(test.to_owned()),
            None => {}
        }
        if end == End::AtFirst && !failed.is_empty() {
            return (failed, false);
        }
    }
}

/// Reads `test root::only_the_next ... ok`.
fn result(line: &str) -> Option<(&str, bool)> {
    let (test, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let test = test.strip_suffix(" - should panic").unwrap_or(test);
    match result {
        "ok" => Some((test, true)),
        "FAILED" => Some((test, false)),
        _ => None,
    }
}

fn lines_of(child: &mut Child) -> Result<Receiver<String>> {
    let output = child.stdout.take().context("the output is piped")?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // Whoever no longer listens has heard enough.
        BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    Ok(receiver)
}

/// The manifest of the workspace, with `uptane` as its only member.
fn manifest(whole: &str) -> Result<String> {
    let mut manifest: toml::Table = toml::from_str(whole)?;
    let workspace = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut).context("no workspace")?;
    workspace.insert("members".into(), vec!["uptane".to_owned()].into());
    workspace.remove("exclude");
    Ok(toml::to_string(&manifest)?)
}

fn cargo(copy: &Copy, flags: &[&str]) -> Command {
    // Not `--locked`: the lock file still names what only the other members of the workspace need.
    let mut command = copy.cargo("test");
    command.args(["--no-run", "--package", "uptane", "--all-features"]).args(flags);
    // An edit may leave a name unused; that is not what is asked.
    command.env("RUSTFLAGS", "--cap-lints allow").env("CARGO_PROFILE_DEV_DEBUG", "false");
    command
}

/// Builds all tests, and gives back the test programs by the names of what they test.
fn build_all(copy: &Copy) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = cargo(copy, &[UNIT, VERIFICATION].concat());
    let messages = programs::output(command.arg("--message-format=json"))?;
    let mut built = BTreeMap::new();
    for message in messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
        let (name, program) = (message.pointer("/target/name"), message.get("executable"));
        if let (Some(name), Some(program)) = (name.and_then(|n| n.as_str()), program.and_then(|p| p.as_str())) {
            built.insert(name.to_owned(), PathBuf::from(program));
        }
    }
    Ok(built)
}

/// Builds one of the test programs; false if the compiler refuses.
fn build(copy: &Copy, flags: &[&str]) -> Result<bool> {
    let mut command = cargo(copy, flags);
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(quiet.status().context("cannot start cargo")?.success())
}

#[expect(clippy::disallowed_methods, reason = "tests that take long are run last")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_results_are_read() {
        assert_eq!(result("test root::one ... ok"), Some(("root::one", true)));
        assert_eq!(result("test root::one - should panic ... FAILED"), Some(("root::one", false)));
        assert_eq!(result("test result: ok. 1 passed"), None);
        assert_eq!(result("running 3 tests"), None);
    }

    #[test]
    fn the_copy_has_one_member_and_the_versions_of_the_workspace() {
        let whole = include_str!("../../../../Cargo.toml");
        let copied: toml::Table = toml::from_str(&manifest(whole).unwrap()).unwrap();
        assert_eq!(copied["workspace"]["members"].as_array().unwrap().len(), 1);
        let original: toml::Table = toml::from_str(whole).unwrap();
        assert_eq!(copied["workspace"]["dependencies"], original["workspace"]["dependencies"]);
        assert_eq!(copied["profile"], original["profile"]);
    }
}
