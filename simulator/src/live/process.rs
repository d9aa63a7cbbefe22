//! Starting programs, reading what they announce, ending them.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{NODE, Program, wait_until};
use crate::Error;

/// Knows how to start each program.
#[derive(Clone, Debug)]
pub enum Launcher {
    /// The given binary, as a node ([`NODE`]).
    Node(PathBuf),
    /// The programs' own binaries, in this folder.
    Binaries(PathBuf),
}

impl Launcher {
    /// Starts programs as nodes of the running binary.
    pub fn current() -> Result<Self, Error> {
        std::env::current_exe().map(Self::Node).map_err(Error::io("finding the running binary"))
    }

    fn command(&self, program: Program) -> Command {
        match self {
            Self::Node(binary) => {
                let mut command = Command::new(binary);
                command.arg(NODE).arg(program.name());
                command
            }
            Self::Binaries(folder) => Command::new(folder.join(program.name())),
        }
    }

    /// Runs a command to its end and returns what it printed.
    pub fn run(&self, program: Program, args: &[OsString]) -> Result<String, Error> {
        let mut command = self.command(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(Error::io(format!("starting {program}")))?;
        // A node ends when its standard input closes, so ours stays open until it is done.
        let (input, output) = wait_with_input(child).map_err(Error::io(format!("waiting for {program}")))?;
        drop(input);
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let arguments = args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Command { program, arguments, message })
    }

    /// Starts a program that stays, logging to `log`, and waits until it announces that it listens.
    pub fn start(&self, program: Program, args: &[OsString], log: &Path) -> Result<Daemon, Error> {
        let mut daemon = self.spawn(program, args, log)?;
        daemon.address = wait_until(&format!("{program} listening"), START_LIMIT, log, || {
            daemon.check_alive()?;
            Ok(daemon.said("listening "))
        })?;
        Ok(daemon)
    }

    /// Starts a program that stays and announces nothing.
    pub fn spawn(&self, program: Program, args: &[OsString], log: &Path) -> Result<Daemon, Error> {
        let open = || File::options().create(true).append(true).open(log);
        let output = open().map_err(Error::io(format!("opening {}", log.display())))?;
        let errors = output.try_clone().map_err(Error::io(format!("opening {}", log.display())))?;
        let skip = output.metadata().map_err(Error::io(format!("reading {}", log.display())))?.len();
        let mut command = self.command(program);
        command.args(args).stdin(Stdio::piped()).stdout(output).stderr(errors);
        let child = command.spawn().map_err(Error::io(format!("starting {program}")))?;
        Ok(Daemon { program, child, log: log.to_owned(), skip, address: String::new() })
    }
}

fn wait_with_input(mut child: Child) -> std::io::Result<(Option<std::process::ChildStdin>, std::process::Output)> {
    let input = child.stdin.take();
    child.wait_with_output().map(|output| (input, output))
}

/// A running program; ended when dropped.
#[derive(Debug)]
pub struct Daemon {
    program: Program,
    child: Child,
    log: PathBuf,
    /// Length of the log when this process started: what stands before is of an earlier one.
    skip: u64,
    address: String,
}

impl Daemon {
    /// Where it listens, as it announced it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The rest of the first line it printed that begins with `start`.
    pub fn said(&self, start: &str) -> Option<String> {
        self.new_output().lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails with the last line of its log if it has stopped.
    pub fn check_alive(&mut self) -> Result<(), Error> {
        match self.child.try_wait().map_err(Error::io(format!("watching {}", self.program)))? {
            None => Ok(()),
            Some(status) => {
                let output = self.new_output();
                let message = output.lines().last().map_or_else(|| status.to_string(), str::to_owned);
                Err(Error::Died { program: self.program, message })
            }
        }
    }

    /// Ends it as a power cut would: at once, wherever it is.
    pub fn kill(mut self) -> Result<(), Error> {
        self.end().map_err(Error::io(format!("ending {}", self.program)))
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }

    fn new_output(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        String::from_utf8_lossy(text.get(skip..).unwrap_or_default()).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A process that is gone already is what we want.
        let _gone = self.end();
    }
}

const START_LIMIT: Duration = Duration::from_secs(20);
