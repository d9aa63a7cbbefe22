//! One image as Targets lists it (§5.2.3.1).

use super::delta::{Delta, DeltaReader, NamedDelta};
use super::fields::{HashesReader, KEEPS_PLACES, keep_end, required, take_number, take_text};
use super::place::{Found, Holds, Place, WHOLE, find};
use crate::json::{Event, Path, Sink, Span, Step, read, walk};
use crate::limits::MAX_HARDWARE_IDS;
use crate::{
    EcuId, Error, HardwareId, Hashes, ImageLine, Length, ReleaseCounter, Sha256, TargetName, TargetNameBuf, told,
};

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
    fn hardware_id(&mut self, _id: &HardwareId) {}
    /// The Director says this to an ECU.
    fn ecu(&mut self, _ecu: EcuId, _said: &EcuReader) {}
}

const LENGTH: u8 = 1;
const HASHES: u8 = 2;
const SHA256: u8 = 3;
const SHA512: u8 = 4;
const CUSTOM: u8 = 5;
const UPTANE: u8 = 6;
const MATCH: u8 = 7;
const LINE: u8 = 8;
const RELEASE_COUNTER: u8 = 9;
const HARDWARE_IDS: u8 = 10;
const RUNS_ON: u8 = 11;
const INFO: u8 = 12;
const ECUS: u8 = 13;
const ECU: u8 = 14;
const HARDWARE_ID: u8 = 15;
const ORDER: u8 = 16;
const FALLBACK: u8 = 17;
const ENCRYPTION: u8 = 18;
const DELTA: u8 = 19;
const DELTA_BASE: u8 = 20;
const DELTA_LENGTH: u8 = 21;
const DELTA_NAME: u8 = 22;
const DELTA_SHA256: u8 = 23;

/// An image. Canonical order puts `ecus` before `match`.
const PLACES: [Place; 24] = [
    Place::whole("targets", Holds::Object),
    Place::member(LENGTH, WHOLE, "length", Holds::Number),
    Place::member(HASHES, WHOLE, "hashes", Holds::Object),
    Place::member(SHA256, HASHES, "sha256", Holds::Text),
    Place::member(SHA512, HASHES, "sha512", Holds::Text),
    Place::member(CUSTOM, WHOLE, "custom", Holds::Object),
    Place::member(UPTANE, CUSTOM, "uptane", Holds::Object),
    Place::member(MATCH, UPTANE, "match", Holds::Object),
    Place::member(LINE, MATCH, "line", Holds::Text),
    Place::member(RELEASE_COUNTER, MATCH, "release_counter", Holds::Number),
    Place::member(HARDWARE_IDS, MATCH, "hardware_ids", Holds::Array),
    Place::items(RUNS_ON, HARDWARE_IDS, "hardware_ids", Holds::Text),
    Place::member(INFO, UPTANE, "info", Holds::Anything),
    Place::member(ECUS, UPTANE, "ecus", Holds::Object),
    Place::members(ECU, ECUS, "ecus", Holds::Object),
    Place::member(HARDWARE_ID, ECU, "hardware_id", Holds::Text),
    Place::member(ORDER, ECU, "order", Holds::Number),
    Place::member(FALLBACK, ECU, "fallback", Holds::Text),
    Place::member(ENCRYPTION, ECU, "encryption", Holds::Anything),
    Place::member(DELTA, ECU, "delta", Holds::Object),
    Place::member(DELTA_BASE, DELTA, "base", Holds::Text),
    Place::member(DELTA_LENGTH, DELTA, "length", Holds::Number),
    Place::member(DELTA_NAME, DELTA, "name", Holds::Text),
    Place::member(DELTA_SHA256, DELTA, "sha256", Holds::Text),
];

