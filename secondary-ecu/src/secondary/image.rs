//! The image on its way into the bank that does not run.
//!
//! Nobody judges it while it arrives: what was checked on the wire is not what will boot. It is hashed from flash when it
//! is complete, against metadata verified for that, before its digest becomes bootable.
//!
//! Steps that need much of the stack are never made parts of others (`inline(never)`), here and beside: it is then theirs
//! alone, and not also everybody's who calls them.

use uptane::{Error, Length, Time, told};

use super::Secondary;
use crate::bank::{Content, Descriptor, holds};
use crate::flash::{Area, Bank, Banks, Flash};
use crate::transaction::{self, Intake};
use crate::transfer::{Kind, Progress, Transfer};
use crate::verifier::{Verifier, Wanted};
use crate::{EcuKey, Fault};

impl<V: Verifier<F>, F: Flash, K: EcuKey> Secondary<V, F, K> {
    /// Where to go on with the image. Only the assigned one is taken, only in an open transaction; into a single bank
    /// that does not hold the last committed one, that one again.
    #[inline(never)]
    pub(super) fn offer_image(&mut self, length: Length, now: Time) -> Result<u32, Fault> {
        let intake = self.intake()?;
        match self.banks() {
            Banks::Single => self.offer_to_single(intake, length, now),
            Banks::Two => self.offer_assigned(length, now),
        }
    }

    #[inline(never)]
    pub(super) fn offer_assigned(&mut self, length: Length, now: Time) -> Result<u32, Fault> {
        let found = self.find(now);
        self.offer_found(&found, length)
    }

    #[inline(never)]
    fn offer_found(&mut self, found: &Found, length: Length) -> Result<u32, Fault> {
        let Wanted { descriptor, .. } = self.wanted(found)?;
        check_length(descriptor.length, length)?;
        let received = self.resume(descriptor)?;
        let progress = Progress::after(received, length)?;
        let kind = if progress.is_complete() { Kind::Complete } else { Kind::Image };
        self.transfer.begin_in(self.area_of(self.spare()), received, kind, progress);
        Ok(progress.taken)
    }

    /// Where the image of a bank is.
    pub(super) fn area_of(&self, bank: Bank) -> Area {
        self.store.layout().bank(self.store.erase_unit(), bank)
    }

    /// Durable bytes of this very image; zero, and a bank prepared for it, if there are none.
    #[inline(never)]
    pub(super) fn resume(&mut self, descriptor: &Descriptor) -> Result<u32, Fault> {
        let bank = self.spare();
        if self.store.descriptor(bank)?.as_ref() == Some(descriptor) {
            return Ok(self.state.received);
        }
        // In this order: a header never stands before bytes that are not of its image.
        self.change(transaction::give_up)?;
        self.store.describe(bank, descriptor)?;
        Ok(0)
    }

    /// Makes the number of received bytes durable, now and then: a record costs flash and time.
    #[inline(never)]
    pub(super) fn keep_progress(&mut self) -> Result<(), Fault> {
        if !self.transfer.is_writing_image() {
            return Ok(());
        }
        let written = self.transfer.appender.written();
        let unit = self.store.erase_unit();
        let interval = self.profile.progress.max(1).next_multiple_of(unit);
        let durable = written - written % unit;
        match durable.saturating_sub(self.state.received) >= interval {
            true => self.change(|next| next.received = durable),
            false => Ok(()),
        }
    }

    /// Writes the last bytes of a file that was taken.
    #[inline(never)]
    pub(super) fn arrived(&mut self) -> Result<(), Fault> {
        let Transfer { kind, appender, .. } = core::mem::take(&mut self.transfer);
        if kind == Kind::Patch {
            self.finish_patch()?;
        }
        appender.finish(&mut self.store)
    }

    /// Checks what was taken, from flash and against metadata verified now, and makes its digest bootable. Of an image that
    /// fails nothing can be relied upon.
    #[inline(never)]
    pub(super) fn close_image(&mut self, now: Time) -> Result<(), Fault> {
        let intake = self.intake()?;
        let checked = match self.banks() {
            Banks::Single => self.check_single(intake, now),
            Banks::Two => self.check_bank(now),
        };
        self.conclude(intake, checked)
    }

    #[inline(never)]
    fn conclude(&mut self, intake: Intake, checked: Result<Content, Fault>) -> Result<(), Fault> {
        self.change(|next| match &checked {
            Ok(image) => transaction::take(next, intake, image),
            Err(_) => transaction::give_up(next),
        })?;
        let image = checked?;
        if matches!(intake, Intake::Install | Intake::Restore) {
            // What stands where nothing runs: it may boot, so the ECU wants a reset.
            self.running.sha256 = image.sha256;
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn check_bank(&mut self, now: Time) -> Result<Content, Fault> {
        let found = self.find(now);
        self.check_found(&found)
    }

    #[inline(never)]
    fn check_found(&mut self, found: &Found) -> Result<Content, Fault> {
        let wanted = self.wanted(found)?;
        let (mut check, length, area) = (wanted.check(), wanted.descriptor.flash_length()?, self.area_of(self.spare()));
        self.store.stream(area, 0, length, self.scratch.buffer(), |piece| Ok(check.update(piece)?))?;
        Ok(Content { sha256: check.finish()?, length })
    }

    /// Finds the assigned image, in metadata verified now.
    ///
    /// Who calls this hands it on to a function of its own: on a small stack it is then there once while metadata is verified.
    #[inline(never)]
    pub(super) fn find(&mut self, now: Time) -> Found {
        let (verifier, desk) = self.desk(now);
        verifier.wanted(desk)
    }

    /// The assigned image, if this ECU can hold it and its counter.
    pub(super) fn wanted<'f>(&self, found: &'f Found) -> Result<&'f Wanted, Fault> {
        let wanted = found.as_ref().map_err(|fault| *fault)?;
        if !holds(&self.store, wanted.descriptor.length) {
            return Err(Fault::TooLong);
        }
        self.state.floors.has_room_for(wanted.descriptor.line)?;
        Ok(wanted)
    }

    /// The bank that may be written: not the home bank. Nothing is staged while the other one runs. Where there is a single
    /// one, the header that may be.
    pub(super) fn spare(&self) -> Bank {
        self.state.home.other()
    }
}

/// The assigned image, of which nobody has asked yet whether there is room for it.
pub(super) type Found = Result<Wanted, Fault>;

/// Refuses an image, or a patch, of another length than is listed.
pub(super) fn check_length(listed: Length, got: Length) -> Result<(), Fault> {
    match listed == got {
        true => Ok(()),
        false => Err(Fault::from(Error::ImageLength { listed: told(listed), got: told(got) })),
    }
}
