//! Why a description could not be checked, or is not right.

use std::path::PathBuf;

use host::cli::{Exit, Report};

/// What ends a command on a description.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Mistaken { .. } | Self::NotText { .. } | Self::Unknown { .. } => Exit::Configuration,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Mistaken { .. } => {
                "correct each line that is named above; docs/simulating.md says what a file may say"
            }
            Self::NotText { .. } => "write the file as UTF-8",
            Self::Unknown { .. } => "give the path of a TOML file, or a name that `list` prints",
        }
        .to_owned()
    }
}
