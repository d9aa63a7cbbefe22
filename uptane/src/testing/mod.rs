//! A valid Director and Image repository for tests, and ways to break exactly one thing.
//!
//! Everything is derived from fixed seeds: the same calls give the same bytes on every machine. Nothing here makes
//! evidence: what comes out are files, and they are verified like any others.

mod draft;
mod files;
mod keys;
mod repo;
mod tree;
mod vehicle;

pub use draft::{Draft, Next, Of};
pub use files::Files;
pub use keys::signer;
pub use repo::{Repo, TestEcu};
pub use tree::role_keys;
pub use vehicle::Vehicle;

fn parsed<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, crate::Error>) -> T {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
