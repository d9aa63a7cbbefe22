//! Why a node cannot be made, or a repository does not do what it is told.

use secondary_ecu::flash::BadLayout;
use secondary_ecu::provisioning::TrustError;
use uptane::{EcuId, Role};

use crate::world::description::Name;

/// Why a node cannot be made, or a repository does not do what it is told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The Director.
    #[error("the Director: {0}")]
    Director(#[from] director::Error),
    /// The first image does not get into the flash.
    #[error("the first image cannot be installed: {0}")]
    Factory(#[from] secondary_ecu::Fault),
    /// No chip has these units.
    #[error(
        "there is no flash with a write unit of {write} B and an erase unit of {erase} B; expected 32 B and 4 or 8 KiB, \
         8 B and 2 or 4 KiB, or 4 B and 1 KiB"
    )]
    Geometry {
        /// The write unit.
        write: u32,
        /// The erase unit.
        erase: u32,
    },
    /// The Image repository.
    #[error("the Image repository: {0}")]
    ImageRepository(#[from] image_repo::Error),
    /// The flash cannot be divided so.
    #[error(transparent)]
    Layout(#[from] BadLayout),
    /// A name, length or key is none.
    #[error(transparent)]
    Malformed(#[from] uptane::Error),
    /// There is no key of this role to replace.
    #[error("{role} has no key in Root; expected Root, Timestamp, Snapshot, Targets or Time")]
    NoKey {
        /// The role.
        role: Role,
    },
    /// The Primary reaches others, nobody reaches it.
    #[error("ECU `{ecu}` is the Primary; expected one of its Secondaries")]
    NotSecondary {
        /// The ECU.
        ecu: EcuId,
    },
    /// What it is to trust does not verify.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No such ECU, or it has no image of this release.
    #[error("there is no image of `{release}` for ECU `{ecu}`")]
    Unknown {
        /// The ECU.
        ecu: EcuId,
        /// The release.
        release: Name,
    },
    /// A store that lasts as long as the process waited for something.
    #[error("a store in memory waited; expected an answer at once")]
    Waited,
}
