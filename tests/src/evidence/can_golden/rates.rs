//! How many frames a busy bus carries in a second.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use proto::can::{BitRates, Frame, Id};
use simulator::world::can::{Bus, Config, Order, What};
use simulator::world::chance::Chance;
use simulator::world::time::Moment;

use super::bits::{any, any_fd, consecutive, consecutive_fd, longest, plain_fd, without_stuff_bits};
use super::{beside, number};
use crate::record::{Limit, Record};

/// Frames of a run.
const FRAMES: u64 = 20_000;
/// Frames over which the simulator's own speed is measured.
const MANY: u64 = 1_000_000;

/// A bus with classical frames of 8 bytes: at best, on average and at worst, how many frames there are in a second, and
/// kB/s of data and of ISO-TP's 7 bytes.
struct Row {
    rate: u32,
    extended: bool,
    frames: [f64; 3],
    data: [f64; 3],
    carried: [f64; 3],
}

const ROWS: [Row; 6] = [
    row(125_000, false, [1_126.0, 1_094.0, 926.0], [9.0, 8.8, 7.4], [7.9, 7.5, 6.5]),
    row(250_000, false, [2_252.0, 2_187.0, 1_852.0], [18.0, 17.5, 14.8], [15.8, 15.0, 13.0]),
    row(500_000, false, [4_505.0, 4_374.0, 3_704.0], [36.0, 35.0, 29.6], [31.5, 30.1, 25.9]),
    row(500_000, true, [3_817.0, 3_702.0, 3_125.0], [30.5, 29.6, 25.0], [26.7, 26.0, 21.9]),
    row(1_000_000, false, [9_009.0, 8_749.0, 7_407.0], [72.1, 70.0, 59.3], [63.1, 60.1, 51.9]),
    row(1_000_000, true, [7_634.0, 7_404.0, 6_250.0], [61.1, 59.2, 50.0], [53.4, 52.1, 43.8]),
];

const fn row(rate: u32, extended: bool, frames: [f64; 3], data: [f64; 3], carried: [f64; 3]) -> Row {
    Row { rate, extended, frames, data, carried }
}

/// A bus with FD frames of 64 bytes: at best and at worst, microseconds of a frame, frames in a second and kB/s of data;
/// kB/s of ISO-TP's 63 bytes on average.
struct FdRow {
    nominal: u32,
    data: u32,
    micros: [f64; 2],
    frames: [f64; 2],
    bytes: [f64; 2],
    carried: f64,
}

const FD_ROWS: [FdRow; 6] = [
    fd_row(500_000, 2_000_000, [334.0, 407.0], [2_990.0, 2_457.0], [191.0, 157.0], 183.0),
    fd_row(500_000, 5_000_000, [170.0, 204.0], [5_889.0, 4_912.0], [377.0, 314.0], 362.0),
    fd_row(500_000, 8_000_000, [129.0, 153.0], [7_775.0, 6_547.0], [498.0, 419.0], 478.0),
    fd_row(1_000_000, 2_000_000, [304.0, 373.0], [3_284.0, 2_681.0], [210.0, 172.0], 201.0),
    fd_row(1_000_000, 5_000_000, [140.0, 170.0], [7_153.0, 5_896.0], [458.0, 377.0], 438.0),
    fd_row(1_000_000, 8_000_000, [99.0, 119.0], [10_139.0, 8_421.0], [649.0, 539.0], 622.0),
];

const fn fd_row(nominal: u32, data: u32, micros: [f64; 2], frames: [f64; 2], bytes: [f64; 2], carried: f64) -> FdRow {
    FdRow { nominal, data, micros, frames, bytes, carried }
}

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    for row in &ROWS {
        show_row(record, row, &mut chance.split("rates"))?;
    }
    for row in &FD_ROWS {
        show_fd_row(record, row, &mut chance.split("fd rates"))?;
    }
    show_extended_fd(record)?;
    show_speed(record, chance)
}

