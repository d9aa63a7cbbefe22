//! The Debian packages this repository needs, all named in `packages.toml`.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command;
use crate::stage::Count;
use crate::workspace::Workspace;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    package: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    name: String,
    probe: Vec<String>,
    why: String,
}

/// Installs what is missing when we are root; otherwise names it and fails.
pub(crate) fn install(_: &Workspace) -> Result<Count> {
    let table = table()?;
    let missing: Vec<&Package> = table.package.iter().filter(|package| !package.is_there()).collect();
    if missing.is_empty() {
        println!("all {} packages are there", table.package.len());
        return Ok(Count::default());
    }
    for package in &missing {
        println!("missing: {} ({})", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name.as_str()).collect();
    if !is_root() {
        bail!("packages are missing; do: apt-get install {}", names.join(" "));
    }
    apt_get(&["update"])?;
    apt_get(&[&["install", "--yes", "--no-install-recommends"], names.as_slice()].concat())?;
    match missing.iter().find(|package| !package.is_there()) {
        None => Ok(Count::default()),
        Some(package) => bail!("{} is installed, and yet `{}` fails", package.name, package.probe.join(" ")),
    }
}

impl Package {
    fn is_there(&self) -> bool {
        let Some((program, arguments)) = self.probe.split_first() else { return false };
        command::succeeds(Command::new(program).args(arguments))
    }
}

fn table() -> Result<Table> {
    toml::from_str(include_str!("../packages.toml")).context("packages.toml")
}

fn is_root() -> bool {
    command::read(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    command::run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_says_how_it_is_found_and_why_it_is_needed() {
        for package in table().unwrap().package {
            assert!(!package.probe.is_empty() && !package.why.is_empty(), "{}", package.name);
        }
    }

    #[test]
    fn a_program_that_does_not_exist_is_missing() {
        let package =
            Package { name: "none".into(), probe: vec!["no-such-program-here".into()], why: "for this test".into() };
        assert!(!package.is_there());
    }
}
