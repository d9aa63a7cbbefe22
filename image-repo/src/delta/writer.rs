//! A patch on its way out: records in segments.

mod coder;
mod segment;

use proto::delta::Header;

use super::parse::Run;
use segment::Segment;

/// Bytes of a patch after which a new segment begins. More would compress better, and be sent again after a power cut.
const SEGMENT: usize = 8 * 1024;

/// Most bytes that one half of a record makes, so that a segment can end soon.
const LONGEST: u32 = 4 * 1024;

/// Takes one run after the other, from the first byte of the new image to the last.
pub(super) struct Writer<'i> {
    old: &'i [u8],
    new: &'i [u8],
    /// Bytes of the new image that are told.
    told: u32,
    patch: Vec<u8>,
    segment: Segment,
    /// Whether a record has its literals and waits for what is copied.
    is_half: bool,
}

impl<'i> Writer<'i> {
    pub(super) fn new(header: &Header, old: &'i [u8], new: &'i [u8]) -> Self {
        Self { old, new, told: 0, patch: header.encode().to_vec(), segment: Segment::new(0), is_half: false }
    }

    pub(super) fn run(&mut self, run: Run) {
        let mut done = 0;
        while done < run.length {
            let length = (run.length - done).min(LONGEST);
            match run.old {
                Some(place) => self.copy(place + done, length),
                None => self.literals(length),
            }
            done += length;
        }
    }

    /// The patch.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.is_half {
            self.segment.no_copy();
            self.patch.extend(self.segment.finish());
        }
        self.patch
    }

    fn literals(&mut self, length: u32) {
        if self.is_half {
            self.segment.no_copy();
            self.end_record();
        }
        self.segment.literals(bytes(self.new, self.told, length));
        (self.told, self.is_half) = (self.told + length, true);
    }

    fn copy(&mut self, place: u32, length: u32) {
        if !self.is_half {
            self.segment.literals(&[]);
        }
        let (old, new) = (bytes(self.old, place, length), bytes(self.new, self.told, length));
        self.segment.copy(place, self.told, old, new);
        (self.told, self.is_half) = (self.told + length, false);
        self.end_record();
    }

    /// A record is whole; the last one of all ends its segment without a word.
    fn end_record(&mut self) {
        let is_last = usize::try_from(self.told).is_ok_and(|told| told == self.new.len());
        let ends = self.segment.length() >= SEGMENT;
        if !is_last {
            self.segment.end(ends);
        }
        if is_last || ends {
            let segment = std::mem::replace(&mut self.segment, Segment::new(self.told));
            self.patch.extend(segment.finish());
        }
    }
}

/// Part of an image. The runs of a parse lie within both.
fn bytes(image: &[u8], from: u32, length: u32) -> &[u8] {
    let range = usize::try_from(from).ok().zip(usize::try_from(length).ok());
    range.and_then(|(from, length)| image.get(from..)?.get(..length)).unwrap_or_default()
}
