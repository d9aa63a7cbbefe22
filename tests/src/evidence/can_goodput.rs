//! How fast images travel over the simulated CAN bus, by the carriers that ship.

mod broadcast;
mod patch;

use std::time::Duration;

use anyhow::Result;
use proto::can::BitRates;
use proto::isotp::Framing;
use simulator::world::chance::Chance;

use super::Item;
use super::can_golden::goodput::in_blocks;
use super::can_golden::number;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "can-goodput",
    promise: "an image travels over CAN as fast as its frames allow: to one ECU in blocks or as a patch, to ten at once by broadcast",
    show,
};

fn show(record: &mut Record) -> Result<()> {
    let chance = Chance::seeded(record.seed());
    show_blocks(record, &chance)?;
    patch::show(record, &chance)?;
    broadcast::show(record, &chance)
}

/// Blocks of TransferData and their responses, to one ECU.
fn show_blocks(record: &mut Record, chance: &Chance) -> Result<()> {
    for (bus, framing, least) in [("500k", Framing::CLASSICAL, 29.4), ("FD 500k/2M", Framing::FD, 169.0)] {
        let speed = |block| in_blocks(BitRates::COMMON, framing, block, TURN_AROUND, &mut chance.split("blocks"));
        let what = format!("in blocks of {BLOCK} bytes at {bus}, turn-around 0.5 ms");
        record.figure(what, speed(BLOCK)? / 1e3, "kB/s", Limit::AtLeast(least));
        let shortest = shortest(|block| Ok(speed(block)? >= least * 1e3))?;
        let what = format!("shortest block that makes {least} kB/s at {bus}");
        record.figure(what, number(u64::try_from(shortest)?)?, "bytes", Limit::Shown);
    }
    Ok(())
}

/// The shortest block that is long enough, of up to [`BLOCK`] bytes.
fn shortest(is_enough: impl Fn(usize) -> Result<bool>) -> Result<usize> {
    let (mut from, mut to) = (1, BLOCK);
    while from < to {
        let middle = from.midpoint(to);
        if is_enough(middle)? { to = middle } else { from = middle + 1 }
    }
    Ok(to)
}

/// The longest block whose message has a short first frame.
const BLOCK: usize = 4_093;
/// How long an ECU takes before it answers.
const TURN_AROUND: Duration = Duration::from_micros(500);
