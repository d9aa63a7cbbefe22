//! The Director: it knows each vehicle's ECUs, judges what they report, and signs what they shall install.
//!
//! * [`facts`]: what is known, and every change of it, as values;
//! * [`epoch`]: versions, computed;
//! * [`store`]: where facts are kept.
#![forbid(unsafe_code)]

pub mod epoch;
mod error;
pub mod facts;
pub mod keys;
pub mod metadata;
pub mod store;
#[cfg(test)]
mod testing;

pub use error::Error;
