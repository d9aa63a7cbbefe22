//! Where copies come from. Code moves in pieces, so the way a piece has moved is worth remembering.

use core::mem::swap;

use crate::Error;

/// How a patch says where a copy begins in the old image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// As far from its place in the new image as one of the last four copies, the last one first.
    Recent(u8),
    /// Where the last copy ended.
    Next,
    /// So many bytes after that.
    Ahead(u32),
    /// So many bytes, and one, before that.
    Back(u32),
}

impl Source {
    /// The number that stands for it, below 7.
    pub fn code(self) -> u8 {
        match self {
            Self::Recent(which) => which & 3,
            Self::Next => 4,
            Self::Ahead(_) => 5,
            Self::Back(_) => 6,
        }
    }
}

/// How far apart the last copies were from their places in the new image: new offset less old offset, modulo 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alignments {
    recent: [u32; 4],
    next: u32,
}

impl Alignments {
    /// At the start of a segment, which begins at this offset of the new image.
    pub fn new(new: u32) -> Self {
        Self { recent: [0; 4], next: new }
    }

    /// Where in the old image a copy to this offset of the new one begins. It may lie outside.
    pub fn place(&self, source: Source, new: u32) -> Result<u32, Error> {
        match source {
            Source::Recent(which) => {
                let alignment = self.recent.get(usize::from(which)).ok_or(Error::PatchSource)?;
                Ok(new.wrapping_sub(*alignment))
            }
            Source::Next => Ok(self.next),
            Source::Ahead(distance) => self.next.checked_add(distance).ok_or(Error::PatchSource),
            Source::Back(distance) => {
                let place = self.next.checked_sub(distance).and_then(|place| place.checked_sub(1));
                place.ok_or(Error::PatchSource)
            }
        }
    }

    /// The shortest way to say that a copy to this offset begins there.
    pub fn name(&self, old: u32, new: u32) -> Source {
        let alignment = new.wrapping_sub(old);
        let recent = (0..).zip(self.recent).find(|(_, known)| *known == alignment);
        match (recent, old.checked_sub(self.next)) {
            (Some((which, _)), _) => Source::Recent(which),
            (None, Some(0)) => Source::Next,
            (None, Some(distance)) => Source::Ahead(distance),
            (None, None) => Source::Back(self.next - old - 1),
        }
    }

    /// Remembers a copy of so many bytes.
    pub fn copied(&mut self, old: u32, new: u32, length: u32) {
        let mut alignment = new.wrapping_sub(old);
        let last = alignment;
        for known in &mut self.recent {
            swap(known, &mut alignment);
            if alignment == last {
                break;
            }
        }
        self.next = old.wrapping_add(length);
    }
}
