//! In the vehicle: verifies both repositories, feeds the Secondaries.
#![forbid(unsafe_code)]

//can
pub mod config;
mod driver;
mod error;
mod grpc;
pub mod machine;
pub mod slots;
pub mod status;
pub mod store;

pub use error::Error;
