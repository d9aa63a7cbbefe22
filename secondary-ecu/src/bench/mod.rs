//! A Secondary on the bench: flash in memory, a valid pair of repositories, a Primary that does everything right, and
//! power that fails where a test wants it to.
//!
//! Nothing here makes evidence: files are verified like any others. What was not hoped for ends the test.

#[cfg(feature = "linux")]
mod disk;
mod kept;
mod power;
mod primary;

#[cfg(feature = "linux")]
pub use disk::RamDisk;
#[cfg(feature = "linux")]
pub use kept::InFiles;
pub use kept::{InFlash, Kept};
pub use power::{Bench, Broken, Course, Marks, Shape, Unit, name_fallback, name_patch, provisioned};
pub use primary::*;

/// The value, where a fixed input cannot fail.
fn sure<T, E: core::fmt::Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("the bench is what it is: {error:?}"))
}
