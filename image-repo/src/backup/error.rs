//! Why a backup was not made, or not taken back.

use std::path::PathBuf;

use host::cli::{Exit, Report};

/// Why a backup was not made, or not taken back. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A part of the backup is not what was written.
    #[error("{file} of the backup is damaged or missing")]
    Damaged {
        /// Which part.
        file: String,
    },
    /// The folder holds a backup already.
    #[error("{} holds a backup already", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The backup is of a form that this program does not know.
    #[error("the backup has form {format}, which a newer program wrote")]
    Newer {
        /// Its form.
        format: u32,
    },
    /// The folder holds no whole backup.
    #[error("{} holds no backup, or one that was never finished", path.display())]
    NotABackup {
        /// The folder.
        path: PathBuf,
    },
    /// The database is in use.
    #[error("the database holds a repository already, or an unfinished one")]
    NotEmpty,
}

impl Report for Fault {
    fn exit(&self) -> Exit {
        match self {
            Self::Damaged { .. } => Exit::Refused,
            Self::Exists { .. } | Self::NotEmpty => Exit::Failed,
            Self::Newer { .. } | Self::NotABackup { .. } => Exit::Configuration,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Damaged { .. } => "take an older backup; nothing was changed",
            Self::Exists { .. } => "name a folder that is not there",
            Self::Newer { .. } => "upgrade this program; nothing was changed",
            Self::NotABackup { .. } => "name a folder that `image-repo backup` wrote",
            Self::NotEmpty => {
                "name an empty database, or remove this one if a restoration of it was cut short; with --objects-only \
                 the database stays and the published files are put back"
            }
        }
        .into()
    }
}
