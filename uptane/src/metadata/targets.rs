//! Top-level Targets of both repositories (§5.2.3).

#[cfg(feature = "alloc")]
use super::TargetFile;
use super::content::{ContentReader, read_signed};
use super::fields::{keep_end, required};
use super::header::{Header, HeaderReader};
use super::place::{Holds, Place, WHOLE, find};
use super::target::{EcuReader, Heard, TargetHead, TargetReader};
use super::{Origin, Target};
use crate::json::{Event, Span, Step, Whole as _, walk};
use crate::limits::MAX_ECUS;
use crate::{CampaignId, EcuId, Error, HardwareId, Role, TargetName, Time, VehicleId, Version, told};

/// A view of Targets, top-level or delegated.
///
/// An image is inspected when it is looked at: a repository may list a hundred thousand of which a vehicle wants five.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    signed: &'a [u8],
    header: Header,
    targets: &'a [u8],
    delegations: Option<&'a [u8]>,
}

impl<'a> Targets<'a> {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &'a [u8]) -> Result<Self, Error> {
        Ok(Self::of(signed, signed, read_signed::<TargetsOutline>(signed)?))
    }

    /// The view of `signed`, where it was read within `scanned`.
    pub(crate) fn of(scanned: &'a [u8], signed: &'a [u8], said: TargetsSays) -> Self {
        let TargetsSays { header, targets, delegations } = said;
        let delegations = delegations.map(|span| span.of(scanned));
        Self { signed, header, targets: targets.of(scanned), delegations }
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

    /// The campaign the Director says its assignments belong to.
    pub fn campaign(&self) -> Option<CampaignId> {
        self.header.campaign
    }

    /// Every image, in ascending order of name; an error for one that is malformed.
    pub fn targets(&self) -> impl Iterator<Item = Result<Target<'a>, Error>> + use<'a> {
        walk::members(self.targets).map(|(name, value)| Target::inspect(name, value))
    }

    /// The images whose names are wanted, in one walk; nobody looks at the others.
    pub fn targets_named<W: Fn(&str) -> bool>(
        &self,
        wanted: W,
    ) -> impl Iterator<Item = Result<Target<'a>, Error>> + use<'a, W> {
        let members = walk::members(self.targets).filter(move |(name, _)| wanted(name));
        members.map(|(name, value)| Target::inspect(name, value))
    }

    /// The image of this name.
    pub fn target(&self, name: TargetName<'_>) -> Result<Option<Target<'a>>, Error> {
        // A target name needs no escape, so it stands in the file as it is.
        let found = walk::members(self.targets).find(|(found, _)| *found == name.as_str());
        found.map(|(name, value)| Target::inspect(name, value)).transpose()
    }

    /// The file of this name, whatever Uptane asks of an image besides: what a TUF client looks for.
    #[cfg(feature = "alloc")]
    pub fn file(&self, name: &str) -> Result<Option<TargetFile<'a>>, Error> {
        let mut quoted = alloc::vec::Vec::new();
        crate::json::canonical::write_text(name, &mut quoted);
        let is_named = |found: &str| quoted.get(1..quoted.len() - 1) == Some(found.as_bytes());
        let found = walk::members(self.targets).find(|(found, _)| is_named(found));
        found.map(|(_, value)| TargetFile::inspect(value)).transpose()
    }

    /// Whether it has delegations, which the Director never may (§5.4.4.6 step 6).
    pub fn delegates(&self) -> bool {
        self.delegations.is_some()
    }

    /// The delegations, as canonical JSON.
    pub fn delegations(&self) -> Option<&'a [u8]> {
        self.delegations
    }
}

/// Who hears of every image of a Targets file while it streams by.
pub(crate) trait Listener: Heard {
    /// An image opens; what was heard before belongs to another.
    fn begin(&mut self) {}
    /// An image is complete.
    fn target(&mut self, _name: TargetName<'_>, _head: &TargetHead) {}
}

const TARGETS: u8 = 1;
const TARGET: u8 = 2;
const DELEGATIONS: u8 = 3;

/// Targets, but for what is of the header or of an image.
const PLACES: [Place; 4] = [
    Place::whole("signed", Holds::Anything),
    Place::member(TARGETS, WHOLE, "targets", Holds::Object),
    Place::members(TARGET, TARGETS, "targets", Holds::Another),
    Place::member(DELEGATIONS, WHOLE, "delegations", Holds::Another),
];

/// Reads the `signed` of a Targets file.
#[derive(Clone, Copy)]
pub(crate) struct TargetsReader {
    header: HeaderReader,
    target: TargetReader,
    ecus: usize,
    targets: Span,
    has_targets: bool,
    delegations: Option<Span>,
}

impl TargetsReader {
    #[inline(never)]
    pub(crate) fn new() -> Self {
        Self {
            header: HeaderReader::new(Role::Targets),
            target: TargetReader::default(),
            ecus: 0,
            targets: Span::default(),
            has_targets: false,
            delegations: None,
        }
    }

