//! What a Primary decides, without I/O and without a clock.
pub mod journal;
pub mod transaction;
