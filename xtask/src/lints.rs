//! Formatting and clippy.
//!
//! Clippy runs package by package and feature set by feature set: a run over the whole workspace unifies features, and
//! would not notice that `uptane` without features no longer compiles.

use anyhow::{Result, bail};

use crate::command;
use crate::stage::Count;
use crate::workspace::Workspace;

/// `(package, further arguments)`, in the order of the crates.
const CLIPPY: [(&str, &[&str]); 16] = [
    ("uptane", &["--lib"]),
    ("uptane", &["--lib", "--features", "alloc"]),
    ("uptane", &["--all-targets", "--features", "testing"]),
    ("uptane", &["--all-targets", "--features", "testing,ecdsa,rsa"]),
    ("proto", &["--lib"]),
    ("proto", &["--all-targets", "--features", "grpc"]),
    ("host", &["--all-targets"]),
    ("secondary-ecu", &["--lib"]),
    ("secondary-ecu", &["--all-targets", "--features", "linux"]),
    ("secondary-ecu", &["--lib", "--features", "bench,linux"]),
    ("image-repo", &["--all-targets"]),
    ("director", &["--all-targets"]),
    ("primary-ecu", &["--all-targets"]),
    ("simulator", &["--all-targets"]),
    ("tests", &["--all-targets"]),
    ("xtask", &["--all-targets"]),
];

/// `cargo fmt` finds nothing to change, in the workspace and in what is excluded from it.
pub(crate) fn format(workspace: &Workspace) -> Result<Count> {
    for folder in ["", "secondary-ecu/firmware", "tests/probes", "benches/peers"] {
        let folder = workspace.root.join(folder);
        command::run(command::cargo(&folder).args(["fmt", "--all", "--check"]))?;
    }
    Ok(Count::default())
}

/// Clippy has nothing to say of any package, in any feature set that ships.
pub(crate) fn clippy(workspace: &Workspace) -> Result<Count> {
    let mut faulty = Vec::new();
    for (package, arguments) in CLIPPY {
        let mut cargo = command::cargo(&workspace.root);
        cargo.args(["clippy", "--quiet", "--locked", "--package", package]).args(arguments);
        if command::run(cargo.args(["--", "--deny", "warnings"])).is_err() {
            faulty.push(format!("{package} {}", arguments.join(" ")));
        }
    }
    match faulty.is_empty() {
        true => Ok(Count::default()),
        false => bail!("not clean: {}", faulty.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clippy_reads_every_package() {
        for package in Workspace::find().unwrap().packages {
            let named = CLIPPY.iter().any(|(name, _)| *name == package.name);
            assert!(named, "{} is not in the list", package.name);
        }
    }
}
