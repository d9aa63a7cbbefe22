//! `demo`: the README's first command, on a fresh clone.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "demo",
    promise: "the demonstration updates four ECUs and refuses three attacks, on a fresh clone, in under 10 s",
    show,
};

fn show(record: &mut Record) -> Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?;
    let folder = tempfile::tempdir()?;
    let clone = folder.path().join("clone");
    programs::output(Command::new("git").args(["clone", "--quiet"]).arg(workspace).arg(&clone))?;
    // Compiled dependencies are reused; everything of the clone itself is compiled anew.
    let target = std::env::current_exe()?;
    let target = target.ancestors().nth(2).context("the target folder")?;

    run(&clone, target, &[], record, "first run, with the build", Limit::Shown)?;
    run(&clone, target, &[], record, "default run, after the build", Limit::AtMost(10.0))?;
    let image = folder.path().join("random.bin");
    std::fs::write(&image, random(10 * 1024 * 1024)?)?;
    let image = image.to_str().context("a path that is text")?;
    run(&clone, target, &["--image", image], record, "run with a random file of 10 MiB", Limit::Shown)
}

fn run(clone: &Path, target: &Path, arguments: &[&str], record: &mut Record, name: &str, limit: Limit) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--locked", "-p", "simulator", "--", "demo"]).args(arguments);
    cargo.current_dir(clone).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
    let watch = host::clock::stopwatch();
    let output = cargo.output().context("cannot start cargo")?;
    let seconds = watch.elapsed().as_secs_f64();
    let printed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{name}: {}\n{printed}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    record.note(printed.trim_end());
    record.claim(format!("{name}: exit status 0"), true);
    record.figure(name, seconds, "s", limit);
    Ok(())
}

fn random(length: usize) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = vec![0; length];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
