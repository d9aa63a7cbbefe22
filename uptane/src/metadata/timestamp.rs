//! Timestamp (§5.2.5).

use super::content::{ContentReader, read_signed};
use super::fields::{FileMetaReader, required};
use super::header::{Header, HeaderReader};
use super::{FileMeta, Origin};
use crate::json::{Event, Span, Step, Whole as _};
use crate::{Error, Role, Time, VehicleId, Version};

/// A view of Timestamp.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp<'a> {
    signed: &'a [u8],
    said: TimestampSays,
}

/// What a Timestamp file says, without the file.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "alloc"), expect(unreachable_pub, reason = "only full verification names it"))]
pub struct TimestampSays {
    pub(crate) header: Header,
    snapshot: FileMeta,
}

impl<'a> Timestamp<'a> {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &'a [u8]) -> Result<Self, Error> {
        Ok(Self::of(signed, read_signed::<TimestampReader>(signed)?))
    }

    pub(crate) fn of(signed: &'a [u8], said: TimestampSays) -> Self {
        Self { signed, said }
    }

    /// The bytes this is a view of.
    pub fn signed(&self) -> &'a [u8] {
        self.signed
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.said.header.version
    }

    /// When it expires.
    pub fn expires(&self) -> Time {
        self.said.header.expires
    }

    /// The repository it says it is of.
    pub fn repository(&self) -> Option<Origin> {
        self.said.header.origin
    }

    /// The vehicle it is for.
    pub fn vehicle(&self) -> Option<VehicleId> {
        self.said.header.vehicle
    }

    /// The Snapshot it vouches for.
    pub fn snapshot(&self) -> FileMeta {
        self.said.snapshot
    }
}

/// Reads the `signed` of a Timestamp file.
#[cfg_attr(not(feature = "alloc"), expect(unreachable_pub, reason = "only full verification names it"))]
pub struct TimestampReader {
    header: HeaderReader,
    snapshot: Option<FileMetaReader>,
}

impl ContentReader for TimestampReader {
    type Says = TimestampSays;

    fn new() -> Self {
        Self { header: HeaderReader::new(Role::Timestamp), snapshot: None }
    }

    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, _: Span) -> Result<(), Error> {
        match steps {
            [Step::Key("meta")] => event.object("meta"),
            [Step::Key("meta"), Step::Key("snapshot.json"), rest @ ..] => {
                self.snapshot.get_or_insert_default().event(rest, event)
            }
            steps => self.header.event(steps, event),
        }
    }

    fn finish(&self) -> Result<TimestampSays, Error> {
        let header = self.header.finish()?;
        Ok(TimestampSays { header, snapshot: required(self.snapshot, "snapshot.json")?.finish()? })
    }
}
