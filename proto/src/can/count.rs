//! The length of a frame, counted a byte at a time.
//!
//! A simulator asks for it once for every frame, and laying out each bit would be most of its work. What is counted is
//! what [`wire_bits_from`](super::wire_bits_from) lays out; a test holds the two together.

use super::bits::{Confinement, FrameBits, Head};
use super::{Format, Frame};

/// Counts the bits of a frame.
pub(super) fn frame_bits(sender: Confinement, frame: &Frame) -> FrameBits {
    let head = Head::of(sender, frame);
    let bits = head.before_switch << head.control_width | head.control;
    let mut stuffing = Stuffing::new();
    stuffing.head(bits, head.before_switch_width + head.control_width);
    stuffing.bytes(frame.data());
    // At most 64 bytes.
    let data = head.control_width + 8 * u32::try_from(frame.data().len()).unwrap_or_default();
    match frame.format() {
        Format::Classical => {
            // One bit more than the checksum has: a run that ends with it calls for a stuff bit, too.
            stuffing.bytes(&(crc15(bits, frame.data()) << 1).to_be_bytes());
            FrameBits { nominal: head.before_switch_width + data + 15 + stuffing.inserted + TAIL, data: 0 }
        }
        Format::Fd => {
            let mut nominal = Stuffing::new();
            nominal.head(head.before_switch, head.before_switch_width);
            // Stuff count and checksum, and a fixed stuff bit before every four bits of them.
            let check = if frame.data().len() <= 16 { 4 + 17 + 6 } else { 4 + 21 + 7 };
            let inserted = stuffing.inserted - nominal.inserted;
            FrameBits { nominal: head.before_switch_width + nominal.inserted + TAIL, data: data + inserted + check }
        }
    }
}

/// The run of equal bits so far, and how many stuff bits were due before the bit that came last.
struct Stuffing {
    state: u16,
    inserted: u32,
}

impl Stuffing {
    fn new() -> Self {
        Self { state: 0, inserted: 0 }
    }

    /// The first bits of a frame, of which the very first is dominant. Bits that alternate stand before them up to whole
    /// bytes: no run is longer for it.
    fn head(&mut self, bits: u64, width: u32) {
        let filled = (0x55 << width | bits).to_be_bytes();
        let spare = filled.len().saturating_sub(usize::try_from(width.div_ceil(8)).unwrap_or_default());
        self.bytes(filled.get(spare..).unwrap_or_default());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let Some(after) = BYTES.get(usize::from(self.state | u16::from(*byte))) else { return };
            self.state = after & 0xff00;
            self.inserted += u32::from(after & 0xff);
        }
    }
}

/// What a bit makes of a run. States 1 to 5 are so many dominant bits, 6 to 10 so many recessive ones.
const fn step(state: u8, bit: bool) -> (u8, bool) {
    let first = if bit { 6 } else { 1 };
    let (recessive, run) = match state {
        START => return (first, false),
        1..=5 => (false, state),
        _ => (true, state - 5),
    };
    match (bit == recessive, run) {
        // The stuff bit has the other value: the bit repeats it or not.
        (true, 5) => (first, true),
        (false, 5) => (first + 1, true),
        (true, _) => (state + 1, false),
        (false, _) => (first, false),
    }
}

const fn after_byte(state: u8, byte: u8) -> (u8, u8) {
    let (mut state, mut inserted, mut at) = (state, 0, 8);
    while at > 0 {
        at -= 1;
        let (next, stuffed) = step(state, byte >> at & 1 == 1);
        state = next;
        if stuffed {
            inserted += 1;
        }
    }
    (state, inserted)
}

/// The checksum of a classical frame. It begins with zero, so it is the sum of what each byte adds at its place, and zeros
/// in front add nothing.
fn crc15(head: u64, data: &[u8]) -> u16 {
    let (of_data, of_head) = CRC15.split_at(data.len().min(CRC15.len()));
    let add =
        |crc: u16, (byte, place): (&u8, &[u16; 256])| crc ^ place.get(usize::from(*byte)).copied().unwrap_or_default();
    let crc = data.iter().rev().zip(of_data).fold(0, add);
    head.to_le_bytes().iter().zip(of_head).fold(crc, add)
}

/// Eight zeros follow.
const fn crc15_after_byte(crc: u16) -> u16 {
    let mut crc = crc;
    let mut at = 0;
    while at < 8 {
        crc = if crc & 0x4000 == 0 { crc << 1 } else { crc << 1 ^ 0x4599 };
        at += 1;
    }
    crc & 0x7fff
}

/// CRC delimiter, acknowledgement, its delimiter, end of frame and interframe space.
const TAIL: u32 = 1 + 1 + 1 + 7 + 3;
/// No bit yet.
const START: u8 = 0;
const STATES: usize = 11;

/// Bytes of the longest classical frame that its checksum covers: 39 bits before the data, and 8 bytes.
const COVERED: usize = 5 + 8;

/// The state after a byte in the upper half, and the stuff bits in it in the lower one; at the state before in the upper
/// half, and the byte in the lower one.
#[expect(clippy::as_conversions, clippy::indexing_slicing, reason = "a table made by the compiler, which checks it")]
static BYTES: [u16; STATES * 256] = {
    let mut table = [0; STATES * 256];
    let mut at = 0;
    while at < table.len() {
        let (state, inserted) = after_byte((at / 256) as u8, (at % 256) as u8);
        table[at] = (state as u16) << 8 | inserted as u16;
        at += 1;
    }
    table
};

/// What a byte adds to the checksum, by the number of bytes behind it.
#[expect(clippy::as_conversions, clippy::indexing_slicing, reason = "a table made by the compiler, which checks it")]
static CRC15: [[u16; 256]; COVERED] = {
    let mut table = [[0; 256]; COVERED];
    let mut place = 0;
    while place < COVERED {
        let mut byte = 0;
        while byte < 256 {
            let crc = if place == 0 { (byte as u16) << 7 } else { table[place - 1][byte] };
            table[place][byte] = crc15_after_byte(crc);
            byte += 1;
        }
        place += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::super::tests::any_frame;
    use super::super::{Rate, wire_bits_from};
    use super::*;

    proptest! {
        #[test]
        fn as_many_bits_are_counted_as_are_laid_out(frame in any_frame(), passive in any::<bool>(), fill in 0_usize..3) {
            let sender = if passive { Confinement::Passive } else { Confinement::Active };
            // Random data seldom has long runs.
            let data = [frame.data().to_vec(), vec![0; frame.data().len()], vec![0xff; frame.data().len()]];
            let frame = match frame.is_remote() {
                true => frame,
                false => Frame::new(frame.id(), frame.format(), &data[fill]).unwrap(),
            };
            let mut bits = FrameBits::default();
            wire_bits_from(sender, &frame, |_, rate| match rate {
                Rate::Nominal => bits.nominal += 1,
                Rate::Data => bits.data += 1,
            });
            prop_assert_eq!(frame_bits(sender, &frame), bits);
        }
    }
}