    pub(crate) fn event(
        &mut self,
        steps: &[Step<'_>],
        event: Event<'_>,
        span: Span,
        listener: &mut impl Listener,
    ) -> Result<(), Error> {
        match (find(&PLACES, WHOLE, steps, event)?.at, steps) {
            (TARGETS, _) => {
                self.has_targets = true;
                keep_end(&mut self.targets, event, span);
            }
            (TARGET, [_, Step::Key(name), rest @ ..]) => return self.target(name, rest, event, span, listener),
            (DELEGATIONS, [_]) => self.delegations = Some(span),
            _ => return self.header.event(steps, event),
        }
        Ok(())
    }

    fn target(
        &mut self,
        name: &str,
        steps: &[Step<'_>],
        event: Event<'_>,
        span: Span,
        listener: &mut impl Listener,
    ) -> Result<(), Error> {
        if let ([], Event::Begin(_)) = (steps, event) {
            self.target = TargetReader::default();
            TargetName::parse(name)?;
            listener.begin();
        }
        let mut counting = Counting { listener, ecus: &mut self.ecus };
        self.target.event(steps, event, span, &mut counting)?;
        if self.ecus > MAX_ECUS {
            return Err(Error::Limit { what: told("ECUs") });
        }
        if let ([], Event::End(_)) = (steps, event) {
            let name = TargetName::parse(name)?;
            return self.target.head().as_ref().map(|head| listener.target(name, head)).map_err(|error| *error);
        }
        Ok(())
    }

    /// What the file says of itself, once it is complete.
    #[inline(never)]
    pub(crate) fn finish(&self) -> Result<Header, Error> {
        let header = self.header.finish()?;
        required(self.has_targets.then_some(()), "targets")?;
        Ok(header)
    }

    pub(crate) fn delegates(&self) -> bool {
        self.delegations.is_some()
    }
}

/// Counts the ECUs of a file on the way to its listener.
struct Counting<'l, L> {
    listener: &'l mut L,
    ecus: &'l mut usize,
}

impl<L: Heard> Heard for Counting<'_, L> {
    fn hardware_id(&mut self, id: &HardwareId) {
        self.listener.hardware_id(id);
    }

    fn ecu(&mut self, ecu: EcuId, said: &EcuReader) {
        *self.ecus += 1;
        self.listener.ecu(ecu, said);
    }
}

/// What a Targets file says, without the file: where its lists lie.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "alloc"), expect(unreachable_pub, reason = "only full verification names it"))]
pub struct TargetsSays {
    pub(crate) header: Header,
    pub(crate) targets: Span,
    pub(crate) delegations: Option<Span>,
}

/// Reads the `signed` of a Targets file without looking into its lists.
#[cfg_attr(not(feature = "alloc"), expect(unreachable_pub, reason = "only full verification names it"))]
pub struct TargetsOutline {
    header: HeaderReader,
    targets: Option<Span>,
    delegations: Option<Span>,
}

impl ContentReader for TargetsOutline {
    type Says = TargetsSays;

    fn new() -> Self {
        Self { header: HeaderReader::new(Role::Targets), targets: None, delegations: None }
    }

    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, span: Span) -> Result<(), Error> {
        match steps {
            [Step::Key("targets")] => {
                event.object("targets")?;
                self.targets = Some(span);
                Ok(())
            }
            [Step::Key("delegations")] => {
                event.object("delegations")?;
                self.delegations = Some(span);
                Ok(())
            }
            steps => self.header.event(steps, event),
        }
    }

    fn descends(&self, steps: &[Step<'_>]) -> bool {
        !matches!(steps, [Step::Key("targets" | "delegations")])
    }

    fn finish(&self) -> Result<TargetsSays, Error> {
        let header = self.header.finish()?;
        let targets = required(self.targets, "targets")?;
        Ok(TargetsSays { header, targets, delegations: self.delegations })
    }
}

/// Reads the `signed` of a Targets file and inspects every image on the way: what the Director says is meant whole.
#[cfg(feature = "alloc")]
pub(crate) struct TargetsInspection(TargetsReader);

#[cfg(feature = "alloc")]
impl ContentReader for TargetsInspection {
    type Says = TargetsSays;

    fn new() -> Self {
        Self(TargetsReader::new())
    }

    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, span: Span) -> Result<(), Error> {
        self.0.event(steps, event, span, &mut Nobody)
    }

    fn finish(&self) -> Result<TargetsSays, Error> {
        let TargetsReader { targets, delegations, .. } = self.0;
        Ok(TargetsSays { header: self.0.finish()?, targets, delegations })
    }
}

#[cfg(feature = "alloc")]
struct Nobody;

#[cfg(feature = "alloc")]
impl Heard for Nobody {}
#[cfg(feature = "alloc")]
impl Listener for Nobody {}
