//! Director Targets on an ECU without a heap (§5.4.4.6), and what it says to this ECU (§5.4.3.3, §5.4.3.4).

use core::marker::PhantomData;

use super::content::Hashed;
use super::ecus::Ecus;
use super::{FreshRoot, TrustedRoot};
use crate::json::{Event, Span, Step};
use crate::limits::MAX_TARGETS;
use crate::metadata::{Delta, EcuEntry, Header, Heard, Listener, Origin, TargetHead, TargetsReader};
use crate::verify::freshness::Freshness;
use crate::verify::image::{ListedImage, Permits, sealed};
use crate::verify::stream::{Body, Closed, FileStream, Shut};
use crate::verify::threshold::{Threshold, ThresholdMet};
use crate::{
    CampaignId, EcuId, Error, HardwareId, ImageLine, ReleaseCounter, Role, Sha256, TargetName, TargetNameBuf, Time,
    VehicleId, Version,
};

/// Partial verification with the provisioned Root (§5.4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {}

/// Partial verification with the Director Root chain, a fresh Root and the vehicle id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {}

/// How much a partial verifier checks: [`Plain`] or [`Plus`].
pub trait Profile: sealed::Sealed {}

impl sealed::Sealed for Plain {}
impl sealed::Sealed for Plus {}
impl Profile for Plain {}
impl Profile for Plus {}

/// What an ECU knows of itself when it verifies Targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its id.
    pub ecu: EcuId,
    /// What it is.
    pub hardware_id: HardwareId,
    /// The Director Targets it accepted last.
    pub previous: Option<Previous>,
    /// The time of this cycle.
    pub now: Time,
}

/// Director Targets that an ECU accepted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Their version.
    pub version: Version,
    /// SHA-256 of what was signed, from a [`ContentStream`](super::ContentStream) over the kept file; none only if that
    /// file cannot be read any more, and then whatever has its version replaces it.
    pub signed: Option<Sha256>,
}

/// Director Targets, arriving.
pub struct TargetsStream<P> {
    stream: FileStream,
    signatures: Hashed<Threshold>,
    reader: Shut<Reader>,
    previous: Option<Previous>,
    now: Time,
    vehicle: Option<VehicleId>,
    profile: PhantomData<P>,
}

impl TargetsStream<Plain> {
    /// Begins partial verification.
    pub fn partial(root: &TrustedRoot, own: Own) -> Self {
        Self::new(root, own, None)
    }
}

impl TargetsStream<Plus> {
    /// Begins partial verification of what is for this vehicle, under the newest Root of the chain, which is fresh.
    pub fn partial_plus(root: FreshRoot<'_>, own: Own, vehicle: VehicleId) -> Self {
        Self::new(root.root(), own, Some(vehicle))
    }
}

