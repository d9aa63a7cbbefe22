//! Roles and repositories.

use core::fmt;

/// Which kind of signed file something is, for errors and look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Root (§5.2.2).
    Root,
    /// Timestamp (§5.2.5).
    Timestamp,
    /// Snapshot (§5.2.4).
    Snapshot,
    /// Targets, top-level or delegated (§5.2.3).
    Targets,
    /// Time attestation (design D14).
    Time,
    /// ECU version report (§5.4.2.1.2).
    Report,
    /// Vehicle version manifest (§5.4.2.1.1).
    Manifest,
    /// Idle check-in statement (design D9).
    CheckIn,
    /// Command from Primary to Secondary (design D8).
    Command,
}

impl Role {
    /// The value of the file's `_type`.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
            Self::Time => "uptane-time",
            Self::Report => "uptane-report",
            Self::Manifest => "uptane-manifest",
            Self::CheckIn => "uptane-check-in",
            Self::Command => "uptane-command",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Root => "Root",
            Self::Timestamp => "Timestamp",
            Self::Snapshot => "Snapshot",
            Self::Targets => "Targets",
            Self::Time => "the time attestation",
            Self::Report => "the report",
            Self::Manifest => "the manifest",
            Self::CheckIn => "the check-in",
            Self::Command => "the command",
        })
    }
}

mod sealed {
    pub trait Sealed {}
}

/// One of the two repositories, as a type, so that a file of one is never taken for a file of the other.
pub trait Repository: sealed::Sealed + Copy + fmt::Debug + 'static {
    /// The word in `uptane.repository`.
    const NAME: &'static str;
}

/// The Director repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Director {}
/// The Image repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {}

impl sealed::Sealed for Director {}
impl sealed::Sealed for Image {}

impl Repository for Director {
    const NAME: &'static str = "director";
}
impl Repository for Image {
    const NAME: &'static str = "image";
}
