//! `requirements`: where we stand with every rule of the Standard, section by section.
//!
//! That every pointer leads to code and to a test is checked by `cargo xtask test requirements`, which is run here; that
//! the tests fail when the code is broken is for [`mutants`](super::mutants) to show.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "requirements",
    promise: "every rule of the Standard is met, deviating, void or open, with pointers that lead somewhere; none of §5.2 and §5.4.4 is open",
    show,
};

/// The sections of which nothing may be open.
const DONE: [&str; 2] = ["5.2", "5.4.4"];

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    rule: Vec<Rule>,
    #[serde(default)]
    trap: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    summary: String,
    status: Status,
    /// Why it is deviating or void.
    #[serde(default)]
    why: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Status {
    Met,
    Deviating,
    /// The condition it binds under cannot arise (ADR 0007).
    Void,
    Open,
}

const STATUSES: [Status; 4] = [Status::Met, Status::Deviating, Status::Void, Status::Open];

fn show(record: &mut Record) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in the workspace")?;
    let Page { rule: rules, trap: traps } = read(&root.join("docs/requirements"))?;
    for (section, counts) in sections(&rules) {
        for (status, count) in counts {
            record.figure(format!("§{section} {}", status.name()), f64::from(count), "", Limit::Shown);
        }
    }
    for rule in rules.iter().filter(|rule| rule.must_not_be_open()) {
        record.claim(format!("{} ({}) is not open", rule.id, rule.summary), false);
    }
    // Told one by one: what is called void must bear being looked at.
    for rule in rules.iter().filter(|rule| rule.status == Status::Void) {
        record.note(format!("void: {}. {} {}", rule.id, rule.summary, rule.why));
        record.claim(format!("{} says why it is void", rule.id), !rule.why.is_empty());
    }
    let all = [("rules", &rules), ("traps", &traps)];
    for (what, list) in all {
        for status in STATUSES {
            let count = list.iter().filter(|rule| rule.status == status).count();
            record.figure(format!("{what} {}", status.name()), f64::from(u32::try_from(count)?), "", Limit::Shown);
        }
    }
    let checked = programs::output(Command::new("cargo").args(["xtask", "test", "requirements"]).current_dir(root));
    record.claim("every pointer leads to code, and to a test", checked.is_ok());
    Ok(())
}

fn read(folder: &Path) -> Result<Page> {
    let mut all = Page { rule: Vec::new(), trap: Vec::new() };
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let page: Page = toml::from_str(&fs::read_to_string(&path)?).with_context(|| path.display().to_string())?;
            all.rule.extend(page.rule);
            all.trap.extend(page.trap);
        }
    }
    Ok(all)
}

/// How many rules of each section there are in each state.
fn sections(rules: &[Rule]) -> BTreeMap<&str, BTreeMap<Status, u32>> {
    let mut sections: BTreeMap<&str, BTreeMap<Status, u32>> = BTreeMap::new();
    for rule in rules {
        *sections.entry(rule.section()).or_default().entry(rule.status).or_default() += 1;
    }
    sections
}

impl Rule {
    /// `5.4.4.3` of `STD-5.4.4.3-2`.
    fn section(&self) -> &str {
        let id = self.id.strip_prefix("STD-").unwrap_or(&self.id);
        id.rsplit_once('-').map_or(id, |(section, _)| section)
    }

    /// Whether it is open, though it belongs to a section of which nothing may be.
    fn must_not_be_open(&self) -> bool {
        let belongs =
            |done: &&str| self.section().strip_prefix(*done).is_some_and(|rest| !rest.starts_with(char::is_numeric));
        self.status == Status::Open && DONE.iter().any(belongs)
    }
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Deviating => "deviating",
            Self::Void => "void",
            Self::Open => "open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, status: Status) -> Rule {
        Rule { id: id.into(), summary: "any".into(), status, why: String::new() }
    }

    #[test]
    fn rules_are_counted_by_the_section_in_their_id() {
        let rules =
            [rule("STD-5.2-1", Status::Met), rule("STD-5.2.3.1.1-6", Status::Open), rule("STD-5.2-2", Status::Met)];
        let counted = sections(&rules);
        assert_eq!(counted["5.2"], BTreeMap::from([(Status::Met, 2)]));
        assert_eq!(counted["5.2.3.1.1"], BTreeMap::from([(Status::Open, 1)]));
    }

    #[test]
    fn only_metadata_and_verification_must_have_nothing_open() {
        assert!(rule("STD-5.2.3.1.1-6", Status::Open).must_not_be_open());
        assert!(rule("STD-5.4.4-1", Status::Open).must_not_be_open());
        assert!(!rule("STD-5.4.4-1", Status::Deviating).must_not_be_open());
        assert!(!rule("STD-5.2.3.1.1-6", Status::Void).must_not_be_open());
        assert!(!rule("STD-5.4.2.4-1", Status::Open).must_not_be_open());
        assert!(!rule("STD-5.3-1", Status::Open).must_not_be_open());
    }
}
