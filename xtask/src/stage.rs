//! Stages of a run: each is timed, none stops the next, and all stand in the table at the end.

use std::ops::AddAssign;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How many tests ran, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        let Self { passed, failed, ignored } = other;
        self.passed += passed;
        self.failed += failed;
        self.ignored += ignored;
    }
}

/// What became of one stage.
enum Outcome {
    Passed,
    Failed,
    LeftOut,
}

/// The stages run so far.
#[derive(Default)]
pub(crate) struct Stages {
    done: Vec<(&'static str, Outcome, Duration)>,
    count: Count,
}

impl Stages {
    /// Runs `check` as the stage `name` and prints what goes wrong in it.
    pub(crate) fn run(&mut self, name: &'static str, check: impl FnOnce() -> Result<Count>) {
        println!("\n=== {name}");
        let start = now();
        let result = check();
        let took = now().duration_since(start);
        let outcome = match result {
            Ok(count) => self.tally(count),
            Err(error) => {
                eprintln!("{name}: {error:#}");
                self.count.failed += 1;
                Outcome::Failed
            }
        };
        self.done.push((name, outcome, took));
    }

    /// Records that the caller did not ask for `name`, so that the table shows it.
    pub(crate) fn leave_out(&mut self, name: &'static str) {
        self.done.push((name, Outcome::LeftOut, Duration::ZERO));
    }

    /// Prints the table and the closing line.
    pub(crate) fn finish(&self) -> ExitCode {
        println!("\nstage           seconds");
        for (name, outcome, took) in &self.done {
            let remark = match outcome {
                Outcome::Passed => "",
                Outcome::Failed => "  FAILED",
                Outcome::LeftOut => "  left out, as asked",
            };
            println!("{name:<14} {:>8.1}{remark}", took.as_secs_f64());
        }
        let all: Duration = self.done.iter().map(|(_, _, took)| *took).sum();
        println!("{:<14} {:>8.1}\n", "in all", all.as_secs_f64());
        println!("{} passed, {} failed", self.count.passed, self.count.failed);
        match self.count.failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    /// A stage that ran tests fails with the first test that failed, or that did not run at all.
    fn tally(&mut self, count: Count) -> Outcome {
        self.count += count;
        if count.ignored > 0 {
            eprintln!("{} tests are ignored; a test that is not run shows nothing", count.ignored);
            self.count.failed += count.ignored;
        }
        match count.failed + count.ignored {
            0 => Outcome::Passed,
            _ => Outcome::Failed,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the table of stages shows how long each took")]
fn now() -> Instant {
    Instant::now()
}
