//! The Image repository from outside: its commands, and its server as a client sees it.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by stopping")]

mod catalogue;
mod ceremony;
mod commands;
mod delegations;
mod delta;
mod keeping;
mod machine;
mod offline;
mod place;
mod server;
mod withdraw;
mod writers;
