//! Verification (§5.4.4): what makes a file from outside one that may be acted on.

mod file;
pub(crate) mod freshness;
pub mod signature;
pub mod threshold;

pub use file::MetadataFile;
