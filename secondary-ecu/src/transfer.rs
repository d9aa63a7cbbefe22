//! The file on its way from the Primary.

use uptane::Length;
use uptane::verify::image::ImageCheck;

use crate::Fault;
use crate::flash::{Appender, Area};
use crate::patching::Patching;

/// The one file that is on its way.
pub(crate) enum Transfer {
    /// None.
    None,
    /// For the verifier.
    Metadata(Progress),
    /// A command, into a slot.
    Command(Progress, Appender, Area),
    /// An image, written and checked while it arrives; the last committed one has no check but by its digest in the end.
    Image(Progress, Appender, Option<ImageCheck>),
    /// A patch, of which the image is made while it arrives.
    Patch(Progress, Patching),
    /// An image that is in the bank as a whole already, or of which nothing is taken yet.
    Complete(Progress),
}

impl Transfer {
    /// How far it is.
    pub(crate) fn progress(&self) -> Option<Progress> {
        match self {
            Self::None => None,
            Self::Metadata(progress)
            | Self::Command(progress, _, _)
            | Self::Image(progress, _, _)
            | Self::Patch(progress, _)
            | Self::Complete(progress) => Some(*progress),
        }
    }

    /// Where to go on with it: at its first byte where there is none.
    pub(crate) fn next(&self) -> Length {
        self.progress().and_then(|progress| progress.offset().ok()).unwrap_or(Length::ZERO)
    }

    /// Bytes of an image that are in flash.
    pub(crate) fn written(&self) -> Option<u32> {
        match self {
            Self::Image(_, appender, _) => Some(appender.written()),
            Self::Patch(_, patching) => Some(patching.written()),
            Self::None | Self::Metadata(_) | Self::Command(..) | Self::Complete(_) => None,
        }
    }

    pub(crate) fn progress_mut(&mut self) -> Option<&mut Progress> {
        match self {
            Self::None => None,
            Self::Metadata(progress)
            | Self::Command(progress, _, _)
            | Self::Image(progress, _, _)
            | Self::Patch(progress, _)
            | Self::Complete(progress) => Some(progress),
        }
    }
}

/// How many of how many bytes have been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) length: u64,
    pub(crate) taken: u64,
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
    pub(crate) fn new(length: Length) -> Self {
        Self { length: length.get(), taken: 0 }
    }

    /// One that goes on after so many bytes.
    pub(crate) fn after(taken: u32, length: Length) -> Self {
        Self { length: length.get(), taken: u64::from(taken) }
    }

    /// Where a chunk belongs. One that would go beyond the announced length is refused before a byte of it is used.
    pub(crate) fn place(&self, offset: Length, bytes: &[u8]) -> Result<Chunk, Fault> {
        let length = u64::try_from(bytes.len()).map_err(|_| Fault::TooLong)?;
        let end = offset.get().saturating_add(length);
        match offset.get() {
            _ if end > self.length => Err(Fault::TooLong),
            offset if offset == self.taken => Ok(Chunk::Next),
            _ if end <= self.taken => Ok(Chunk::Taken),
            _ => Err(Fault::Offset),
        }
    }

    /// Counts bytes that were taken.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        // `place` has shown that the sum stays within `length`.
        self.taken = self.taken.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    /// Refuses a file whose last byte has not been taken.
    pub(crate) fn complete(&self) -> Result<(), Fault> {
        match self.taken == self.length {
            true => Ok(()),
            false => Err(Fault::Offset),
        }
    }

    pub(crate) fn offset(&self) -> Result<Length, Fault> {
        Ok(Length::new(self.taken)?)
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
        assert_eq!(Progress { length: 10, taken: 10 }.complete(), Ok(()));
        assert_eq!(Progress { length: 10, taken: 9 }.complete(), Err(Fault::Offset));
    }
}
