//! The bugs: patches in `tests/planted/`, each with a line that says what it is and a line that says what is run.
//!
//! ```text
//! The vote is not stored. Breaks: every ECU runs the same | a vehicle comes to rest
//! Scenario: default-mix
//! --- a/secondary-ecu/src/secondary.rs
//! …
//! ```
//!
//! What is run is a ready scenario, or a file beside the patches.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::programs;
use crate::sources::Copy;

/// A bug.
#[derive(Debug)]
pub(super) struct Planted {
    path: PathBuf,
    name: String,
    what: String,
    breaks: Vec<String>,
    scenario: String,
}

/// Where they are.
const FOLDER: &str = "tests/planted";

/// Every bug, in the order of the names.
pub(super) fn all(root: &Path) -> Result<Vec<Planted>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root.join(FOLDER))? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    paths.sort();
    paths.into_iter().map(|path| Planted::read(path.clone()).with_context(|| path.display().to_string())).collect()
}

impl Planted {
    fn read(path: PathBuf) -> Result<Self> {
        let text = fs::read_to_string(&path)?;
        let mut lines = text.lines();
        let first = lines.next().context("it is empty")?;
        let (what, breaks) = first.split_once(" Breaks: ").context("its first line does not say what it breaks")?;
        let second = lines.next().and_then(|line| line.strip_prefix("Scenario: "));
        let scenario = second.context("its second line does not say what is run")?.to_owned();
        let name = path.file_stem().context("it has no name")?.to_string_lossy().into_owned();
        let breaks = breaks.split(" | ").map(str::to_owned).collect();
        Ok(Self { path, name, what: what.to_owned(), breaks, scenario })
    }

    /// Its file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// What it may break; the first that a run breaks is one of these.
    pub(super) fn breaks(&self) -> impl Iterator<Item = &str> {
        self.breaks.iter().map(String::as_str)
    }

    /// What is run with it, as seen from the workspace.
    pub(super) fn scenario(&self) -> &str {
        &self.scenario
    }

    /// Puts it into a copy.
    pub(super) fn plant(&self, copy: &Copy) -> Result<()> {
        self.apply(&copy.sources(), &[])
    }

    /// Takes it out again.
    pub(super) fn remove(&self, copy: &Copy) -> Result<()> {
        self.apply(&copy.sources(), &["--reverse"])
    }

    fn apply(&self, folder: &Path, flags: &[&str]) -> Result<()> {
        ensure!(folder.is_dir(), "there is no folder {}", folder.display());
        let mut command = Command::new("git");
        command.arg("apply").args(flags).arg(&self.path).current_dir(folder);
        // The copy lies in a clone and is none; git would look for the clone's files.
        command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
        programs::output(&mut command).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    #[test]
    fn every_bug_can_be_planted_in_what_ships_as_it_now_stands() {
        for bug in all(root()).unwrap() {
            bug.apply(root(), &["--check"]).unwrap();
        }
    }

    #[test]
    fn bugs_are_planted_in_what_ships_and_nowhere_else() {
        let shipped = ["uptane", "proto", "host", "director", "image-repo", "primary-ecu", "secondary-ecu"];
        for bug in all(root()).unwrap() {
            let text = fs::read_to_string(&bug.path).unwrap();
            let changed: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("+++ b/")).collect();
            assert!(!changed.is_empty(), "{}", bug.name);
            for path in changed {
                assert!(shipped.iter().any(|of| path.starts_with(&format!("{of}/src/"))), "{path}");
            }
        }
    }

    #[test]
    fn a_patch_that_does_not_say_what_it_breaks_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bug.patch");
        fs::write(&path, "A bug.\nScenario: default-mix\n").unwrap();
        assert!(Planted::read(path.clone()).is_err());
        fs::write(&path, "A bug. Breaks: one thing | another\nScenario: default-mix\n").unwrap();
        let bug = Planted::read(path).unwrap();
        assert_eq!((bug.name(), bug.what(), bug.scenario()), ("bug", "A bug.", "default-mix"));
        assert_eq!(bug.breaks().collect::<Vec<_>>(), ["one thing", "another"]);
    }
}
