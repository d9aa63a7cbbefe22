//! The machine that turns a patch into an image.

mod piece;
mod point;

use uptane::{Sha256, told};

use super::coder::{Coder, Count, Input, Walk};
use super::header::Header;
use super::model::{Context, Models};
use super::{Alignments, Failure, Images, Source};
use crate::Error;

use piece::Piece;
use point::Points;

pub use point::Point;

/// What verified metadata and the ECU's own flash say of the two images. A patch that says otherwise is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Length of the old image.
    pub old_length: u32,
    /// Digest of the old image.
    pub base: Sha256,
    /// Length of the new image.
    pub new_length: u32,
}

/// A patch on its way in.
#[derive(Debug)]
pub struct Decoder {
    expected: Expected,
    stage: Stage,
    coder: Coder,
    models: Models,
    alignments: Alignments,
    points: Points,
    /// Offset in the patch.
    patch: u32,
    /// The header, old bytes on their way to be new ones, or bytes that are not copied.
    piece: Piece,
    /// Bytes of the new image that are complete, those in `piece` not counted.
    new: u32,
    /// Bytes of the new image that are there already, and not written again.
    held: u32,
    /// Whether the record that is under way has made anything.
    has_literals: bool,
}

/// What the next bit, or byte, belongs to.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Header,
    Literals { count: Count },
    Literal { left: u32, walk: Walk },
    Copies { count: Count },
    Source { length: u32, walk: Walk },
    Distance { length: u32, is_ahead: bool, count: Count },
    Changed { run: Run },
    Difference { run: Run, walk: Walk },
    End,
    Done,
    Failed(Error),
}

/// What is left of a copy.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Where in the old image the piece after this one begins.
    next: u32,
    left: u32,
    context: Context,
}

impl Decoder {
    /// Begins with the first byte of a patch.
    pub fn new(expected: Expected) -> Self {
        Self::at(expected, Stage::Header, Point::START, 0)
    }

    /// Goes on from a point that an earlier decoder of the same patch told. Of the new image `held` bytes are there
    /// already, at least those before the point; what lies between is made again, and not written. From [`Point::START`]
    /// on the header comes first, as ever.
    pub fn resume(expected: Expected, point: Point, held: u32) -> Result<Self, Error> {
        let Expected { new_length, .. } = expected;
        if point.new > held || held > new_length {
            return Err(Error::PatchLength { expected: told(new_length), got: told(held) });
        }
        let stage = match point {
            Point::START => Stage::Header,
            Point { new, .. } if new == new_length => Stage::Done,
            Point { .. } => Stage::RECORD,
        };
        Ok(Self::at(expected, stage, point, held))
    }

    fn at(expected: Expected, stage: Stage, point: Point, held: u32) -> Self {
        Self {
            expected,
            stage,
            coder: Coder::NEW,
            models: Models::unlearned(),
            alignments: Alignments::new(point.new),
            points: Points::new(point),
            patch: point.patch,
            piece: Piece::HEADER,
            new: point.new,
            held,
            has_literals: false,
        }
    }

    /// Takes the next bytes of the patch. Whatever is refused, or could not be read or written, ends it: every further
    /// byte is refused, and a new decoder may resume.
    pub fn feed<I: Images>(&mut self, bytes: &[u8], images: &mut I) -> Result<(), Failure<I::Error>> {
        let mut input = Input::new(bytes, self.patch);
        let fed = self.run(&mut input, images);
        self.patch = input.offset();
        if let Err(failure) = &fed {
            self.stage = Stage::Failed(match failure {
                Failure::Patch(error) => *error,
                Failure::Images(_) => Error::PatchStopped,
            });
        }
        fed
    }

    /// How much of the patch was taken.
    pub fn patch_offset(&self) -> u32 {
        self.patch
    }

    /// How much of the new image is complete. A few bytes more may wait for the rest of their piece.
    pub fn new_offset(&self) -> u32 {
        self.new
    }

    /// Where to resume if `durable` bytes of the new image outlive a power cut: a point that does not lie beyond them.
    /// It moves on if this is called whenever something became durable.
    pub fn point_within(&mut self, durable: u32) -> Point {
        self.points.within(durable)
    }

    /// Refuses a patch that ended before the new image was complete.
    pub fn finish(&self) -> Result<(), Error> {
        if let Stage::Failed(error) = self.stage {
            return Err(error);
        }
        let is_done = matches!(self.stage, Stage::Done);
        is_done
            .then_some(())
            .ok_or(Error::PatchLength { expected: told(self.expected.new_length), got: told(self.new) })
    }

