//! Writing a file of any chunk sizes into flash that has a write unit and an erase unit.

use super::{Area, Flash, MAX_WRITE_UNIT, Store, size};
use crate::Fault;

/// Appends to an area, erasing each erase unit just before its first byte is written.
///
/// Erasing late means that what a power cut left behind the resume offset is never written over, and that no request
/// waits for a whole bank to be erased. The default has no room at all.
#[derive(Debug, Default)]
pub struct Appender {
    area: Area,
    written: u32,
    tail: [u8; MAX_WRITE_UNIT],
    held: usize,
}

impl Appender {
    /// Starts at `from`, which is a multiple of the erase unit; what stands before it is kept.
    pub fn new(area: Area, from: u32) -> Self {
        Self { area, written: from, tail: [0xff; MAX_WRITE_UNIT], held: 0 }
    }

    /// Appends `bytes`. The last few may wait in memory for the rest of their write unit.
    pub fn push<F: Flash>(&mut self, store: &mut Store<F>, bytes: &[u8]) -> Result<(), Fault> {
        let mut rest = self.fill_tail(store, bytes)?;
        while rest.len() >= store.write_unit() {
            let unit = store.erase_unit();
            let room = size(unit - self.written % unit).min(rest.len());
            let (now, later) = rest.split_at(room - room % store.write_unit());
            self.write(store, now)?;
            rest = later;
        }
        self.hold(rest)
    }

    /// Writes what waits, padded with erased bytes. Nothing can be appended after it.
    pub fn finish<F: Flash>(mut self, store: &mut Store<F>) -> Result<(), Fault> {
        if self.held == 0 {
            return Ok(());
        }
        let (tail, unit) = (self.tail, store.write_unit());
        self.write(store, tail.get(..unit).ok_or(Fault::Storage)?)
    }

    /// Where it writes.
    pub fn area(&self) -> Area {
        self.area
    }

    /// Bytes that are in flash already.
    pub fn written(&self) -> u32 {
        self.written
    }

    /// Completes a started write unit; returns what did not go into it.
    fn fill_tail<'b, F: Flash>(&mut self, store: &mut Store<F>, bytes: &'b [u8]) -> Result<&'b [u8], Fault> {
        if self.held == 0 {
            return Ok(bytes);
        }
        let unit = store.write_unit();
        let (first, rest) = bytes.split_at(bytes.len().min(unit.saturating_sub(self.held)));
        self.hold(first)?;
        if self.held == unit {
            let tail = self.tail;
            self.write(store, tail.get(..unit).ok_or(Fault::Storage)?)?;
            (self.tail, self.held) = ([0xff; MAX_WRITE_UNIT], 0);
        }
        Ok(rest)
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let end = self.held.saturating_add(bytes.len());
        self.tail.get_mut(self.held..end).ok_or(Fault::Storage)?.copy_from_slice(bytes);
        self.held = end;
        Ok(())
    }

    /// Writes whole write units that stay inside one erase unit.
    fn write<F: Flash>(&mut self, store: &mut Store<F>, bytes: &[u8]) -> Result<(), Fault> {
        let unit = store.erase_unit();
        if self.written.is_multiple_of(unit) {
            store.erase(self.area, self.written, unit)?;
        }
        store.write(self.area, self.written, bytes)?;
        let length = u32::try_from(bytes.len()).map_err(|_| Fault::Storage)?;
        self.written = self.written.saturating_add(length);
        Ok(())
    }
}
