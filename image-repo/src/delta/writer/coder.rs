//! Bits into bytes: the encoding half of the range coder.

use proto::delta::{BITS, Model, RENORMALISE};

/// The bytes of a segment on their way out.
///
/// All that is still possible is the range of numbers from `low` on. Its upper bytes are certain but for a carry, which
/// may run through any number of bytes `ff`.
pub(super) struct Coder {
    bytes: Vec<u8>,
    low: u64,
    range: u32,
    /// The last byte that a carry would change. The first one never stands in a patch: it is always 0.
    last: Option<u8>,
    /// Bytes `ff` after it.
    full: usize,
}

impl Coder {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), low: 0, range: u32::MAX, last: None, full: 0 }
    }

    /// Bytes so far, those that are not certain included.
    pub(super) fn length(&self) -> usize {
        self.bytes.len() + self.full + 1
    }

    /// The next bit, from which its model learns. Every place of a tree has one; where it had none the patch would not
    /// decode to the image, and would not be handed out.
    pub(super) fn bit(&mut self, model: Option<&mut Model>, bit: bool) {
        let Some(model) = model else { return };
        while self.range < RENORMALISE {
            self.range <<= 8;
            self.shift();
        }
        let bound = (self.range >> BITS) * model.likelihood();
        if bit {
            self.range = bound;
        } else {
            self.range -= bound;
            self.low += u64::from(bound);
        }
        model.learn(bit);
    }

    /// The bytes, as many as a decoder takes in for the last bit.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for _ in 0..5 {
            self.shift();
        }
        self.bytes
    }

    /// Moves the highest byte of `low` out.
    fn shift(&mut self) {
        let [carry, byte] = [self.low >> 32, self.low >> 24].map(|bits| bits.to_le_bytes()[0]);
        self.low = (self.low & 0x00ff_ffff) << 8;
        if byte == 0xff && carry == 0 {
            self.full += 1;
            return;
        }
        self.bytes.extend(self.last.map(|last| last.wrapping_add(carry)));
        self.bytes.extend(std::iter::repeat_n(carry.wrapping_sub(1), self.full));
        (self.last, self.full) = (Some(byte), 0);
    }
}
