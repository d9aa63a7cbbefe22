//! What can go wrong around a running system.

use std::path::PathBuf;
use std::time::Duration;

use host::cli::{Exit, Report};

use crate::live::Program;

/// Why a system could not be run, or did not do what it must.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A command of one of the programs failed.
    #[error("`{program} {arguments}` failed: {message}")]
    Command {
        /// Which program.
        program: Program,
        /// Its arguments.
        arguments: String,
        /// What it said.
        message: String,
    },
    /// A running program stopped by itself.
    #[error("{program} stopped: {message}")]
    Died {
        /// Which program.
        program: Program,
        /// The last line of its log.
        message: String,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, and where.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// An attack was not refused as it must be.
    #[error("attack `{attack}` was not refused: {message}")]
    NotRefused {
        /// Which attack.
        attack: &'static str,
        /// What happened instead.
        message: String,
    },
    /// A program printed something this crate does not understand.
    #[error("{program} printed something unexpected: {message}")]
    Output {
        /// Which program.
        program: Program,
        /// What is wrong with it.
        message: String,
    },
    /// Signing with stolen keys failed, so that an attack could not be made.
    #[error("the attack could not be prepared: {0}")]
    Preparation(String),
    /// Something did not happen in time.
    #[error("{what} did not happen within {} s (logs: {})", limit.as_secs(), logs.display())]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
        /// Where the logs are.
        logs: PathBuf,
    },
    /// An ECU runs another image than it must.
    #[error("{ecu} runs the image {running} instead of {expected}")]
    WrongImage {
        /// Which ECU.
        ecu: &'static str,
        /// Digest of what runs.
        running: String,
        /// Digest of what must run.
        expected: String,
    },
}

impl Error {
    /// Adds what was tried to an operating-system error.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        Exit::Failed
    }

    fn advice(&self) -> String {
        match self {
            Self::Io { .. } => "make sure the folder can be written and the file is there",
            Self::Command { .. }
            | Self::Died { .. }
            | Self::NotRefused { .. }
            | Self::Output { .. }
            | Self::Preparation(_)
            | Self::Timeout { .. }
            | Self::WrongImage { .. } => "run it again with --keep FOLDER and read the logs there",
        }
        .to_owned()
    }
}
