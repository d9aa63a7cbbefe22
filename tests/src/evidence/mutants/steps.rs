//! The numbered steps of §5.4.4, as `tests/steps.toml` lists them, and the tests that their rules name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Every step.
pub(super) struct Steps {
    listed: BTreeMap<String, Step>,
    /// The tests that the rules of verification name.
    tests: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Step {
    /// The rule of `docs/requirements/` that says what shows it.
    rule: String,
    /// What it asks for.
    is: String,
}

#[derive(Deserialize)]
struct Page {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    #[serde(default)]
    tests: BTreeSet<String>,
}

impl Steps {
    /// Reads the table, and the rules of the workspace at `root`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let listed = toml::from_str(include_str!("../../../steps.toml"))?;
        let rules = fs::read_to_string(root.join("docs/requirements/5.4.4-verification.toml"))?;
        let Page { rule: rules } = toml::from_str(&rules).context("docs/requirements/5.4.4-verification.toml")?;
        Ok(Self { listed, tests: rules.into_iter().map(|rule| (rule.id, rule.tests)).collect() })
    }

    /// Every step that asks for something, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.listed.keys()
    }

    /// What a step asks for.
    pub(super) fn what(&self, step: &str) -> &str {
        self.listed.get(step).map_or("", |step| &step.is)
    }

    /// Whether there is such a step; one that consists of others counts.
    pub(super) fn has(&self, step: &str) -> bool {
        let is_part = |known: &String| known.strip_prefix(step).is_some_and(|rest| rest.starts_with('.'));
        self.listed.contains_key(step) || self.listed.keys().any(is_part)
    }

    /// The tests that the rule of a step names.
    pub(super) fn tests(&self, step: &str) -> impl Iterator<Item = &String> {
        let rule = self.listed.get(step).and_then(|step| self.tests.get(&step.rule));
        rule.into_iter().flatten()
    }

    /// Whether the rule of a step names this test, which is told with its module.
    pub(super) fn names(&self, step: &str, test: &str) -> bool {
        let name = test.rsplit("::").next().unwrap_or(test);
        self.tests(step).any(|named| named == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Steps {
        Steps::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()).unwrap()
    }

    #[test]
    fn the_table_has_every_part_of_the_section_and_says_what_each_step_is() {
        let steps = steps();
        for part in 1..=8 {
            assert!(steps.all().any(|step| step.starts_with(&format!("5.4.4.{part} step "))), "{part}");
        }
        assert!(steps.all().all(|step| !steps.what(step).is_empty()));
    }

    #[test]
    fn the_rule_of_every_step_names_tests() {
        let steps = steps();
        let without: Vec<_> = steps.all().filter(|step| steps.tests(step).next().is_none()).collect();
        assert!(without.is_empty(), "{without:?}");
    }

    #[test]
    fn a_test_is_named_without_its_module() {
        let steps = steps();
        assert!(steps.names("5.4.4.4 step 3", "timestamp::older_timestamp_is_a_rollback"));
        assert!(!steps.names("5.4.4.4 step 3", "timestamp::expired_timestamp_is_a_freeze"));
    }

    #[test]
    fn a_step_of_several_is_known_and_others_are_not() {
        let steps = steps();
        assert!(steps.has("5.4.4.3 step 2") && steps.has("5.4.4.3 step 2.2"));
        assert!(!steps.has("5.4.4.3 step 5") && !steps.has("5.4.4.3 step 2.22"));
    }
}
