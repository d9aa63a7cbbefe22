//! One image as Targets lists it (§5.2.3.1).

use super::delta::{Delta, DeltaReader, NamedDelta};
use super::fields::{HashesReader, KEEPS_PLACES, keep_end, required, take_number, take_text};
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read, walk};
use crate::limits::MAX_HARDWARE_IDS;
use crate::{EcuId, Error, HardwareId, Hashes, ImageLine, Length, ReleaseCounter, TargetName, TargetNameBuf, told};

/// A view of one image.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    name: TargetName<'a>,
    head: TargetHead,
    matching: &'a [u8],
    ecus: &'a [u8],
    info: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    /// The member of `targets` with this key and value.
    pub(super) fn inspect(name: &'a str, value: &'a [u8]) -> Result<Self, Error> {
        let mut inspection = Inspection { reader: TargetReader::default() };
        read(value, &mut inspection)?;
        let reader = inspection.reader;
        Ok(Self {
            name: TargetName::parse(name)?,
            head: reader.head()?,
            matching: reader.matching.of(value),
            ecus: reader.ecus.of(value),
            info: reader.info.map(|info| info.of(value)),
        })
    }

    /// Its name in both repositories.
    pub fn name(&self) -> TargetName<'a> {
        self.name
    }

    /// Its length.
    pub fn length(&self) -> Length {
        self.head.length
    }

    /// Its digests.
    pub fn hashes(&self) -> Hashes {
        self.head.hashes
    }

    /// What must be equal in both repositories.
    pub fn matching(&self) -> Match<'a> {
        Match { raw: self.matching, line: self.head.line, release_counter: self.head.release_counter }
    }

    /// The ECUs that are to run it; the Image repository names none.
    pub fn ecus(&self) -> impl Iterator<Item = EcuEntry> + use<'a> {
        walk::members(self.ecus).filter_map(|(ecu, value)| EcuEntry::revisit(ecu, value))
    }

    /// The patch that the Director describes to this ECU, if it does.
    pub fn delta(&self, ecu: EcuId) -> Option<NamedDelta> {
        let value = walk::member(self.ecus, ecu.as_str())?;
        let delta = EcuEntry::revisit(ecu.as_str(), value)?.delta?;
        let name = walk::text(walk::member(walk::member(value, "delta")?, "name")?)?;
        Some(NamedDelta { name: TargetNameBuf::parse(name).ok()?, delta })
    }

    /// What is said of it that no ECU looks at, as canonical JSON.
    pub fn info(&self) -> Option<&'a [u8]> {
        self.info
    }
}

/// What must be equal in both repositories (§5.2.3.1.1).
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    raw: &'a [u8],
    line: ImageLine,
    release_counter: ReleaseCounter,
}

impl<'a> Match<'a> {
    /// The whole object, canonical: equal bytes mean that everything in it is equal, known or not.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The line of images the release counter counts in.
    pub fn line(&self) -> ImageLine {
        self.line
    }

    /// The release within the line.
    pub fn release_counter(&self) -> ReleaseCounter {
        self.release_counter
    }

    /// The kinds of hardware it may run on; at least one.
    pub fn hardware_ids(&self) -> impl Iterator<Item = HardwareId> + use<'a> {
        let ids = walk::member(self.raw, "hardware_ids").unwrap_or_default();
        walk::elements(ids).filter_map(|id| HardwareId::parse(walk::text(id)?).ok())
    }
}

/// What the Director says of an image to one ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcuEntry {
    /// The ECU.
    pub ecu: EcuId,
    /// What that ECU is.
    pub hardware_id: HardwareId,
    /// When it is its turn to activate; lower ones come first.
    pub order: Option<u32>,
    /// The image to return to where there is no second bank (design D8).
    pub fallback: Option<TargetNameBuf>,
    /// The patch that makes the image of one that this ECU may hold.
    pub delta: Option<Delta>,
    /// Whether `encryption` is said, whatever it says: no method is known (§5.2.3.1.1).
    pub encrypted: bool,
}

impl EcuEntry {
    /// Refuses an image that this ECU would have to decrypt. Whoever passes `encryption` over installs ciphertext, if its
    /// digests are those of the ciphertext, and else blames the image.
    #[cfg(feature = "alloc")]
    pub(crate) fn check_plain(&self) -> Result<(), Error> {
        check_plain(self.encrypted)
    }

    fn revisit(ecu: &str, value: &[u8]) -> Option<Self> {
        let mut reader = EcuReader::default();
        read(value, &mut reader).ok()?;
        reader.check().ok()?;
        reader.entry(EcuId::parse(ecu).ok()?)
    }
}

fn check_plain(encrypted: bool) -> Result<(), Error> {
    if encrypted { Err(Error::Encrypted) } else { Ok(()) }
}

/// The parts of an image that have a size of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TargetHead {
    pub(crate) length: Length,
    pub(crate) hashes: Hashes,
    pub(crate) line: ImageLine,
    pub(crate) release_counter: ReleaseCounter,
}

/// Who wants to hear of the parts that do not.
pub(crate) trait Heard {
    /// The image may run on this.
    fn hardware_id(&mut self, _id: HardwareId) {}
    /// The Director says this to an ECU.
    fn ecu(&mut self, _ecu: EcuId, _said: &EcuReader) {}
}

/// Collects a target; canonical order puts `ecus` before `match`, `hashes` and `length`.
#[derive(Clone, Copy, Default)]
pub(super) struct TargetReader {
    length: Option<Length>,
    hashes: Option<HashesReader>,
    line: Option<ImageLine>,
    release_counter: Option<ReleaseCounter>,
    hardware_ids: usize,
    ecu: EcuReader,
    matching: Span,
    ecus: Span,
    info: Option<Span>,
}

