//! The real programs as processes on this machine.
//!
//! Every service and ECU runs as a child process of the binary that is running already ([`NODE`]), with the command
//! lines of `docs/getting-started.md`. Children end when their parent does, however it ends.

mod process;
mod program;
mod status;
mod system;
mod vehicle;
mod wait;

pub use process::{Daemon, Launcher};
pub use program::{NODE, Program, run_node};
pub use status::all_run;
pub use system::System;
pub use vehicle::{Connection, DEMO_VEHICLE, Ecu, Framing, Wiring};
pub use wait::wait_until;
