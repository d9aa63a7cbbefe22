//! What needs more than one crate: evidence for what the system promises, and what its tests share.

pub mod can_fuzz;
pub mod conformance;
pub mod decoders;
pub mod evidence;
pub mod guest;
pub mod model;
pub mod oem;
pub mod oracle;
pub mod postgres;
pub mod programs;
pub mod record;
pub mod socketcan;
pub mod sources;
pub mod tap;
pub mod walkthrough;
