//! Why a container image is not taken.

use uptane::Sha256;

use crate::cli::{Exit, Report};

/// Why a container image is not taken. One variant per cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A digest of another function than SHA-256, or one that is malformed.
    #[error("the digest {digest:?} is not sha256: and 64 hex digits")]
    Digest {
        /// What stands there.
        digest: String,
    },
    /// A layer that is to be fetched from elsewhere, so that nobody who signs has its bytes.
    #[error("the layer sha256:{sha256} lies elsewhere")]
    Foreign {
        /// Its digest.
        sha256: Sha256,
    },
    /// Something is longer than it may be.
    #[error("{what} of {length} bytes is longer than {limit}")]
    Long {
        /// What it is.
        what: &'static str,
        /// How long it says it is.
        length: u64,
        /// How long it may be.
        limit: u64,
    },
    /// A media type that is not known, or not where it stands.
    #[error("{what} is of the media type {media_type:?}, which is not taken there")]
    MediaType {
        /// What is of that type.
        what: &'static str,
        /// The type.
        media_type: String,
    },
    /// Something has more parts than it may have.
    #[error("there are {count} {what}, which is more than {limit}")]
    Many {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// What should be JSON of a form is not.
    #[error("{what} cannot be read: {reason}")]
    Malformed {
        /// What it is.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// One blob is named with two lengths.
    #[error("sha256:{sha256} is said to have two lengths")]
    TwoLengths {
        /// Its digest.
        sha256: Sha256,
    },
    /// A version of the format that is not known.
    #[error("{what} is of version {version}, and {known} is known")]
    Version {
        /// What it is.
        what: &'static str,
        /// The version.
        version: String,
        /// What is known.
        known: &'static str,
    },
}

impl Error {
    pub(super) fn malformed(what: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |error| Self::Malformed { what, reason: crate::cli::one_line(&error.to_string()) }
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn advice(&self) -> String {
        match self {
            Self::Digest { .. } => "build the image with sha256 digests".into(),
            Self::Foreign { .. } => "build the image with all its layers in it".into(),
            Self::Long { .. } | Self::Many { .. } => "build a smaller image".into(),
            Self::MediaType { .. } => {
                "convert it: `skopeo copy --format oci` writes OCI images with tar, gzip or zstd layers".into()
            }
            Self::Malformed { .. } | Self::TwoLengths { .. } => "write the image anew with `skopeo copy`".into(),
            Self::Version { .. } => "write the image as OCI image-spec 1.0 or 1.1".into(),
        }
    }
}
