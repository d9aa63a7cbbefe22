//! How many bits frames have.

use anyhow::{Context, Result};
use proto::can::{Frame, FrameBits, Id, frame_bits};
use simulator::world::chance::Chance;

use super::{beside, number};
use crate::record::{Limit, Record};

/// Frames over which means are taken.
const FRAMES: u64 = 40_000;
/// Changes tried in looking for the frame with most stuff bits.
const CHANGES: u64 = 60_000;

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    let standard = Id::standard(0x7e0)?;
    let extended = Id::extended(0x18da_10f1)?;
    random(record, chance, "11-bit id, 8 random bytes", Some((111.0, 135.0)), 114.3, |chance| any(chance, false))?;
    random(record, chance, "29-bit id, 8 random bytes", Some((131.0, 160.0)), 135.1, |chance| any(chance, true))?;
    random(record, chance, "ISO-TP CF of 7E0", None, 116.4, |chance| consecutive(standard, chance))?;
    random(record, chance, "ISO-TP CF of 18DA10F1", None, 134.4, |chance| consecutive(extended, chance))?;
    for (fill, bits) in [(0x00, 126.0), (0xff, 125.0), (0x55, 115.0)] {
        let frame = Frame::classical(standard, &[&[0x21], [fill; 7].as_slice()].concat())?;
        record.figure(
            format!("bits, ISO-TP CF of 7E0 filled with {fill:02X}"),
            total(&frame)?,
            "",
            Limit::Exactly(bits),
        );
    }
    for (extended, least, most) in [(false, 111.0, 135.0), (true, 131.0, 160.0)] {
        let name = if extended { "29-bit" } else { "11-bit" };
        let plain = without_stuff_bits(extended, &mut chance.split("plain"))?;
        record.figure(format!("bits, {name}, the shortest found"), total(&plain)?, "", Limit::Exactly(least));
        let longest = longest(any(&mut chance.split("longest"), extended)?, &mut chance.split("changes"))?;
        let found = format!("bits, {name}, the longest found (the bound is {most})");
        record.figure(found, total(&longest)?, "", Limit::AtMost(most));
    }
    show_fd(record, chance)
}

fn show_fd(record: &mut Record, chance: &Chance) -> Result<()> {
    let plain = frame_bits(&plain_fd()?);
    record.figure("nominal bits, FD 64 bytes, without stuff bits", f64::from(plain.nominal), "", Limit::Exactly(30.0));
    record.figure("data bits, FD 64 bytes, without stuff bits", f64::from(plain.data), "", Limit::Exactly(549.0));
    let longest = longest(any_fd(&mut chance.split("fd"))?, &mut chance.split("fd changes"))?;
    let FrameBits { nominal, data } = frame_bits(&longest);
    record.figure(
        "nominal bits, FD 64 bytes, the longest found (the bound is 34)",
        f64::from(nominal),
        "",
        Limit::AtMost(34.0),
    );
    record.figure(
        "data bits, FD 64 bytes, the longest found (the bound is 678)",
        f64::from(data),
        "",
        Limit::AtMost(678.0),
    );
    let plain = Frame::fd(Id::extended(0x1555_5555)?, &[0x55; 64])?;
    let nominal = f64::from(frame_bits(&plain).nominal);
    record.figure("nominal bits, FD with 29-bit id, without stuff bits", nominal, "", Limit::Exactly(49.0));
    Ok(())
}

fn random(
    record: &mut Record,
    chance: &Chance,
    name: &str,
    bounds: Option<(f64, f64)>,
    mean: f64,
    make: impl Fn(&mut Chance) -> Result<Frame>,
) -> Result<()> {
    let mut chance = chance.split(name);
    let (mut sum, mut least, mut most) = (0.0, f64::MAX, 0.0_f64);
    for _ in 0..FRAMES {
        let bits = total(&make(&mut chance)?)?;
        (sum, least, most) = (sum + bits, least.min(bits), most.max(bits));
    }
    if let Some((shortest, longest)) = bounds {
        record.figure(format!("bits, {name}, least of {FRAMES}"), least, "", Limit::AtLeast(shortest));
        record.figure(format!("bits, {name}, most of {FRAMES}"), most, "", Limit::AtMost(longest));
    }
    beside(record, &format!("bits, {name}, mean of {FRAMES}"), sum / number(FRAMES)?, mean, 0.2);
    Ok(())
}

