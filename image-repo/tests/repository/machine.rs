//! Machines of signers: folders that know nothing of each other, and what is carried between them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::place::one_line;

/// Some machines, each with a folder of its own, and what lies on the table between them.
pub(crate) struct Table {
    folder: tempfile::TempDir,
}

impl Table {
    /// An empty table.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("passphrase"), "correct horse\n").unwrap();
        Self { folder }
    }

    /// A table on which lie the keys of a repository with one signer, `alice`, whose Root and Targets are signed.
    pub(crate) fn with_one_signer() -> Self {
        let table = Self::new();
        table.key("alice", "alice");
        for role in ["snapshot", "timestamp"] {
            table.ok(&format!("key generate --repo alice --name {role} --online"));
        }
        table.ok("root new --repo alice --root alice --targets alice --snapshot snapshot --timestamp timestamp");
        table.secret("root sign --repo alice --key alice");
        table.add("alice", "base/fw-1.bin", 1, "--line base");
        table.secret("targets sign --repo alice --key alice");
        table
    }

    /// Where something of this name lies.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key on a machine, and puts its public half on the table.
    pub(crate) fn key(&self, machine: &str, name: &str) {
        self.secret(&format!("key generate --repo {machine} --name {name}"));
        self.ok(&format!("key export-public --repo {machine} {name} --out {name}.pub"));
    }

    /// Writes an image that differs from every other, and lists it.
    pub(crate) fn add(&self, machine: &str, name: &str, counter: u32, more: &str) {
        let done = self.try_add(machine, name, counter, more);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Tries to.
    pub(crate) fn try_add(&self, machine: &str, name: &str, counter: u32, more: &str) -> Output {
        std::fs::write(self.at("image"), format!("{name} {counter}")).unwrap();
        let line = if more.contains("--line") { "" } else { "--line brake " };
        let hardware = if more.contains("--hardware-id") { "" } else { "--hardware-id brake-hw " };
        self.run(&format!(
            "targets add --repo {machine} image --name {name} --release-counter {counter} {line}{hardware}{more}"
        ))
    }

    /// Runs a command line that must work, with words between spaces, and returns what it prints.
    pub(crate) fn ok(&self, line: &str) -> String {
        let done = self.run(line);
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// The same, with the passphrase.
    pub(crate) fn secret(&self, line: &str) -> String {
        self.ok(&format!("{line} --passphrase-file passphrase"))
    }

    /// The same, with JSON for an answer.
    pub(crate) fn json(&self, line: &str) -> serde_json::Value {
        serde_json::from_str(&self.ok(&format!("{line} --json"))).unwrap()
    }

    /// Runs a command line that must fail with this exit status and one line, which it returns.
    pub(crate) fn refused(&self, status: i32, line: &str) -> String {
        one_line(status, &self.run(line))
    }

    /// Runs a command line.
    pub(crate) fn run(&self, line: &str) -> Output {
        let mut run = Command::new(env!("CARGO_BIN_EXE_image-repo"));
        run.current_dir(self.folder.path()).env_remove("CONVOY_PASSPHRASE");
        run.args(line.split(' ').filter(|word| !word.is_empty())).output().unwrap()
    }

    /// Everything under a machine's folder, but for the lock.
    pub(crate) fn everything(&self, machine: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = crate::place::everything(&self.at(machine));
        found.retain(|(path, _)| path.file_name() != Some(Path::new("lock").as_os_str()));
        found
    }
}
