//! The order of the crates, what `uptane` may be built on, and a reason for everything else.
//!
//! `uptane` ← `proto` ← `host` ← the four services ← `simulator` ← `tests`: a crate depends on crates to its left, the
//! services never on one another, `xtask` on none of them.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::stage::Count;
use crate::workspace::{Dependency, Package, Workspace};

/// The order, left to right. Crates of one row do not know each other.
const ORDER: [&[&str]; 6] = [
    &["uptane"],
    &["proto"],
    &["host"],
    &["director", "image-repo", "primary-ecu", "secondary-ecu"],
    &["simulator"],
    &["tests"],
];

/// Every crate below `uptane` without the two features below, those that only build it included. A new one is a new crate inside the verifier of each ECU.
const BELOW_UPTANE: [&str; 28] = [
    "block-buffer",
    "cfg-if",
    "cmov",
    "cpufeatures",
    "crypto-common",
    "ctutils",
    "curve25519-dalek",
    "curve25519-dalek-derive",
    "digest",
    "ed25519",
    "ed25519-dalek",
    "hmac",
    "hybrid-array",
    "proc-macro2",
    "quote",
    "rustc_version",
    "semver",
    "sha2",
    "signature",
    "subtle",
    "syn",
    "thiserror",
    "thiserror-impl",
    "tinyvec",
    "typenum",
    "unicode-ident",
    "unicode-normalization",
    "zeroize",
];

/// What the features `ecdsa` and `rsa` add: never in a Secondary that verifies partially.
const BELOW_ECDSA_AND_RSA: [&str; 25] = [
    "autocfg",
    "base16ct",
    "base64ct",
    "const-oid",
    "cpubits",
    "crypto-bigint",
    "crypto-primes",
    "der",
    "ecdsa",
    "elliptic-curve",
    "ff",
    "group",
    "num-traits",
    "p256",
    "pem-rfc7468",
    "pkcs1",
    "pkcs8",
    "primefield",
    "primeorder",
    "rand_core",
    "rfc6979",
    "rsa",
    "sec1",
    "spki",
    "wnaf",
];

/// Checks the manifests of all members.
pub(crate) fn check(workspace: &Workspace) -> Result<Count> {
    let mut faults = Vec::new();
    for package in &workspace.packages {
        faults.extend(package.dependencies.iter().filter_map(|dependency| out_of_order(package, dependency)));
        faults.extend(bad_manifest(package)?);
    }
    faults.extend(below_uptane(workspace)?);
    faults.extend(without_reason(workspace)?);
    for fault in &faults {
        eprintln!("{fault}");
    }
    match faults.len() {
        0 => Ok(Count::default()),
        n => bail!("{n} faults in the manifests"),
    }
}

fn out_of_order(package: &Package, dependency: &Dependency) -> Option<String> {
    dependency.path.as_ref()?;
    let (from, to) = (package.name.as_str(), dependency.name.as_str());
    // A crate's own tests may switch on more of its features.
    if from == to && dependency.kind.as_deref() == Some("dev") {
        return None;
    }
    let allowed = matches!((place(from), place(to)), (Some(from), Some(to)) if to < from);
    // The part of a Secondary that is firmware knows `uptane` and `proto` alone.
    let firmware = from != "secondary-ecu" || dependency.optional || matches!(to, "uptane" | "proto");
    (!allowed || !firmware).then(|| format!("{from} may not depend on {to}"))
}

fn place(name: &str) -> Option<usize> {
    ORDER.iter().position(|row| row.contains(&name))
}

/// What every member's manifest and library must say.
fn bad_manifest(package: &Package) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let manifest = fs::read_to_string(&package.manifest_path)?;
    let folder = package.folder();
    if folder.file_name().is_none_or(|name| name != package.name.as_str()) {
        faults.push(format!("{} is not named like its folder", package.name));
    }
    if package.publish.as_ref().is_none_or(|registries| !registries.is_empty()) {
        faults.push(format!("{} could be published; it needs publish.workspace = true", package.name));
    }
    if !manifest.contains("[lints]\nworkspace = true") {
        faults.push(format!("{} does not take the lints of the workspace", package.name));
    }
    let product = place(&package.name).is_some() && !matches!(package.name.as_str(), "simulator" | "tests");
    let library = folder.join("src/lib.rs");
    if product && !fs::read_to_string(&library)?.contains("#![forbid(unsafe_code)]") {
        faults.push(format!("{}/src/lib.rs does not forbid unsafe code", package.name));
    }
    Ok(faults)
}

