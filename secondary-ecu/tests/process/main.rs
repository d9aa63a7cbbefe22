//! The process from its command line: made, provisioned, updated over gRPC and over CAN, killed on the way.
#![expect(clippy::unwrap_used, reason = "a failed step ends the test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what was not hoped for ends the test, whichever it is")]

mod bundle;
mod can;
mod command_line;
mod grpc;
mod primary;
mod process;
