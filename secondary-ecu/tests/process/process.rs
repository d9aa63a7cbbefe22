//! The program as a child process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

/// Runs a command to its end: standard output, or what it said on standard error and its exit status.
pub(super) fn command(args: &[&str]) -> Result<String, (String, i32)> {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_secondary-ecu")).args(args).output().unwrap();
    match status.success() {
        true => Ok(String::from_utf8(stdout).unwrap()),
        false => Err((String::from_utf8(stderr).unwrap(), status.code().unwrap())),
    }
}

/// A running ECU, killed when dropped.
pub(super) struct Running {
    child: Child,
    /// What it said after "listening".
    pub(super) place: String,
}

impl Running {
    pub(super) fn start(args: &[&str]) -> Self {
        let mut child =
            Command::new(env!("CARGO_BIN_EXE_secondary-ecu")).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let place = line.trim().strip_prefix("listening ").unwrap_or_else(|| panic!("it said {line:?}")).to_owned();
        Self { child, place }
    }
}

impl Drop for Running {
    /// `kill -9`: what a power cut is to a process.
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
