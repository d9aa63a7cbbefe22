//! A copy of this workspace, or of parts of it, in which sources are edited and built without touching the original.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::programs;

/// A copy of sources, and the folder it is built in.
pub struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// A copy without any file, called `name`, in the target folder. What an earlier one of this name has built is used
    /// again.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn empty(name: &str) -> Result<Self> {
        let built = std::env::current_exe()?;
        let target = built.ancestors().nth(2).context("programs lie in the target folder")?;
        let copy = Self { folder: target.join(name) };
        if copy.sources().exists() {
            fs::remove_dir_all(copy.sources())?;
        }
        fs::create_dir_all(copy.sources())?;
        Ok(copy)
    }

    /// Where the sources are.
    pub fn sources(&self) -> PathBuf {
        self.folder.join("sources")
    }

    /// Where cargo builds.
    pub fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Copies a file, or a folder with all that is in it, to the same place.
    ///
    /// # Errors
    /// Something cannot be read or written.
    pub fn take(&self, root: &Path, part: &str) -> Result<()> {
        copy(&root.join(part), &self.sources().join(part))
    }

    /// Copies every file that git tracks, as it now stands.
    ///
    /// # Errors
    /// `root` is no clone, or a file cannot be copied.
    pub fn take_tracked(&self, root: &Path) -> Result<()> {
        let list = programs::output(Command::new("git").args(["ls-files", "-z"]).current_dir(root))?;
        list.split_terminator('\0').try_for_each(|file| self.take(root, file))
    }

    /// Cargo, to be told what to build. It uses what this machine has fetched already.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args([subcommand, "--offline"]).current_dir(self.sources());
        command.env("CARGO_TARGET_DIR", self.target());
        command
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        return fs::copy(from, to).map(drop).with_context(|| from.display().to_string());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path = entry?.path();
        copy(&path, &to.join(path.file_name().context("an entry of a folder has a name")?))?;
    }
    Ok(())
}
