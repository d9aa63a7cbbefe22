//! `docs/requirements/`: every rule of the Uptane Standard 2.1.0, and every trap in it, and where we stand with them.
//!
//! A rule that is met, or a trap that is avoided, names the code that meets it and the test that shows it. Both are looked up here, so that a
//! renamed function cannot leave a promise behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::stage::Count;
use crate::workspace::Workspace;

/// Rules in the Standard, as `docs/requirements/README.md` counts them.
const RULES: usize = 229;

/// Traps: T1 to T31, and T1b.
const TRAPS: usize = 32;

/// Rules that bind who does something nobody must, and permissions: the only ones that can be void (ADR 0007).
const CONDITIONAL: [&str; 14] = [
    "STD-5.2.3.1.1-6",
    "STD-5.2.3.1.1-7",
    "STD-5.2.3.1.1-9",
    "STD-5.2.3.2-6",
    "STD-5.2.4-2",
    "STD-5.3.1-7",
    "STD-5.3.2-3",
    "STD-5.3.2.1-13",
    "STD-5.3.2.2-6",
    "STD-5.4.1-7",
    "STD-5.4.2.1-2",
    "STD-5.4.2.1-4",
    "STD-5.4.4.1-4",
    "STD-5.4.4.2-14",
];

/// What is still to come, by the names `docs/requirements/README.md` explains.
const PACKAGES: [&str; 8] = [
    "whole system",
    "verification core",
    "simulated world",
    "CAN",
    "Image repository",
    "Director",
    "vehicle",
    "operation",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    rule: Vec<Rule>,
    #[serde(default)]
    trap: Vec<Rule>,
}

/// A rule of the Standard, or a trap in it.
#[derive(Deserialize)]
struct Rule {
    id: String,
    /// What it asks for, in our words.
    summary: String,
    #[serde(flatten)]
    state: State,
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase", deny_unknown_fields)]
enum State {
    /// We do it: `code` is `file: text that stands in it`, `tests` are names of test functions.
    Met { code: Vec<String>, tests: Vec<String> },
    /// We do otherwise, on purpose.
    Deviating { why: String, code: Vec<String> },
    /// The condition it binds under cannot arise: `code` sees to that, and `tests` show it.
    Void { why: String, code: Vec<String>, tests: Vec<String> },
    /// Still to come, in a package of work; of a trap also why it belongs there.
    Open {
        package: String,
        #[serde(default)]
        why: String,
    },
}

/// Checks every pointer of every rule.
pub(crate) fn check(workspace: &Workspace) -> Result<Count> {
    let Page { rule: rules, trap: traps } = read(workspace)?;
    let tests = Tests::find(workspace)?;
    let mut faults = Vec::new();
    faults.extend(faults_of(workspace, &tests, &rules, ("STD-", RULES)));
    faults.extend(faults_of(workspace, &tests, &traps, ("T", TRAPS)));
    faults.extend(traps.iter().filter_map(Rule::unexplained));
    for fault in &faults {
        eprintln!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} faults in docs/requirements", faults.len());
    }
    println!("{} rules: {}", rules.len(), summary(&rules));
    println!("{} traps: {}", traps.len(), summary(&traps));
    Ok(Count::default())
}

fn read(workspace: &Workspace) -> Result<Page> {
    let mut all = Page { rule: Vec::new(), trap: Vec::new() };
    for path in workspace.files("docs/requirements", "toml")? {
        let page: Page = toml::from_str(&fs::read_to_string(&path)?).with_context(|| workspace.relative(&path))?;
        all.rule.extend(page.rule);
        all.trap.extend(page.trap);
    }
    Ok(all)
}

/// How many there are in each state.
fn summary(rules: &[Rule]) -> String {
    let mut states = BTreeMap::new();
    for rule in rules {
        *states.entry(rule.state.name()).or_insert(0_u32) += 1;
    }
    let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    states.join(", ")
}

