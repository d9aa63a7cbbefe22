//! The plain TUF client as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    primary_ecu::tuf_client::run(std::env::args_os())
}
