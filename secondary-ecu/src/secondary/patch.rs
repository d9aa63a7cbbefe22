//! The image, told by a patch of the one that runs.
//!
//! It shortens the way of the bytes and none of the checks: what it makes goes where the whole image would have gone, and
//! is held to the same metadata, from flash, before it may boot.

use proto::delta::{Decoder, Expected, Point};
use uptane::metadata::Delta;
use uptane::{Length, Time};

use super::image::{Found, check_length};
use super::{Running, Secondary};
use crate::bank::Descriptor;
use crate::flash::{Banks, Flash};
use crate::patching::{self, failed, wrong};
use crate::scratch::Scratch;
use crate::transaction;
use crate::transfer::{Kind, Progress};
use crate::verifier::{Verifier, Wanted};
use crate::{EcuKey, Fault};

/// Something else was asked in between, for which the decoder had to go: the patch is offered once more.
const AGAIN: Fault = Fault::Offset;

impl<V: Verifier<F>, F: Flash, K: EcuKey> Secondary<V, F, K> {
    /// Where to go on with the patch: at its first byte. What is durable of the image by then is kept, whether a patch made
    /// it or it was sent as it is, and not written again.
    #[inline(never)]
    pub(super) fn offer_patch(&mut self, length: Length, now: Time) -> Result<u32, Fault> {
        // An only bank would be overwritten while it is read.
        if self.banks() == Banks::Single {
            return Err(Fault::NotForMe);
        }
        self.intake()?;
        let found = self.find(now);
        self.offer_found_patch(&found, length)
    }

    #[inline(never)]
    fn offer_found_patch(&mut self, found: &Found, length: Length) -> Result<u32, Fault> {
        let Wanted { descriptor, delta, .. } = self.wanted(found)?;
        let expected = self.expected(descriptor, delta.as_ref(), length)?;
        let received = self.resume(descriptor)?;
        let progress = Progress::after(0, length)?;
        if received == expected.new_length {
            let progress = Progress { taken: progress.length, ..progress };
            self.transfer.begin(Kind::Complete, progress);
            return Ok(progress.taken);
        }
        // What is written of the new image is made again and not written again: the patch need not be the one it was made with.
        self.scratch = Scratch::Decoder(Decoder::resume(expected, Point::START, received).map_err(wrong)?);
        self.transfer.begin_in(self.area_of(self.spare()), received, Kind::Patch, progress);
        Ok(0)
    }

    /// What a patch of this length has to be about: the one that metadata describe, of the image that runs.
    #[inline(never)]
    fn expected(&mut self, new: &Descriptor, delta: Option<&Delta>, length: Length) -> Result<Expected, Fault> {
        let delta = delta.filter(|delta| self.runs_home(delta)).ok_or(Fault::NotForMe)?;
        check_length(delta.length, length)?;
        let old_length = self.home()?.flash_length()?;
        Ok(Expected { old_length, base: delta.base, new_length: new.flash_length()? })
    }

    /// Whether the base of a patch is what the home bank may boot, and holds.
    fn runs_home(&self, delta: &Delta) -> bool {
        self.running == Running { bank: self.state.home, sha256: delta.base, authorised: true }
    }

    /// Takes the next bytes of a patch, and writes what they make. Of what a wrong one made nothing is kept.
    #[inline(never)]
    pub(super) fn take_patch(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let old = self.area_of(self.state.home);
        let decoder = self.scratch.decoder().ok_or(AGAIN)?;
        let mut banks = patching::Banks { store: &mut self.store, old, new: &mut self.transfer.appender };
        let taken = decoder.feed(bytes, &mut banks).map_err(failed);
        self.unless_wrong(taken)
    }

    /// Says that the patch is over.
    #[inline(never)]
    pub(super) fn finish_patch(&mut self) -> Result<(), Fault> {
        let made = self.scratch.decoder().ok_or(AGAIN)?.finish().map_err(wrong);
        self.unless_wrong(made)
    }

    /// How much of the new image the patch on its way has told, what was there before it included.
    pub fn told_by_patch(&self) -> Option<u32> {
        let Scratch::Decoder(decoder) = &self.scratch else { return None };
        (self.transfer.kind == Kind::Patch).then(|| decoder.new_offset())
    }

    fn unless_wrong(&mut self, made: Result<(), Fault>) -> Result<(), Fault> {
        if let Err(Fault::Check(_)) = made {
            self.change(transaction::give_up)?;
        }
        made
    }
}
