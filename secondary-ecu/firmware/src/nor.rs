//! Memory that behaves like NOR flash with error correction: erased by the page, written once by the double word.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use secondary_ecu::flash::{Banks, Flash, Layout};

/// What a [`NorFlash`] driver of a real chip would be.
pub(crate) struct Nor(pub(crate) &'static mut [u8]);

/// Bytes that are erased together.
pub(crate) const ERASE_UNIT: u32 = 4_096;

/// How it is divided. What is left at its end holds the page of [`crate::identity`].
pub(crate) const LAYOUT: Layout =
    Layout { state_pages: 4, slot_size: 64 * 1024, bank_size: 256 * 1024, banks: Banks::Two };

impl ErrorType for Nor {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len())?;
        bytes.copy_from_slice(self.part(offset, bytes.len())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = 8;
    const ERASE_SIZE: usize = at(ERASE_UNIT);

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        self.part(from, at(to).saturating_sub(at(from)))?.fill(ERASED);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len())?;
        let part = self.part(offset, bytes.len())?;
        // A second write would spoil the check bits beside the first.
        if part.iter().any(|byte| *byte != ERASED) {
            return Err(NorFlashErrorKind::Other);
        }
        part.copy_from_slice(bytes);
        Ok(())
    }
}

// What is written is there at once.
impl Flash for Nor {
    const BANKS: Option<Banks> = Some(LAYOUT.banks);
}

impl Nor {
    fn part(&mut self, offset: u32, length: usize) -> Result<&mut [u8], NorFlashErrorKind> {
        let rest = self.0.get_mut(at(offset)..).and_then(|rest| rest.get_mut(..length));
        rest.ok_or(NorFlashErrorKind::OutOfBounds)
    }
}

/// An offset as an index: on this processor they are equally wide.
#[expect(clippy::as_conversions, reason = "TryFrom is not const")]
const fn at(offset: u32) -> usize {
    offset as usize
}

const ERASED: u8 = 0xff;
