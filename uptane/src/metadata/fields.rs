//! Fields that more than one file has.

use crate::json::{Event, Span, Step, Whole as _};
use crate::{Error, Hashes, Length, Sha256, Sha512, Version, told};

/// A required field, or the refusal that names it.
pub(crate) fn required<T>(value: Option<T>, field: &'static str) -> Result<T, Error> {
    value.ok_or(Error::Schema { field: told(field) })
}

/// Puts what a text says in its place. Readers have many such fields, so this is one function for each type of value.
#[inline(never)]
pub(super) fn take_text<T>(
    place: &mut Option<T>,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, Error>,
) -> Result<(), Error> {
    // What was parsed goes where it stays, not by way of a `?`.
    parse(text).map(|value| *place = Some(value))
}

/// Puts what a number says in its place, like [`take_text`].
#[inline(never)]
pub(super) fn take_number<T>(
    place: &mut Option<T>,
    number: u64,
    check: impl FnOnce(u64) -> Result<T, Error>,
) -> Result<(), Error> {
    check(number).map(|value| *place = Some(value))
}

/// What a parent says of a file (§5.2.4, §5.2.5): its version, and its length and digests where it states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMeta {
    /// The version the file must have.
    pub version: Version,
    /// Its length.
    pub length: Option<Length>,
    /// Its digests.
    pub hashes: Option<Hashes>,
}

/// Collects a [`FileMeta`].
#[derive(Clone, Copy, Default)]
pub(super) struct FileMetaReader {
    version: Option<Version>,
    length: Option<Length>,
    hashes: Option<HashesReader>,
}

impl FileMetaReader {
    pub(super) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("meta"),
            [Step::Key("version")] => take_number(&mut self.version, event.unsigned("version")?, Version::new),
            [Step::Key("length")] => take_number(&mut self.length, event.unsigned("length")?, Length::new),
            [Step::Key("hashes"), rest @ ..] => self.hashes.get_or_insert_default().event(rest, event),
            _ => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Result<FileMeta, Error> {
        let hashes = self.hashes.map(HashesReader::finish).transpose()?;
        Ok(FileMeta { version: required(self.version, "version")?, length: self.length, hashes })
    }
}

/// Collects [`Hashes`]. Functions this crate does not know are passed over.
#[derive(Clone, Copy, Default)]
pub(super) struct HashesReader {
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl HashesReader {
    #[inline(never)]
    pub(super) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("hashes"),
            [Step::Key("sha256")] => self.sha256(event.text("sha256")?),
            [Step::Key("sha512")] => self.sha512(event.text("sha512")?),
            _ => Ok(()),
        }
    }

    pub(super) fn sha256(&mut self, text: &str) -> Result<(), Error> {
        take_text(&mut self.sha256, text, Sha256::parse)
    }

    pub(super) fn sha512(&mut self, text: &str) -> Result<(), Error> {
        take_text(&mut self.sha512, text, Sha512::parse)
    }

    pub(super) fn finish(self) -> Result<Hashes, Error> {
        Hashes::new(self.sha256, self.sha512)
    }
}

/// Whether places in a file are kept. A build without a heap keeps no file in which they could be looked up.
pub(super) const KEEPS_PLACES: bool = cfg!(feature = "alloc");

/// Remembers where an object or array lies, once it has closed.
pub(super) fn keep_end(place: &mut Span, event: Event<'_>, span: Span) {
    if let (Event::End(_), true) = (event, KEEPS_PLACES) {
        *place = span;
    }
}
