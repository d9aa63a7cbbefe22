//! Virtual vehicles over the very same code that ships.
//!
//! [`live`] runs the real services and ECUs as processes on this machine; [`demo`] shows with them how a firmware file
//! reaches a vehicle and how three attacks are refused. [`world`] is a world of its own, with its own time; [`runs`] lets
//! many of them happen.
#![forbid(unsafe_code)]

pub mod commands;
pub mod demo;
mod error;
pub mod live;
pub mod runs;
pub mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::Error;

/// Engineer's tool: runs the whole system on one machine.
#[derive(Parser)]
#[command(name = "simulator", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the whole system once: both repositories, a Primary and three Secondaries, one update, three attacks.
    #[command(after_help = "Example: simulator demo --image firmware.bin")]
    Demo(demo::Options),
    /// Repeats the run of a log, which must come out the same, byte for byte.
    #[command(after_help = "Example: simulator replay run.jsonl --html report.html")]
    Replay(commands::run::Replay),
    /// Lets a scenario happen to a vehicle, once or with many seeds; exit status 1 if what must hold does not.
    #[command(after_help = "Example: simulator run default-mix --seeds 1000 --jobs 2")]
    Run(commands::run::Options),
    /// Checks scenarios: what happens to a vehicle, what goes wrong, and what must hold at the end.
    #[command(subcommand, after_help = "Example: simulator scenario check power-cuts")]
    Scenario(commands::scenario::Command),
    /// Checks and shows vehicles: their ECUs, buses and links.
    #[command(subcommand, after_help = "Example: simulator vehicle show 8-ecus-compact")]
    Vehicle(commands::vehicle::Command),
}

/// Runs the command line `args`, program name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Arguments = match host::cli::parse(args) {
        Ok(arguments) => arguments,
        Err(exit) => return exit,
    };
    match arguments.command {
        Command::Demo(options) => host::cli::finish(demo::run(&options)),
        Command::Replay(options) => host::cli::finish(commands::run::replay(&options)),
        Command::Run(options) => host::cli::finish(commands::run::run(&options)),
        Command::Scenario(command) => host::cli::finish(commands::scenario::run(&command)),
        Command::Vehicle(command) => host::cli::finish(commands::vehicle::run(&command)),
    }
}
