//! Top-level Targets of both repositories (§5.2.3).

use super::fields::{keep_end, required};
use super::header::{Header, HeaderReader};
use super::target::{Heard, TargetHead, TargetReader};
use super::{EcuEntry, Origin, Target};
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read, walk};
use crate::limits::MAX_ECUS;
use crate::{CampaignId, Error, HardwareId, Role, TargetName, Time, VehicleId, Version};

/// A view of Targets.
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
        let mut whole = Slice(TargetsReader::new(), Nobody);
        read(signed, &mut whole)?;
        let reader = whole.0;
        let header = reader.finish()?;
        let delegations = reader.delegations.map(|span| span.of(signed));
        Ok(Self { signed, header, targets: reader.targets.of(signed), delegations })
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

    /// Every image, in ascending order of name.
    pub fn targets(&self) -> impl Iterator<Item = Target<'a>> + use<'a> {
        // Decoding found every image to be well-formed, so none is left out here.
        walk::members(self.targets).filter_map(|(name, value)| Target::revisit(name, value))
    }

    /// The image of this name.
    pub fn target(&self, name: TargetName<'_>) -> Option<Target<'a>> {
        let (name, value) = walk::members(self.targets).find(|(found, _)| *found == name.as_str())?;
        Target::revisit(name, value)
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
        match steps {
            [Step::Key("targets")] => {
                event.object("targets")?;
                self.has_targets = true;
                keep_end(&mut self.targets, event, span);
                Ok(())
            }
            [Step::Key("targets"), Step::Key(name), rest @ ..] => self.target(name, rest, event, span, listener),
            [Step::Key("delegations")] => {
                self.delegations = Some(span);
                Ok(())
            }
            steps => self.header.event(steps, event),
        }
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
            return Err(Error::Limit { what: "ECUs" });
        }
        if let ([], Event::End(_)) = (steps, event) {
            listener.target(TargetName::parse(name)?, &self.target.head()?);
        }
        Ok(())
    }

    /// What the file says of itself, once it is complete.
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
    fn hardware_id(&mut self, id: HardwareId) {
        self.listener.hardware_id(id);
    }

    fn ecu(&mut self, entry: &EcuEntry) {
        *self.ecus += 1;
        self.listener.ecu(entry);
    }
}

struct Nobody;

impl Heard for Nobody {}
impl Listener for Nobody {}

struct Slice(TargetsReader, Nobody);

impl Sink for Slice {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        self.0.event(path.steps(), event, span, &mut self.1)
    }
}
