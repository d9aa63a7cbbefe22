//! The nodes of the world besides the Primary: the manufacturer's repositories, and the Secondaries.
//!
//! They are the very cores that ship, over stores, flash and disks that the world owns. Each is driven from outside, at
//! moments the world chooses: what it is told goes in with the time, what it says comes out with the time it takes.

mod error;
pub mod oem;
pub mod secondary;

pub use error::Error;
pub use oem::{Firmware, Oem};
pub use secondary::{Refused, SecondaryNode};
