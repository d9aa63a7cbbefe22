//! The few bytes that are under way.

use crate::Error;
use crate::delta::HEADER;

/// Bytes that are read and written at a time; a header fits in.
const PIECE: usize = 64;

/// Bytes that become others one by one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    bytes: [u8; PIECE],
    /// How many there are.
    filled: usize,
    /// How many of them are done.
    done: usize,
}

impl Piece {
    /// Room for a header.
    pub(super) const HEADER: Self = Self { bytes: [0; PIECE], filled: HEADER, done: 0 };

    /// Makes room for as many of so many bytes as fit in.
    pub(super) fn begin(&mut self, wanted: u32) {
        let filled = usize::try_from(wanted).unwrap_or(PIECE).min(PIECE);
        (self.filled, self.done) = (filled, 0);
    }

    /// The bytes, to be filled with old ones.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.filled).unwrap_or_default()
    }

    /// How many there are.
    pub(super) fn length(&self) -> u32 {
        u32::try_from(self.filled).unwrap_or_default()
    }

    /// The next one that is not done.
    pub(super) fn current(&self) -> u8 {
        self.bytes.get(self.done).copied().unwrap_or_default()
    }

    /// Does the next one, and says whether it was the last.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        if let Some(place) = self.bytes.get_mut(self.done) {
            *place = byte;
        }
        self.done = self.done.saturating_add(1);
        self.done >= self.filled
    }

    /// Whether no more than the last is left to be done.
    pub(super) fn is_at_last(&self) -> bool {
        self.done.saturating_add(1) >= self.filled
    }

    /// The next one stays as it is.
    pub(super) fn stay(&mut self) -> u8 {
        let byte = self.current();
        self.done = self.done.saturating_add(1);
        byte
    }

    /// All of them but the first ones.
    pub(super) fn done_after(&self, first: u32) -> &[u8] {
        let first = usize::try_from(first).unwrap_or(PIECE);
        self.bytes.get(first.min(self.filled)..self.filled).unwrap_or_default()
    }

    /// All of them, where they are a header.
    pub(super) fn header(&self) -> Result<&[u8; HEADER], Error> {
        self.bytes.first_chunk().ok_or(Error::NotAPatch)
    }
}
