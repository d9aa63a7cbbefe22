//! In the vehicle: verifies both repositories, feeds the Secondaries.
#![forbid(unsafe_code)]

pub mod config;
mod error;
pub mod machine;
pub mod slots;

pub use error::Error;