/// Collects a target.
#[derive(Clone, Copy, Default)]
pub(super) struct TargetReader {
    length: Option<Length>,
    has_hashes: bool,
    hashes: HashesReader,
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
        let found = find(&PLACES, WHOLE, steps, event)?;
        let Found { at, text, number } = found;
        match at {
            LENGTH => take_number(&mut self.length, number, Length::new),
            HASHES => {
                self.has_hashes = true;
                Ok(())
            }
            SHA256 => self.hashes.sha256(text),
            SHA512 => self.hashes.sha512(text),
            MATCH => {
                keep_end(&mut self.matching, event, span);
                Ok(())
            }
            LINE => take_text(&mut self.line, text, ImageLine::parse),
            RELEASE_COUNTER => take_number(&mut self.release_counter, number, ReleaseCounter::new),
            RUNS_ON => self.runs_on(text, heard),
            INFO if KEEPS_PLACES => {
                self.info = Some(span);
                Ok(())
            }
            ECUS => {
                keep_end(&mut self.ecus, event, span);
                Ok(())
            }
            ECU => self.ecu(steps, event, heard),
            _ => self.ecu.take(&found),
        }
    }

    fn runs_on(&mut self, hardware: &str, heard: &mut impl Heard) -> Result<(), Error> {
        // Large, and so looked at where it is.
        HardwareId::parse(hardware).as_ref().map(|id| heard.hardware_id(id)).map_err(|error| *error)?;
        self.hardware_ids += 1;
        match self.hardware_ids > MAX_HARDWARE_IDS {
            true => Err(Error::Limit { what: told("hardware ids") }),
            false => Ok(()),
        }
    }

    fn ecu(&mut self, steps: &[Step<'_>], event: Event<'_>, heard: &mut impl Heard) -> Result<(), Error> {
        let (Some(Step::Key(ecu)), Event::End(_)) = (steps.last(), event) else {
            self.ecu = EcuReader::default();
            return Ok(());
        };
        EcuId::parse(ecu).and_then(|ecu| self.ecu.check().map(|()| heard.ecu(ecu, &self.ecu)))
    }

    /// The image, once it has closed.
    #[inline(never)]
    pub(super) fn head(&self) -> Result<TargetHead, Error> {
        // Trap T24: an image that names no hardware is for none.
        required((self.hardware_ids > 0).then_some(()), "hardware_ids")?;
        Ok(TargetHead {
            line: required(self.line, "line")?,
            release_counter: required(self.release_counter, "release_counter")?,
            hashes: required(self.has_hashes.then_some(self.hashes), "hashes")?.finish()?,
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
    has_delta: bool,
    delta: DeltaReader,
    encrypted: bool,
}

impl EcuReader {
    fn take(&mut self, found: &Found<'_>) -> Result<(), Error> {
        let Found { at, text, number } = *found;
        match at {
            HARDWARE_ID => take_text(&mut self.hardware_id, text, HardwareId::parse),
            ORDER => take_number(&mut self.order, number, |order| {
                u32::try_from(order).map_err(|_| Error::BadNumber { kind: told("order") })
            }),
            FALLBACK => take_text(&mut self.fallback, text, TargetNameBuf::parse),
            ENCRYPTION => {
                self.encrypted = true;
                Ok(())
            }
            DELTA => {
                self.has_delta = true;
                Ok(())
            }
            DELTA_BASE => take_text(&mut self.delta.base, text, Sha256::parse),
            DELTA_LENGTH => take_number(&mut self.delta.length, number, Length::new),
            DELTA_NAME => self.delta.name(text),
            DELTA_SHA256 => take_text(&mut self.delta.sha256, text, Sha256::parse),
            _ => Ok(()),
        }
    }

    fn delta(&self) -> Option<&DeltaReader> {
        self.has_delta.then_some(&self.delta)
    }

    /// Refuses what lacks a member.
    fn check(&self) -> Result<(), Error> {
        self.delta().map_or(Ok(()), DeltaReader::check)?;
        required(self.hardware_id.as_ref(), "hardware_id").map(|_| ())
    }

    /// See [`EcuEntry::check_plain`].
    pub(crate) fn check_plain(&self) -> Result<(), Error> {
        check_plain(self.encrypted)
    }

    /// What is said to this ECU, once it was checked.
    pub(crate) fn entry(&self, ecu: EcuId) -> Option<EcuEntry> {
        let Self { hardware_id, order, fallback, encrypted, .. } = *self;
        let delta = self.delta().and_then(DeltaReader::delta);
        Some(EcuEntry { ecu, hardware_id: hardware_id?, order, fallback, delta, encrypted })
    }
}

impl Sink for EcuReader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.take(&find(&PLACES, ECU, path.steps(), event)?)
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
