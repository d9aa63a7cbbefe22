//! Why a command did not do what was asked.

use std::path::{Path, PathBuf};

use host::cli::{Exit, Report};
use uptane::sign::SignError;
use uptane::{ImageLine, ReleaseCounter, Role, Time};

/// Why a command did not do what was asked. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process changed the repository meanwhile.
    #[error("the repository was changed by another process meanwhile")]
    Conflict,
    /// The line has a release that is as new or newer.
    #[error("release {given} of line {line} is not newer than {highest}, which was added before")]
    CounterTaken {
        /// The line.
        line: Box<ImageLine>,
        /// The release that was to be added.
        given: ReleaseCounter,
        /// The newest release of the line.
        highest: ReleaseCounter,
    },
    /// The database holds something it never should, or cannot be read.
    #[error("the repository's database cannot be used: {reason}")]
    Database {
        /// What is wrong.
        reason: String,
    },
    /// A file that everything else rests on has expired.
    #[error("{role} expired at {expires}")]
    Expired {
        /// Whose file it is.
        role: Role,
        /// When it expired.
        expires: Time,
    },
    /// What an operator wrote is not what it should be.
    #[error("{what} {given:?}: {reason}")]
    Given {
        /// What it is.
        what: &'static str,
        /// What was given.
        given: String,
        /// Why it is refused.
        reason: uptane::Error,
    },
    /// The machine refused.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// The repository lacks something that `init` makes.
    #[error("the repository has no {what}")]
    Incomplete {
        /// What it lacks.
        what: &'static str,
    },
    /// The folder holds no repository.
    #[error("{} holds no image repository", path.display())]
    NotARepository {
        /// The folder.
        path: PathBuf,
    },
    /// Images or metadata cannot be stored or fetched.
    #[error("cannot {action} {file}: {reason}")]
    Objects {
        /// What was tried.
        action: &'static str,
        /// On which file.
        file: String,
        /// What the store says.
        reason: String,
    },
    /// A file is not a patch, or no patch can be made.
    #[error("{}: {reason}", path.display())]
    Patch {
        /// The patch.
        path: PathBuf,
        /// What is wrong.
        reason: crate::delta::Error,
    },
    /// What is published does not verify.
    #[error("{file} does not verify: {reason}")]
    Refused {
        /// The file.
        file: String,
        /// The failed check.
        reason: uptane::Error,
    },
    /// A file could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A signer's folder was not changed.
    #[error(transparent)]
    Staged(#[from] crate::staged::Error),
    /// A file that clients need is not published.
    #[error("{file} is not published")]
    Unpublished {
        /// The file.
        file: String,
    },
    /// A key file holds another key than Root appoints.
    #[error("{} is not the key that Root appoints", path.display())]
    WrongKey {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn given(what: &'static str, given: &str) -> impl FnOnce(uptane::Error) -> Self {
        let given = given.to_owned();
        move |reason| Self::Given { what, given, reason }
    }

    pub(crate) fn patch(path: &Path) -> impl FnOnce(crate::delta::Error) -> Self {
        move |reason| Self::Patch { path: path.to_owned(), reason }
    }

    pub(crate) fn objects(action: &'static str, file: impl ToString, reason: &impl ToString) -> Self {
        Self::Objects { action, file: file.to_string(), reason: host::cli::one_line(&reason.to_string()) }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database { reason: host::cli::one_line(&error.to_string()) }
    }
}

impl From<uptane::Error> for Error {
    fn from(error: uptane::Error) -> Self {
        Self::Sign(error.into())
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Conflict => Exit::Unavailable,
            Self::CounterTaken { .. } | Self::Objects { .. } | Self::Sign(_) => Exit::Failed,
            Self::Database { .. } | Self::Incomplete { .. } | Self::NotARepository { .. } | Self::WrongKey { .. } => {
                Exit::Configuration
            }
            Self::Expired { .. } | Self::Refused { .. } | Self::Unpublished { .. } => Exit::Refused,
            Self::Given { .. } => Exit::Usage,
            Self::Patch { reason: crate::delta::Error::Decode(_), .. } => Exit::Configuration,
            Self::Patch { .. } => Exit::Failed,
            Self::Host(error) => error.exit(),
            Self::Staged(error) => error.exit(),
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Conflict => "try again; nothing was changed".into(),
            Self::CounterTaken { .. } => "give it a higher --release-counter; nothing was changed".into(),
            Self::Database { .. } => "restore the repository from a backup; nothing was overwritten".into(),
            Self::Expired { role: Role::Root, .. } => "run `image-repo root renew`, then `image-repo publish`".into(),
            Self::Expired { role: Role::Targets, .. } => "run `image-repo sign`, then `image-repo publish`".into(),
            Self::Expired { .. } => "run `image-repo publish`".into(),
            Self::Given { .. } => "run it with --help to see what it takes".into(),
            Self::Host(error) => error.advice(),
            Self::Staged(error) => error.advice(),
            Self::Incomplete { .. } => "restore the repository from a backup".into(),
            Self::NotARepository { .. } => "check --repo, or run `image-repo init`".into(),
            Self::Objects { .. } => "check the space and the permissions of the repository's folder".into(),
            Self::Patch { reason: crate::delta::Error::Decode(_), .. } => {
                "name a file that `image-repo delta make` wrote".into()
            }
            Self::Patch { .. } => "assign the image without a patch; nothing was written".into(),
            Self::Refused { .. } => "find out who changed the file; `image-repo publish` makes new ones".into(),
            Self::Sign(_) => "check the keys of the repository and what was given".into(),
            Self::Unpublished { .. } => "run `image-repo publish`".into(),
            Self::WrongKey { .. } => "restore the key file from a backup, or rotate the role's key".into(),
        }
    }
}
