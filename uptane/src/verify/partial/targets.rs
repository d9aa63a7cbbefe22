//! Director Targets on an ECU without a heap (§5.4.4.6), and what it says to this ECU (§5.4.3.3, §5.4.3.4).

use core::marker::PhantomData;

use super::content::Hashed;
use super::pick::{Pick, Reader, Said};
use super::{FreshRoot, TrustedRoot};
use crate::limits::MAX_TARGETS;
use crate::metadata::{Delta, EcuEntry, Header, Origin, RoleKeys};
use crate::verify::freshness::Freshness;
use crate::verify::image::{ListedImage, Permits, sealed};
use crate::verify::stream::{Closed, FileStream, Shut};
use crate::verify::threshold::{Threshold, ThresholdMet};
use crate::{
    CampaignId, EcuId, Error, HardwareId, ImageLine, ReleaseCounter, Role, Sha256, TargetNameBuf, Time, VehicleId,
    Version, told,
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

/// Whose Director Targets are believed, and how much of them is checked: taken out of a Root that is verified.
pub struct TargetsRules<P> {
    keys: RoleKeys,
    vehicle: Option<VehicleId>,
    profile: PhantomData<P>,
}

impl TargetsRules<Plain> {
    /// Partial verification.
    pub fn partial(root: &TrustedRoot) -> Self {
        Self { keys: root.targets_keys().clone(), vehicle: None, profile: PhantomData }
    }
}

impl TargetsRules<Plus> {
    /// Partial verification of what is for this vehicle, under the newest Root of the chain, which is fresh.
    pub fn partial_plus(root: FreshRoot<'_>, vehicle: VehicleId) -> Self {
        Self { keys: root.root().targets_keys().clone(), vehicle: Some(vehicle), profile: PhantomData }
    }
}

impl<P: Profile> TargetsRules<P> {
    /// Begins to verify a file for this ECU.
    #[inline(never)]
    pub fn check(&self, own: Own) -> TargetsCheck<P> {
        TargetsCheck {
            signatures: Hashed::new(Threshold::new(Role::Targets, &self.keys)),
            pick: Pick::new(own.ecu, own.hardware_id),
            previous: own.previous,
            now: own.now,
            vehicle: self.vehicle,
            profile: self.profile,
        }
    }
}

/// What verification of Director Targets keeps from their first byte to the last check: who claims to have signed them,
/// and what they say to this ECU.
///
/// A [`TargetsStream`] reads them into it, and is gone when their signatures are judged: both take much of a small stack.
pub struct TargetsCheck<P> {
    signatures: Hashed<Threshold>,
    pick: Pick,
    previous: Option<Previous>,
    now: Time,
    vehicle: Option<VehicleId>,
    profile: PhantomData<P>,
}

impl<P: Profile> TargetsCheck<P> {
    /// Reads the file, which `pieces` feeds to the stream, to its end.
    #[inline(never)]
    pub fn read<E: From<Error>>(
        &mut self,
        pieces: impl FnOnce(&mut TargetsStream<'_>) -> Result<(), E>,
    ) -> Result<ClosedTargets<'_, P>, E> {
        let mut stream = TargetsStream::new(&mut self.signatures, &mut self.pick);
        pieces(&mut stream)?;
        let TargetsStream { stream, signatures, reader } = &mut stream;
        let closed = stream.finish(*signatures, reader)?;
        let said = reader.map(Reader::finish);
        Ok(ClosedTargets { closed, said, check: self })
    }
}

/// Director Targets, arriving.
pub struct TargetsStream<'c> {
    stream: FileStream,
    signatures: &'c mut Hashed<Threshold>,
    reader: Shut<Reader<'c>>,
}

impl<'c> TargetsStream<'c> {
    #[inline(always)]
    fn new(signatures: &'c mut Hashed<Threshold>, pick: &'c mut Pick) -> Self {
        let stream = FileStream::new(Role::Targets, MAX_TARGETS);
        Self { stream, signatures, reader: Shut::new(Reader::new(pick)) }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, self.signatures, &mut self.reader)
    }
}

/// Director Targets, complete, and not yet believed.
pub struct ClosedTargets<'c, P> {
    closed: Closed,
    said: Shut<Said>,
    check: &'c mut TargetsCheck<P>,
}

