//! Timestamp (§5.2.5).

use super::fields::{FileMetaReader, required};
use super::header::{Header, HeaderReader};
use super::{FileMeta, Origin};
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read};
use crate::{Error, Role, Time, VehicleId, Version};

/// A view of Timestamp.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp<'a> {
    signed: &'a [u8],
    header: Header,
    snapshot: FileMeta,
}

impl<'a> Timestamp<'a> {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader { header: HeaderReader::new(Role::Timestamp), snapshot: None };
        read(signed, &mut reader)?;
        let header = reader.header.finish()?;
        Ok(Self { signed, header, snapshot: required(reader.snapshot, "snapshot.json")?.finish()? })
    }

    /// The bytes this is a view of.
    pub fn signed(&self) -> &'a [u8] {
        self.signed
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.header.version
    }

    /// When it expires.
    pub fn expires(&self) -> Time {
        self.header.expires
    }

    /// The repository it says it is of.
    pub fn repository(&self) -> Option<Origin> {
        self.header.origin
    }

    /// The vehicle it is for.
    pub fn vehicle(&self) -> Option<VehicleId> {
        self.header.vehicle
    }

    /// The Snapshot it vouches for.
    pub fn snapshot(&self) -> FileMeta {
        self.snapshot
    }
}

struct Reader {
    header: HeaderReader,
    snapshot: Option<FileMetaReader>,
}

impl Sink for Reader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        match path.steps() {
            [Step::Key("meta")] => event.object("meta"),
            [Step::Key("meta"), Step::Key("snapshot.json"), rest @ ..] => {
                self.snapshot.get_or_insert_default().event(rest, event)
            }
            steps => self.header.event(steps, event),
        }
    }
}
