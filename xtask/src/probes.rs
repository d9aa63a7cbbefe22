//! Firmware in miniature: static libraries with their own panic handler and no allocator.
//!
//! They lie in `tests/probes`, a workspace of their own, so that no other crate's features leak into them. Each is
//! linked into a program with nothing beside it but the five memory functions every compiler expects. A use of `std`
//! or `alloc` anywhere below `uptane`, `proto` or the Secondary library then fails to build or to link.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::stage::Count;
use crate::workspace::Workspace;

const PROBES: [&str; 3] = ["uptane", "proto", "secondary-ecu"];

/// Builds, links and looks into every probe.
pub(crate) fn check(workspace: &Workspace) -> Result<Count> {
    let source = workspace.root.join("tests/probes");
    let target = workspace.target.join("probes");
    // The versions that are probed are those that ship.
    fs::copy(workspace.root.join("Cargo.lock"), source.join("Cargo.lock"))?;
    command::run(command::cargo(&source).args(["build", "--quiet", "--release"]).env("CARGO_TARGET_DIR", &target))?;
    let memory = compile_memory(&source, &target)?;
    for name in PROBES {
        let library = target.join(format!("release/libprobe_{}.a", name.replace('-', "_")));
        let program = target.join(format!("release/probe-{name}"));
        link(&library, &memory, &program)?;
        describe(name, &program)?;
    }
    Ok(Count::default())
}

fn compile_memory(source: &Path, target: &Path) -> Result<PathBuf> {
    let object = target.join("release/memory.o");
    let mut cc = Command::new("cc");
    cc.args(["-Os", "-ffreestanding", "-fno-tree-loop-distribute-patterns", "-c"]);
    command::run(cc.arg(source.join("memory.c")).arg("-o").arg(&object))?;
    Ok(object)
}

/// A program without the C library: whatever the probe needs beyond itself is an undefined symbol.
fn link(library: &Path, memory: &Path, program: &Path) -> Result<()> {
    let mut cc = Command::new("cc");
    cc.args(["-nostdlib", "-nostartfiles", "-static", "-Wl,--gc-sections", "-Wl,--entry=probe", "-Wl,--no-undefined"]);
    command::run(cc.args(["-Wl,--undefined=probe"]).arg(library).arg(memory).arg("-o").arg(program))
}

/// Prints the size of the code and refuses a program in which an allocator has been linked.
fn describe(name: &str, program: &Path) -> Result<()> {
    let symbols = command::read(Command::new("nm").args(["--print-size", "--radix=d"]).arg(program))?;
    let foreign = ["__rust_alloc", "__rg_alloc", "__rdl_alloc", "_ZN3std", "_ZN5alloc"];
    if let Some(line) = symbols.lines().find(|line| foreign.iter().any(|word| line.contains(word))) {
        bail!("{name}: {line} is linked in");
    }
    if !symbols.lines().any(|line| line.ends_with(" T probe")) {
        bail!("{name}: the entry point is missing from {}", program.display());
    }
    let code: u64 = symbols.lines().filter_map(code_size).sum();
    println!("probe-{name}: linked without std, alloc and the C library; {code} bytes of code");
    Ok(())
}

/// The size in a line `address size kind name` of `nm`, for code.
fn code_size(line: &str) -> Option<u64> {
    let mut words = line.split_whitespace();
    let (size, kind) = (words.nth(1)?, words.next()?);
    kind.eq_ignore_ascii_case("t").then(|| size.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_counts_as_code() {
        assert_eq!(code_size("0000000004198400 0000000000000012 T probe"), Some(12));
        assert_eq!(code_size("0000000004198400 0000000000000012 R table"), None);
        assert_eq!(code_size("0000000004198400 T _start"), None);
    }
}
