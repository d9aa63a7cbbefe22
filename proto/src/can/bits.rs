//! A frame as the bits a bus carries (ISO 11898-1), and how long they take.
//!
//! The bits are the real ones, from start of frame to the end of the interframe space, with their CRC and with every
//! stuff bit; what a node acknowledges is taken as acknowledged. An FD frame changes its bit rate inside the BRS bit and
//! inside the CRC delimiter; both are counted as wholly nominal, which is wrong by less than one bit.

use core::num::NonZeroU32;
use core::time::Duration;

use super::crc::Crc;
use super::decoder::stuff_count;
use super::{Format, Frame, count, data_length_code};

/// The bit rate a bit is sent at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a CAN frame has two phases")]
pub enum Rate {
    /// That of arbitration and acknowledgement.
    Nominal,
    /// That of an FD frame's data phase.
    Data,
}

/// Bits per second of a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitRates {
    nominal: NonZeroU32,
    data: NonZeroU32,
}

impl BitRates {
    /// 500 kbit/s, and 2 Mbit/s in the data phase of FD frames: what vehicles commonly use.
    pub const COMMON: Self = match (NonZeroU32::new(500_000), NonZeroU32::new(2_000_000)) {
        (Some(nominal), Some(data)) => Self::new(nominal, data),
        _ => Self::new(NonZeroU32::MIN, NonZeroU32::MIN),
    };

    /// A bus with these rates; classical frames use the first alone.
    pub const fn new(nominal: NonZeroU32, data: NonZeroU32) -> Self {
        Self { nominal, data }
    }

    /// Bits per second in a phase.
    pub const fn of(self, rate: Rate) -> NonZeroU32 {
        match rate {
            Rate::Nominal => self.nominal,
            Rate::Data => self.data,
        }
    }
}

/// How many bits a frame has on the wire, interframe space included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameBits {
    /// Bits at the nominal rate.
    pub nominal: u32,
    /// Bits at the data rate.
    pub data: u32,
}

/// What a sender's error counters let it do (ISO 11898-1). FD frames say it in their ESI bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a node that sends is in one of these two states")]
pub enum Confinement {
    /// Error active: its error flags are dominant.
    #[default]
    Active,
    /// Error passive: they are recessive.
    Passive,
}

/// Counts the bits of a frame whose sender is error active.
pub fn frame_bits(frame: &Frame) -> FrameBits {
    frame_bits_from(Confinement::Active, frame)
}

/// Counts the bits of a frame.
pub fn frame_bits_from(sender: Confinement, frame: &Frame) -> FrameBits {
    count::frame_bits(sender, frame)
}

/// How long a frame occupies a bus, interframe space included; rounded down to the nanosecond.
pub fn bus_time(frame: &Frame, rates: BitRates) -> Duration {
    let bits = frame_bits(frame);
    let time = |bits: u32, rate: NonZeroU32| u64::from(bits) * 1_000_000_000 / u64::from(rate.get());
    Duration::from_nanos(time(bits.nominal, rates.nominal) + time(bits.data, rates.data))
}

/// Every bit of the frame of an error active sender in the order of the wire; `true` is recessive.
pub fn wire_bits(frame: &Frame, emit: impl FnMut(bool, Rate)) {
    wire_bits_from(Confinement::Active, frame, emit);
}

/// Every bit of the frame in the order of the wire; `true` is recessive.
pub fn wire_bits_from(sender: Confinement, frame: &Frame, emit: impl FnMut(bool, Rate)) {
    let crc = match (frame.format(), frame.data().len()) {
        (Format::Classical, _) => Crc::CRC_15,
        (Format::Fd, 0..=16) => Crc::CRC_17,
        (Format::Fd, _) => Crc::CRC_21,
    };
    let mut wire = Wire { emit, format: frame.format(), rate: Rate::Nominal, crc, stuffing: Stuffing::default() };
    wire.head_and_data(sender, frame);
    match frame.format() {
        Format::Classical => wire.classical_crc(),
        Format::Fd => wire.fd_crc(),
    }
    // CRC delimiter, acknowledgement (dominant), its delimiter, end of frame, interframe space.
    wire.plain(true);
    wire.plain(false);
    (0..1 + 7 + 3).for_each(|_| wire.plain(true));
}

/// What stands before the data: up to the bit in which the rate may change, and after it.
pub(super) struct Head {
    pub(super) before_switch: u64,
    pub(super) before_switch_width: u32,
    pub(super) control: u64,
    pub(super) control_width: u32,
}

