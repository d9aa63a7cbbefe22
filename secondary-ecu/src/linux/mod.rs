//! A Secondary on Linux: a process with a file for flash, gRPC over mutual TLS or a CAN bus, and a command line.
//!
//! A data folder holds one ECU: `ecu.toml` (who it is), `flash.img`, `report.key`, `tls.key`, `enrolment.toml` for the
//! Director; after `provision` also `vehicle.toml`, `ca.pem`, `tls.pem`, and for full verification `metadata/`.
//! Images are data: to boot one is to hash it, its self-test is that the digest is right.

mod args;
mod bundle;
mod can;
mod driver;
mod error;
mod files;
mod flash;
mod full;
mod grpc;
mod init;
mod provision;
mod status;

use std::ffi::OsString;
use std::process::ExitCode;

pub use error::Error;
pub use flash::FileFlash;
pub use full::Full;
pub use provision::attested;

use args::{Arguments, Command};

/// Runs the command line (the first of `args` is the program's name) and says how it ended.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match host::cli::parse::<Arguments>(args) {
        Ok(arguments) => host::cli::finish(carry_out(arguments)),
        Err(exit) => exit,
    }
}

fn carry_out(arguments: Arguments) -> Result<(), Error> {
    host::logs::init(arguments.verbose, arguments.log_json);
    match arguments.command {
        Command::Init(options) => init::init(&options),
        Command::Provision(options) => provision::provision(&options),
        Command::Run(options) => driver::run(&options),
        Command::Status(options) => status::status(&options),
    }
}
