//! The image on its way into the bank that does not run.
//!
//! It is hashed while it arrives, and once more from flash before its digest becomes bootable: what was checked on the
//! wire is not what will boot. Both checks rest on metadata verified for them.
//!
//! Steps that need much of the stack are never made parts of others (`inline(never)`), here and beside: it is then theirs
//! alone, and not also everybody's who calls them.

use uptane::verify::image::ImageCheck;
use uptane::{Error, Length, Time};

use super::{Secondary, length_of};
use crate::bank::{Descriptor, holds};
use crate::flash::{Appender, Bank, Flash};
use crate::state::State;
use crate::transaction::{self, Intake};
use crate::transfer::{Progress, Transfer};
use crate::verifier::{Verifier, Wanted};
use crate::{EcuKey, Fault};

impl<V: Verifier<F>, F: Flash, K: EcuKey> Secondary<V, F, K> {
    /// Where to go on with the image. Only the assigned one is taken, only in an open transaction; into a single bank
    /// that does not hold the last committed one, that one again.
    #[inline(never)]
    pub(super) fn offer_image(&mut self, length: Length, now: Time) -> Result<Length, Fault> {
        match self.intake()? {
            Intake::Announce => self.announce(length, now),
            Intake::Stage | Intake::Install => self.offer_assigned(length, now),
            Intake::Restore => self.offer_home(length),
        }
    }

    #[inline(never)]
    fn offer_assigned(&mut self, length: Length, now: Time) -> Result<Length, Fault> {
        let found = self.find(now);
        self.offer_found(found, length)
    }

    #[inline(never)]
    fn offer_found(&mut self, found: Found, length: Length) -> Result<Length, Fault> {
        let Wanted { descriptor, mut check, .. } = self.wanted(found)?;
        check_length(&descriptor, length)?;
        let received = self.resume(&descriptor)?;
        let progress = Progress::after(received, length);
        if progress.taken == progress.length {
            self.transfer = Transfer::Complete(progress);
            return Ok(length);
        }
        self.transfer = Transfer::Image(progress, self.go_on(received, &mut check)?, Some(check));
        length_of(received)
    }

    /// Shows what is durable of the image to its check, and goes on behind it.
    pub(super) fn go_on(&mut self, received: u32, check: &mut ImageCheck) -> Result<Appender, Fault> {
        let area = self.store.layout().bank(self.store.erase_unit(), self.spare());
        self.store.stream(area, 0, received, self.scratch.buffer(), |piece| Ok(check.update(piece)?))?;
        Ok(Appender::new(area, received))
    }

    /// Durable bytes of this very image; zero, and a bank prepared for it, if there are none.
    #[inline(never)]
    pub(super) fn resume(&mut self, descriptor: &Descriptor) -> Result<u32, Fault> {
        let bank = self.spare();
        if self.store.descriptor(bank)?.as_ref() == Some(descriptor) {
            return Ok(self.state.received);
        }
        // In this order: a header never stands before bytes that are not of its image.
        self.record(transaction::given_up(&self.state))?;
        self.store.describe(bank, descriptor)?;
        Ok(0)
    }

    /// Makes the number of received bytes durable, now and then: a record costs flash and time.
    #[inline(never)]
    pub(super) fn keep_progress(&mut self) -> Result<(), Fault> {
        let Some(written) = self.transfer.written() else { return Ok(()) };
        let unit = self.store.erase_unit();
        let interval = self.profile.progress.max(1).next_multiple_of(unit);
        let durable = written - written % unit;
        match durable.saturating_sub(self.state.received) >= interval {
            true => self.record(State { received: durable, ..self.state }),
            false => Ok(()),
        }
    }

