//! `tuf-client` does what TUF 1.0.34 §5 says, rule by rule, over HTTP.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Item;
use crate::conformance::{Case, Program, cases, misfits, rules};
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "tuf-rules",
    promise: "tuf-client does what TUF 1.0.34 §5 says, every rule shown by a case over HTTP",
    show,
};

/// The fewest cases that are enough.
const CASES: f64 = 110.0;

fn show(record: &mut Record) -> Result<()> {
    // For the library that shifts the time.
    programs::need_package("gcc")?;
    programs::need_package("libc6-dev")?;
    let program = Program { path: programs::ours("tuf-client")?, first: Vec::new() };
    let mut cases = cases::all();
    for misfit in misfits(&cases) {
        record.note(format!("misfit: {misfit}"));
    }
    record.figure("misfits between rules and cases", count(misfits(&cases).len()), "", Limit::Exactly(0.0));
    shuffle(&mut cases, record.seed());
    let failed = failed(record, &program, &cases);
    sections(record, &cases, &failed);
    record.figure("rules", count(rules::all().len()), "", Limit::Shown);
    record.figure("cases", count(cases.len()), "", Limit::AtLeast(CASES));
    record.figure("cases that do not hold", count(failed.len()), "", Limit::Exactly(0.0));
    Ok(())
}

/// Plays every case; the names of those that do not hold.
fn failed(record: &mut Record, program: &Program, cases: &[Case]) -> BTreeSet<String> {
    let mut failed = BTreeSet::new();
    for case in cases {
        let watch = host::clock::stopwatch();
        if let Err(error) = case.play(program, record.seed()) {
            record.note(format!("does not hold: {} ({}): {error:#}", case.name, case.rules.join(", ")));
            failed.insert(case.name.clone());
        }
        record.sample("seconds a case", watch.elapsed().as_secs_f64());
    }
    failed
}

/// How many rules each section has, how many cases show them, and how many of those hold.
fn sections(record: &mut Record, cases: &[Case], failed: &BTreeSet<String>) {
    let rules = rules::all();
    let mut titles: Vec<&str> = rules.iter().map(|rule| rule.section).collect();
    titles.dedup();
    let rows: Vec<[String; 4]> = titles
        .into_iter()
        .map(|title| {
            let numbers: BTreeSet<&str> =
                rules.iter().filter(|rule| rule.section == title).map(|rule| rule.number).collect();
            let of_it = |case: &&Case| case.rules.iter().any(|rule| numbers.contains(rule));
            let all = cases.iter().filter(of_it).count();
            let hold = cases.iter().filter(of_it).filter(|case| !failed.contains(&case.name)).count();
            [title.to_owned(), numbers.len().to_string(), all.to_string(), hold.to_string()]
        })
        .collect();
    record.note(host::cli::table(["section", "rules", "cases", "hold"], &rows));
}

/// Another order for each seed.
fn shuffle(cases: &mut [Case], seed: u64) {
    let mut random = seed | 1;
    for at in (1..cases.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound = u64::try_from(at).unwrap_or(u64::MAX) + 1;
        cases.swap(at, usize::try_from((random >> 33) % bound).unwrap_or(at));
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
