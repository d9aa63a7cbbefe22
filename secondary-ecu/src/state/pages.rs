//! State records in alternating flash pages, so that a power cut at any moment leaves the old state or the new one.
//!
//! Records follow one another in a page; the newest valid one (highest sequence number) counts. A page is erased only to
//! take the record after the newest, which stands in another page until that record is whole. After a reset the
//! first record always opens a fresh page: the cell behind the newest record may hold a torn write that reads as erased.

use uptane::{Sha256, Time};

use super::State;
use super::record::{RECORD_SIZE, decode, encode};
use crate::Fault;
use crate::flash::{Bank, Flash, MAX_WRITE_UNIT, Store, size};

/// Where the newest record stands, and where its successor goes.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    page: u32,
    next: u32,
    sequence: u64,
}

impl Pages {
    /// Before anybody looked: no record could be written.
    pub(crate) const UNKNOWN: Self = Self { page: 0, next: 0, sequence: u64::MAX };

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
        let mut state = State::new(Bank::A, Sha256([0; 32]), Time::EPOCH);
        Self::find(store, &mut state).map(|pages| (pages, state))
    }

    /// The same, into a state that is there already; what is in it if there is none says nothing.
    #[inline(never)]
    pub(crate) fn find<F: Flash>(store: &mut Store<F>, state: &mut State) -> Result<Self, Fault> {
        let mut newest = None;
        let mut found = *state;
        for page in 0..store.layout().state_pages {
            for at in (0..store.erase_unit() - cell(store)? + 1).step_by(size(cell(store)?)) {
                let Some(sequence) = read(store, page, at, &mut found)? else { continue };
                if newest.is_none_or(|(_, newest)| sequence > newest) {
                    (newest, *state) = (Some((page, sequence)), found);
                }
            }
        }
        let (page, sequence) = newest.ok_or(Fault::Storage)?;
        // `next` at the end of the page: the successor opens a fresh one.
        Ok(Self { page, next: store.erase_unit(), sequence })
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
        encode(state, self.sequence, padded.first_chunk_mut().ok_or(Fault::Storage)?)?;
        let bytes = padded.get(..size(cell)).ok_or(Fault::Storage)?;
        store.write(store.layout().state_page(unit, self.page), at, bytes)?;
        store.sync()
    }
}

/// Bytes from one record to the next.
fn cell<F: Flash>(store: &Store<F>) -> Result<u32, Fault> {
    u32::try_from(RECORD_SIZE.next_multiple_of(store.write_unit())).map_err(|_| Fault::Storage)
}

/// The number of the record at this place, which is then in `state`; none if no valid one is there.
#[inline(never)]
fn read<F: Flash>(store: &mut Store<F>, page: u32, at: u32, state: &mut State) -> Result<Option<u64>, Fault> {
    let mut record = [0; RECORD_SIZE];
    store.read(store.layout().state_page(store.erase_unit(), page), at, &mut record)?;
    Ok(decode(&record, state).ok())
}

#[cfg(test)]
mod tests;
