//! Developer commands: `cargo xtask test` is the whole of CI, `cargo xtask evidence` shows what the system promises.

mod command;
mod dependencies;
mod evidence;
mod links;
mod lints;
mod mutants;
mod packages;
mod probes;
mod requirements;
mod sockets;
mod stage;
mod suite;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::stage::Stages;
use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask test [STAGE…]              everything CI checks, or only the named stages
       cargo xtask evidence NAME [--json]     show one promise of the system with its figures
       cargo xtask evidence --list | --all    name them all; show them all";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some((name, rest)) = arguments.split_first() else {
        eprintln!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    let workspace = Workspace::find()?;
    match name.as_str() {
        "test" => test(&workspace, rest),
        "evidence" => evidence::run(&workspace, rest),
        "--help" | "-h" | "help" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("there is no command `{other}`\n{USAGE}"),
    }
}

/// One stage: its name and what it does.
type Stage = (&'static str, fn(&Workspace) -> Result<stage::Count>);

const STAGES: [Stage; 10] = [
    ("packages", packages::install),
    ("fmt", lints::format),
    ("dependencies", dependencies::check),
    ("sockets", sockets::check),
    ("requirements", requirements::check),
    ("links", links::check),
    ("probes", probes::check),
    ("clippy", lints::clippy),
    ("tests", suite::run),
    ("mutants", mutants::check),
];

fn test(workspace: &Workspace, only: &[String]) -> Result<ExitCode> {
    if let Some(unknown) = only.iter().find(|name| !STAGES.iter().any(|(known, _)| known == name)) {
        let known: Vec<_> = STAGES.iter().map(|(name, _)| *name).collect();
        bail!("there is no stage `{unknown}`; there are: {}", known.join(", "));
    }
    let mut stages = Stages::default();
    for (name, check) in STAGES {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            stages.run(name, || check(workspace));
        } else {
            stages.leave_out(name);
        }
    }
    Ok(stages.finish())
}
