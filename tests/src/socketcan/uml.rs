//! User-Mode-Linux, as Debian ships it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The Debian packages it takes, as `xtask/packages.toml` names them.
pub const PACKAGES: [&str; 3] = ["user-mode-linux", "iproute2", "kmod"];

/// Ends `command` with the kernel, which starts `init`.
pub(super) fn machine(command: &mut Command, folder: &Path, init: &Path) -> Result<()> {
    command.args([KERNEL, "mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw"]);
    command.args(["con=null", "con0=null", "quiet", "loglevel=1", "umid=convoy"]);
    command.arg(format!("init={}", init.display()));
    command.arg(format!("uml_dir={}", folder.join("uml").display()));
    fs::create_dir_all(folder.join("uml"))?;
    // The guest's memory is a file that must be executable, and is best kept off a disk.
    let memory = if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
    command.env("TMPDIR", memory);
    Ok(())
}

/// The modules that belong to the kernel: the only ones that have CAN for it.
pub(super) fn modules() -> Result<PathBuf> {
    let folders = fs::read_dir(MODULES).with_context(|| format!("cannot read {MODULES}"))?;
    let mut folders = folders.filter_map(|entry| Some(entry.ok()?.path()));
    folders.find(|folder| folder.join("kernel/net/can/can.ko").is_file()).context("User-Mode-Linux has no CAN modules")
}

const KERNEL: &str = "linux.uml";
const MODULES: &str = "/usr/lib/uml/modules";