impl<P: Profile> TargetsStream<P> {
    #[inline(never)]
    fn new(root: &TrustedRoot, own: Own, vehicle: Option<VehicleId>) -> Self {
        let Own { ecu, hardware_id, previous, now } = own;
        Self {
            stream: FileStream::new(Role::Targets, MAX_TARGETS),
            signatures: Hashed::new(Threshold::new(Role::Targets, root.targets_keys())),
            reader: Shut::new(Reader::new(ecu, hardware_id)),
            previous,
            now,
            vehicle,
            profile: PhantomData,
        }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, &mut self.signatures, &mut self.reader)
    }

    /// Says that the file is complete, and checks it; the stream is of no further use (§5.4.4.1 step 2).
    #[inline(never)]
    pub fn finish(&mut self) -> Result<OwnTargets<P>, Error> {
        let closed = self.stream.finish(&mut self.signatures, &mut self.reader)?;
        let (threshold, signed) = self.signatures.finish();
        let met = threshold.finish();
        self.open(closed, met, signed)
    }

    /// What the file says, if a threshold is met. Checking a signature takes much of a small stack; this stands beside it.
    #[inline(never)]
    fn open(&self, closed: Closed, met: Result<ThresholdMet, Error>, signed: Sha256) -> Result<OwnTargets<P>, Error> {
        let Self { reader, previous, now, vehicle, profile, .. } = self;
        // §5.4.4.6 step 3. Nothing that was read is used before this holds.
        let (_, reader, sha256) = closed.open(met, reader)?;
        let header = reader.targets.finish()?;
        check_addressee(&header, *vehicle)?;
        let freshness = Freshness { role: Role::Targets, version: header.version, expires: header.expires };
        // §5.4.4.6 step 4
        check_follows(freshness, *previous, signed)?;
        // §5.4.4.6 step 5
        freshness.check_expiry(*now)?;
        // §5.4.4.6 step 6
        if reader.targets.delegates() {
            return Err(Error::DirectorDelegates);
        }
        let Pick { own, hardware_id, entry, chosen, fault, .. } = &reader.pick;
        // §5.4.4.6 step 7, and §5.2.3.1.1: no image for nobody, none that is encrypted.
        fault.map_or(Ok(()), Err)?;
        let chosen = chosen.zip(*entry).map(|((listed, runs_here), entry)| Chosen { listed, entry, runs_here });
        Ok(OwnTargets { header, sha256, ecu: *own, hardware_id: *hardware_id, chosen, profile: *profile })
    }
}

/// Refuses an older file than the accepted one, and another one of the same version (attack A24).
fn check_follows(freshness: Freshness, previous: Option<Previous>, signed: Sha256) -> Result<(), Error> {
    freshness.check_version(previous.map(|previous| previous.version))?;
    let Some(Previous { version, signed: Some(before) }) = previous else { return Ok(()) };
    freshness.check_content(version, || signed == before)
}

/// Refuses a file of another repository, or for another vehicle (trap T1).
fn check_addressee(header: &Header, vehicle: Option<VehicleId>) -> Result<(), Error> {
    if header.origin != Some(Origin::Director) {
        return Err(Error::WrongType { field: "repository" });
    }
    match vehicle {
        Some(_) if header.vehicle != vehicle => Err(Error::WrongVehicle { role: Role::Targets }),
        Some(_) | None => Ok(()),
    }
}

/// Evidence: Director Targets that passed partial verification, and what it says to this ECU.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnTargets<P> {
    header: Header,
    sha256: Sha256,
    ecu: EcuId,
    hardware_id: HardwareId,
    chosen: Option<Chosen>,
    profile: PhantomData<P>,
}

impl<P: Profile> OwnTargets<P> {
    /// Its version.
    pub fn version(&self) -> Version {
        self.header.version
    }

    /// When it expires.
    pub fn expires(&self) -> Time {
        self.header.expires
    }

    /// SHA-256 of the file, which commands refer to (design D8).
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The campaign the Director says its assignments belong to.
    pub fn campaign(&self) -> Option<CampaignId> {
        self.header.campaign
    }

    /// The image this ECU is to run, if it is for this hardware and no older than one it accepted.
    ///
    /// `accepted` gives the highest release counter this ECU ever accepted in a line, out of a store that outlives
    /// metadata (trap T5).
    pub fn image(&self, accepted: impl FnOnce(ImageLine) -> ReleaseCounter) -> Result<OwnImage<P>, Error> {
        // §5.4.3.3
        let chosen = self.chosen.ok_or(Error::NothingForThisEcu)?;
        // §5.4.3.4 step 2: the image is for this hardware, and so is what the Director says to this ECU.
        if !chosen.runs_here || chosen.entry.hardware_id != self.hardware_id {
            return Err(Error::Hardware);
        }
        let (accepted, offered) = (accepted(chosen.listed.line), chosen.listed.release_counter);
        // §5.4.3.4 step 3
        if offered < accepted {
            return Err(Error::CounterRollback { accepted, offered });
        }
        Ok(OwnImage { listed: chosen.listed, entry: chosen.entry, profile: PhantomData })
    }