impl<P: Profile> ClosedTargets<'_, P> {
    /// Checks the file (§5.4.4.1 step 2).
    #[inline(never)]
    pub fn verify(&mut self) -> Result<OwnTargets<P>, Error> {
        let (threshold, signed) = self.check.signatures.finish();
        let met = threshold.finish();
        self.open(met, signed)
    }

    /// What the file says, if a threshold is met. Checking a signature takes much of a small stack; this stands beside it.
    #[inline(never)]
    fn open(&self, met: Result<ThresholdMet, Error>, signed: Sha256) -> Result<OwnTargets<P>, Error> {
        let Self { closed, said, check: TargetsCheck { pick, previous, now, vehicle, profile, .. } } = self;
        // §5.4.4.6 step 3. Nothing that was read is used before this holds.
        let said = closed.open(met, said)?;
        let header = said.header.as_ref().map_err(|fault| *fault)?;
        check_addressee(header, vehicle.as_ref())?;
        let freshness = Freshness { role: Role::Targets, version: header.version, expires: header.expires };
        // §5.4.4.6 step 4
        check_follows(freshness, previous.as_ref(), &signed)?;
        // §5.4.4.6 step 5
        freshness.check_expiry(*now)?;
        // §5.4.4.6 step 6
        if said.delegates {
            return Err(Error::DirectorDelegates);
        }
        // §5.4.4.6 step 7, and §5.2.3.1.1: no image for nobody, none that is encrypted.
        pick.fault.map_or(Ok(()), Err)?;
        Ok(OwnTargets { header: *header, sha256: closed.sha256(), pick: *pick, profile: *profile })
    }
}

/// Refuses an older file than the accepted one, and another one of the same version (attack A24).
fn check_follows(freshness: Freshness, previous: Option<&Previous>, signed: &Sha256) -> Result<(), Error> {
    freshness.check_version(previous.map(|previous| previous.version))?;
    let Some(Previous { version, signed: Some(before) }) = previous else { return Ok(()) };
    freshness.check_content(*version, || signed == before)
}

/// Refuses a file of another repository, or for another vehicle (trap T1).
fn check_addressee(header: &Header, vehicle: Option<&VehicleId>) -> Result<(), Error> {
    if header.origin != Some(Origin::Director) {
        return Err(Error::WrongType { field: told("repository") });
    }
    match vehicle {
        Some(_) if header.vehicle.as_ref() != vehicle => Err(Error::WrongVehicle { role: told(Role::Targets) }),
        Some(_) | None => Ok(()),
    }
}

/// Evidence: Director Targets that passed partial verification, and what it says to this ECU.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnTargets<P> {
    header: Header,
    sha256: Sha256,
    pick: Pick,
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
    #[inline(never)]
    pub fn image(&self, accepted: impl FnOnce(ImageLine) -> ReleaseCounter) -> Result<OwnImage<'_, P>, Error> {
        // §5.4.3.3
        let Pick { hardware_id, entry, chosen, .. } = &self.pick;
        let (Some((listed, runs_here)), Some(entry)) = (chosen, entry) else { return Err(Error::NothingForThisEcu) };
        // §5.4.3.4 step 2: the image is for this hardware, and so is what the Director says to this ECU.
        if !runs_here || entry.hardware_id != *hardware_id {
            return Err(Error::Hardware);
        }
        let (accepted, offered) = (accepted(listed.line), listed.release_counter);
        // §5.4.3.4 step 3
        if offered < accepted {
            return Err(Error::CounterRollback { accepted: told(accepted), offered: told(offered) });
        }
        Ok(OwnImage { listed, entry, profile: PhantomData })
    }

    /// The ECU this was verified for.
    pub fn ecu(&self) -> EcuId {
        self.pick.own
    }
}

/// Evidence: an image that verified Targets assign to this ECU.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnImage<'t, P> {
    listed: &'t ListedImage,
    entry: &'t EcuEntry,
    profile: PhantomData<P>,
}

impl<P: Profile> OwnImage<'_, P> {
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

impl<P: Profile> sealed::Sealed for OwnImage<'_, P> {}

impl<P: Profile> Permits for OwnImage<'_, P> {
    fn image(&self) -> &ListedImage {
        self.listed
    }
}