fn total(frame: &Frame) -> Result<f64> {
    let FrameBits { nominal, data } = frame_bits(frame);
    number(u64::from(nominal + data))
}

/// A classical frame of 8 random bytes with a random identifier.
pub(super) fn any(chance: &mut Chance, extended: bool) -> Result<Frame> {
    let mut data = [0; 8];
    chance.fill(&mut data);
    let id = match extended {
        true => Id::extended(u32::try_from(chance.below(1 << 29))?)?,
        false => Id::standard(u16::try_from(chance.below(1 << 11))?)?,
    };
    Ok(Frame::classical(id, &data)?)
}

/// A consecutive frame of ISO-TP with random data.
pub(super) fn consecutive(id: Id, chance: &mut Chance) -> Result<Frame> {
    let mut data = [0; 8];
    chance.fill(&mut data);
    let [first, ..] = &mut data;
    *first = 0x20 | *first & 15;
    Ok(Frame::classical(id, &data)?)
}

/// The same in an FD frame of 64 bytes.
pub(super) fn consecutive_fd(id: Id, chance: &mut Chance) -> Result<Frame> {
    let mut data = [0; 64];
    chance.fill(&mut data);
    let [first, ..] = &mut data;
    *first = 0x20 | *first & 15;
    Ok(Frame::fd(id, &data)?)
}

/// An FD frame of 64 random bytes with a random identifier.
pub(super) fn any_fd(chance: &mut Chance) -> Result<Frame> {
    let mut data = [0; 64];
    chance.fill(&mut data);
    Ok(Frame::fd(Id::standard(u16::try_from(chance.below(1 << 11))?)?, &data)?)
}

/// An FD frame of 64 bytes without stuff bits.
pub(super) fn plain_fd() -> Result<Frame> {
    Ok(Frame::fd(Id::standard(0x555)?, &[0x55; 64])?)
}

/// A classical frame of 8 bytes without stuff bits.
pub(super) fn without_stuff_bits(extended: bool, chance: &mut Chance) -> Result<Frame> {
    let id = if extended { Id::extended(0x1555_5555)? } else { Id::standard(0x555)? };
    let least = if extended { 131 } else { 111 };
    // The checksum decides, so a few are tried.
    let mut tries =
        (0..10_000).map(|_| Frame::classical(id, &[0x55, 0x55, 0x55, 0x55, 0x55, 0x55, byte(chance), byte(chance)]));
    tries.find_map(|frame| frame.ok().filter(|frame| frame_bits(frame).nominal == least)).context("no such frame")
}

fn byte(chance: &mut Chance) -> u8 {
    let [byte, ..] = chance.number().to_le_bytes();
    byte
}

/// The longest frame found by changing bits of `frame` as long as it does not become shorter.
pub(super) fn longest(mut frame: Frame, chance: &mut Chance) -> Result<Frame> {
    let mut bits = total(&frame)?;
    for _ in 0..CHANGES {
        let mut data = frame.data().to_vec();
        let width = if frame.id().is_extended() { 29 } else { 11 };
        let mut id = frame.id().raw();
        for _ in 0..=chance.below(3) {
            match usize::try_from(chance.below(8 * 8 + width))?.checked_sub(usize::try_from(width)?) {
                None => id ^= 1 << chance.below(width),
                Some(_) => {
                    let at = usize::try_from(chance.below(u64::try_from(data.len())?))?;
                    *data.get_mut(at).context("the place is in the data")? ^= 1 << chance.below(8);
                }
            }
        }
        let id = if frame.id().is_extended() { Id::extended(id)? } else { Id::standard(u16::try_from(id)?)? };
        let changed = Frame::new(id, frame.format(), &data)?;
        let longer = total(&changed)?;
        if longer >= bits {
            (frame, bits) = (changed, longer);
        }
    }
    Ok(frame)
}