/// What is wrong with a list whose ids begin with `prefix`, and that has so many entries.
fn faults_of(workspace: &Workspace, tests: &Tests, rules: &[Rule], (prefix, count): (&str, usize)) -> Vec<String> {
    let mut faults = duplicates(rules);
    if rules.len() != count {
        faults.push(format!("there are {} of {prefix}… instead of {count}", rules.len()));
    }
    for rule in rules {
        if !rule.id.starts_with(prefix) || rule.summary.is_empty() {
            faults.push(format!("{}: has no proper id or summary", rule.id));
        }
        let found = rule.faults(workspace, tests).into_iter();
        faults.extend(found.map(|fault| format!("{}: {fault}", rule.id)));
    }
    faults
}

fn duplicates(rules: &[Rule]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    rules.iter().filter(|rule| !seen.insert(&rule.id)).map(|rule| format!("{} stands twice", rule.id)).collect()
}

impl Rule {
    fn faults(&self, workspace: &Workspace, tests: &Tests) -> Vec<String> {
        let mut faults = Vec::new();
        match &self.state {
            State::Met { code, tests: named } => faults.extend(unshown(workspace, tests, code, named)),
            State::Deviating { why, code } => {
                if why.is_empty() {
                    faults.push("deviates without saying why".into());
                }
                faults.extend(code.iter().filter_map(|pointer| lost(workspace, pointer)));
            }
            State::Void { why, code, tests: named } => {
                if why.is_empty() {
                    faults.push("is void without saying why".into());
                }
                if !CONDITIONAL.contains(&self.id.as_str()) {
                    faults.push("is called void, and binds without condition".into());
                }
                faults.extend(unshown(workspace, tests, code, named));
            }
            State::Open { package, why: _ } => {
                if !PACKAGES.contains(&package.as_str()) {
                    faults.push(format!("is left to `{package}`, which is no package"));
                }
            }
        }
        faults
    }

    /// A trap that is left open says why another package has to close it.
    fn unexplained(&self) -> Option<String> {
        let silent = matches!(&self.state, State::Open { why, .. } if why.is_empty());
        silent.then(|| format!("{}: is left open without saying why", self.id))
    }
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Met { .. } => "met",
            Self::Deviating { .. } => "deviating",
            Self::Void { .. } => "void",
            Self::Open { .. } => "open",
        }
    }
}

/// What is wrong with code and tests of which both must be there.
fn unshown(workspace: &Workspace, tests: &Tests, code: &[String], named: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    if code.is_empty() || named.is_empty() {
        faults.push("names no code or no test".into());
    }
    faults.extend(code.iter().filter_map(|pointer| lost(workspace, pointer)));
    faults.extend(named.iter().filter(|name| !tests.has(name)).map(|name| format!("no test is named {name}")));
    faults
}

/// Why `pointer` (`file: text`) leads nowhere, if it does.
fn lost(workspace: &Workspace, pointer: &str) -> Option<String> {
    let Some((file, text)) = pointer.split_once(": ") else {
        return Some(format!("`{pointer}` is not of the form `file: text in it`"));
    };
    match fs::read_to_string(workspace.root.join(file)) {
        Err(_) => Some(format!("there is no file {file}")),
        Ok(source) if source.contains(text) => None,
        Ok(_) => Some(format!("{file} does not contain `{text}`")),
    }
}

/// The names of all test functions, and of all pieces of evidence.
struct Tests(BTreeSet<String>);

