//! The division of the flash, in this order: state pages, Root slots, Targets slots, bank A, bank B.
//!
//! | part | erase units |
//! |---|---|
//! | state | `state_pages` pages of one erase unit |
//! | Root slot 0, 1; Targets slot 0, 1 | `slot_size` each |
//! | bank A, B | one erase unit for the header, then `bank_size` for the image |
//!
//! Where there is a single bank, the headers of A and B follow one another, and after them comes room for one image: the
//! one that is told of by either.

use embedded_storage::nor_flash::NorFlash;

use super::{MAX_WRITE_UNIT, size};
use crate::Fault;
use crate::state::RECORD_SIZE;

/// How many images there is room for (design D8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Banks {
    /// One: a new image goes where the old one is.
    Single,
    /// Two: the old image stays until the new one is committed.
    Two,
}

/// One of the two banks. Where there is a single one, one of the two images that are told of: both go to the same place,
/// where only one of them can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bank {
    /// The first.
    A,
    /// The second.
    B,
}

impl Bank {
    /// The bank that is not this one.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What a metadata slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Director Root.
    Root,
    /// Director Targets.
    Targets,
}

/// Which of a kind's two slots: one is current, the other takes the next file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    Left,
    /// The second.
    Right,
}

impl Side {
    /// The slot that is not this one.
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// A part of the flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    start: u32,
    size: u32,
}

impl Area {
    /// Bytes it has.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The flash offset of `length` bytes at `at`, if they are inside.
    pub(super) fn offset(&self, at: u32, length: usize) -> Result<u32, Fault> {
        let end = size(at).checked_add(length).filter(|end| *end <= size(self.size));
        end.and_then(|_| self.start.checked_add(at)).ok_or(Fault::Storage)
    }
}

/// Sizes of the parts, in bytes; every one a multiple of the erase unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// State pages, at least two. More pages wear longer.
    pub state_pages: u32,
    /// Bytes of one metadata slot: the longest Director Root or Director Targets this ECU takes.
    pub slot_size: u32,
    /// Bytes of the longest image.
    pub bank_size: u32,
    /// How many images there is room for.
    pub banks: Banks,
}

/// Why a flash cannot be divided so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadLayout {
    /// There is another number of banks than the driver was compiled for.
    #[error("the layout has another number of banks than the driver of the flash is for")]
    Banks,
    /// The parts do not fit.
    #[error("the flash has {capacity} bytes where the layout needs {needed}")]
    Capacity {
        /// What there is.
        capacity: usize,
        /// What the parts take.
        needed: u64,
    },
    /// A part is no multiple of the erase unit, or there are fewer than two state pages.
    #[error("the layout's parts are no whole erase units, or there are fewer than two state pages")]
    Parts,
    /// The driver's read, write or erase unit is not supported.
    #[error("the flash has a read, write or erase unit that is not supported")]
    Units,
}

impl Layout {
    /// Bytes of flash the parts take.
    pub fn needed(&self, erase_unit: u32) -> u64 {
        let images = match self.banks {
            Banks::Single => 1,
            Banks::Two => 2,
        };
        let state_and_headers = (u64::from(self.state_pages) + 2) * u64::from(erase_unit);
        state_and_headers + 4 * u64::from(self.slot_size) + images * u64::from(self.bank_size)
    }

    /// Where a bank's image begins, in bytes from the start of the flash: for the loader that starts it. Of a layout that
    /// [`Store::new`](super::Store::new) has taken; `erase_unit` is that of the driver.
    pub fn image_at(&self, erase_unit: u32, bank: Bank) -> u32 {
        self.bank(erase_unit, bank).start
    }

