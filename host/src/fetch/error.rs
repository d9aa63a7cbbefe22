//! Why a file could not be fetched.

use std::error::Error;
use std::io;

use uptane::{Attack, Length};

use crate::cli::{Exit, Report};

/// Why a file could not be fetched. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is none.
    #[error("{address:?} is not an address to fetch from")]
    BadAddress {
        /// The address.
        address: String,
    },
    /// The server answered with another part of the file than was asked for.
    #[error("the server sent another part of the file than was asked for")]
    BadRange,
    /// The connection ended before the file did.
    #[error("the connection ended after {got} of {expected} bytes")]
    Incomplete {
        /// How far it came.
        got: u64,
        /// How long the file is.
        expected: Length,
    },
    /// The server has no such file.
    #[error("the server has no such file")]
    NotFound,
    /// The address has another scheme than this kind of fetching.
    #[error("{address:?} does not begin with {expected}://")]
    Scheme {
        /// The address.
        address: String,
        /// The scheme.
        expected: &'static str,
    },
    /// TLS or the client could not be set up.
    #[error("fetching cannot be set up: {0}")]
    Setup(String),
    /// Whoever takes the bytes could not.
    #[error("the bytes cannot be kept: {0}")]
    Sink(io::Error),
    /// The server is slower than the limit.
    #[error("the server sends less than {least} bytes in {seconds} seconds")]
    SlowRetrieval {
        /// What should have arrived.
        least: u64,
        /// In how long.
        seconds: u64,
    },
    /// The server answered with a status that is no file.
    #[error("the server answered {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The server sends more than the limit.
    #[error("the server sends more than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: Length,
    },
    /// The server cannot be reached, or the connection broke.
    #[error("the server cannot be reached: {reason}")]
    Unreachable {
        /// What the network says.
        reason: String,
    },
}

impl FetchError {
    /// The attack this failure may be part of, for the report (§5.4.4.2, last paragraph).
    pub fn attack(&self) -> Option<Attack> {
        match self {
            Self::SlowRetrieval { .. } => Some(Attack::SlowRetrieval),
            Self::TooLong { .. } => Some(Attack::EndlessData),
            Self::Incomplete { .. } | Self::NotFound | Self::Status { .. } | Self::Unreachable { .. } => {
                Some(Attack::DropRequest)
            }
            Self::BadRange => Some(Attack::ArbitrarySoftware),
            Self::BadAddress { .. } | Self::Scheme { .. } | Self::Setup(_) | Self::Sink(_) => None,
        }
    }
}

impl Report for FetchError {
    fn exit(&self) -> Exit {
        match self {
            Self::BadAddress { .. } | Self::Scheme { .. } => Exit::Configuration,
            Self::BadRange | Self::Setup(_) | Self::Sink(_) | Self::TooLong { .. } => Exit::Failed,
            Self::Incomplete { .. }
            | Self::NotFound
            | Self::SlowRetrieval { .. }
            | Self::Status { .. }
            | Self::Unreachable { .. } => Exit::Unavailable,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::BadAddress { .. } | Self::Scheme { .. } => "correct the address in the configuration".into(),
            Self::BadRange | Self::TooLong { .. } => "check that the address is the right server".into(),
            Self::Incomplete { .. } | Self::SlowRetrieval { .. } => "try again; what arrived is kept".into(),
            Self::NotFound | Self::Status { .. } => "check the address and that the repository is published".into(),
            Self::Setup(_) => "check the certificates".into(),
            Self::Sink(_) => "check the space on the disk".into(),
            Self::Unreachable { .. } => "check that the server runs and the network reaches it".into(),
        }
    }
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // The outer layers only say that something failed; the innermost says what.
        let mut cause: &dyn Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let reason = crate::cli::one_line(&cause.to_string());
        if error.is_builder() { Self::Setup(reason) } else { Self::Unreachable { reason } }
    }
}
