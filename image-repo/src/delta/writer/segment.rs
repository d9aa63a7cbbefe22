//! One segment: what its records say, asked and learned in the order in which a decoder asks.

use proto::delta::{Alignments, Context, Model, Models, Number, Source, Tree};

use super::coder::Coder;

pub(super) struct Segment {
    coder: Coder,
    models: Models,
    alignments: Alignments,
}

impl Segment {
    /// One that begins at this offset of the new image.
    pub(super) fn new(new: u32) -> Self {
        Self { coder: Coder::new(), models: Models::unlearned(), alignments: Alignments::new(new) }
    }

    /// Bytes so far.
    pub(super) fn length(&self) -> usize {
        self.coder.length()
    }

    /// The bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        self.coder.finish()
    }

    /// The first half of a record.
    pub(super) fn literals(&mut self, bytes: &[u8]) {
        let Self { coder, models, .. } = self;
        number(coder, &mut models.literals, count(bytes));
        bytes.iter().for_each(|byte| tree(coder, &mut models.literal, *byte));
    }

    /// The second half of a record that copies nothing.
    pub(super) fn no_copy(&mut self) {
        number(&mut self.coder, &mut self.models.copies, 0);
    }

    /// The second half: `old`, which begins at `place`, becomes `new`, which begins at `told`.
    pub(super) fn copy(&mut self, place: u32, told: u32, old: &[u8], new: &[u8]) {
        let Self { coder, models, alignments } = self;
        number(coder, &mut models.copies, count(new));
        let source = alignments.name(place, told);
        tree(coder, &mut models.source, source.code());
        if let Source::Ahead(distance) | Source::Back(distance) = source {
            number(coder, &mut models.distance, distance);
        }
        alignments.copied(place, told, count(new));
        let mut context = Context::FIRST;
        for (old, new) in old.iter().zip(new) {
            coder.bit(models.changed(context), old != new);
            if old != new {
                tree(coder, &mut models.difference, new.wrapping_sub(*old));
            }
            context = context.after(*old, old != new);
        }
    }

    /// After a record: whether it was the last one of the segment.
    pub(super) fn end(&mut self, ends: bool) {
        self.coder.bit(Some(&mut self.models.end), ends);
    }
}

/// A value below `N`, bit by bit from the highest.
fn tree<const N: usize>(coder: &mut Coder, models: &mut Tree<N>, value: u8) {
    let mut node = 1;
    for place in (0..N.trailing_zeros()).rev() {
        let bit = value >> place & 1 == 1;
        coder.bit(models.get_mut(node), bit);
        node = node << 1 | usize::from(bit);
    }
}

/// A number from 0 to 2^32 - 2: how many bits the number above it has after its highest, then those.
fn number(coder: &mut Coder, models: &mut Number, value: u32) {
    let above = value.saturating_add(1);
    let size = above.ilog2();
    for (place, model) in (0..=size).zip(models) {
        coder.bit(Some(model), place < size);
    }
    for place in (0..size).rev() {
        coder.bit(Some(&mut Model::EVEN.clone()), above >> place & 1 == 1);
    }
}

/// Both halves of a record are bounded by a number that fits.
fn count(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
