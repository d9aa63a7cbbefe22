//! Why a container image was not fetched.

use std::path::PathBuf;

use host::cli::{Exit, Report};
use host::fetch::FetchError;
use uptane::{HardwareId, Sha256};

use crate::tuf_client;

/// Why a container image was not fetched. One variant per cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// What stands in the place of the layout is left alone.
    #[error("{} exists", path.display())]
    Exists {
        /// The layout.
        path: PathBuf,
    },
    /// A blob could not be fetched.
    #[error("{name}: {source}")]
    Fetch {
        /// Its name in the repository.
        name: String,
        /// Why.
        source: FetchError,
    },
    /// The machine refused.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// Something other than the manifest says of a part stands in metadata.
    #[error("what the repository lists as {name} is not the sha256:{sha256} of the manifest, or not of its length")]
    Listed {
        /// Its name in the repository.
        name: String,
        /// Its digest, as the manifest says.
        sha256: Sha256,
    },
    /// What the repository lists under the name is no manifest that is taken.
    #[error("{name} is no container image: {source}")]
    Manifest {
        /// The image's name.
        name: String,
        /// What is wrong with it.
        source: host::oci::Error,
    },
    /// The repository could not be refreshed.
    #[error(transparent)]
    Metadata(#[from] tuf_client::Error),
    /// Metadata lists a file by other digests than SHA-256.
    #[error("the repository lists no SHA-256 of {name}")]
    NoSha256 {
        /// Its name in the repository.
        name: String,
    },
    /// The image is for other hardware.
    #[error("{name} is not for the hardware {hardware}")]
    OtherHardware {
        /// Its name in the repository.
        name: String,
        /// The hardware that was asked for.
        hardware: Box<HardwareId>,
    },
    /// A check failed.
    #[error("{name}: {source}")]
    Refused {
        /// What was refused.
        name: String,
        /// Why.
        source: uptane::Error,
    },
}

impl Error {
    /// The refusal of what the repository has under this name.
    pub(super) fn refused(name: &str) -> impl FnOnce(uptane::Error) -> Self {
        let name = name.to_owned();
        move |source| Self::Refused { name, source }
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Exists { .. } => Exit::Usage,
            Self::Fetch { source, .. } => source.exit(),
            Self::Host(error) => error.exit(),
            Self::Metadata(error) => error.exit(),
            Self::Listed { .. }
            | Self::Manifest { .. }
            | Self::NoSha256 { .. }
            | Self::OtherHardware { .. }
            | Self::Refused { .. } => Exit::Refused,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Exists { .. } => "give --out a folder that is not there; nothing was overwritten".into(),
            Self::Fetch { source, .. } => source.advice(),
            Self::Host(error) => error.advice(),
            Self::Metadata(error) => error.advice(),
            Self::Listed { .. } | Self::Manifest { .. } | Self::NoSha256 { .. } => {
                "have it listed with `image-repo targets add --oci`; no layout was made".into()
            }
            Self::OtherHardware { .. } => "ask for an image of this hardware".into(),
            Self::Refused { source, .. } => match source.attack() {
                Some(attack) => {
                    format!("no layout was made; ask the repository's keeper: this may be an attack ({attack:?})")
                }
                None => "no layout was made; ask the repository's keeper what happened".into(),
            },
        }
    }
}
