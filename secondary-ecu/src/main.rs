//! The Secondary as a process.

fn main() -> std::process::ExitCode {
    secondary_ecu::linux::run(std::env::args_os())
}
