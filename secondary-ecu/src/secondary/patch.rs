//! The image, told by a patch of the one that runs.
//!
//! It shortens the way of the bytes and none of the checks: what it makes goes where the whole image would have gone, and
//! is held to the same metadata, from flash, before it may boot.

use proto::delta::Expected;
use uptane::metadata::Delta;
use uptane::verify::image::ImageCheck;
use uptane::{Error, Length, Time};

use super::image::Found;
use super::{Running, Secondary};
use crate::bank::Descriptor;
use crate::flash::{Banks, Flash};
use crate::patching::Patching;
use crate::scratch::Scratch;
use crate::transaction;
use crate::transfer::{Progress, Transfer};
use crate::verifier::{Verifier, Wanted};
use crate::{EcuKey, Fault};

/// Something else was asked in between, for which the decoder had to go: the patch is offered once more.
const AGAIN: Fault = Fault::Offset;

impl<V: Verifier<F>, F: Flash, K: EcuKey> Secondary<V, F, K> {
    /// Where to go on with the patch: at its first byte. What is durable of the image by then is kept, whether a patch made
    /// it or it was sent as it is, and not written again.
    #[inline(never)]
    pub(super) fn offer_patch(&mut self, length: Length, now: Time) -> Result<Length, Fault> {
        // An only bank would be overwritten while it is read.
        if self.banks() == Banks::Single {
            return Err(Fault::NotForMe);
        }
        self.intake()?;
        let found = self.find(now);
        self.offer_found_patch(found, length)
    }

    #[inline(never)]
    fn offer_found_patch(&mut self, found: Found, length: Length) -> Result<Length, Fault> {
        let Wanted { descriptor, mut check, delta, fallback: _ } = self.wanted(found)?;
        let expected = self.expected(&descriptor, delta, length)?;
        let received = self.resume(&descriptor)?;
        if received == expected.new_length {
            self.transfer = Transfer::Complete(Progress { length: length.get(), taken: length.get() });
            return Ok(length);
        }
        let appender = self.go_on(received, &mut check)?;
        let old = self.store.layout().bank(self.store.erase_unit(), self.state.home);
        let patching = Patching::new(old, appender, check);
        self.scratch = Scratch::Decoder(patching.decoder(expected)?);
        self.transfer = Transfer::Patch(Progress::new(length), patching);
        Ok(Length::ZERO)
    }

    /// What a patch of this length has to be about: the one that metadata describe, of the image that runs.
    #[inline(never)]
    fn expected(&mut self, new: &Descriptor, delta: Option<Delta>, length: Length) -> Result<Expected, Fault> {
        let delta = delta.filter(|delta| self.runs_home(delta)).ok_or(Fault::NotForMe)?;
        if delta.length != length {
            return Err(Fault::from(Error::ImageLength { listed: delta.length, got: length }));
        }
        let old_length = self.home()?.flash_length()?;
        Ok(Expected { old_length, base: delta.base, new_length: new.flash_length()? })
    }

    /// Whether the base of a patch is what the home bank may boot, and holds.
    fn runs_home(&self, delta: &Delta) -> bool {
        self.running == Running { bank: self.state.home, sha256: delta.base, authorised: true }
    }

    /// Takes the next bytes of a patch. Of what a wrong one made nothing is kept.
    #[inline(never)]
    pub(super) fn take_patch(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let (Transfer::Patch(_, patching), Some(decoder)) = (&mut self.transfer, self.scratch.decoder()) else {
            return Err(AGAIN);
        };
        let taken = patching.take(decoder, &mut self.store, bytes);
        self.unless_wrong(taken)
    }

    /// Writes the last bytes of what a patch made, all of which was taken; what is to judge it.
    #[inline(never)]
    pub(super) fn finish_patch(&mut self, patching: Patching) -> Result<ImageCheck, Fault> {
        let made = patching.finish(self.scratch.decoder().ok_or(AGAIN)?, &mut self.store);
        self.unless_wrong(made)
    }

    /// How much of the new image the patch on its way has told, what was there before it included.
    pub fn told_by_patch(&self) -> Option<u32> {
        let (Transfer::Patch(..), Scratch::Decoder(decoder)) = (&self.transfer, &self.scratch) else { return None };
        Some(decoder.new_offset())
    }

    fn unless_wrong<T>(&mut self, made: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(Fault::Check(_)) = made {
            self.record(transaction::given_up(&self.state))?;
        }
        made
    }
}
