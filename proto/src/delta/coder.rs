//! Bits out of bytes: the decoding half of a range coder, which may be short of input before any bit.
//!
//! `None` says that the next byte of the patch is needed; the same call with more input goes on where it was.

use super::model::{BITS, Model, Number, RENORMALISE};

/// Bytes of a patch that have come and are not used yet.
pub(super) struct Input<'i> {
    bytes: &'i [u8],
    offset: u32,
}

impl<'i> Input<'i> {
    /// Bytes that begin at this offset of the patch.
    pub(super) fn new(bytes: &'i [u8], offset: u32) -> Self {
        Self { bytes, offset }
    }

    /// Offset of the next one.
    pub(super) fn offset(&self) -> u32 {
        self.offset
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        self.offset = self.offset.saturating_add(1);
        Some(*first)
    }
}

/// What is known of the number that the bytes of a segment spell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coder {
    range: u32,
    code: u32,
    /// Bytes that are to be taken in before the first bit.
    missing: u8,
}

impl Coder {
    /// At the start of a segment.
    pub(super) const NEW: Self = Self { range: u32::MAX, code: 0, missing: 4 };

    /// The next bit, from which its model learns.
    pub(super) fn bit(&mut self, model: &mut Model, input: &mut Input<'_>) -> Option<bool> {
        let bit = self.unlearned(*model, input)?;
        model.learn(bit);
        Some(bit)
    }

    fn unlearned(&mut self, model: Model, input: &mut Input<'_>) -> Option<bool> {
        while self.missing > 0 {
            self.take(input)?;
            self.missing -= 1;
        }
        while self.range < RENORMALISE {
            self.take(input)?;
            self.range <<= 8;
        }
        // A range is at least 2^24 here and a likelihood at most 4095 of 4096: neither part is ever empty.
        let bound = (self.range >> BITS) * model.likelihood();
        let bit = self.code < bound;
        if bit {
            self.range = bound;
        } else {
            self.range -= bound;
            self.code -= bound;
        }
        Some(bit)
    }

    fn take(&mut self, input: &mut Input<'_>) -> Option<()> {
        self.code = self.code << 8 | u32::from(input.next()?);
        Some(())
    }
}

/// A value that a tree spells, as far as its bits have come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk(usize);

impl Walk {
    pub(super) const NEW: Self = Self(1);

    /// The value, once it is complete.
    pub(super) fn go(&mut self, coder: &mut Coder, tree: &mut [Model], input: &mut Input<'_>) -> Option<u32> {
        // Every node has its place in the tree, so only input can be missing.
        while let Some(model) = tree.get_mut(self.0) {
            let bit = coder.bit(model, input)?;
            self.0 = self.0 << 1 | usize::from(bit);
        }
        u32::try_from(self.0.saturating_sub(tree.len())).ok()
    }
}

/// A number, as far as its bits have come: that above it has `size` bits after its highest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    Size { size: usize },
    Value { left: usize, value: u32 },
}

impl Count {
    pub(super) const NEW: Self = Self::Size { size: 0 };

    /// The number, once it is complete.
    pub(super) fn go(&mut self, coder: &mut Coder, models: &mut Number, input: &mut Input<'_>) -> Option<u32> {
        loop {
            *self = match *self {
                Self::Value { left: 0, value } => return value.checked_sub(1),
                Self::Value { left, value } => {
                    let bit = coder.unlearned(Model::EVEN, input)?;
                    Self::Value { left: left - 1, value: value << 1 | u32::from(bit) }
                }
                Self::Size { size } => {
                    let is_longer = models.get_mut(size).map_or(Some(false), |model| coder.bit(model, input))?;
                    if is_longer { Self::Size { size: size + 1 } } else { Self::Value { left: size, value: 1 } }
                }
            }
        }
    }
}
