//! The command line.

mod init;
mod provision;
mod status;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::oci::FetchOci;
use crate::{Error, driver};

/// The Primary of a vehicle: verifies what the Director and the Image repository say, and feeds the Secondaries.
#[derive(Debug, Parser)]
#[command(name = "primary-ecu", version)]
struct Cli {
    /// Says more on standard error; twice for details.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// Writes logs as JSON.
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a data folder with keys, and the enrolment file for the Director's operator.
    Init(init::Init),
    /// Takes the bundle that the Director's operator made for this vehicle.
    Provision(provision::Provision),
    /// Updates the vehicle, again and again or once.
    Run(Run),
    /// Shows every ECU; also while `run` runs.
    Status(status::Show),
    /// Shows what happened.
    History(status::Show),
    /// Fetches a container image from the Image repository into an OCI image layout.
    FetchOci(FetchOci),
}

#[derive(Debug, Args)]
struct Run {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    /// One update cycle, then ends: 0 updated or up to date, 3 refused, 5 not reached.
    #[arg(long)]
    once: bool,
    /// Seconds between two check-ins.
    #[arg(long, default_value_t = 60)]
    interval: u64,
}

/// Runs the command line.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli: Cli = match host::cli::parse(args) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    host::logs::init(cli.verbose, cli.log_json);
    let done = match cli.command {
        Command::Init(init) => init.run(),
        Command::Provision(provision) => provision.run(),
        Command::Run(run) => run.run(),
        Command::Status(show) => show.status(),
        Command::History(show) => show.history(),
        Command::FetchOci(fetch) => return host::cli::finish(fetch.run()),
    };
    host::cli::finish(done)
}

impl Run {
    fn run(self) -> Result<(), Error> {
        driver::run(self.data, (!self.once).then(|| Duration::from_secs(self.interval)))
    }
}

#[cfg(test)]
mod tests;
