//! Verification (§5.4.4): what makes a file from outside one that may be acted on.

pub mod ecu;
mod file;
pub(crate) mod freshness;
pub mod image;
pub mod partial;
pub mod signature;
mod stream;
pub mod threshold;
pub mod time;

pub use file::MetadataFile;
