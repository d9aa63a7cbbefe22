//! State records in alternating flash pages, so that a power cut at any moment leaves the old state or the new one.
//!
//! Records follow one another in a page; the newest valid one (highest sequence number) counts. A page is erased only to
//! take the record after the newest, which stands in another page until that record is whole. After a reset the
//! first record always opens a fresh page: the cell behind the newest record may hold a torn write that reads as erased.

use super::State;
use super::record::{RECORD_SIZE, decode, encode};
use crate::Fault;
use crate::flash::{Area, Flash, MAX_WRITE_UNIT, Store};

/// Where the newest record stands, and where its successor goes.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    page: u32,
    next: u32,
    sequence: u64,
}

impl Pages {
    /// Writes the first record of an ECU's life, over whatever the pages held.
    pub fn format<F: Flash>(store: &mut Store<F>, state: &State) -> Result<Self, Fault> {
        let (unit, pages) = (store.erase_unit(), store.layout().state_pages);
        for page in 0..pages {
            store.erase(store.layout().state_page(unit, page), 0, unit)?;
        }
        let mut pages = Self { page: pages.saturating_sub(1), next: unit, sequence: 0 };
        pages.append(store, state)?;
        Ok(pages)
    }

    /// Finds the newest valid record. [`Fault::Storage`] if there is none: the ECU was never provisioned.
    #[inline(never)]
    pub fn mount<F: Flash>(store: &mut Store<F>) -> Result<(Self, State), Fault> {
        let (unit, cell) = (store.erase_unit(), cell(store)?);
        let mut newest: Option<(Self, State)> = None;
        for page in 0..store.layout().state_pages {
            let area = store.layout().state_page(unit, page);
            for at in (0..unit / cell).map(|index| index * cell) {
                let Some((sequence, state)) = read(store, area, at)? else { continue };
                if newest.as_ref().is_none_or(|(found, _)| sequence > found.sequence) {
                    // `next` at the end of the page: the successor opens a fresh one.
                    newest = Some((Self { page, next: unit, sequence }, state));
                }
            }
        }
        newest.ok_or(Fault::Storage)
    }

    /// Makes `state` the newest record. What it speaks of is made durable first, it itself before this returns.
    #[inline(never)]
    pub fn append<F: Flash>(&mut self, store: &mut Store<F>, state: &State) -> Result<(), Fault> {
        let (unit, cell) = (store.erase_unit(), cell(store)?);
        store.sync()?;
        if self.next.saturating_add(cell) > unit {
            self.page = (self.page + 1) % store.layout().state_pages;
            self.next = 0;
            store.erase(store.layout().state_page(unit, self.page), 0, unit)?;
        }
        // Cell and number count as used whatever becomes of the write: it may have failed after it was done.
        let at = self.next;
        self.next = at.saturating_add(cell);
        self.sequence = self.sequence.checked_add(1).ok_or(Fault::Storage)?;
        let mut padded = [0xff; RECORD_SIZE + MAX_WRITE_UNIT];
        padded.get_mut(..RECORD_SIZE).ok_or(Fault::Storage)?.copy_from_slice(&encode(state, self.sequence)?);
        let bytes = padded.get(..crate::flash::size(cell)).ok_or(Fault::Storage)?;
        store.write(store.layout().state_page(unit, self.page), at, bytes)?;
        store.sync()
    }
}

/// Bytes from one record to the next.
fn cell<F: Flash>(store: &Store<F>) -> Result<u32, Fault> {
    u32::try_from(RECORD_SIZE.next_multiple_of(store.write_unit())).map_err(|_| Fault::Storage)
}

#[inline(never)]
fn read<F: Flash>(store: &mut Store<F>, area: Area, at: u32) -> Result<Option<(u64, State)>, Fault> {
    let mut record = [0; RECORD_SIZE];
    store.read(area, at, &mut record)?;
    Ok(decode(&record).ok())
}

#[cfg(test)]
mod tests;
