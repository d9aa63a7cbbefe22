//! Why a command failed, and what to do about it.

use std::path::PathBuf;

use host::cli::{Exit, Report};

use crate::flash::BadLayout;
use crate::{BootError, Fault};

/// Why a command of this program failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ECU's flash does not start.
    #[error("the ECU does not boot from {}: {source}", path.display())]
    Boot {
        /// The flash file.
        path: PathBuf,
        /// Why.
        source: BootError,
    },
    /// A CAN id is out of range, or the bus misbehaves.
    #[error("the CAN settings are wrong: {0}")]
    Can(proto::Error),
    /// The machine refused something.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// A name on the command line or in a file breaks its grammar.
    #[error("{what}: {source}")]
    Name {
        /// Which.
        what: &'static str,
        /// Why.
        source: uptane::Error,
    },
    /// The data folder has no vehicle yet.
    #[error("{} is not provisioned", path.display())]
    NotProvisioned {
        /// The data folder.
        path: PathBuf,
    },
    /// The bundle is not for this ECU.
    #[error("the bundle {} does not name this ECU", path.display())]
    NotInBundle {
        /// The bundle.
        path: PathBuf,
    },
    /// The gRPC server ended.
    #[error("the gRPC server failed: {0}")]
    Serve(#[from] tonic::transport::Error),
    /// Flash failed while it was prepared.
    #[error("the flash {} cannot be prepared: {source}", path.display())]
    Prepare {
        /// The flash file.
        path: PathBuf,
        /// Why.
        source: Fault,
    },
    /// The image is longer than a bank.
    #[error("the image has {length} bytes, a bank {bank_size}")]
    TooLong {
        /// The image's.
        length: u64,
        /// The bank's.
        bank_size: u32,
    },
    /// The sizes in `ecu.toml` do not make a flash.
    #[error("the flash cannot be divided: {0}")]
    Layout(#[from] BadLayout),
    /// What the bundle holds does not verify.
    #[error("the provisioned {what} does not verify: {source}")]
    Untrusted {
        /// Which file.
        what: &'static str,
        /// Why.
        source: Fault,
    },
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Host(error) => error.exit(),
            Self::Serve(_) => Exit::Unavailable,
            Self::TooLong { .. } => Exit::Failed,
            Self::Untrusted { .. } | Self::Boot { source: BootError::Metadata(_), .. } => Exit::Refused,
            Self::Boot { .. }
            | Self::Can(_)
            | Self::Layout(_)
            | Self::Name { .. }
            | Self::NotInBundle { .. }
            | Self::NotProvisioned { .. }
            | Self::Prepare { .. } => Exit::Configuration,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Boot { source: BootError::Metadata(_), .. } => {
                "provision a new data folder; what this one trusted is damaged".into()
            }
            Self::Boot { .. } | Self::Prepare { .. } => "restore the data folder, or make a new one with `init`".into(),
            Self::Can(_) => "give ids up to 0x7ff, or up to 0x1fffffff for extended ones".into(),
            Self::Host(error) => error.advice(),
            Self::Layout(_) => "choose a bank size that is a multiple of 4096 bytes".into(),
            Self::Name { .. } => "correct it".into(),
            Self::NotInBundle { .. } => {
                "enrol this ECU with `director vehicle add`, and use the bundle that makes".into()
            }
            Self::NotProvisioned { .. } => "run `secondary-ecu provision` with the vehicle's bundle".into(),
            Self::Serve(_) => "check the address and the certificates".into(),
            Self::TooLong { .. } => "choose a larger --bank-size or a smaller image".into(),
            Self::Untrusted { .. } => "fetch the bundle from the Director again".into(),
        }
    }
}
