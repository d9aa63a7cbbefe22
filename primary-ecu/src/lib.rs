//! In the vehicle: verifies both repositories, feeds the Secondaries.
#![forbid(unsafe_code)]

pub mod config;
mod error;
pub mod machine;
pub mod slots;
pub mod status;
pub mod store;

pub use error::Error;
