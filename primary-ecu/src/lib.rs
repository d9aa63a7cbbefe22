//! In the vehicle: verifies what the Director and the Image repository say (§5.4.2, §5.4.4.2), and brings it to the
//! Secondaries as one transaction (design D8).
//!
//! [`machine`] decides, without I/O and without a clock; [`store`] and [`slots`] are what it keeps; [`node`] is the two
//! together, whatever carries what it says; `driver`, with `grpc` and `can`, carries it;
//! [`provision`] is what it begins with. [`run`] is the command line.
#![forbid(unsafe_code)]

pub mod can;
mod cli;
pub mod config;
mod driver;
mod error;
mod folder;
mod grpc;
pub mod machine;
pub mod node;
mod oci;
mod pair;
pub mod provision;
pub mod slots;
pub mod status;
pub mod store;
pub mod tuf_client;

pub use error::Error;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line, with the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    cli::run(args)
}
