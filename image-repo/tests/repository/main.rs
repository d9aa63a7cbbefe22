//! The Image repository from outside: its commands, and its server as a client sees it.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by stopping")]

mod commands;
mod delta;
mod place;
mod server;
