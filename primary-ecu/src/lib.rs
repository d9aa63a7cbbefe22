//! In the vehicle: verifies both repositories, feeds the Secondaries.
#![forbid(unsafe_code)]

pub mod machine;