    /// Writes the last bytes of an image, and judges it as it arrived. What is kept of a wrong one would be wrong again.
    #[inline(never)]
    pub(super) fn arrived(&mut self) -> Result<(), Fault> {
        let check = match core::mem::replace(&mut self.transfer, Transfer::None) {
            Transfer::None | Transfer::Metadata(_) | Transfer::Command(..) | Transfer::Complete(_) => None,
            Transfer::Image(_, appender, check) => {
                appender.finish(&mut self.store)?;
                check
            }
            Transfer::Patch(_, patching) => Some(self.finish_patch(patching)?),
        };
        match check.map(ImageCheck::finish) {
            Some(Err(error)) => {
                self.record(transaction::given_up(&self.state))?;
                Err(error.into())
            }
            Some(Ok(_)) | None => Ok(()),
        }
    }

    /// Checks what was taken, from flash and against metadata verified now, and makes its digest bootable. Of an image that
    /// fails nothing can be relied upon.
    #[inline(never)]
    pub(super) fn close_image(&mut self, now: Time) -> Result<(), Fault> {
        let intake = self.intake()?;
        let checked = match intake {
            Intake::Announce => self.check_way_back(now),
            Intake::Stage | Intake::Install => self.check_bank(now),
            Intake::Restore => self.check_home(),
        };
        self.conclude(intake, checked)
    }

    #[inline(never)]
    fn conclude(&mut self, intake: Intake, checked: Result<Descriptor, Fault>) -> Result<(), Fault> {
        let next = match &checked {
            Ok(image) => transaction::taken(&self.state, intake, image)?,
            Err(_) => transaction::given_up(&self.state),
        };
        self.record(next)?;
        let image = checked?;
        if matches!(intake, Intake::Install | Intake::Restore) {
            // What stands where nothing runs: it may boot, so the ECU wants a reset.
            self.running.sha256 = image.sha256;
        }
        Ok(())
    }

    #[inline(never)]
    fn check_bank(&mut self, now: Time) -> Result<Descriptor, Fault> {
        let found = self.find(now);
        self.check_found(found)
    }

    #[inline(never)]
    fn check_found(&mut self, found: Found) -> Result<Descriptor, Fault> {
        let Wanted { descriptor, mut check, .. } = self.wanted(found)?;
        let area = self.store.layout().bank(self.store.erase_unit(), self.spare());
        let length = descriptor.flash_length()?;
        self.store.stream(area, 0, length, self.scratch.buffer(), |piece| Ok(check.update(piece)?))?;
        let image = check.finish()?;
        match image.sha256() == descriptor.sha256 {
            true => Ok(descriptor),
            false => Err(Fault::from(Error::ImageDigest)),
        }
    }

    /// Finds the assigned image, in metadata verified now.
    #[inline(always)]
    pub(super) fn find(&mut self, now: Time) -> Found {
        let (verifier, desk) = self.desk(now);
        Found(verifier.wanted(desk))
    }

    /// The assigned image, if this ECU can hold it and its counter.
    #[inline(always)]
    pub(super) fn wanted(&self, Found(wanted): Found) -> Result<Wanted, Fault> {
        let wanted = wanted?;
        if !holds(&self.store, wanted.descriptor.length) {
            return Err(Fault::TooLong);
        }
        self.state.floors.has_room_for(wanted.descriptor.line)?;
        Ok(wanted)
    }

    /// The bank that may be written: not the home bank. Nothing is staged while the other one runs. Where there is a single
    /// one, the header that may be.
    fn spare(&self) -> Bank {
        self.state.home.other()
    }
}

/// The assigned image, of which nobody has asked yet whether there is room for it.
///
/// Who finds it hands it on to a function of its own: on a small stack it is then there once while metadata is verified.
pub(super) struct Found(Result<Wanted, Fault>);

/// Refuses an image of another length than its description has.
pub(super) fn check_length(listed: &Descriptor, got: Length) -> Result<(), Fault> {
    match listed.length == got {
        true => Ok(()),
        false => Err(Fault::from(Error::ImageLength { listed: listed.length, got })),
    }
}
