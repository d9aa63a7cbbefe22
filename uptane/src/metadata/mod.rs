//! What signed files say: borrowed views of exactly the bytes that were signed.
//!
//! Decoding a view inspects everything once (§5.2); afterwards nothing in it can fail. A view says nothing about who
//! signed: that is [`crate::verify`]. Members this crate does not know are passed over, as TUF asks.

mod check_in;
mod command;
mod content;
#[cfg(feature = "alloc")]
mod delegation;
#[cfg(feature = "alloc")]
mod delegations;
mod delta;
mod envelope;
mod fields;
mod header;
mod key_reader;
mod manifest;
mod place;
mod report;
mod role_keys;
mod root;
mod snapshot;
mod target;
#[cfg(feature = "alloc")]
mod target_file;
mod targets;
mod time;
mod timestamp;

pub use check_in::CheckIn;
pub use command::Command;
pub(crate) use command::CommandReader;
pub use content::ContentReader;
#[cfg(feature = "sign")]
pub(crate) use delegations::delegation_keys;
#[cfg(feature = "alloc")]
pub use delegations::{Bins, Covers, DelegatedRole, Delegatee, Delegation, Delegations, MultiRole};
pub use delta::{Delta, NamedDelta};
pub use envelope::Envelope;
pub(crate) use envelope::{Entry, EnvelopeReader};
pub use fields::FileMeta;
pub(crate) use header::Header;
pub use header::Origin;
pub use manifest::{AcceptedVersions, Manifest};
pub use report::{Report, ReportedImage};
pub(crate) use role_keys::KeyHint;
pub use role_keys::{RoleKeys, RootRole};
pub use root::Root;
pub(crate) use root::RootReader;
#[cfg(feature = "alloc")]
pub(crate) use root::RootSays;
pub use snapshot::Snapshot;
#[cfg(feature = "alloc")]
pub(crate) use snapshot::{SnapshotReader, SnapshotSays};
pub use target::{EcuEntry, Match, Target};
pub(crate) use target::{EcuReader, Heard, TargetHead};
#[cfg(feature = "alloc")]
pub use target_file::TargetFile;
pub use targets::Targets;
pub(crate) use targets::{Listener, TargetsReader};
#[cfg(feature = "alloc")]
pub(crate) use targets::{TargetsInspection, TargetsOutline, TargetsSays};
pub use time::TimeAttestation;
pub(crate) use time::TimeReader;
pub use timestamp::Timestamp;
#[cfg(feature = "alloc")]
pub(crate) use timestamp::{TimestampReader, TimestampSays};

#[cfg(test)]
mod tests;
