//! The kinds of role files, as types.

use core::fmt;

use crate::json::Span;
use crate::metadata::{
    self, ContentReader, Origin, RootReader, RootSays, SnapshotReader, SnapshotSays, TargetsOutline, TargetsSays,
    TimestampReader, TimestampSays,
};
use crate::{Role, Time, VehicleId, Version};

mod sealed {
    pub trait Sealed {}
}

/// A kind of role file, as a type.
pub trait Kind: sealed::Sealed + 'static {
    /// What such a file says.
    type View<'a>: Clone + fmt::Debug;

    /// Whose file it is.
    const ROLE: Role;

    /// Who reads it.
    #[doc(hidden)]
    type Reader: ContentReader<Says = Self::Says>;

    /// What it says, without its bytes.
    #[doc(hidden)]
    type Says: fmt::Debug + Send + Sync;

    #[doc(hidden)]
    fn view<'a>(file: &'a [u8], signed: Span, says: &Self::Says) -> Self::View<'a>;

    #[doc(hidden)]
    fn facts(says: &Self::Says) -> Facts;
}

/// What every role file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub(super) version: Version,
    pub(super) expires: Time,
    pub(super) repository: Option<Origin>,
    pub(super) vehicle: Option<VehicleId>,
}

impl From<metadata::Header> for Facts {
    fn from(header: metadata::Header) -> Self {
        let metadata::Header { version, expires, origin, vehicle, .. } = header;
        Self { version, expires, repository: origin, vehicle }
    }
}

/// Root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootFile {}

impl sealed::Sealed for RootFile {}

impl Kind for RootFile {
    type View<'a> = metadata::Root<'a>;
    type Reader = RootReader;
    type Says = RootSays;

    const ROLE: Role = Role::Root;

    fn view<'a>(file: &'a [u8], signed: Span, says: &RootSays) -> metadata::Root<'a> {
        metadata::Root::of(signed.of(file), says.clone())
    }

    fn facts(says: &RootSays) -> Facts {
        // One Root serves every vehicle, so it is for none.
        Facts { vehicle: None, ..says.header.into() }
    }
}

/// Snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotFile {}

impl sealed::Sealed for SnapshotFile {}

impl Kind for SnapshotFile {
    type View<'a> = metadata::Snapshot<'a>;
    type Reader = SnapshotReader;
    type Says = SnapshotSays;

    const ROLE: Role = Role::Snapshot;

    fn view<'a>(file: &'a [u8], signed: Span, says: &SnapshotSays) -> metadata::Snapshot<'a> {
        metadata::Snapshot::of(file, signed.of(file), *says)
    }

    fn facts(says: &SnapshotSays) -> Facts {
        says.header.into()
    }
}

/// Targets, top-level or delegated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetsFile {}

impl sealed::Sealed for TargetsFile {}

impl Kind for TargetsFile {
    type View<'a> = metadata::Targets<'a>;
    type Reader = TargetsOutline;
    type Says = TargetsSays;

    const ROLE: Role = Role::Targets;

    fn view<'a>(file: &'a [u8], signed: Span, says: &TargetsSays) -> metadata::Targets<'a> {
        metadata::Targets::of(file, signed.of(file), *says)
    }

    fn facts(says: &TargetsSays) -> Facts {
        says.header.into()
    }
}

/// Timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFile {}

impl sealed::Sealed for TimestampFile {}

impl Kind for TimestampFile {
    type View<'a> = metadata::Timestamp<'a>;
    type Reader = TimestampReader;
    type Says = TimestampSays;

    const ROLE: Role = Role::Timestamp;

    fn view<'a>(file: &'a [u8], signed: Span, says: &TimestampSays) -> metadata::Timestamp<'a> {
        metadata::Timestamp::of(signed.of(file), *says)
    }

    fn facts(says: &TimestampSays) -> Facts {
        says.header.into()
    }
}