impl TargetReader {
    pub(super) fn event(
        &mut self,
        steps: &[Step<'_>],
        event: Event<'_>,
        span: Span,
        heard: &mut impl Heard,
    ) -> Result<(), Error> {
        match steps {
            [] => event.object("targets"),
            [Step::Key("length")] => take_number(&mut self.length, event, "length", Length::new),
            [Step::Key("hashes"), rest @ ..] => self.hashes.get_or_insert_default().event(rest, event),
            [Step::Key("custom")] => event.object("custom"),
            [Step::Key("custom"), Step::Key("uptane")] => event.object("uptane"),
            [Step::Key("custom"), Step::Key("uptane"), rest @ ..] => self.uptane(rest, event, span, heard),
            _ => Ok(()),
        }
    }

    fn uptane(
        &mut self,
        steps: &[Step<'_>],
        event: Event<'_>,
        span: Span,
        heard: &mut impl Heard,
    ) -> Result<(), Error> {
        match steps {
            [Step::Key("match"), rest @ ..] => self.matching(rest, event, span, heard),
            [Step::Key("ecus"), rest @ ..] => self.ecus(rest, event, span, heard),
            [Step::Key("info")] if KEEPS_PLACES => {
                self.info = Some(span);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn matching(
        &mut self,
        steps: &[Step<'_>],
        event: Event<'_>,
        span: Span,
        heard: &mut impl Heard,
    ) -> Result<(), Error> {
        match steps {
            [] => {
                keep_end(&mut self.matching, event, span);
                event.object("match")
            }
            [Step::Key("line")] => take_text(&mut self.line, event, "line", ImageLine::parse),
            [Step::Key("release_counter")] => {
                take_number(&mut self.release_counter, event, "release_counter", ReleaseCounter::new)
            }
            [Step::Key("hardware_ids")] => event.array("hardware_ids"),
            [Step::Key("hardware_ids"), Step::Item] => {
                heard.hardware_id(HardwareId::parse(event.text("hardware_ids")?)?);
                self.hardware_ids += 1;
                match self.hardware_ids > MAX_HARDWARE_IDS {
                    true => Err(Error::Limit { what: told("hardware ids") }),
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn ecus(&mut self, steps: &[Step<'_>], event: Event<'_>, span: Span, heard: &mut impl Heard) -> Result<(), Error> {
        match (steps, event) {
            ([], _) => {
                keep_end(&mut self.ecus, event, span);
                event.object("ecus")
            }
            ([Step::Key(ecu)], Event::End(_)) => {
                let ecu = EcuId::parse(ecu);
                ecu.and_then(|ecu| self.ecu.check().map(|()| heard.ecu(ecu, &self.ecu)))
            }
            ([Step::Key(_)], _) => {
                self.ecu = EcuReader::default();
                event.object("ecus")
            }
            ([Step::Key(_), rest @ ..], _) => self.ecu.field(rest, event),
            ([Step::Item, ..], _) => Ok(()),
        }
    }

    /// The image, once it has closed.
    #[inline(never)]
    pub(super) fn head(&self) -> Result<TargetHead, Error> {
        // Trap T24: an image that names no hardware is for none.
        required((self.hardware_ids > 0).then_some(()), "hardware_ids")?;
        Ok(TargetHead {
            line: required(self.line, "line")?,
            release_counter: required(self.release_counter, "release_counter")?,
            hashes: required(self.hashes, "hashes")?.finish()?,
            length: required(self.length, "length")?,
        })
    }
}

/// Collects what is said to one ECU.
#[derive(Clone, Copy, Default)]
pub(crate) struct EcuReader {
    hardware_id: Option<HardwareId>,
    order: Option<u32>,
    fallback: Option<TargetNameBuf>,
    delta: Option<DeltaReader>,
    encrypted: bool,
}

impl EcuReader {
    fn field(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("ecus"),
            [Step::Key("hardware_id")] => take_text(&mut self.hardware_id, event, "hardware_id", HardwareId::parse),
            [Step::Key("order")] => take_number(&mut self.order, event, "order", |order| {
                u32::try_from(order).map_err(|_| Error::BadNumber { kind: told("order") })
            }),
            [Step::Key("fallback")] => take_text(&mut self.fallback, event, "fallback", TargetNameBuf::parse),
            [Step::Key("delta"), rest @ ..] => self.delta.get_or_insert_default().event(rest, event),
            [Step::Key("encryption"), ..] => {
                self.encrypted = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Refuses what lacks a member.
    fn check(&self) -> Result<(), Error> {
        self.delta.as_ref().map_or(Ok(()), DeltaReader::check)?;
        required(self.hardware_id.as_ref(), "hardware_id").map(|_| ())
    }

    /// See [`EcuEntry::check_plain`].
    pub(crate) fn check_plain(&self) -> Result<(), Error> {
        check_plain(self.encrypted)
    }

    /// What is said to this ECU, once it was checked.
    pub(crate) fn entry(&self, ecu: EcuId) -> Option<EcuEntry> {
        let Self { hardware_id, order, fallback, ref delta, encrypted } = *self;
        let delta = delta.as_ref().and_then(DeltaReader::delta);
        Some(EcuEntry { ecu, hardware_id: hardware_id?, order, fallback, delta, encrypted })
    }
}

impl Sink for EcuReader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.field(path.steps(), event)
    }
}

struct Inspection {
    reader: TargetReader,
}

struct Nobody;

impl Heard for Nobody {}

impl Sink for Inspection {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        self.reader.event(path.steps(), event, span, &mut Nobody)
    }
}
