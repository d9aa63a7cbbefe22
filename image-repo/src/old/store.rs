//! Where a repository keeps what it knows: a trait, with SQLite behind it, and memory for a simulator (design D12).

#[cfg(test)]
mod conformance;
mod memory;
mod sqlite;

use std::future::Future;

use crate::error::Error;
use crate::old::facts::{Change, Facts};

pub use memory::Memory;
pub(crate) use sqlite::Sqlite;

/// Keeps [`Facts`]. One process at a time writes; the folder's lock sees to that.
pub trait Store {
    /// Everything that is true now.
    fn facts(&mut self) -> impl Future<Output = Result<Facts, Error>>;

    /// Makes all of the changes true and durable, or none of them.
    fn apply(&mut self, changes: &[Change]) -> impl Future<Output = Result<(), Error>>;
}