fn show_row(record: &mut Record, row: &Row, chance: &mut Chance) -> Result<()> {
    let Row { rate, extended, frames, data, carried } = row;
    let rates = rates(*rate, *rate)?;
    let name = format!("{}k, {}-bit id", rate / 1_000, if *extended { 29 } else { 11 });
    let plain = without_stuff_bits(*extended, chance)?;
    let best = per_second(rates, FRAMES, || Ok(plain))?;
    let mean = per_second(rates, FRAMES, || any(chance, *extended))?;
    let longest = longest(any(chance, *extended)?, chance)?;
    let worst = per_second(rates, FRAMES, || Ok(longest))?;
    let id = if *extended { Id::extended(0x18da_10f1)? } else { Id::standard(0x7e0)? };
    let consecutive = per_second(rates, FRAMES, || consecutive(id, chance))?;
    show_three(record, &format!("{name}: frames/s"), [best, mean, worst], *frames);
    show_three(record, &format!("{name}: kB/s of 8 bytes"), [best, mean, worst].map(|each| each * 8.0 / 1e3), *data);
    let carrying = [best, consecutive, worst].map(|each| each * 7.0 / 1e3);
    show_three(record, &format!("{name}: kB/s of ISO-TP's 7 bytes"), carrying, *carried);
    Ok(())
}

/// Figures at best and on average are the published ones but for rounding. The published worst is a bound that no frame was
/// found to reach, so ours has to be no worse.
fn show_three(record: &mut Record, what: &str, ours: [f64; 3], published: [f64; 3]) {
    let [best, mean, worst] = ours;
    let [published_best, published_mean, bound] = published;
    beside(record, &format!("{what} at best"), best, published_best, ROUNDED);
    beside(record, &format!("{what} on average"), mean, published_mean, ROUNDED);
    let what = format!("{what}, longest frame found (the bound is {bound})");
    record.figure(what, worst, "", Limit::AtLeast(bound));
}

fn show_fd_row(record: &mut Record, row: &FdRow, chance: &mut Chance) -> Result<()> {
    let FdRow { nominal, data, micros: [shortest, longest_published], frames, bytes, carried } = row;
    let rates = rates(*nominal, *data)?;
    let name = format!("FD {}k/{}M", nominal / 1_000, data / 1_000_000);
    let plain = plain_fd()?;
    let best = per_second(rates, FRAMES, || Ok(plain))?;
    let longest = longest(any_fd(chance)?, chance)?;
    let worst = per_second(rates, FRAMES, || Ok(longest))?;
    // The published mean is that of any identifier; 7E0 has two stuff bits of its own, at the nominal rate.
    let random = per_second(rates, FRAMES, || {
        let id = Id::standard(u16::try_from(chance.below(1 << 11))?)?;
        consecutive_fd(id, chance)
    })?;
    beside(record, &format!("{name}: microseconds of a frame at best"), 1e6 / best, *shortest, ROUNDED);
    let what = format!("{name}: microseconds of the longest frame found (the bound is {longest_published})");
    record.figure(what, 1e6 / worst, "", Limit::AtMost(*longest_published));
    for (what, factor, [published, bound]) in [("frames/s", 1.0, frames), ("kB/s of 64 bytes", 0.064, bytes)] {
        beside(record, &format!("{name}: {what} at best"), best * factor, *published, ROUNDED);
        let what = format!("{name}: {what}, longest frame found (the bound is {bound})");
        record.figure(what, worst * factor, "", Limit::AtLeast(*bound));
    }
    beside(record, &format!("{name}: kB/s of ISO-TP's 63 bytes on average"), random * 0.063, *carried, ROUNDED);
    let id = Id::standard(0x7e0)?;
    let own = per_second(rates, FRAMES, || consecutive_fd(id, chance))? * 0.063;
    record.figure(format!("{name}: kB/s of ISO-TP's 63 bytes with identifier 7E0"), own, "", Limit::Shown);
    Ok(())
}

/// What a 29-bit identifier costs an FD frame: 19 bits at the nominal rate.
fn show_extended_fd(record: &mut Record) -> Result<()> {
    for (nominal, published) in [(500_000, 38.0), (1_000_000, 19.0)] {
        let rates = rates(nominal, 2_000_000)?;
        let extended = Frame::fd(Id::extended(0x1555_5555)?, &[0x55; 64])?;
        let plain = plain_fd()?;
        let longer = 1.0 / per_second(rates, FRAMES, || Ok(extended))? - 1.0 / per_second(rates, FRAMES, || Ok(plain))?;
        let what = format!("FD {}k: microseconds that a 29-bit identifier costs", nominal / 1_000);
        beside(record, &what, longer * 1e6, published, ROUNDED);
    }
    Ok(())
}

/// Published figures have two to four digits: per cent they may be apart for that.
const ROUNDED: f64 = 0.8;

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
