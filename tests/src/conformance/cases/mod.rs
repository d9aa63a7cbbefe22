//! The cases, by the section of their rules.

mod artifacts;
mod commands;
mod delegated;
mod files;
mod names;
mod root;
mod rotations;
mod search;
mod snapshot;
mod targets;
mod timestamp;

use std::collections::BTreeSet;

use super::Case;

/// All of them.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(commands::cases());
    cases.extend(names::cases());
    cases.extend(files::cases());
    cases.extend(root::cases());
    cases.extend(rotations::cases());
    cases.extend(timestamp::cases());
    cases.extend(snapshot::cases());
    cases.extend(targets::cases());
    cases.extend(search::cases());
    cases.extend(delegated::cases());
    cases.extend(artifacts::cases());
    cases
}

/// As few as show every rule, but for those that take seconds: what every run of the tests plays.
pub fn quick() -> Vec<Case> {
    let slow = ["1100 Roots", "at its beginning", "without end", "longer than"];
    let mut shown = BTreeSet::new();
    let mut cases = all();
    cases.retain(|case| !slow.iter().any(|slow| case.name.contains(slow)));
    cases.retain(|case| case.rules.iter().map(|rule| shown.insert(*rule)).fold(false, |news, new| news | new));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_case_and_every_case_its_rules() {
        assert_eq!(crate::conformance::misfits(&all()), Vec::<String>::new());
    }

    #[test]
    fn there_are_as_many_cases_as_were_promised() {
        assert!(all().len() >= 110, "{}", all().len());
    }
}
