//! Conformance of `tuf-client` to TUF 1.0.34 §5 and to the command line of test suites: `tests/conformance/rules.md` numbers
//! the rules, [`cases`] shows each of them against a repository of our own, over HTTP, with the program itself.
//!
//! Nothing here uses `uptane`: keys, signatures and files are made by other means, so that a mistake in it shows.

#![expect(clippy::indexing_slicing, reason = "a case that takes JSON or lists to be there that are not is wrong")]

pub mod cases;
pub mod client;
pub mod keys;
pub mod repository;
pub mod rules;
pub mod scene;
pub mod server;

use std::collections::BTreeSet;

use anyhow::Result;

pub use client::Program;
pub use scene::Scene;

/// The first argument by which the binary `evidence` becomes `tuf-client`.
pub const CLIENT: &str = "tuf-client";

/// A sentence that is true of the client, the rules it shows, and how.
pub struct Case {
    /// The sentence.
    pub name: String,
    /// The numbers of the rules.
    pub rules: &'static [&'static str],
    play: Play,
}

type Play = Box<dyn Fn(&mut Scene) -> Result<()> + Send + Sync>;

impl Case {
    fn new(
        name: impl Into<String>,
        rules: &'static [&'static str],
        play: impl Fn(&mut Scene) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), rules, play: Box::new(play) }
    }

    /// Plays the case with keys that this seed decides.
    ///
    /// # Errors
    /// The sentence is not true.
    pub fn play(&self, program: &Program, seed: u64) -> Result<()> {
        (self.play)(&mut Scene::new(program.clone(), seed)?)
    }
}

/// What does not fit between the page of rules and the cases: rules without a case, cases without a rule, sentences twice.
pub fn misfits(cases: &[Case]) -> Vec<String> {
    let known: BTreeSet<&str> = rules::all().iter().map(|rule| rule.number).collect();
    let shown: BTreeSet<&str> = cases.iter().flat_map(|case| case.rules).copied().collect();
    let mut misfits: Vec<String> = known.difference(&shown).map(|rule| format!("no case shows rule {rule}")).collect();
    misfits.extend(shown.difference(&known).map(|rule| format!("a case shows rule {rule}, which there is not")));
    let mut names = BTreeSet::new();
    for case in cases {
        if case.rules.is_empty() {
            misfits.push(format!("{:?} shows no rule", case.name));
        }
        if !names.insert(&case.name) {
            misfits.push(format!("{:?} stands there twice", case.name));
        }
    }
    misfits
}