    fn run<I: Images>(&mut self, input: &mut Input<'_>, images: &mut I) -> Result<(), Failure<I::Error>> {
        loop {
            self.stay(input);
            let Some(answer) = self.answer(input) else { return Ok(()) };
            self.act(answer, input.offset(), images)?;
        }
    }

    /// Goes over bytes of a copy that have not changed, all but the last of their piece. They are most of an image, so that
    /// they go this way, and not through [`answer`](Self::answer) and [`act`](Self::act), makes a patch take half the
    /// time.
    fn stay(&mut self, input: &mut Input<'_>) {
        let Self { stage, coder, models, piece, .. } = self;
        let Stage::Changed { mut run } = *stage else { return };
        while !piece.is_at_last() {
            let bit = models.changed(run.context).and_then(|model| coder.bit(model, input));
            match bit {
                Some(false) => run = run.after(piece.stay()),
                Some(true) => {
                    *stage = Stage::Difference { run, walk: Walk::NEW };
                    return;
                }
                None => break,
            }
        }
        *stage = Stage::Changed { run };
    }

    /// What the patch says next; nothing if more of it is needed first.
    fn answer(&mut self, input: &mut Input<'_>) -> Option<u32> {
        let Self { stage, coder, models, .. } = self;
        match stage {
            Stage::Literals { count } => count.go(coder, &mut models.literals, input),
            Stage::Literal { walk, .. } => walk.go(coder, &mut models.literal, input),
            Stage::Copies { count } => count.go(coder, &mut models.copies, input),
            Stage::Source { walk, .. } => walk.go(coder, &mut models.source, input),
            Stage::Distance { count, .. } => count.go(coder, &mut models.distance, input),
            Stage::Changed { run } => coder.bit(models.changed(run.context)?, input).map(u32::from),
            Stage::Difference { walk, .. } => walk.go(coder, &mut models.difference, input),
            Stage::End => coder.bit(&mut models.end, input).map(u32::from),
            Stage::Header | Stage::Done | Stage::Failed(_) => input.next().map(u32::from),
        }
    }

