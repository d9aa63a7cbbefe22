//! The length of a frame, counted a byte at a time.
//!
//! A simulator asks for it once for every frame, and laying out each bit would be most of its work. What is counted is
//! what [`wire_bits_from`](super::wire_bits_from) lays out; a test holds the two together.

use super::bits::{Confinement, FrameBits, Head};
use super::{Format, Frame};

/// Counts the bits of a frame.
pub(super) fn frame_bits(sender: Confinement, frame: &Frame) -> FrameBits {
    let head = Head::of(sender, frame);
    let mut stuffing = Stuffing::new();
    stuffing.bits(head.before_switch, head.before_switch_width);
    let nominal = head.before_switch_width + stuffing.inserted;
    stuffing.bits(head.control, head.control_width);
    frame.data().iter().for_each(|byte| stuffing.byte(*byte));
    // At most 64 bytes.
    let data = head.control_width + 8 * u32::try_from(frame.data().len()).unwrap_or_default();
    match frame.format() {
        Format::Classical => {
            stuffing.bits(crc15(&head, frame.data()).into(), 15);
            let inserted = stuffing.inserted + u32::from(stuffing.ends_in_a_run());
            FrameBits { nominal: head.before_switch_width + data + 15 + inserted + TAIL, data: 0 }
        }
        Format::Fd => {
            // Stuff count and checksum, and a fixed stuff bit before every four bits of them.
            let check = if frame.data().len() <= 16 { 4 + 17 + 6 } else { 4 + 21 + 7 };
            let inserted = stuffing.inserted - (nominal - head.before_switch_width);
            FrameBits { nominal: nominal + TAIL, data: data + inserted + check }
        }
    }
}

/// The run of equal bits so far, and how many stuff bits were due before the bit that came last.
struct Stuffing {
    state: u8,
    inserted: u32,
}

impl Stuffing {
    fn new() -> Self {
        Self { state: START, inserted: 0 }
    }

    fn bits(&mut self, value: u64, width: u32) {
        let mut left = width;
        while left >= 8 {
            left -= 8;
            let [byte, ..] = (value >> left).to_le_bytes();
            self.byte(byte);
        }
        for at in (0..left).rev() {
            let (state, inserted) = step(self.state, value >> at & 1 == 1);
            self.state = state;
            self.inserted += u32::from(inserted);
        }
    }

    fn byte(&mut self, byte: u8) {
        let row = BYTES.get(usize::from(self.state)).and_then(|row| row.get(usize::from(byte)));
        let Some(&(state, inserted)) = row else { return };
        self.state = state;
        self.inserted += u32::from(inserted);
    }

    fn ends_in_a_run(&self) -> bool {
        self.state == 5 || self.state == 10
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

/// The checksum of a classical frame. It begins with zero, so zeros in front change nothing.
fn crc15(head: &Head, data: &[u8]) -> u16 {
    let width = head.control_width;
    let first = (head.before_switch << width | head.control).to_be_bytes();
    first.iter().chain(data).fold(0, |crc: u16, byte| {
        let [index, ..] = (crc >> 7 ^ u16::from(*byte)).to_le_bytes();
        let change = CRC15.get(usize::from(index)).copied().unwrap_or_default();
        (crc << 8 ^ change) & 0x7fff
    })
}

const fn crc15_of_byte(byte: u8) -> u16 {
    #[expect(clippy::as_conversions, reason = "u8 to u16 in a constant; From is not const")]
    let mut crc = (byte as u16) << 7;
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

/// The state after a byte, and the stuff bits in it.
#[expect(clippy::as_conversions, clippy::indexing_slicing, reason = "a table made by the compiler, which checks it")]
const BYTES: [[(u8, u8); 256]; STATES] = {
    let mut table = [[(0, 0); 256]; STATES];
    let mut state = 0;
    while state < STATES {
        let mut byte = 0;
        while byte < 256 {
            table[state][byte] = after_byte(state as u8, byte as u8);
            byte += 1;
        }
        state += 1;
    }
    table
};

/// The change a byte makes to the checksum.
#[expect(clippy::as_conversions, clippy::indexing_slicing, reason = "a table made by the compiler, which checks it")]
const CRC15: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = crc15_of_byte(byte as u8);
        byte += 1;
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
