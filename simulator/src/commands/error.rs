//! Why a description could not be checked, or is not right, or a run does not hold.

use std::path::PathBuf;

use host::cli::{Exit, Report};

use crate::runs::RecipeError;
use crate::world::trace::TraceError;

/// What ends a command on a description.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file is no log of a run.
    #[error("{} is no whole log of a run: {source}", path.display())]
    BadLog {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TraceError,
    },
    /// Something that must hold does not.
    #[error("{scenario} does not hold in {failed} of {}", host::cli::counted(usize::try_from(*runs).unwrap_or(usize::MAX), "run"))]
    FellShort {
        /// The scenario.
        scenario: String,
        /// Runs in which it does not.
        failed: usize,
        /// All runs.
        runs: u64,
    },
    /// The description has mistakes, which have been printed.
    #[error("{file} has {}", host::cli::counted(*mistakes, "mistake"))]
    Mistaken {
        /// The file, or the name.
        file: String,
        /// How many there are.
        mistakes: usize,
    },
    /// The file is no text.
    #[error("{} is no UTF-8 text: byte {at} starts no character", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte that does not belong.
        at: usize,
    },
    /// A run came out otherwise than its log says.
    #[error("the run comes out otherwise than {} says, from line {line} on", path.display())]
    Otherwise {
        /// The log.
        path: PathBuf,
        /// The first line that differs.
        line: usize,
    },
    /// A world cannot be made.
    #[error(transparent)]
    Run(#[from] RecipeError),
    /// Neither a file nor the name of a ready description.
    #[error("there is no {kind} `{name}`: no file of that name ({source}), and ready ones are {}", ready.join(", "))]
    Unknown {
        /// Vehicle or scenario.
        kind: &'static str,
        /// What was given.
        name: String,
        /// Why it could not be read as a file.
        source: std::io::Error,
        /// The names that are ready.
        ready: Vec<&'static str>,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::FellShort { .. } | Self::Otherwise { .. } => Exit::Failed,
            Self::BadLog { .. }
            | Self::Mistaken { .. }
            | Self::NotText { .. }
            | Self::Run(_)
            | Self::Unknown { .. }
            | Self::Unreadable { .. }
            | Self::Unwritable { .. } => Exit::Configuration,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::BadLog { .. } => "give a log that `simulator run --trace` has written to its end",
            Self::FellShort { .. } => {
                "look at one seed with --trace and --html; --shrink leaves out what does not matter"
            }
            Self::Otherwise { .. } => "repeat it with the version that wrote the log",
            Self::Run(_) => "correct the scenario or the vehicle; `simulator scenario check` names every mistake",
            Self::Unreadable { .. } | Self::Unwritable { .. } => "give another path, or mend what is said of this one",
            Self::Mistaken { .. } => {
                "correct each line that is named above; docs/simulating.md says what a file may say"
            }
            Self::NotText { .. } => "write the file as UTF-8",
            Self::Unknown { .. } => "give the path of a TOML file, or a name that `list` prints",
        }
        .to_owned()
    }
}
