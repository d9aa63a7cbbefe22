//! What differs where a new image can only go where the old one is (design D8).
//!
//! The only bank is erased after a signed activation and not before, when the ECU waits in its boot loader. If the new
//! image does not get to its vote, the way back is the last committed image: its header still stands, its digest is what
//! its bank may boot, so that no metadata are needed to know it.

use uptane::{Error, Length, Time, told};

use super::Secondary;
use super::image::{Found, check_length};
use crate::bank::{Content, Descriptor};
use crate::flash::{Banks, Flash};
use crate::transaction::{self, Intake};
use crate::transfer::{Kind, Progress};
use crate::verifier::{Verifier, Wanted};
use crate::{EcuKey, Fault};

impl<V: Verifier<F>, F: Flash, K: EcuKey> Secondary<V, F, K> {
    /// Whether nothing runs in the only bank.
    pub(super) fn is_waiting(&self) -> bool {
        self.banks() == Banks::Single && !self.running.authorised
    }

    /// What an image that is offered now is.
    #[inline]
    pub(super) fn intake(&self) -> Result<Intake, Fault> {
        let intake = transaction::intake(&self.state, self.banks(), self.running.authorised);
        intake.ok_or(Fault::Phase)
    }

    /// Where to go on with an image for the only bank.
    pub(super) fn offer_to_single(&mut self, intake: Intake, length: Length, now: Time) -> Result<u32, Fault> {
        match intake {
            Intake::Announce => self.announce(length, now),
            Intake::Stage | Intake::Install => self.offer_assigned(length, now),
            Intake::Restore => self.offer_home(length),
        }
    }

    /// Checks what was taken into the only bank, or was announced.
    pub(super) fn check_single(&mut self, intake: Intake, now: Time) -> Result<Content, Fault> {
        match intake {
            Intake::Announce => self.check_way_back(now),
            Intake::Stage | Intake::Install => self.check_bank(now),
            Intake::Restore => self.check_home(),
        }
    }

    /// Says that nothing is to be sent yet of the assigned image.
    #[inline(never)]
    fn announce(&mut self, length: Length, now: Time) -> Result<u32, Fault> {
        let image = self.check_way_back(now)?;
        check_length(image.length.into(), length)?;
        self.transfer.begin(Kind::Complete, Progress::after(image.length, length)?);
        Ok(image.length)
    }

    /// The assigned image, if metadata name the last committed one as the image to return to: the Primary then has both.
    #[inline(never)]
    fn check_way_back(&mut self, now: Time) -> Result<Content, Fault> {
        let found = self.find(now);
        self.check_found_way_back(&found)
    }

    #[inline(never)]
    fn check_found_way_back(&mut self, found: &Found) -> Result<Content, Fault> {
        let Wanted { descriptor, fallback, .. } = self.wanted(found)?;
        let fallback = fallback.as_ref().ok_or(Error::Schema { field: told("fallback") })?;
        match fallback.is(&self.home()?) {
            true => descriptor.content(),
            false => Err(Fault::from(Error::Mismatch { what: told("fallback") })),
        }
    }

    /// Where to go on with the last committed image.
    #[inline(never)]
    fn offer_home(&mut self, length: Length) -> Result<u32, Fault> {
        check_length(self.home()?.length, length)?;
        let (home, received) = (self.state.home, self.state.received);
        let progress = Progress::after(received, length)?;
        self.transfer.begin_in(self.area_of(home), received, Kind::Image, progress);
        Ok(progress.taken)
    }

    /// Hashes the only bank as it will boot, against what was committed.
    fn check_home(&mut self) -> Result<Content, Fault> {
        let (home, image) = (self.state.home, self.home()?.content()?);
        match self.store.digest(home, self.scratch.buffer())? == self.state.bootable(home) {
            true => Ok(image),
            false => Err(Fault::from(Error::ImageDigest)),
        }
    }

    /// The last committed image.
    pub(super) fn home(&mut self) -> Result<Descriptor, Fault> {
        self.store.descriptor(self.state.home)?.ok_or(Fault::Storage)
    }
}