fn below_uptane(workspace: &Workspace) -> Result<Vec<String>> {
    let mut faults = unlisted(workspace, "testing", &[&BELOW_UPTANE])?;
    faults.extend(unlisted(workspace, "testing,ecdsa,rsa", &[&BELOW_UPTANE, &BELOW_ECDSA_AND_RSA])?);
    Ok(faults)
}

/// What `uptane` with these features stands on and is in none of the lists.
fn unlisted(workspace: &Workspace, features: &str, lists: &[&[&str]]) -> Result<Vec<String>> {
    let mut cargo = command::cargo(&workspace.root);
    cargo.args(["tree", "--locked", "--package", "uptane", "--features", features, "--edges", "normal,build"]);
    let tree = command::read(cargo.args(["--prefix", "none", "--format", "{p}"]))?;
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let is_listed = |name: &str| name == "uptane" || lists.iter().any(|list| list.contains(&name));
    let unknown = crates.into_iter().filter(|name| !is_listed(name));
    Ok(unknown.map(|name| format!("uptane now stands on {name}, which is not in its allow-list")).collect())
}

/// Every crate from outside has a line with its reason in `docs/dependencies.md`, and every line a crate.
fn without_reason(workspace: &Workspace) -> Result<Vec<String>> {
    let page = fs::read_to_string(workspace.root.join("docs/dependencies.md")).context("docs/dependencies.md")?;
    let lines: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let outside = workspace.packages.iter().flat_map(|package| &package.dependencies);
    let names: BTreeSet<&str> =
        outside.filter(|dependency| dependency.path.is_none()).map(|dependency| dependency.name.as_str()).collect();
    let silent = names.difference(&lines).map(|name| format!("docs/dependencies.md has no line for {name}"));
    let stale = lines.difference(&names).map(|name| format!("docs/dependencies.md lists {name}, which nobody uses"));
    Ok(silent.chain(stale).collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn package(name: &str) -> Package {
        Package {
            name: name.into(),
            manifest_path: PathBuf::from(name).join("Cargo.toml"),
            dependencies: Vec::new(),
            publish: Some(Vec::new()),
        }
    }

    fn member(name: &str, kind: Option<&str>, optional: bool) -> Dependency {
        Dependency { name: name.into(), kind: kind.map(String::from), optional, path: Some(PathBuf::from(name)) }
    }

    #[test]
    fn a_crate_may_use_what_stands_to_its_left() {
        assert_eq!(out_of_order(&package("director"), &member("uptane", None, false)), None);
    }

    #[test]
    fn a_crate_may_not_use_what_stands_to_its_right() {
        assert!(out_of_order(&package("uptane"), &member("proto", None, false)).is_some());
    }

    #[test]
    fn services_do_not_know_each_other_even_in_tests() {
        assert!(out_of_order(&package("director"), &member("image-repo", Some("dev"), false)).is_some());
    }

    #[test]
    fn a_crate_may_widen_itself_for_its_own_tests_alone() {
        assert_eq!(out_of_order(&package("uptane"), &member("uptane", Some("dev"), false)), None);
    }

    #[test]
    fn firmware_may_not_use_what_a_process_needs() {
        assert!(out_of_order(&package("secondary-ecu"), &member("host", None, false)).is_some());
        assert_eq!(out_of_order(&package("secondary-ecu"), &member("host", None, true)), None);
    }

    #[test]
    fn xtask_uses_no_crate_of_the_product() {
        assert!(out_of_order(&package("xtask"), &member("uptane", None, false)).is_some());
    }
}
