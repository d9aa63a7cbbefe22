//! The clients, each as its own documentation says it is used, with one interface for all.

mod ours;
mod rust_tuf;
mod sigstore_tuf;
mod tough;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::cases::Client;
use crate::source::Source;

/// The largest file there is: defaults would refuse it.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The most Roots that follow on one another.
const MAX_ROTATIONS: u32 = 1_024;

/// A client at work on one repository.
pub(crate) trait Session {
    /// A new client that trusts Root 1 and refreshes. It stores files in `store`, an empty folder; with none it stores
    /// nothing, or where its documentation says it does by default.
    fn cold(&mut self, store: Option<&Path>) -> Result<()>;

    /// Refreshes again with what `cold` left in memory; a client that cannot do so, with what it stored.
    fn warm(&mut self) -> Result<()>;

    /// A new client that refreshes with what is in `store`.
    fn restart(&mut self, store: &Path) -> Result<()>;

    /// The length of the target `name`.
    fn look_up(&mut self, name: &str) -> Result<u64>;
}

/// Lets `client` work on `source`.
pub(crate) fn session(client: Client, source: Arc<Source>) -> Result<Box<dyn Session>> {
    Ok(match client {
        Client::Ours => Box::new(ours::Ours::sealing(source)),
        Client::OursWithoutSeal => Box::new(ours::Ours::without_seal(source)),
        Client::SigstoreTuf => Box::new(sigstore_tuf::SigstoreTuf::new(source)),
        Client::RustTuf => Box::new(rust_tuf::RustTuf::new(source)),
        Client::Tough => Box::new(tough::Tough::new(source)?),
        Client::PythonTuf => bail!("python-tuf is measured by python/refresh.py"),
    })
}
