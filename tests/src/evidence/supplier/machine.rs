//! A supplier's machine: a folder with its key, its passphrase, its token and what it signs next.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use host::keys::{KeyFile, Passphrase, public_of};
use uptane::{PublicKey, Sha256};

use crate::programs;

/// One supplier's.
pub(super) struct Machine {
    folder: PathBuf,
    name: &'static str,
}

impl Machine {
    /// A new machine, on which the supplier makes the key of its role.
    pub(super) fn begin(folder: &Path, name: &'static str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let machine = Self { folder: folder.to_owned(), name };
        fs::write(machine.folder.join("passphrase"), format!("the passphrase of {name}\n"))?;
        // `Oem::admit` takes a writer's name for its token.
        fs::write(machine.folder.join("token"), name)?;
        machine.run_with(&["key", "generate", "--name", name], &["--passphrase-file", "passphrase"])?;
        Ok(machine)
    }

    /// The public half of its key.
    pub(super) fn key(&self) -> Result<PublicKey> {
        Ok(public_of(&self.folder.join("keys").join(format!("{}.pem", self.name)))?)
    }

    /// The file with it.
    pub(super) fn public(&self) -> String {
        self.folder.join("keys").join(format!("{}.pub", self.name)).display().to_string()
    }

    /// Its key, opened.
    pub(super) fn signer(&self) -> Result<KeyFile> {
        let passphrase = Passphrase::read(&self.folder.join("passphrase"))?;
        Ok(KeyFile::open(&self.folder.join("keys").join(format!("{}.pem", self.name)), &passphrase)?)
    }

    /// Lists an image in its role's next file.
    pub(super) fn list(&self, name: &str, hardware: &str, release: u32, bytes: &[u8]) -> Result<()> {
        let image = format!("image-{}", Sha256::of(bytes));
        fs::write(self.folder.join(&image), bytes)?;
        let release = release.to_string();
        self.run(&[
            "targets",
            "add",
            &image,
            "--role",
            self.name,
            "--name",
            name,
            "--hardware-id",
            hardware,
            "--line",
            hardware,
            "--release-counter",
            &release,
        ])
    }

    /// Signs its role's next file and publishes it, with the images that it lists.
    pub(super) fn publish(&self, to: &str, shared: &Path) -> Result<()> {
        let sign = ["targets", "sign", "--role", self.name, "--key", self.name];
        self.run_with(&sign, &["--passphrase-file", "passphrase"])?;
        let authority = shared.join("ca.pem").display().to_string();
        self.run(&["release", "publish", "--to", to, "--authority", &authority, "--token-file", "token"])
    }

    /// Runs a command in its folder.
    pub(super) fn run(&self, words: &[&str]) -> Result<()> {
        self.run_with(words, &[])
    }

    fn run_with(&self, words: &[&str], more: &[&str]) -> Result<()> {
        let mut command = Command::new(programs::ours("image-repo")?);
        command.current_dir(&self.folder).args(words).args(["--repo", "."]).args(more);
        programs::output(&mut command).map(drop)
    }
}
