//! The firmware, built with Debian's Rust: it brings the source of `core`, for processors nobody has built it for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::programs;

/// A program for the board.
pub(super) struct Built {
    /// Its ELF file.
    pub(super) program: PathBuf,
    /// Bytes it takes in flash.
    pub(super) flash: u64,
    /// Bytes of its variables.
    pub(super) ram: u64,
}

/// Sections that lie in flash; `.data` holds the first values of what is in RAM.
const IN_FLASH: [&str; 4] = [".vector_table", ".text", ".rodata", ".data"];
const IN_RAM: [&str; 3] = [".data", ".bss", ".uninit"];
/// Where Debian's packages put them. A toolchain of another origin may come first in `PATH`.
const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";

/// Builds it, with its meter or as it ships.
pub(super) fn build(with_meter: bool) -> Result<Built> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in the workspace")?;
    let executable = std::env::current_exe()?;
    let target = executable.ancestors().nth(2).context("programs lie in the target folder")?.join("firmware");
    let mut cargo = Command::new(CARGO);
    cargo.args(["build", "--quiet", "--locked", "--release"]).current_dir(root.join("secondary-ecu/firmware"));
    if with_meter {
        cargo.args(["--features", "measure"]);
    }
    // What a toolchain or its user may have set for another.
    for name in ["RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "LD_LIBRARY_PATH"] {
        cargo.env_remove(name);
    }
    // Building `core` along is not stable yet.
    cargo.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &target);
    programs::output(&mut cargo)?;
    let name = if with_meter { "firmware-with-meter" } else { "firmware-as-shipped" };
    let program = target.join(name);
    fs::copy(target.join("thumbv7em-none-eabihf/release/firmware"), &program)?;
    measure(program)
}

fn measure(program: PathBuf) -> Result<Built> {
    let sizes = programs::output(Command::new("arm-none-eabi-size").arg("-A").arg(&program))?;
    let (flash, ram) = (sum(&sizes, &IN_FLASH), sum(&sizes, &IN_RAM));
    Ok(Built { program, flash, ram })
}

/// Bytes of these sections, in the words of `size -A`.
fn sum(sizes: &str, sections: &[&str]) -> u64 {
    sizes.lines().filter_map(section).filter(|(name, _)| sections.contains(name)).map(|(_, bytes)| bytes).sum()
}

fn section(line: &str) -> Option<(&str, u64)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_values_of_variables_lie_in_flash_and_in_ram() {
        let sizes = "firmware  :\nsection   size  addr\n.vector_table 1024 0\n.text 124 1024\n.rodata 4 1148\n.data 8 5\n\
            .bss 16 536870912\n.comment 74 0\nTotal 1250\n";
        assert_eq!(sum(sizes, &IN_FLASH), 1024 + 124 + 4 + 8);
        assert_eq!(sum(sizes, &IN_RAM), 8 + 16);
    }
}