    pub(super) fn check<F: NorFlash>(&self, capacity: usize) -> Result<(), BadLayout> {
        let unit = erase_unit::<F>();
        let record = RECORD_SIZE.next_multiple_of(F::WRITE_SIZE.max(1));
        let supported = F::READ_SIZE == 1
            && (1..=MAX_WRITE_UNIT).contains(&F::WRITE_SIZE)
            && F::ERASE_SIZE.is_multiple_of(F::WRITE_SIZE)
            && F::ERASE_SIZE >= record;
        if !supported {
            return Err(BadLayout::Units);
        }
        if self.state_pages < 2 || !self.slot_size.is_multiple_of(unit) || !self.bank_size.is_multiple_of(unit) {
            return Err(BadLayout::Parts);
        }
        let needed = self.needed(unit);
        let fits = usize::try_from(needed).is_ok_and(|needed| needed <= capacity) && u32::try_from(needed).is_ok();
        fits.then_some(()).ok_or(BadLayout::Capacity { capacity, needed })
    }

    /// One state page.
    pub(crate) fn state_page(&self, erase_unit: u32, page: u32) -> Area {
        Area { start: page.saturating_mul(erase_unit), size: erase_unit }
    }

    /// One metadata slot.
    #[inline(never)]
    pub(crate) fn slot(&self, erase_unit: u32, kind: Kind, side: Side) -> Area {
        let before = match (kind, side) {
            (Kind::Root, Side::Left) => 0,
            (Kind::Root, Side::Right) => 1,
            (Kind::Targets, Side::Left) => 2,
            (Kind::Targets, Side::Right) => 3,
        };
        // `check` has shown that the sum of all parts fits `u32`.
        let state = self.state_pages.saturating_mul(erase_unit);
        Area { start: state.saturating_add(self.slot_size.saturating_mul(before)), size: self.slot_size }
    }

    /// The page before a bank that describes its image.
    pub(crate) fn header(&self, erase_unit: u32, bank: Bank) -> Area {
        let slots = self.state_pages.saturating_mul(erase_unit).saturating_add(self.slot_size.saturating_mul(4));
        let start = match bank {
            Bank::A => slots,
            Bank::B => slots.saturating_add(erase_unit).saturating_add(self.between_headers()),
        };
        Area { start, size: erase_unit }
    }

    /// Bytes from the end of the first header to the second.
    fn between_headers(&self) -> u32 {
        match self.banks {
            Banks::Single => 0,
            Banks::Two => self.bank_size,
        }
    }

    /// A bank's image.
    pub(crate) fn bank(&self, erase_unit: u32, bank: Bank) -> Area {
        let header = match self.banks {
            Banks::Single => self.header(erase_unit, Bank::B),
            Banks::Two => self.header(erase_unit, bank),
        };
        Area { start: header.start.saturating_add(erase_unit), size: self.bank_size }
    }
}

/// The erase unit of a driver; one wider than `u32` is refused by [`Layout::check`] as nothing is its multiple.
pub(super) fn erase_unit<F: NorFlash>() -> u32 {
    u32::try_from(F::ERASE_SIZE).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const UNIT: u32 = 4_096;

    fn layout(banks: Banks) -> Layout {
        Layout { state_pages: 2, slot_size: 8_192, bank_size: 40_960, banks }
    }

    /// Headers and images, in the order of their places: each ends where the next begins.
    fn ends(parts: &[Area]) -> Vec<u32> {
        parts.windows(2).for_each(|pair| assert_eq!(pair[0].start + pair[0].size, pair[1].start));
        parts.iter().map(|part| part.start + part.size).collect()
    }

    #[test]
    fn two_banks_have_a_place_each() {
        let layout = layout(Banks::Two);
        let [a, b] = [Bank::A, Bank::B];
        let parts = [layout.header(UNIT, a), layout.bank(UNIT, a), layout.header(UNIT, b), layout.bank(UNIT, b)];
        assert_eq!(ends(&parts).last().map(|end| u64::from(*end)), Some(layout.needed(UNIT)));
    }

    #[test]
    fn a_single_bank_has_two_headers_and_one_place_for_both_images() {
        let layout = layout(Banks::Single);
        let [a, b] = [Bank::A, Bank::B];
        assert_eq!(layout.bank(UNIT, a), layout.bank(UNIT, b));
        let parts = [layout.header(UNIT, a), layout.header(UNIT, b), layout.bank(UNIT, b)];
        assert_eq!(ends(&parts).last().map(|end| u64::from(*end)), Some(layout.needed(UNIT)));
    }
}
