//! Where the facts are kept: one trait, and one conformance suite every implementation passes.
//!
//! Whatever [`Store::apply`] reported as done survives a power failure. A change carries what it was decided on and is a
//! [`Error::Conflict`] if that has moved, so two processes may work on one store.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use uptane::{Attack, Sha256, Time, VehicleId, Version};

use crate::Error;
use crate::facts::{Change, Facts, ImageFiles, Patch};

mod changes;
#[cfg(test)]
mod conformance;
mod memory;
mod rows;
mod sqlite;
mod statements;
mod writer;

pub use memory::Memory;
pub use sqlite::Sqlite;

/// The Director's store.
///
/// # Security
/// An implementation that reports a change as done and loses it lets a vehicle's counters be used twice; one that
/// applies half of it lets two contents get one version.
pub trait Store: Clone + Send + Sync + 'static {
    /// The facts about the vehicle that shows this certificate: one read statement.
    fn by_certificate(&self, certificate: Sha256) -> impl Future<Output = Result<Option<Facts>, Error>> + Send;

    /// The facts about a vehicle.
    fn by_id(&self, vehicle: VehicleId) -> impl Future<Output = Result<Option<Facts>, Error>> + Send;

    /// The ids of all vehicles, ascending.
    fn vehicles(&self) -> impl Future<Output = Result<Vec<VehicleId>, Error>> + Send;

    /// The epoch in force.
    fn epoch(&self) -> impl Future<Output = Result<Option<crate::epoch::Epoch>, Error>> + Send;

    /// Every Root from `first` on, ascending.
    fn roots(&self, first: Version) -> impl Future<Output = Result<Vec<Vec<u8>>, Error>> + Send;

    /// What is trusted of the Image repository, and its generation.
    fn image(&self) -> impl Future<Output = Result<(u64, ImageFiles), Error>> + Send;

    /// Every patch, by name, and their generation.
    fn patches(&self) -> impl Future<Output = Result<(u64, Vec<Patch>), Error>> + Send;

    /// The dropped requests of a vehicle that are still kept, oldest first.
    fn refused(&self, vehicle: VehicleId) -> impl Future<Output = Result<Vec<Refused>, Error>> + Send;

    /// Applies a change, whole or not at all; durable once this returns.
    fn apply(&self, change: Change) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What a future over a [`Memory`] comes to: it waits for nothing, so it is asked once, without a runtime. `None` if it
/// waits after all, which over another store it may.
pub fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// A dropped request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: Time,
    /// The check that failed.
    pub reason: String,
    /// What it points to.
    pub attack: Option<Attack>,
}

/// Dropped requests kept of one vehicle.
pub const MAX_REFUSED: usize = 32;
