//! A server with options.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::place::Place;

/// A serving process that was given options, and what it said of where it listens.
pub(super) struct Started {
    child: Child,
    /// Address for clients, with its scheme.
    pub url: String,
    /// Address for operations, host and port.
    pub operations: String,
}

impl Started {
    /// Serves a repository with these options and a port for operations.
    pub(super) fn new(place: &Place, options: &[(&str, Option<&Path>)]) -> Self {
        let mut run = Command::new(env!("CARGO_BIN_EXE_image-repo"));
        run.arg("serve").arg("--repo").arg(place.repo());
        run.args(["--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0"]);
        for (option, value) in options {
            run.arg(option).args(value);
        }
        let mut child = run.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let mut said = |word: &str| lines.next().unwrap().unwrap().strip_prefix(word).unwrap().to_owned();
        let operations = said("operations http://");
        let url = said("listening ");
        Self { child, url, operations }
    }

    /// Asks it to end.
    pub(super) fn end(&self) {
        let asked = Command::new("sh").args(["-c", "kill \"$0\"", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
    }

    /// Waits until it has ended.
    pub(super) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
