//! Builders of every signed file, and the keys that sign them.
//!
//! What a builder gives out decodes, is canonical and carries the signatures its role asks for: required fields are
//! constructor arguments, keys sort themselves, and [`KeySet`] says who must sign. The one way to hold a file with
//! fewer signatures is [`PartlySigned`], for keys that never meet in one place (§5.1.1, offline ceremony).
//! The formats are written down in `docs/pouf.md`.

mod again;
mod canonical;
mod delegations;
mod ecu;
mod envelope;
mod error;
mod image;
mod key_set;
mod root;
#[cfg(all(feature = "rsa", feature = "testing"))]
mod rsa;
mod signer;
mod snapshot;
mod targets;
mod time;
mod timestamp;

pub use delegations::{BinsBuilder, DelegationBuilder};
pub use ecu::{
    CheckInBuilder, CommandBuilder, InstalledImage, ManifestBuilder, ReportBuilder, ReportedVersions, prove,
};
pub use envelope::PartlySigned;
pub use error::SignError;
pub use image::{EcuAssignment, ImageEntry, Matching};
pub use key_set::KeySet;
pub use root::{RootBuilder, RootRoles};
pub use signer::{MemorySigner, Signer, key_id};
pub use snapshot::{FileInfo, SnapshotBuilder};
pub use targets::TargetsBuilder;
pub use time::TimeBuilder;
pub use timestamp::TimestampBuilder;

#[cfg(feature = "testing")]
pub(crate) use canonical::Value;

/// The TUF version whose file formats these are.
const SPEC_VERSION: &str = "1.0.34";

#[cfg(test)]
mod again_tests;
#[cfg(test)]
mod tests;
