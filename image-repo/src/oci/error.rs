//! Why a container image was not taken from its layout.

use std::path::{Path, PathBuf};

use host::cli::{Exit, Report};
use uptane::Length;

/// Why a container image was not taken from its layout. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Several images may be meant.
    #[error("{} holds several images: {images}", path.display())]
    Ambiguous {
        /// The layout.
        path: PathBuf,
        /// What means each of them, behind the layout.
        images: String,
    },
    /// A blob is not what it is named.
    #[error("{}: {source}", path.display())]
    Blob {
        /// The blob.
        path: PathBuf,
        /// What is wrong with it.
        source: uptane::Error,
    },
    /// There are more indexes, one in the other, than are followed.
    #[error("{} names its images in too many indexes", path.display())]
    Deep {
        /// The layout.
        path: PathBuf,
    },
    /// The machine refused.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// A file of the layout says what is not taken.
    #[error("{}: {source}", path.display())]
    Inside {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: host::oci::Error,
    },
    /// A blob is of another length than is said of it.
    #[error("{} has {length} bytes, and {listed} are listed", path.display())]
    Length {
        /// The blob.
        path: PathBuf,
        /// What is said of it.
        listed: Length,
        /// How long it is.
        length: u64,
    },
    /// Something in the layout is no plain file.
    #[error("{} is no plain file", path.display())]
    NoFile {
        /// What it is.
        path: PathBuf,
    },
    /// The image that is meant is not there.
    #[error("{} holds no such image", path.display())]
    NoImage {
        /// The layout.
        path: PathBuf,
    },
    /// A folder is no layout.
    #[error("{} is no OCI image layout", path.display())]
    NoLayout {
        /// The folder.
        path: PathBuf,
    },
}

impl Error {
    /// What is wrong inside the file at `path`.
    pub(super) fn inside(path: &Path) -> impl FnOnce(host::oci::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Inside { path, source }
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Ambiguous { .. } | Self::NoImage { .. } => Exit::Usage,
            Self::Blob { .. } | Self::Deep { .. } | Self::Length { .. } | Self::NoFile { .. } => Exit::Refused,
            Self::Host(error) => error.exit(),
            Self::Inside { source, .. } => source.exit(),
            Self::NoLayout { .. } => Exit::Configuration,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Ambiguous { .. } => "say which with LAYOUT:TAG or LAYOUT@sha256:HEX".into(),
            Self::Blob { .. } | Self::Length { .. } => {
                "copy the image anew from where it was built; nothing was changed".into()
            }
            Self::Deep { .. } | Self::NoFile { .. } => "write the layout anew with `skopeo copy`".into(),
            Self::Host(error) => error.advice(),
            Self::Inside { source, .. } => source.advice(),
            Self::NoImage { .. } => "look into its index.json for tags and digests".into(),
            Self::NoLayout { .. } => "name the folder in which `oci-layout` lies".into(),
        }
    }
}