    /// Does what this answer says; the stage is then what is to be read next.
    fn act<I: Images>(&mut self, answer: u32, patch: u32, images: &mut I) -> Result<(), Failure<I::Error>> {
        let [byte, ..] = answer.to_le_bytes();
        match self.stage {
            Stage::Header => self.header(byte)?,
            Stage::Literals { .. } => self.begin_literals(answer)?,
            Stage::Literal { left, .. } => self.literal(byte, left, images)?,
            Stage::Copies { .. } => self.length(answer, patch)?,
            Stage::Source { length, .. } => self.source(byte, length, images)?,
            Stage::Distance { length, is_ahead, .. } => {
                let source = if is_ahead { Source::Ahead(answer) } else { Source::Back(answer) };
                self.begin_copy(source, length, images)?;
            }
            Stage::Changed { run } if answer == 0 => self.copy(run, None, patch, images)?,
            Stage::Changed { run } => self.stage = Stage::Difference { run, walk: Walk::NEW },
            Stage::Difference { run, .. } => self.copy(run, Some(byte), patch, images)?,
            Stage::End if answer == 0 => self.stage = Stage::RECORD,
            Stage::End => self.begin_segment(patch),
            Stage::Done => return Err(Error::PatchTrailing.into()),
            Stage::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn header(&mut self, byte: u8) -> Result<(), Error> {
        if !self.piece.push(byte) {
            return Ok(());
        }
        let Header { old_length, new_length, base } = Header::decode(self.piece.header()?)?;
        if (old_length, base) != (self.expected.old_length, self.expected.base) {
            return Err(Error::PatchBase);
        }
        if new_length != self.expected.new_length {
            return Err(Error::PatchLength { expected: told(self.expected.new_length), got: told(new_length) });
        }
        self.stage = if new_length == 0 { Stage::Done } else { Stage::RECORD };
        Ok(())
    }

    fn begin_segment(&mut self, patch: u32) {
        self.models.forget();
        (self.coder, self.alignments) = (Coder::NEW, Alignments::new(self.new));
        self.points.begin(Point { patch, new: self.new });
        self.stage = Stage::RECORD;
    }

    fn begin_literals(&mut self, count: u32) -> Result<(), Error> {
        self.check_room(count)?;
        self.has_literals = count > 0;
        self.next_literals(count);
        Ok(())
    }

    /// Makes room for as many of these bytes as fit in a piece; after the last one come copies.
    fn next_literals(&mut self, left: u32) {
        self.piece.begin(left);
        self.stage = Stage::after_literal(left);
    }

    fn literal<I: Images>(&mut self, byte: u8, left: u32, images: &mut I) -> Result<(), Failure<I::Error>> {
        let left = left.saturating_sub(1);
        if self.piece.push(byte) {
            self.flush(images)?;
            self.next_literals(left);
        } else {
            self.stage = Stage::after_literal(left);
        }
        Ok(())
    }

    fn length(&mut self, length: u32, patch: u32) -> Result<(), Error> {
        self.check_room(length)?;
        match length {
            // A record that makes nothing could be repeated for ever.
            0 if !self.has_literals => return Err(Error::PatchRecord),
            0 => self.end_record(patch),
            _ => self.stage = Stage::Source { length, walk: Walk::NEW },
        }
        Ok(())
    }

    fn source<I: Images>(&mut self, code: u8, length: u32, images: &mut I) -> Result<(), Failure<I::Error>> {
        let source = match code {
            0..4 => Source::Recent(code),
            4 => Source::Next,
            5 | 6 => {
                self.stage = Stage::Distance { length, is_ahead: code == 5, count: Count::NEW };
                return Ok(());
            }
            _ => return Err(Error::PatchSource.into()),
        };
        self.begin_copy(source, length, images)
    }

    #[inline(never)]
    fn begin_copy<I: Images>(&mut self, source: Source, length: u32, images: &mut I) -> Result<(), Failure<I::Error>> {
        let old = self.alignments.place(source, self.new)?;
        if old.checked_add(length).is_none_or(|end| end > self.expected.old_length) {
            return Err(Error::PatchSource.into());
        }
        self.alignments.copied(old, self.new, length);
        self.load(Run { next: old, left: length, context: Context::FIRST }, images)
    }

    /// Reads the next piece of the old image.
    #[inline(never)]
    fn load<I: Images>(&mut self, run: Run, images: &mut I) -> Result<(), Failure<I::Error>> {
        self.piece.begin(run.left);
        images.read_old(run.next, self.piece.room()).map_err(Failure::Images)?;
        let next = run.next.saturating_add(self.piece.length());
        self.stage = Stage::Changed { run: Run { next, ..run } };
        Ok(())
    }

    /// One byte of a copy, and by how much it has changed.
    #[inline(never)]
    fn copy<I: Images>(
        &mut self,
        run: Run,
        difference: Option<u8>,
        patch: u32,
        images: &mut I,
    ) -> Result<(), Failure<I::Error>> {
        let old = self.piece.current();
        let run = Run {
            left: run.left.saturating_sub(1),
            context: run.context.after(old, difference.is_some()),
            next: run.next,
        };
        if !self.piece.push(old.wrapping_add(difference.unwrap_or_default())) {
            self.stage = Stage::Changed { run };
            return Ok(());
        }
        self.flush(images)?;
        if run.left > 0 {
            return self.load(run, images);
        }
        self.end_record(patch);
        Ok(())
    }

    fn end_record(&mut self, patch: u32) {
        if self.new < self.expected.new_length {
            self.stage = Stage::End;
            return;
        }
        self.points.begin(Point { patch, new: self.new });
        self.stage = Stage::Done;
    }

    /// Hands on the piece, but for what is held already.
    fn flush<I: Images>(&mut self, images: &mut I) -> Result<(), Failure<I::Error>> {
        let bytes = self.piece.done_after(self.held.saturating_sub(self.new));
        if !bytes.is_empty() {
            images.write_new(bytes).map_err(Failure::Images)?;
        }
        self.new = self.new.saturating_add(self.piece.length());
        Ok(())
    }

    /// Refuses what would make the new image longer than it is to be.
    fn check_room(&self, more: u32) -> Result<(), Error> {
        let got = self.new.saturating_add(more);
        let expected = self.expected.new_length;
        if got > expected { Err(Error::PatchLength { expected: told(expected), got: told(got) }) } else { Ok(()) }
    }
}

impl Run {
    /// After a byte that has not changed.
    fn after(self, old: u8) -> Self {
        Self { left: self.left.saturating_sub(1), context: self.context.after(old, false), ..self }
    }
}

impl Stage {
    const RECORD: Self = Self::Literals { count: Count::NEW };

    /// What follows a literal byte, or the number of them, if so many are left.
    fn after_literal(left: u32) -> Self {
        match left {
            0 => Self::Copies { count: Count::NEW },
            left => Self::Literal { left, walk: Walk::NEW },
        }
    }
}
