//! A repository in a folder of its own, driven by the program.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A repository that was made and holds one published image.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty folder with a passphrase file beside the repository to be.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("passphrase"), "correct horse\n").unwrap();
        std::fs::write(folder.path().join("wrong"), "battery staple\n").unwrap();
        Self { folder }
    }

    /// A repository without images.
    pub(crate) fn initialised() -> Self {
        let place = Self::empty();
        place.ok("init", &["--passphrase-file", "passphrase"]);
        place
    }

    /// A repository with `brake/fw-1.bin` published.
    pub(crate) fn published() -> Self {
        let place = Self::initialised();
        place.add("brake/fw-1.bin", b"first firmware", 1);
        place.ok("sign", &["--passphrase-file", "passphrase"]);
        place.ok("publish", &[]);
        place
    }

    /// Where the repository is.
    pub(crate) fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// The file of this name in the repository.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.repo().join(name)
    }

    /// Stages an image, which must work.
    pub(crate) fn add(&self, name: &str, content: &[u8], counter: u32) {
        let done = self.try_add(name, content, counter);
        assert!(done.status.success(), "{done:?}");
    }

    /// Tries to stage an image.
    pub(crate) fn try_add(&self, name: &str, content: &[u8], counter: u32) -> Output {
        std::fs::write(self.folder.path().join("image"), content).unwrap();
        let counter = counter.to_string();
        let args =
            ["image", "--name", name, "--hardware-id", "brake-hw", "--line", "brake", "--release-counter", &counter];
        self.run("targets add", &args)
    }

    /// Runs a command that must work, and returns what it prints.
    pub(crate) fn ok(&self, command: &str, args: &[&str]) -> String {
        let done = self.run(command, args);
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// Runs a command that must fail with this exit status and one line, which it returns.
    pub(crate) fn refused(&self, status: i32, command: &str, args: &[&str]) -> String {
        one_line(status, &self.run(command, args))
    }

    /// Runs a command on the repository.
    pub(crate) fn run(&self, command: &str, args: &[&str]) -> Output {
        self.command(command, args).output().unwrap()
    }

    /// Serves the repository until the value is dropped.
    pub(crate) fn serve(&self) -> Server {
        let child = self.command("serve", &["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut server = Server { child, address: String::new(), writers: None };
        for line in BufReader::new(server.child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            server.writers = line.strip_prefix("writers ").map(str::to_owned).or(server.writers.take());
            if let Some(address) = line.strip_prefix("listening http://") {
                address.clone_into(&mut server.address);
                return server;
            }
        }
        panic!("it does not say where it listens")
    }

    fn command(&self, command: &str, args: &[&str]) -> Command {
        let mut run = Command::new(env!("CARGO_BIN_EXE_image-repo"));
        run.current_dir(self.folder.path()).env_remove("CONVOY_PASSPHRASE");
        run.args(command.split(' ')).args(["--repo", "repo"]).args(args);
        run
    }
}

/// A serving process.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Where it listens for writers, if it does.
    pub(crate) writers: Option<String>,
}

impl Server {
    /// Asks it to end, and waits until it does.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        // The shell's own `kill`: not every machine has the program.
        let asked = Command::new("sh").args(["-c", "kill \"$0\"", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one line on standard error of a command that failed with this status.
pub(crate) fn one_line(status: i32, done: &Output) -> String {
    let said = String::from_utf8(done.stderr.clone()).unwrap();
    assert_eq!(done.status.code(), Some(status), "{said}");
    assert_eq!(said.matches('\n').count(), 1, "{said}");
    assert!(said.starts_with("error: ") && said.contains("; do: "), "{said}");
    said
}

/// Everything under a folder, with its content.
pub(crate) fn everything(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(everything(&path)),
            false => found.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}
