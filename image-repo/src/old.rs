//! The repository of one folder, as the commands know it until each of them works on a release.

pub mod facts;
pub mod make;
pub(crate) mod objects;
pub mod plan;
pub mod store;
