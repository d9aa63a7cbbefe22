//! The cells of flash in memory: what they read as, and whether they may be written.
//!
//! Only what was ever touched takes memory, so that a simulator may have many large chips that hold little.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Every cell of a flash. Those that were never touched hold noise.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    capacity: usize,
    pages: Vec<Option<Box<Page>>>,
}

#[derive(Clone, Debug)]
struct Page {
    bytes: [u8; PAGE],
    erased: [bool; PAGE],
}

/// Cells that take memory together; no unit of the flash itself.
const PAGE: usize = 1_024;

/// The cells of a range as they were, to put back.
#[derive(Clone, Debug)]
pub struct Saved {
    from: usize,
    bytes: Vec<u8>,
    erased: Vec<bool>,
}

impl Saved {
    /// Only the first `length` bytes of it.
    #[must_use]
    pub fn first(&self, length: usize) -> Self {
        let bytes = self.bytes.iter().copied().take(length).collect();
        Self { from: self.from, bytes, erased: self.erased.iter().copied().take(length).collect() }
    }
}

impl Cells {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, pages: vec![None; capacity.div_ceil(PAGE)] }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn erase(&mut self, from: usize, length: usize) {
        self.change(from, length, |_, bytes, erased| {
            bytes.fill(0xff);
            erased.fill(true);
        });
    }

    pub(super) fn write(&mut self, from: usize, written: &[u8]) {
        self.change(from, written.len(), |at, bytes, erased| {
            bytes.iter_mut().zip(written.iter().skip(at - from)).for_each(|(cell, byte)| *cell = *byte);
            erased.fill(false);
        });
    }

    pub(super) fn weaken(&mut self, from: usize, length: usize) {
        self.change(from, length, |_, bytes, erased| {
            bytes.fill(0xff);
            erased.fill(false);
        });
    }

    pub(super) fn spoil(&mut self, from: usize, length: usize, salt: u64) {
        let salt = usize::try_from(salt).unwrap_or(0);
        self.change(from, length, |at, bytes, erased| {
            (at..).zip(bytes).for_each(|(at, cell)| *cell = noise(at, salt));
            erased.fill(false);
        });
    }

    pub(super) fn flip(&mut self, at: usize) {
        self.change(at, 1, |_, bytes, _| bytes.iter_mut().for_each(|byte| *byte ^= 1));
    }

    pub(super) fn put_back(&mut self, saved: &Saved) {
        let Saved { from, bytes: old, erased: marks } = saved;
        self.change(*from, old.len(), |at, bytes, erased| {
            bytes.iter_mut().zip(old.iter().skip(at - from)).for_each(|(cell, byte)| *cell = *byte);
            erased.iter_mut().zip(marks.iter().skip(at - from)).for_each(|(cell, mark)| *cell = *mark);
        });
    }

    pub(super) fn save(&self, from: usize, length: usize) -> Saved {
        let length = length.min(self.capacity.saturating_sub(from));
        let (mut bytes, mut erased) = (Vec::with_capacity(length), Vec::with_capacity(length));
        for (page, range) in pieces(from, length) {
            match self.page(page, &range) {
                Some((read, marks)) => {
                    bytes.extend_from_slice(read);
                    erased.extend_from_slice(marks);
                }
                None => {
                    bytes.extend(untouched(page, range.clone()));
                    erased.extend(range.map(|_| false));
                }
            }
        }
        Saved { from, bytes, erased }
    }

    /// Reads a range that is inside the flash.
    pub(super) fn read(&self, from: usize, into: &mut [u8]) {
        let mut rest = into;
        for (page, range) in pieces(from, rest.len()) {
            let (now, later) = rest.split_at_mut(range.len());
            match self.page(page, &range) {
                Some((read, _)) => now.copy_from_slice(read),
                None => now.iter_mut().zip(untouched(page, range)).for_each(|(byte, cell)| *byte = cell),
            }
            rest = later;
        }
    }

    pub(super) fn are_erased(&self, from: usize, length: usize) -> bool {
        let mut pieces = pieces(from, length);
        pieces.all(|(page, range)| self.page(page, &range).is_some_and(|(_, marks)| marks.iter().all(|mark| *mark)))
    }

    fn page(&self, page: usize, range: &Range<usize>) -> Option<(&[u8], &[bool])> {
        let page = self.pages.get(page)?.as_ref()?;
        Some((page.bytes.get(range.clone())?, page.erased.get(range.clone())?))
    }

    /// Lets `change` have the cells of a range, with the place of the first of each piece; what is outside is left out.
    fn change(&mut self, from: usize, length: usize, mut change: impl FnMut(usize, &mut [u8], &mut [bool])) {
        let length = length.min(self.capacity.saturating_sub(from));
        for (number, range) in pieces(from, length) {
            let Some(page) = self.pages.get_mut(number) else { return };
            let page = page.get_or_insert_with(|| Box::new(Page::untouched(number)));
            if let (Some(bytes), Some(erased)) = (page.bytes.get_mut(range.clone()), page.erased.get_mut(range.clone()))
            {
                change(number * PAGE + range.start, bytes, erased);
            }
        }
    }
}

impl Page {
    fn untouched(number: usize) -> Self {
        let mut bytes = [0; PAGE];
        bytes.iter_mut().zip(untouched(number, 0..PAGE)).for_each(|(byte, cell)| *byte = cell);
        Self { bytes, erased: [false; PAGE] }
    }
}

fn untouched(page: usize, range: Range<usize>) -> impl Iterator<Item = u8> {
    range.map(move |at| noise(page * PAGE + at, 0))
}

/// A range as pages and what of each it covers.
fn pieces(from: usize, length: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    let end = from.saturating_add(length);
    let pages = if length == 0 { 0..0 } else { from / PAGE..end.div_ceil(PAGE) };
    pages.map(move |page| {
        let start = page * PAGE;
        (page, from.saturating_sub(start)..end.saturating_sub(start).min(PAGE))
    })
}

/// Bytes without a pattern, the same in every run.
fn noise(at: usize, salt: usize) -> u8 {
    let mixed = at.wrapping_mul(0x9e37_79b9).wrapping_add(salt.wrapping_mul(0x85eb_ca6b));
    u8::try_from((mixed >> 7) & 0xff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_over_several_pages_reads_as_it_was_changed() {
        let mut cells = Cells::new(3 * PAGE + 5);
        let before = cells.save(PAGE - 3, PAGE + 7);
        cells.erase(PAGE - 3, PAGE + 7);
        cells.write(PAGE - 1, &[1, 2, 3]);
        let mut read = [0; 6];
        cells.read(PAGE - 2, &mut read);
        assert_eq!(read, [0xff, 1, 2, 3, 0xff, 0xff]);
        assert!(cells.are_erased(PAGE + 2, PAGE + 2) && !cells.are_erased(PAGE + 1, 2));
        assert!(!cells.are_erased(2 * PAGE + 3, 2), "what was never erased");
        cells.put_back(&before);
        let mut read = [0; PAGE + 7];
        cells.read(PAGE - 3, &mut read);
        assert!(read.iter().zip(PAGE - 3..).all(|(byte, at)| *byte == noise(at, 0)));
    }

    #[test]
    fn what_is_outside_is_left_out() {
        let mut cells = Cells::new(PAGE + 4);
        cells.erase(PAGE, PAGE);
        assert_eq!(cells.save(PAGE + 2, 10).bytes, [0xff, 0xff]);
        assert!(cells.save(2 * PAGE, 10).bytes.is_empty());
    }
}
