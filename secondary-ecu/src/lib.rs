//! A Secondary: it takes what a Primary hands over, verifies it, keeps it, and runs what is authorised.
#![cfg_attr(not(feature = "linux"), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

#[cfg(test)]
extern crate std;

mod error;
pub mod flash;
pub mod state;

pub use error::Fault;
