//! Verification (§5.4.4): what makes a file from outside one that may be acted on.
//!
//! Without a heap: [`partial`], [`time`], [`image`], [`proof`]. With `alloc`, full verification: `Trusted` is what is known between
//! cycles, `Refresh` judges new files step by step, `agree` compares the two repositories, and what comes out
//! (`Verified`, `Approved`, [`image::VerifiedImage`]) can be made nowhere else.

#[cfg(feature = "alloc")]
mod agreement;
#[cfg(feature = "alloc")]
mod check_in;
#[cfg(feature = "alloc")]
mod cycle;
#[cfg(feature = "alloc")]
mod delegation;
pub mod ecu;
mod file;
pub(crate) mod freshness;
pub mod image;
#[cfg(feature = "alloc")]
mod kept;
#[cfg(feature = "alloc")]
mod kind;
#[cfg(feature = "alloc")]
mod manifest;
#[cfg(feature = "alloc")]
mod mapping;
#[cfg(feature = "alloc")]
mod offered;
pub mod partial;
#[cfg(feature = "alloc")]
mod path;
pub mod proof;
#[cfg(feature = "alloc")]
mod refresh;
#[cfg(feature = "alloc")]
mod remembered;
#[cfg(feature = "alloc")]
mod report;
#[cfg(feature = "alloc")]
mod root;
#[cfg(feature = "alloc")]
mod sealed;
pub mod signature;
#[cfg(feature = "alloc")]
mod snapshot;
mod stream;
#[cfg(feature = "alloc")]
mod targets;
pub mod threshold;
pub mod time;
#[cfg(feature = "alloc")]
mod timestamp;
#[cfg(feature = "alloc")]
mod trusted;
#[cfg(feature = "alloc")]
mod verified;

#[cfg(feature = "alloc")]
pub use agreement::{Approved, ApprovedEntry, ApprovedImage, Vouching, agree, agree_for};
#[cfg(feature = "alloc")]
pub use check_in::{VerifiedCheckIn, check_in};
#[cfg(feature = "alloc")]
pub use cycle::Keep;
#[cfg(feature = "alloc")]
pub use delegation::Wanted;
#[cfg(feature = "alloc")]
pub use file::FileBytes;
pub use file::MetadataFile;
#[cfg(feature = "alloc")]
pub use kept::Kept;
#[cfg(feature = "alloc")]
pub use kind::{Kind, RootFile, SnapshotFile, TargetsFile, TimestampFile};
#[cfg(feature = "alloc")]
pub use manifest::{VerifiedManifest, manifest};
#[cfg(feature = "alloc")]
pub use mapping::{Mapping, MappingEntry, PathPattern};
#[cfg(feature = "alloc")]
pub use refresh::{Commit, Refresh, Refreshed, Step};
#[cfg(feature = "alloc")]
pub use remembered::Remembered;
#[cfg(feature = "alloc")]
pub use report::{VerifiedReport, report};
#[cfg(feature = "alloc")]
pub use sealed::{SealKey, SealedFiles};
#[cfg(feature = "alloc")]
pub use trusted::{Damaged, Reloaded, StoredFiles, Trusted};
#[cfg(feature = "alloc")]
pub use verified::Verified;
