//! The whole system as its users run it: real processes, real sockets, real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ceremony;
mod containers;
mod demonstration;
mod doors;
mod getting_started;
mod patches;
mod refusals;
mod socketcan;
mod tuf_rules;

use simulator::live::Launcher;

/// Starts each program out of the binary `evidence`, which can be any of them.
fn launcher() -> Launcher {
    Launcher::Node(env!("CARGO_BIN_EXE_evidence").into())
}
