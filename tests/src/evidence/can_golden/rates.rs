//! How many frames a busy bus carries in a second.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use proto::can::{BitRates, Frame, Id};
use simulator::world::can::{Bus, Config, Order, What};
use simulator::world::chance::Chance;
use simulator::world::time::Moment;

use super::bits::{any, consecutive, consecutive_fd, longest, plain_fd, without_stuff_bits};
use super::{beside, number};
use crate::record::{Limit, Record};

/// Frames of a run.
const FRAMES: u64 = 20_000;
/// Frames over which the simulator's own speed is measured.
const MANY: u64 = 1_000_000;

/// A bus with classical frames of 8 bytes: frames per second at best, on average and at worst, and kB/s on average, of
/// data and of ISO-TP's 7 bytes.
struct Row {
    rate: u32,
    extended: bool,
    frames: [f64; 3],
    data: f64,
    carried: f64,
}

const ROWS: [Row; 6] = [
    Row { rate: 125_000, extended: false, frames: [1_126.0, 1_094.0, 926.0], data: 8.8, carried: 7.5 },
    Row { rate: 250_000, extended: false, frames: [2_252.0, 2_187.0, 1_852.0], data: 17.5, carried: 15.0 },
    Row { rate: 500_000, extended: false, frames: [4_505.0, 4_374.0, 3_704.0], data: 35.0, carried: 30.1 },
    Row { rate: 500_000, extended: true, frames: [3_817.0, 3_702.0, 3_125.0], data: 29.6, carried: 26.0 },
    Row { rate: 1_000_000, extended: false, frames: [9_009.0, 8_749.0, 7_407.0], data: 70.0, carried: 60.1 },
    Row { rate: 1_000_000, extended: true, frames: [7_634.0, 7_404.0, 6_250.0], data: 59.2, carried: 52.1 },
];

/// A bus with FD frames of 64 bytes: frames per second at best and at worst, and kB/s of ISO-TP's 63 bytes on average.
struct FdRow {
    nominal: u32,
    data: u32,
    frames: [f64; 2],
    carried: f64,
}

const FD_ROWS: [FdRow; 6] = [
    FdRow { nominal: 500_000, data: 2_000_000, frames: [2_990.0, 2_457.0], carried: 183.0 },
    FdRow { nominal: 500_000, data: 5_000_000, frames: [5_889.0, 4_912.0], carried: 362.0 },
    FdRow { nominal: 500_000, data: 8_000_000, frames: [7_775.0, 6_547.0], carried: 478.0 },
    FdRow { nominal: 1_000_000, data: 2_000_000, frames: [3_284.0, 2_681.0], carried: 201.0 },
    FdRow { nominal: 1_000_000, data: 5_000_000, frames: [7_153.0, 5_896.0], carried: 438.0 },
    FdRow { nominal: 1_000_000, data: 8_000_000, frames: [10_139.0, 8_421.0], carried: 622.0 },
];

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    for row in &ROWS {
        show_row(record, row, &mut chance.split("rates"))?;
    }
    for row in &FD_ROWS {
        show_fd_row(record, row, &mut chance.split("fd rates"))?;
    }
    show_speed(record, chance)
}

fn show_row(record: &mut Record, row: &Row, chance: &mut Chance) -> Result<()> {
    let Row { rate, extended, frames: [best, mean, worst], data, carried } = row;
    let rates = rates(*rate, *rate)?;
    let name = format!("{}k, {}-bit id", rate / 1_000, if *extended { 29 } else { 11 });
    let plain = without_stuff_bits(*extended, chance)?;
    beside(record, &format!("{name}: frames/s at best"), per_second(rates, FRAMES, || Ok(plain))?, *best, 0.1);
    let random = per_second(rates, FRAMES, || any(chance, *extended))?;
    beside(record, &format!("{name}: frames/s on average"), random, *mean, 0.3);
    beside(record, &format!("{name}: kB/s of 8 bytes on average"), random * 8.0 / 1e3, *data, 0.7);
    let longest = longest(any(chance, *extended)?, chance)?;
    let slow = per_second(rates, FRAMES, || Ok(longest))?;
    record.figure(
        format!("{name}: frames/s of the longest frame found"),
        slow,
        "",
        Limit::AtLeast(worst.floor() - 1.0),
    );
    let id = if *extended { Id::extended(0x18da_10f1)? } else { Id::standard(0x7e0)? };
    let consecutive = per_second(rates, FRAMES, || consecutive(id, chance))?;
    beside(record, &format!("{name}: kB/s of ISO-TP's 7 bytes on average"), consecutive * 7.0 / 1e3, *carried, 0.7);
    Ok(())
}