    /// The ECU this was verified for.
    pub fn ecu(&self) -> EcuId {
        self.ecu
    }
}

/// Evidence: an image that verified Targets assign to this ECU.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnImage<P> {
    listed: ListedImage,
    entry: EcuEntry,
    profile: PhantomData<P>,
}

impl<P: Profile> OwnImage<P> {
    /// When it is this ECU's turn to activate.
    pub fn order(&self) -> Option<u32> {
        self.entry.order
    }

    /// The image to return to where there is no second bank (design D8).
    pub fn fallback(&self) -> Option<TargetNameBuf> {
        self.entry.fallback
    }

    /// The patch that makes the image, if the Director describes one. What it makes is held to the image all the same.
    pub fn delta(&self) -> Option<Delta> {
        self.entry.delta
    }
}

impl<P: Profile> sealed::Sealed for OwnImage<P> {}

impl<P: Profile> Permits for OwnImage<P> {
    fn image(&self) -> &ListedImage {
        &self.listed
    }
}

struct Reader {
    targets: TargetsReader,
    pick: Pick,
}

impl Reader {
    #[inline(never)]
    fn new(own: EcuId, hardware_id: HardwareId) -> Self {
        Self { targets: TargetsReader::new(), pick: Pick::new(own, hardware_id) }
    }
}

impl Body for Reader {
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, span: Span) -> Result<(), Error> {
        self.targets.event(steps, event, span, &mut self.pick)
    }
}

/// Picks out what concerns one ECU.
struct Pick {
    own: EcuId,
    hardware_id: HardwareId,
    ecus: Ecus,
    /// Of the image that is streaming by: whether it names ECUs, this one among them, and is for its hardware.
    names_ecus: bool,
    names_own: bool,
    runs_here: bool,
    /// What is said to this ECU. A file that says something again names it twice, and has lost already.
    entry: Option<EcuEntry>,
    /// The image that names it, and whether that is for its hardware.
    chosen: Option<(ListedImage, bool)>,
    /// The first thing the Director may not say. It is told when its turn has come.
    fault: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chosen {
    listed: ListedImage,
    entry: EcuEntry,
    runs_here: bool,
}

impl Pick {
    #[inline(never)]
    fn new(own: EcuId, hardware_id: HardwareId) -> Self {
        Self {
            own,
            hardware_id,
            ecus: Ecus::new(),
            names_ecus: false,
            names_own: false,
            runs_here: false,
            entry: None,
            chosen: None,
            fault: None,
        }
    }
}

impl Heard for Pick {
    fn hardware_id(&mut self, id: HardwareId) {
        self.runs_here |= id == self.hardware_id;
    }

    #[inline(never)]
    fn ecu(&mut self, entry: &EcuEntry) {
        self.names_ecus = true;
        if self.ecus.names_again(&entry.ecu) {
            self.fault.get_or_insert(Error::EcuTwice);
        }
        if let Err(fault) = entry.check_plain() {
            self.fault.get_or_insert(fault);
        }
        if entry.ecu == self.own {
            self.names_own = true;
            self.entry = Some(*entry);
        }
    }
}

impl Listener for Pick {
    fn begin(&mut self) {
        (self.names_ecus, self.names_own, self.runs_here) = (false, false, false);
    }

    #[inline(never)]
    fn target(&mut self, name: TargetName<'_>, head: &TargetHead) {
        // §5.2.3.1.1: every image of the Director names the ECU that is to run it.
        if !self.names_ecus {
            self.fault.get_or_insert(Error::Schema { field: "ecus" });
        }
        if !self.names_own {
            return;
        }
        let TargetHead { length, hashes, line, release_counter } = *head;
        let listed = ListedImage { name: name.to_buf(), length, hashes, line, release_counter };
        self.chosen = Some((listed, self.runs_here));
    }
}
