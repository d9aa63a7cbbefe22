//! Builds the binary `evidence` of the crate `tests`, and everything it starts, and runs it.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::command;
use crate::workspace::Workspace;

/// `arguments` are those of the binary; see there.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    // Standard output belongs to the evidence alone: with `--json` a program reads it.
    let mut cargo = command::cargo(&workspace.root);
    cargo.args(["build", "--release", "--locked", "--workspace", "--exclude", "xtask", "--bins"]);
    command::read(&mut cargo)?;
    let program = workspace.target.join("release/evidence");
    let status = Command::new(&program)
        .args(arguments)
        .current_dir(&workspace.root)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
