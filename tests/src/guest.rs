//! What runs inside the guest of [`socketcan`](crate::socketcan): the binary `evidence` again, with another first argument.

pub(crate) mod chance;
pub mod checks;
pub mod isotp;
mod relay;
pub mod update;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::programs;

/// First argument that makes the binary `evidence` do something inside a guest.
pub const GUEST: &str = "guest";

/// Does what the first of `args` names.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [checks::NAME] => checks::run(),
        [isotp::NAME, interface, folder, case] => isotp::run(interface, Path::new(folder), case),
        [update::NAME, folder, seed] => update::run(Path::new(folder), seed),
        _ => Err(anyhow::anyhow!("nothing of a guest is called {words:?}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `ip` with these words.
fn ip(words: &str) -> Result<()> {
    programs::output(Command::new("ip").args(words.split_whitespace())).map(drop)
}

/// Says on an interface what a controller would: an error frame of `class`, with the status of the controller.
fn error_frame(interface: &str, class: u32, controller: u8) -> Result<()> {
    let frame = format!("{:08x}#00{controller:02x}000000000000", 0x2000_0000 | class);
    programs::output(Command::new("cansend").args([interface, &frame])).map(drop)
}

/// The value after `name` in what was printed, line by line.
pub fn value(said: &str, name: &str) -> Result<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let Some(line) = line else { bail!("nothing was said of {name}: {said}") };
    line.trim().parse().with_context(|| format!("{name} is {line}"))
}
