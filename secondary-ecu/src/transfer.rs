//! The file on its way from the Primary.

use uptane::Length;

use crate::Fault;
use crate::flash::{Appender, Area, size};

/// The one file that is on its way.
#[derive(Default)]
pub(crate) struct Transfer {
    pub(crate) kind: Kind,
    pub(crate) progress: Progress,
    /// Where its bytes go: nowhere, but for a [`Kind`] that is written by the machine.
    pub(crate) appender: Appender,
}

/// What is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    #[default]
    Nothing,
    /// A file for the verifier.
    Metadata,
    /// A command, into a slot.
    Command,
    /// An image, into its bank.
    Image,
    /// A patch, of which the image is made while it arrives.
    Patch,
    /// An image that is in the bank as a whole already, or of which nothing is taken yet.
    Complete,
}

impl Transfer {
    /// Begins with a file of which the machine writes nothing.
    #[inline(never)]
    pub(crate) fn begin(&mut self, kind: Kind, progress: Progress) {
        *self = Self { kind, progress, appender: Appender::default() };
    }

    /// Begins with a file that is written into `area`, behind what is durable of it.
    #[inline(never)]
    pub(crate) fn begin_in(&mut self, area: Area, durable: u32, kind: Kind, progress: Progress) {
        *self = Self { kind, progress, appender: Appender::new(area, durable) };
    }

    /// Whether bytes of an image are written.
    pub(crate) fn is_writing_image(&self) -> bool {
        matches!(self.kind, Kind::Image | Kind::Patch)
    }
}

/// How many of how many bytes have been taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) length: u32,
    pub(crate) taken: u32,
}

/// What to do with a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// These are the next bytes.
    Next,
    /// They were taken before.
    Taken,
}

impl Progress {
    /// One that goes on after so many bytes. What is longer than any flash is refused.
    pub(crate) fn after(taken: u32, length: Length) -> Result<Self, Fault> {
        let length = u32::try_from(length.get()).map_err(|_| Fault::TooLong)?;
        Ok(Self { length, taken })
    }

    /// Where a chunk belongs. One that would go beyond the announced length is refused before a byte of it is used.
    pub(crate) fn place(&self, offset: Length, bytes: &[u8]) -> Result<Chunk, Fault> {
        let offset = u32::try_from(offset.get()).map_err(|_| Fault::TooLong)?;
        let end = size(offset).saturating_add(bytes.len());
        match offset {
            _ if end > size(self.length) => Err(Fault::TooLong),
            _ if offset == self.taken => Ok(Chunk::Next),
            _ if end <= size(self.taken) => Ok(Chunk::Taken),
            _ => Err(Fault::Offset),
        }
    }

    /// Counts bytes that were taken.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        // `place` has shown that the sum stays within `length`.
        self.taken = self.taken.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    }

    /// Whether the last byte has been taken.
    pub(crate) fn is_complete(&self) -> bool {
        self.taken == self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u64) -> Length {
        Length::new(offset).unwrap()
    }

    #[test]
    fn a_chunk_is_next_or_known_or_refused() {
        let progress = Progress { length: 10, taken: 4 };
        assert_eq!(progress.place(at(4), &[0; 6]), Ok(Chunk::Next));
        assert_eq!(progress.place(at(0), &[0; 4]), Ok(Chunk::Taken));
        assert_eq!(progress.place(at(2), &[0; 4]), Err(Fault::Offset));
        assert_eq!(progress.place(at(5), &[0; 2]), Err(Fault::Offset));
        assert_eq!(progress.place(at(4), &[0; 7]), Err(Fault::TooLong));
    }

    #[test]
    fn only_the_whole_file_is_complete() {
        assert!(Progress { length: 10, taken: 10 }.is_complete());
        assert!(!Progress { length: 10, taken: 9 }.is_complete());
    }
}
