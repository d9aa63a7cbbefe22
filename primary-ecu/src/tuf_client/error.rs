//! What can go wrong for the plain TUF client.

use std::path::PathBuf;

use host::cli::{Exit, Report};
use host::fetch::FetchError;

/// Why a command failed. One variant per cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file could not be fetched.
    #[error("{file}: {source}")]
    Fetch {
        /// The file.
        file: String,
        /// Why.
        source: FetchError,
    },
    /// The machine refused.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// There is no Root to begin with.
    #[error("{} holds no trusted Root", folder.display())]
    NoRoot {
        /// The folder of trusted metadata.
        folder: PathBuf,
    },
    /// No role that may list the target does.
    #[error("the repository lists no target {name:?}")]
    NotListed {
        /// The target.
        name: String,
    },
    /// A command was given without something it needs.
    #[error("{name} was not given")]
    OptionMissing {
        /// The option.
        name: &'static str,
    },
    /// Verification refused.
    #[error(transparent)]
    Refused(#[from] uptane::Error),
    /// A target is not what metadata lists.
    #[error("target {name:?}: {source}")]
    Target {
        /// The target.
        name: String,
        /// What is wrong with it.
        source: uptane::Error,
    },
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::OptionMissing { .. } => Exit::Usage,
            Self::Host(error) => error.exit(),
            Self::Fetch { source, .. } => source.exit(),
            Self::NoRoot { .. } => Exit::Configuration,
            Self::NotListed { .. } => Exit::Failed,
            Self::Refused(_) | Self::Target { .. } => Exit::Refused,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Fetch { source, .. } => source.advice(),
            Self::Host(error) => error.advice(),
            Self::NoRoot { .. } => "begin with: tuf-client --metadata-dir DIR init ROOT_FILE".to_owned(),
            Self::NotListed { .. } => "ask for a target that the repository lists".to_owned(),
            Self::OptionMissing { name } => format!("give {name} before the command"),
            Self::Refused(error) | Self::Target { source: error, .. } => match error.attack() {
                Some(attack) => format!("ask the repository's keeper: this may be an attack ({attack:?})"),
                None => "ask the repository's keeper what happened".to_owned(),
            },
        }
    }
}
