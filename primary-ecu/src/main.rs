//! The Primary as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    primary_ecu::run(std::env::args_os())
}