impl Head {
    pub(super) fn of(sender: Confinement, frame: &Frame) -> Self {
        let remote = u64::from(frame.is_remote());
        let (flags, width) = match (frame.format(), frame.id.is_extended()) {
            (Format::Classical, _) => (remote << 2, 3), // RTR, IDE, r0 or RTR, r1, r0
            (Format::Fd, false) => (0b0_0101, 5),       // RRS, IDE, FDF, res, BRS
            (Format::Fd, true) => (0b0101, 4),          // RRS, FDF, res, BRS
        };
        // Start of frame is a zero in front.
        let base = u64::from(frame.id.base);
        let (id, id_width) = match frame.id.extension {
            None => (base, 1 + 11),
            Some(extension) => (base << 20 | 0b11 << 18 | u64::from(extension), 1 + 11 + 2 + 18), // SRR, IDE
        };
        // A frame has only lengths that have a code.
        let code = u64::from(data_length_code(frame.length()).unwrap_or_default());
        let (control, control_width) = match frame.format() {
            Format::Classical => (code, 4),
            Format::Fd => (u64::from(sender == Confinement::Passive) << 4 | code, 5), // ESI
        };
        let before_switch = id << width | flags;
        Self { before_switch, before_switch_width: id_width + width, control, control_width }
    }
}

/// Where the bits go, and what CRC and stuffing have seen of them.
struct Wire<E> {
    emit: E,
    format: Format,
    rate: Rate,
    crc: Crc,
    stuffing: Stuffing,
}

/// The run of equal bits that a stuff bit breaks.
#[derive(Default)]
struct Stuffing {
    last: bool,
    run: u32,
    inserted: u32,
}

impl<E: FnMut(bool, Rate)> Wire<E> {
    fn head_and_data(&mut self, sender: Confinement, frame: &Frame) {
        let head = Head::of(sender, frame);
        self.field(head.before_switch, head.before_switch_width);
        if self.format == Format::Fd {
            self.rate = Rate::Data;
        }
        self.field(head.control, head.control_width);
        frame.data().iter().for_each(|byte| self.field(u64::from(*byte), 8));
    }

    /// The CRC is stuffed like what stands before it.
    fn classical_crc(&mut self) {
        let (width, crc) = self.crc.value();
        self.field(crc.into(), width);
        self.break_run();
    }

    /// Stuff bits stand at fixed places: before the stuff count, and after every fourth bit from there on. The first
    /// also serves where the data ended in a run.
    fn fd_crc(&mut self) {
        let stuff_count = stuff_count(self.stuffing.inserted);
        (0..4).rev().for_each(|bit| self.crc.push(stuff_count >> bit & 1 == 1));
        let (width, crc) = self.crc.value();
        let bits = stuff_count << width | crc;
        for (sent, bit) in (0..4 + width).rev().enumerate() {
            if sent % 4 == 0 {
                self.plain(!self.stuffing.last);
            }
            self.plain(bits >> bit & 1 == 1);
        }
        self.rate = Rate::Nominal;
    }

    fn field(&mut self, value: u64, width: u32) {
        (0..width).rev().for_each(|bit| self.stuffed(value >> bit & 1 == 1));
    }

    /// A bit of the part that is stuffed by runs and covered by the CRC.
    fn stuffed(&mut self, bit: bool) {
        self.break_run();
        self.crc.push(bit);
        self.stuffing.run = if self.stuffing.run > 0 && bit == self.stuffing.last { self.stuffing.run + 1 } else { 1 };
        self.plain(bit);
    }

    /// The stuff bit that five equal bits call for. Only the CRC of FD frames covers it.
    fn break_run(&mut self) {
        if self.stuffing.run < 5 {
            return;
        }
        let bit = !self.stuffing.last;
        if self.format == Format::Fd {
            self.crc.push(bit);
        }
        self.stuffing.inserted += 1;
        self.stuffing.run = 1;
        self.plain(bit);
    }

    fn plain(&mut self, bit: bool) {
        self.stuffing.last = bit;
        (self.emit)(bit, self.rate);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::super::{Id, tests::any_frame};
    use super::*;

    /// The fixed pseudo-random sequence (splitmix64) that the means below were computed over.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn standard(id: u16) -> Id {
        Id::standard(id).unwrap()
    }

    fn total(frame: &Frame) -> u32 {
        let bits = frame_bits(frame);
        bits.nominal + bits.data
    }

    /// Bits without stuffing, and with a stuff bit wherever the rule could ask for one.
    fn bounds(extended: bool, len: u32) -> (u32, u32) {
        let stuffable = if extended { 54 } else { 34 } + 8 * len;
        (stuffable + 13, stuffable + 13 + (stuffable - 1) / 4)
    }

    #[test]
    fn the_bounds_of_classical_frames_are_the_published_ones() {
        assert_eq!(bounds(false, 8), (111, 135));
        assert_eq!(bounds(true, 8), (131, 160));
    }

