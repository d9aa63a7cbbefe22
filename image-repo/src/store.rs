//! Where a repository keeps what it knows (design D12): one trait, and one conformance suite that SQLite, PostgreSQL and
//! memory pass.
//!
//! Whatever [`Store::apply`] reported as done survives a power failure. It changes the generation its caller decided on or
//! is an [`Error::Conflict`](crate::Error::Conflict), so several processes may work on one store.

use std::collections::BTreeMap;
use std::future::Future;

use host::audit::Entry;
use uptane::{ImageLine, ReleaseCounter, RoleName, TargetNameBuf, Version};

use crate::error::Error;
use crate::facts::{Change, Generation, Head, Kept, Listing, SignedFile};
use crate::role::RoleId;

mod any;
mod batch;
#[cfg(test)]
mod conformance;
mod entries;
mod fault;
mod memory;
mod postgres;
mod rows;
mod sql;
mod sqlite;
mod statements;
mod url;

pub use any::AnyStore;
pub use fault::Fault;
pub use memory::Memory;
pub use postgres::Postgres;
pub use sqlite::Sqlite;
pub use url::DatabaseUrl;

#[cfg(test)]
#[path = "../../tests/src/postgres.rs"]
pub mod server;

/// Keeps what a repository knows. Clones share it.
///
/// # Security
/// An implementation that reports a change as done and loses it, or applies half of it, lets one version have two
/// contents.
pub trait Store: Clone + Send + Sync + 'static {
    /// What decisions rest on, of one moment.
    fn head(&self) -> impl Future<Output = Result<Head, Error>> + Send;

    /// The bytes of a file; none if there is no such file, or they are [pruned](Self::prune).
    fn file(&self, role: RoleId, version: Version) -> impl Future<Output = Result<Option<Vec<u8>>, Error>> + Send;

    /// What the newest file of a role lists, ascending by name.
    fn listed(&self, role: RoleId) -> impl Future<Output = Result<Vec<Listing>, Error>> + Send;

    /// Every role that lists one of these names, with what it says of it, ascending by name and role.
    fn named(&self, names: &[TargetNameBuf]) -> impl Future<Output = Result<Vec<(RoleId, Listing)>, Error>> + Send;

    /// The highest release there ever was of each of these lines; nothing of a line without any.
    fn highest(
        &self,
        lines: &[ImageLine],
    ) -> impl Future<Output = Result<BTreeMap<ImageLine, ReleaseCounter>, Error>> + Send;

    /// Every line there ever was, ascending, with its highest release.
    fn lines(&self) -> impl Future<Output = Result<Vec<(ImageLine, ReleaseCounter)>, Error>> + Send;

    /// The roles whose newest files delegate to this one, ascending.
    fn delegators(&self, role: RoleName) -> impl Future<Output = Result<Vec<RoleId>, Error>> + Send;

    /// Every file that is not known to be published, ascending by role and version.
    fn unpublished(&self) -> impl Future<Output = Result<Vec<SignedFile>, Error>> + Send;

    /// Says that clients can see these files. Generations are not counted for it.
    fn published(&self, files: &[(RoleId, Version)]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Every file whose bytes are still there, ascending by role and version.
    fn history(&self) -> impl Future<Output = Result<Vec<Kept>, Error>> + Send;

    /// Drops the bytes of these files; their versions stay used. The newest file of a role keeps its own, and so does one
    /// that is not known to be published.
    fn prune(&self, files: &[(RoleId, Version)]) -> impl Future<Output = Result<(), Error>> + Send;

    /// At most `limit` of what was recorded after the entry of this number, ascending; 0 is before the first.
    fn entries(&self, after: u64, limit: usize) -> impl Future<Output = Result<Vec<Entry>, Error>> + Send;

    /// Makes all of the changes true and durable, in their order, or none of them. Afterwards the generation is the next.
    fn apply(&self, expected: Generation, changes: &[Change]) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Refuses a database that needs programs which know more than this one.
fn known_to(known: u64, needs: u64) -> Result<(), Fault> {
    if needs > known { Err(Fault::Newer { needs, known }) } else { Ok(()) }
}