impl Tests {
    fn find(workspace: &Workspace) -> Result<Self> {
        let mut names = BTreeSet::new();
        for package in &workspace.packages {
            for path in workspace.files(&workspace.relative(package.folder()), "rs")? {
                names.extend(test_names(&fs::read_to_string(&path)?));
            }
        }
        for path in workspace.files("tests/src/evidence", "rs")? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
            names.insert(format!("evidence {stem}"));
        }
        Ok(Self(names))
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// The functions in `source` that stand under an attribute naming a test.
fn test_names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            marked |= line.contains("test]") || line.contains("test(");
        } else if let Some(name) = function_name(line)
            && std::mem::take(&mut marked)
        {
            names.push(name.to_owned());
        }
    }
    names
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let plain = before.split_whitespace().all(|word| matches!(word, "pub" | "pub(crate)" | "async"));
    plain.then(|| after.split(['(', '<']).next())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_a_function_under_a_test_attribute() {
        let source = "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test]\nasync fn two() {}\n";
        assert_eq!(test_names(source), ["one", "two"]);
    }

    #[test]
    fn a_pointer_to_text_that_is_not_there_is_a_fault() {
        let workspace = Workspace::find().unwrap();
        assert_eq!(lost(&workspace, "xtask/src/requirements.rs: fn lost"), None);
        assert!(lost(&workspace, "Cargo.toml: no such words").is_some());
        assert!(lost(&workspace, "no/such/file: text").is_some());
        assert!(lost(&workspace, "Cargo.toml").is_some());
    }

    #[test]
    fn a_trap_left_open_says_why() {
        let state = |why: &str| State::Open { package: "vehicle".into(), why: why.into() };
        let trap = |why| Rule { id: "T0".into(), summary: "none".into(), state: state(why) };
        assert!(trap("").unexplained().is_some());
        assert!(trap("it needs a second source of time").unexplained().is_none());
    }

    #[test]
    fn a_list_names_each_id_once_and_all_of_them() {
        let workspace = Workspace::find().unwrap();
        let rule = |id: &str| {
            let state = State::Open { package: "vehicle".into(), why: String::new() };
            Rule { id: id.into(), summary: "none".into(), state }
        };
        let faults = |ids: &[&str], count| {
            let rules: Vec<Rule> = ids.iter().map(|id| rule(id)).collect();
            faults_of(&workspace, &Tests(BTreeSet::new()), &rules, ("T", count)).len()
        };
        assert_eq!(faults(&["T1", "T2"], 2), 0);
        assert_eq!(faults(&["T1", "T1"], 2), 1);
        assert_eq!(faults(&["T1"], 2), 1);
        assert_eq!(faults(&["T1", "STD-1"], 2), 1);
    }

    #[test]
    fn only_a_rule_with_a_condition_is_void_and_only_if_code_and_a_test_show_it() {
        let workspace = Workspace::find().unwrap();
        let tests = Tests(BTreeSet::from(["shows_it".into()]));
        let faults = |id: &str, why: &str, test: &str| {
            let (code, tests_named) = (vec!["Cargo.toml: [workspace]".into()], vec![test.into()]);
            let state = State::Void { why: why.into(), code, tests: tests_named };
            Rule { id: id.into(), summary: "none".into(), state }.faults(&workspace, &tests).len()
        };
        assert_eq!(faults("STD-5.2.3.1.1-6", "nobody encrypts", "shows_it"), 0);
        assert_eq!(faults("STD-5.2.3.1.1-5", "nobody encrypts", "shows_it"), 1);
        assert_eq!(faults("STD-5.2.3.1.1-6", "", "shows_it"), 1);
        assert_eq!(faults("STD-5.2.3.1.1-6", "nobody encrypts", "is_not_there"), 1);
    }

    #[test]
    fn every_conditional_rule_is_a_rule() {
        let Page { rule: rules, .. } = read(&Workspace::find().unwrap()).unwrap();
        assert!(CONDITIONAL.iter().all(|id| rules.iter().any(|rule| rule.id == *id)));
    }

    #[test]
    fn a_met_rule_without_a_test_is_a_fault() {
        let workspace = Workspace::find().unwrap();
        let state = State::Met { code: vec!["Cargo.toml: [workspace]".into()], tests: Vec::new() };
        let rule = Rule { id: "STD-0-0".into(), summary: "none".into(), state };
        assert_eq!(rule.faults(&workspace, &Tests(BTreeSet::new())).len(), 1);
    }
}