fn show_fd_row(record: &mut Record, row: &FdRow, chance: &mut Chance) -> Result<()> {
    let FdRow { nominal, data, frames: [best, worst], carried } = row;
    let rates = rates(*nominal, *data)?;
    let name = format!("FD {}k/{}M", nominal / 1_000, data / 1_000_000);
    let plain = plain_fd()?;
    beside(record, &format!("{name}: frames/s at best"), per_second(rates, FRAMES, || Ok(plain))?, *best, 0.1);
    // The published mean is that of any identifier; 7E0 has two stuff bits of its own, at the nominal rate.
    let random = per_second(rates, FRAMES, || {
        let id = Id::standard(u16::try_from(chance.below(1 << 11))?)?;
        consecutive_fd(id, chance)
    })?;
    record.figure(format!("{name}: frames/s on average"), random, "", Limit::AtLeast(*worst));
    beside(record, &format!("{name}: kB/s of ISO-TP's 63 bytes on average"), random * 63.0 / 1e3, *carried, 1.0);
    let id = Id::standard(0x7e0)?;
    let own = per_second(rates, FRAMES, || consecutive_fd(id, chance))? * 63.0 / 1e3;
    record.figure(format!("{name}: kB/s of ISO-TP's 63 bytes with identifier 7E0"), own, "", Limit::Shown);
    Ok(())
}

/// How fast the simulator itself is; nothing depends on it here, as it is a matter of the machine.
fn show_speed(record: &mut Record, chance: &Chance) -> Result<()> {
    let mut chance = chance.split("speed");
    let frames: Vec<Frame> = (0..1_000).map(|_| any(&mut chance, false)).collect::<Result<_>>()?;
    let mut next = frames.iter().cycle();
    let watch = host::clock::stopwatch();
    per_second(rates(500_000, 2_000_000)?, MANY, || next.next().copied().context("there are frames"))?;
    let speed = number(MANY)? / watch.elapsed().as_secs_f64();
    record.figure("frames simulated in a second of this machine", speed, "", Limit::Shown);
    Ok(())
}

pub(super) fn rates(nominal: u32, data: u32) -> Result<BitRates> {
    let rate = |rate| NonZeroU32::new(rate).context("a rate is not zero");
    Ok(BitRates::new(rate(nominal)?, rate(data)?))
}

/// Frames in a second of a bus on which one node always has something to send.
fn per_second(rates: BitRates, count: u64, mut make: impl FnMut() -> Result<Frame>) -> Result<f64> {
    let mut bus = Bus::new(rates, Chance::seeded(0));
    let sender = bus.attach(Config { mailboxes: 2, order: Order::Fifo, ..Config::default() });
    bus.attach(Config::default());
    bus.send(sender, make()?, Moment::START)?;
    let (mut queued, mut received) = (1, 0);
    let mut now = Moment::START;
    while received < count || bus.load().frames < count {
        now = bus.next().max(now);
        ensure!(now != Moment::NEVER, "the bus came to rest after {received} frames");
        bus.advance(now);
        while let Some(event) = bus.poll() {
            received += u64::from(matches!(event.what, What::Received(_)));
            if matches!(event.what, What::Transmitted(_)) && queued < count {
                bus.send(sender, make()?, now)?;
                queued += 1;
            }
        }
    }
    // The interframe space of the last frame.
    bus.advance(now + Duration::from_millis(1));
    Ok(number(count)? / bus.load().busy.as_secs_f64())
}
