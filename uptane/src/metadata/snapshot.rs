//! Snapshot (§5.2.4).

use super::content::{ContentReader, read_signed};
use super::fields::{FileMetaReader, keep_end, required};
use super::header::{Header, HeaderReader};
use super::{FileMeta, Origin};
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read, walk};
use crate::{Error, Role, Time, VehicleId, Version};

/// A view of Snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    signed: &'a [u8],
    header: Header,
    targets: FileMeta,
    meta: &'a [u8],
}

/// What a Snapshot file says, without the file.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "alloc"), expect(unreachable_pub, reason = "only full verification names it"))]
pub struct SnapshotSays {
    pub(crate) header: Header,
    targets: FileMeta,
    meta: Span,
}

impl<'a> Snapshot<'a> {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &'a [u8]) -> Result<Self, Error> {
        Ok(Self::of(signed, signed, read_signed::<SnapshotReader>(signed)?))
    }

    /// The view of `signed`, where it was read within `scanned`.
    pub(crate) fn of(scanned: &'a [u8], signed: &'a [u8], said: SnapshotSays) -> Self {
        let SnapshotSays { header, targets, meta } = said;
        Self { signed, header, targets, meta: meta.of(scanned) }
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

    /// What it says of top-level Targets. It was read with the file, so a refresh without news walks no list.
    pub fn targets(&self) -> FileMeta {
        self.targets
    }

    /// Every Targets file it lists, by its file name, in ascending order.
    pub fn files(&self) -> impl Iterator<Item = (&'a str, FileMeta)> + use<'a> {
        // Decoding found every entry to be well-formed, so none is left out here.
        walk::members(self.meta).filter_map(|(name, value)| Some((name, file(value)?)))
    }

    /// What it says of the file of this name.
    pub fn file(&self, name: &str) -> Option<FileMeta> {
        walk::member(self.meta, name).and_then(file)
    }
}

fn file(value: &[u8]) -> Option<FileMeta> {
    let mut reader = FileReader(FileMetaReader::default());
    read(value, &mut reader).ok()?;
    reader.0.finish().ok()
}

struct FileReader(FileMetaReader);

impl Sink for FileReader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.0.event(path.steps(), event)
    }
}

/// Reads the `signed` of a Snapshot file.
#[cfg_attr(not(feature = "alloc"), expect(unreachable_pub, reason = "only full verification names it"))]
pub struct SnapshotReader {
    header: HeaderReader,
    file: FileMetaReader,
    targets: Option<FileMeta>,
    meta: Span,
}

impl ContentReader for SnapshotReader {
    type Says = SnapshotSays;

    fn new() -> Self {
        let header = HeaderReader::new(Role::Snapshot);
        Self { header, file: FileMetaReader::default(), targets: None, meta: Span::default() }
    }

    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, span: Span) -> Result<(), Error> {
        match (steps, event) {
            ([Step::Key("meta")], _) => {
                event.object("meta")?;
                keep_end(&mut self.meta, event, span);
                Ok(())
            }
            ([Step::Key("meta"), Step::Key(_)], Event::Begin(_)) => {
                self.file = FileMetaReader::default();
                self.file.event(&[], event)
            }
            ([Step::Key("meta"), Step::Key(name)], Event::End(_)) => {
                let file = self.file.finish()?;
                if *name == "targets.json" {
                    self.targets = Some(file);
                }
                Ok(())
            }
            ([Step::Key("meta"), Step::Key(_), rest @ ..], _) => self.file.event(rest, event),
            (steps, _) => self.header.event(steps, event),
        }
    }

    fn finish(&self) -> Result<SnapshotSays, Error> {
        let header = self.header.finish()?;
        let targets = required(self.targets, "targets.json")?;
        Ok(SnapshotSays { header, targets, meta: self.meta })
    }
}
