//! One file as a plain TUF repository lists it (TUF 1.0.34 §4.5).

use super::fields::{HashesReader, keep_end, required};
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read};
use crate::{Error, Hashes, Length};

/// A view of what TUF says of a file: no more than is needed to download it.
#[derive(Clone, Copy, Debug)]
pub struct TargetFile<'a> {
    length: Length,
    hashes: Hashes,
    custom: Option<&'a [u8]>,
}

impl<'a> TargetFile<'a> {
    pub(super) fn inspect(value: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::default();
        read(value, &mut reader)?;
        Ok(Self {
            length: required(reader.length, "length")?,
            hashes: required(reader.hashes, "hashes")?.finish()?,
            custom: reader.custom.map(|span| span.of(value)),
        })
    }

    /// Its length.
    pub fn length(&self) -> Length {
        self.length
    }

    /// Its digests.
    pub fn hashes(&self) -> Hashes {
        self.hashes
    }

    /// What the repository says of it besides, as canonical JSON.
    pub fn custom(&self) -> Option<&'a [u8]> {
        self.custom
    }
}

#[derive(Default)]
struct Reader {
    length: Option<Length>,
    hashes: Option<HashesReader>,
    custom: Option<Span>,
}

impl Sink for Reader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        match path.steps() {
            [] => event.object("targets")?,
            [Step::Key("length")] => self.length = Some(Length::new(event.unsigned("length")?)?),
            [Step::Key("hashes"), rest @ ..] => self.hashes.get_or_insert_default().event(rest, event)?,
            [Step::Key("custom")] => {
                event.object("custom")?;
                keep_end(self.custom.get_or_insert_default(), event, span);
            }
            _ => {}
        }
        Ok(())
    }

    fn descends(&self, path: &Path<'_>) -> bool {
        !matches!(path.steps(), [Step::Key("custom")])
    }
}