    #[test]
    fn consecutive_frames_of_known_content_have_their_known_length() {
        let frame = |fill: u8| Frame::classical(standard(0x7e0), &[[0x21].as_slice(), &[fill; 7]].concat()).unwrap();
        assert_eq!(total(&frame(0x00)), 126);
        assert_eq!(total(&frame(0xff)), 125);
        assert_eq!(total(&frame(0x55)), 115);
    }

    #[test]
    fn an_fd_frame_without_runs_has_30_nominal_and_549_data_bits() {
        let frame = Frame::fd(standard(0x555), &[0x55; 64]).unwrap();
        assert_eq!(frame_bits(&frame), FrameBits { nominal: 30, data: 549 });
        assert_eq!(bus_time(&frame, BitRates::COMMON), Duration::from_nanos(60_000 + 274_500));
    }

    #[test]
    fn an_extended_fd_frame_without_runs_has_49_nominal_bits() {
        let frame = Frame::fd(Id::extended(0x1555_5555).unwrap(), &[0x55; 64]).unwrap();
        assert_eq!(frame_bits(&frame).nominal, 49);
    }

    #[test]
    fn a_zero_fd_frame_is_stuffed_up_to_but_not_beyond_its_data() {
        let bits = frame_bits(&Frame::fd(standard(0x555), &[0; 64]).unwrap());
        // ESI and the code 1111 break the run; 512 zeros follow the last one of the code. A stuff bit stands after
        // every fifth, the next run counts it; where the data ends in a run, the fixed stuff bit serves.
        assert_eq!(bits, FrameBits { nominal: 30, data: 549 + 102 });
    }

    #[test]
    fn the_mean_of_random_frames_is_the_published_one() {
        let mut seed = 1;
        let mut mean = |make: &dyn Fn(u64, u64) -> Frame| {
            let count = 20_000;
            let sum: u32 = (0..count).map(|_| total(&make(random(&mut seed), random(&mut seed)))).sum();
            f64::from(sum) / f64::from(count)
        };
        let by_id = |id: u64, data: u64| {
            Frame::classical(standard((id & 0x7ff).try_into().unwrap()), &data.to_be_bytes()).unwrap()
        };
        let extended = |id: u64, data: u64| {
            let id = Id::extended((id & 0x1fff_ffff).try_into().unwrap()).unwrap();
            Frame::classical(id, &data.to_be_bytes()).unwrap()
        };
        let consecutive = |sequence: u64, data: u64| {
            let mut bytes = data.to_be_bytes();
            bytes[0] = 0x20 | sequence.to_be_bytes()[7] & 15;
            Frame::classical(standard(0x7e0), &bytes).unwrap()
        };
        assert!((mean(&by_id) - 114.3).abs() < 0.15);
        assert!((mean(&extended) - 135.1).abs() < 0.15);
        assert!((mean(&consecutive) - 116.4).abs() < 0.15);
    }

    /// The frame's bits without the stuff bits, as a receiver sees them; `None` if six equal bits stand in a row.
    fn destuffed(bits: &[bool]) -> Option<Vec<bool>> {
        let (mut kept, mut run, mut last) = (Vec::new(), 0, None);
        for bit in bits {
            match (run, Some(*bit) == last) {
                (5, true) => return None,
                (5, false) => (run, last) = (1, Some(*bit)),
                (_, same) => {
                    run = if same { run + 1 } else { 1 };
                    last = Some(*bit);
                    kept.push(*bit);
                }
            }
        }
        Some(kept)
    }

    proptest! {
        #[test]
        fn a_receiver_that_takes_the_stuff_bits_out_finds_the_crc_right(frame in any_frame()) {
            prop_assume!(!frame.is_fd());
            let mut bits = Vec::new();
            wire_bits(&frame, |bit, _| bits.push(bit));
            bits.truncate(bits.len() - 13);
            let received = destuffed(&bits).expect("no six equal bits");
            let mut crc = Crc::CRC_15;
            received.iter().for_each(|bit| crc.push(*bit));
            prop_assert_eq!(crc.value().1, 0);
        }

        #[test]
        fn every_frame_is_within_its_bounds(frame in any_frame()) {
            let len = u32::try_from(frame.data().len()).unwrap();
            let (least, most) = bounds(frame.id().is_extended(), len);
            // Flags, stuff count, longer CRC and fixed stuff bits of an FD frame.
            let (least, most) = match (frame.is_fd(), len) {
                (false, _) => (least, most),
                (true, 0..=16) => (least + 4, most + 16),
                (true, _) => (least + 4, most + 22),
            };
            prop_assert!((least..=most).contains(&total(&frame)), "{} in {least}..={most}", total(&frame));
        }
    }
}
