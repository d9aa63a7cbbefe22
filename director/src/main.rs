//! The `director` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    director::run(std::env::args_os())
}
