//! The kernel that Debian ships for machines like this one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::programs;

/// A kernel and its modules, in a folder.
pub struct Kernel {
    image: PathBuf,
    modules: PathBuf,
}

impl Kernel {
    /// Fetches the newest one with apt and unpacks it in `folder`. It is not installed: then this machine would boot it.
    ///
    /// # Errors
    /// Apt does not know the package or cannot fetch it, or it holds no kernel.
    pub fn fetch(folder: &Path) -> Result<Self> {
        let depends = programs::output(Command::new("apt-cache").args(["depends", PACKAGE]).env("LC_ALL", "C"));
        let depends = depends.with_context(|| format!("apt does not know {PACKAGE}; do: apt-get update"))?;
        let package = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
        let package = package.with_context(|| format!("{PACKAGE} names no kernel"))?;
        programs::output(Command::new("apt-get").args(["download", package]).current_dir(folder))?;
        let fetched = only(folder, &format!("{package}_"))?;
        let unpacked = folder.join("kernel");
        programs::output(Command::new("dpkg-deb").arg("-x").arg(&fetched).arg(&unpacked))?;
        let modules = only(&unpacked.join("lib/modules"), "")?;
        Ok(Self { image: only(&unpacked.join("boot"), "vmlinuz-")?, modules })
    }

    /// What a machine boots.
    pub(super) fn image(&self) -> &Path {
        &self.image
    }

    /// The folder of its modules.
    pub(super) fn modules(&self) -> &Path {
        &self.modules
    }
}

/// What the folder holds whose name begins so.
fn only(folder: &Path, begin: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut named = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let begins = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin));
    named.find(begins).with_context(|| format!("no {begin} in {}", folder.display()))
}

/// Depends on the newest kernel. Its `cloud` flavour has no CAN.
const PACKAGE: &str = "linux-image-amd64";
