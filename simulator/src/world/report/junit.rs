//! JUnit XML, which test tools read: a suite for each scenario, a test case for each seed and each thing that must hold.

use super::Run;
use super::markup::Escaped;
use crate::world::time::Moment;

/// The file of these runs.
///
/// Beside what must hold, each run has a test case for the invariants, so that a run without any such thing is seen too;
/// the virtual time of the run stands there.
pub fn junit(runs: &[Run]) -> String {
    let mut suites: Vec<(&str, &str, Vec<&Run>)> = Vec::new();
    for run in runs {
        let same = |(scenario, vehicle, _): &&mut (&str, &str, Vec<&Run>)| {
            *scenario == run.scenario && *vehicle == run.vehicle
        };
        match suites.iter_mut().find(same) {
            Some((_, _, suite)) => suite.push(run),
            None => suites.push((&run.scenario, &run.vehicle, vec![run])),
        }
    }
    let suites: String = suites.into_iter().map(|(scenario, vehicle, runs)| suite(scenario, vehicle, &runs)).collect();
    let totals = Totals::of(runs.iter());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"simulator\"{totals}>\n{suites}</testsuites>\n"
    )
}

fn suite(scenario: &str, vehicle: &str, runs: &[&Run]) -> String {
    let name = format!("{scenario} on {vehicle}");
    let cases: String = runs.iter().map(|run| cases(run)).collect();
    let totals = Totals::of(runs.iter().copied());
    format!("  <testsuite name=\"{}\"{totals}>\n{cases}  </testsuite>\n", Escaped(&name))
}

fn cases(run: &Run) -> String {
    let musts = run.verdicts.iter().map(|verdict| {
        let failures: Vec<(&str, &str)> = verdict.falls_short.iter().map(|why| ("must", why.as_str())).collect();
        case(run, &verdict.must, Moment::START, &failures)
    });
    let violated: Vec<String> = run
        .violations
        .iter()
        .map(|violation| format!("at {} s: {}: {}", violation.at, violation.invariant, violation.how))
        .collect();
    let failures: Vec<(&str, &str)> = violated.iter().map(|text| ("invariant", text.as_str())).collect();
    musts.chain([case(run, INVARIANTS, run.end, &failures)]).collect()
}

/// A test case. A test case can have one failure, whose text lists all.
fn case(run: &Run, name: &str, time: Moment, failures: &[(&str, &str)]) -> String {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"seed {}: {}\" time=\"{time}\"",
        Escaped(&run.scenario),
        run.seed,
        Escaped(name),
    );
    let Some((kind, first)) = failures.first() else { return format!("{head}/>\n") };
    let texts: Vec<&str> = failures.iter().map(|(_, text)| *text).collect();
    let (message, text) = (Escaped(first).to_string(), texts.join("\n"));
    format!(
        "{head}>\n      <failure type=\"{kind}\" message=\"{message}\">{}</failure>\n    </testcase>\n",
        Escaped(&text)
    )
}

/// The attributes that sum up runs.
struct Totals {
    tests: usize,
    failures: usize,
    time: Moment,
}

impl Totals {
    fn of<'r>(runs: impl Iterator<Item = &'r Run>) -> Self {
        let none = Self { tests: 0, failures: 0, time: Moment::START };
        runs.fold(none, |sum, run| {
            let short = run.verdicts.iter().filter(|verdict| verdict.falls_short.is_some()).count();
            Self {
                tests: sum.tests + run.verdicts.len() + 1,
                failures: sum.failures + short + usize::from(!run.violations.is_empty()),
                time: sum.time + run.end.since_start(),
            }
        })
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, " tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{}\"", self.tests, self.failures, self.time)
    }
}

const INVARIANTS: &str = "no invariant is violated";
