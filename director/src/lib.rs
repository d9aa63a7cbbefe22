//! The Director (§5.3.2): it knows each vehicle's ECUs, judges what they report, and signs what they shall install.
//!
//! * [`facts`]: what is known, and every change of it, as values;
//! * [`enrolment`]: how a vehicle enters the inventory;
//! * [`check_in`]: what a vehicle says, judged (§5.3.2.1); [`desired`]: what it shall install; [`answer`]: what it is told;
//! * [`epoch`], [`metadata`]: versions and signed files, computed from the facts;
//! * [`images`]: what the Image repository vouches for; [`patch`]: what shortens the way from one image to another;
//! * [`store`]: where facts are kept; [`instance`]: all of this at work.
//!
//! [`driver`], [`grpc`] and [`http`] do the I/O, the command line is in [`run`].
#![forbid(unsafe_code)]

pub mod answer;
pub mod check_in;
mod cli;
pub mod desired;
pub mod driver;
pub mod enrolment;
pub mod epoch;
mod error;
pub mod facts;
pub mod files;
pub mod grpc;
pub mod http;
pub mod images;
pub mod in_use;
pub mod instance;
pub mod keys;
pub mod metadata;
pub mod patch;
pub mod root_file;
pub mod store;
#[cfg(test)]
mod testing;

pub use cli::run;
pub use error::Error;
