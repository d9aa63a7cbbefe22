//! A few mutants of the verifier, chosen by the commit: each run of CI looks at others.
//!
//! `cargo xtask evidence mutants` makes them all; this is the same program, built as the tests are.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::stage::Count;
use crate::workspace::Workspace;

/// How many: each takes seconds.
const FEW: u32 = 5;

/// Breaks the verifier in a copy in so many ways; a test of its own must notice each.
pub(crate) fn check(workspace: &Workspace) -> Result<Count> {
    // The very build of the stage `tests`, so that after it nothing is left to do.
    command::run(command::cargo(&workspace.root).args(["test", "--locked", "--workspace", "--no-run", "--quiet"]))?;
    let mut evidence = Command::new(workspace.target.join("debug/evidence"));
    evidence.args(["mutants", "--few", &FEW.to_string(), "--seed", &seed(workspace).to_string()]);
    command::run(evidence.current_dir(&workspace.root))?;
    Ok(Count::default())
}

/// The commit as a number; 1 where there is none.
fn seed(workspace: &Workspace) -> u64 {
    let commit = command::read(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(&workspace.root));
    commit.and_then(|commit| of_commit(&commit)).unwrap_or_else(|error| {
        println!("no commit decides which mutants these are: {error:#}");
        1
    })
}

fn of_commit(commit: &str) -> Result<u64> {
    let start = commit.get(..16).context("a commit has forty digits")?;
    u64::from_str_radix(start, 16).context("a commit is a hexadecimal number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_a_number() {
        assert_eq!(of_commit("00000000000000ff0000000000000000000000000\n").unwrap(), 255);
        assert!(of_commit("fatal: not a git repository").is_err());
        assert!(of_commit("").is_err());
    }
}
