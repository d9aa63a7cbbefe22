//! Blocks of UDS TransferData (36) and their responses (76) over ISO-TP over the bus.

use std::time::Duration;

use anyhow::{Result, bail};
use proto::can::{BitRates, Id};
use proto::isotp::{Config as Carrier, Framing, Separation};
use simulator::world::can::{Bus, Channel, Config, Event, NodeId, What};
use simulator::world::chance::Chance;
use simulator::world::time::Moment;

use super::rates::rates;
use super::{beside, number};
use crate::record::{Limit, Record};

/// The longest message: service, counter and 65,534 bytes.
const MESSAGE: usize = 65_536;
/// How much is transferred, and at least how many blocks.
const BYTES: usize = 100_000;
const BLOCKS: usize = 3;

/// How blocks are sent: how long they are, how long the receiver takes before it answers, what its flow control says.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    block: usize,
    turn_around: Duration,
    block_size: u8,
    separation: Separation,
}

const HALF: Duration = Duration::from_micros(500);

const COLUMNS: [Column; 9] = [
    column("n=254", 254, HALF, 0, 0),
    column("n=1022", 1_022, HALF, 0, 0),
    column("n=4093, no turn-around", 4_093, Duration::ZERO, 0, 0),
    column("n=4093", 4_093, HALF, 0, 0),
    column("n=4093, BS 8", 4_093, HALF, 8, 0),
    column("n=4093, BS 16", 4_093, HALF, 16, 0),
    column("n=4093, BS 32", 4_093, HALF, 32, 0),
    column("n=4093, STmin 1 ms", 4_093, HALF, 0, 1),
    column("n=65534", 65_534, HALF, 0, 0),
];

const fn column(name: &'static str, block: usize, turn_around: Duration, block_size: u8, separation: u8) -> Column {
    Column { name, block, turn_around, block_size, separation: Separation::from_byte(separation) }
}

/// Nominal and data rate, whether frames are FD, and the published kB/s of each column.
const ROWS: [(u32, u32, bool, [f64; 9]); 6] = [
    (500_000, 500_000, false, [25.2, 28.6, 29.9, 29.7, 21.4, 24.9, 27.1, 7.0, 30.05]),
    (1_000_000, 1_000_000, false, [45.9, 55.7, 59.8, 58.9, 35.8, 44.7, 50.8, 7.0, 60.1]),
    (500_000, 2_000_000, true, [85.0, 144.0, 178.0, 171.0, 141.0, 154.0, 162.0, 61.0, 182.0]),
    (500_000, 5_000_000, true, [126.0, 249.0, 352.0, 324.0, 238.0, 274.0, 297.0, 62.0, 359.0]),
    (1_000_000, 5_000_000, true, [139.0, 287.0, 426.0, 386.0, 272.0, 319.0, 349.0, 62.0, 435.0]),
    (1_000_000, 8_000_000, true, [160.0, 365.0, 605.0, 527.0, 339.0, 412.0, 463.0, 62.0, 615.0]),
];

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    for (nominal, data, fd, published) in ROWS {
        let (framing, name) = match fd {
            true => (Framing::FD, format!("FD {}k/{}M", nominal / 1_000, data / 1_000_000)),
            false => (Framing::CLASSICAL, format!("{}k", nominal / 1_000)),
        };
        for (column, published) in COLUMNS.iter().zip(published) {
            let ours = goodput(rates(nominal, data)?, framing, column, &mut chance.split("goodput"))?;
            let what = format!("kB/s of TransferData at {name}, {}", column.name);
            match fd && column.block < LONG {
                true => at_least(record, &what, ours / 1e3, published),
                false => beside(record, &what, ours / 1e3, published, if fd { FD_APART } else { 1.0 }),
            }
        }
    }
    Ok(())
}

/// Records a figure of short blocks in FD frames. The published ones count each frame as a whole one; ours are as short as
/// what they carry, so that a block's last frame and the answers take less.
fn at_least(record: &mut Record, what: &str, ours: f64, published: f64) {
    let least = published * (1.0 - FD_APART / 100.0);
    record.figure(format!("{what}, published as {published}"), ours, "", Limit::AtLeast(least));
}

/// The published FD figures are rounded to whole kB/s, and stand on an estimate of the mean number of stuff bits.
const FD_APART: f64 = 2.5;
/// Blocks from this length on are told apart by their whole frames alone.
const LONG: usize = 4_093;

/// Bytes per second in blocks of so many bytes, without pauses between frames.
pub(in crate::evidence) fn in_blocks(
    rates: BitRates,
    framing: Framing,
    block: usize,
    turn_around: Duration,
    chance: &mut Chance,
) -> Result<f64> {
    goodput(rates, framing, &column("", block, turn_around, 0, 0), chance)
}

/// Bytes per second.
fn goodput(rates: BitRates, framing: Framing, column: &Column, chance: &mut Chance) -> Result<f64> {
    let mut transfer = Transfer::new(rates, framing, column)?;
    let blocks = (BYTES / column.block).max(BLOCKS);
    let mut message = vec![0; column.block + 2];
    for counter in (0..=u8::MAX).cycle().skip(1).take(blocks) {
        chance.fill(&mut message);
        if let [service, sequence, ..] = message.as_mut_slice() {
            (*service, *sequence) = (0x36, counter);
        }
        transfer.block(&message)?;
    }
    let bytes = number(u64::try_from(blocks * column.block)?)?;
    Ok(bytes / (transfer.now - Moment::START).as_secs_f64())
}

struct Transfer {
    bus: Bus,
    tester: (NodeId, Channel<8, MESSAGE>),
    ecu: (NodeId, Channel<MESSAGE, 8>),
    now: Moment,
}

impl Transfer {
    fn new(rates: BitRates, framing: Framing, column: &Column) -> Result<Self> {
        let mut bus = Bus::new(rates, Chance::seeded(0));
        let tester = bus.attach(Config::default());
        let ecu = bus.attach(Config { latency: column.turn_around, ..Config::default() });
        let (request, response) = (Id::standard(0x7e0)?, Id::standard(0x7e8)?);
        let mut receiving = Carrier::new(framing, response, request);
        (receiving.block_size, receiving.separation) = (column.block_size, column.separation);
        let sending = Channel::new(tester, Carrier::new(framing, request, response));
        let receiving = Channel::new(ecu, receiving);
        Ok(Self { bus, tester: (tester, sending), ecu: (ecu, receiving), now: Moment::START })
    }

    /// Sends one block and waits for its response.
    fn block(&mut self, message: &[u8]) -> Result<()> {
        self.tester.1.send(message, self.now)?;
        loop {
            self.tester.1.feed(&mut self.bus, self.now)?;
            self.ecu.1.feed(&mut self.bus, self.now)?;
            let deadlines = [self.tester.1.deadline(), self.ecu.1.deadline(), self.bus.next()];
            self.now = deadlines.into_iter().fold(Moment::NEVER, Moment::min).max(self.now);
            self.bus.advance(self.now);
            while let Some(event) = self.bus.poll() {
                if self.answered(&event, message)? {
                    return Ok(());
                }
            }
        }
    }

    /// Whether this was the response's last frame.
    fn answered(&mut self, event: &Event, message: &[u8]) -> Result<bool> {
        let What::Received(frame) = event.what else { return Ok(false) };
        if event.node == self.tester.0 {
            return Ok(self.tester.1.receive(&frame, event.at)?.is_some());
        }
        let Some(arrived) = self.ecu.1.receive(&frame, event.at)? else { return Ok(false) };
        let [0x36, counter, ..] = *arrived else { bail!("another message than was sent arrived") };
        if arrived != message {
            bail!("the block of {} bytes arrived otherwise than it was sent", message.len());
        }
        self.ecu.1.send(&[0x76, counter], event.at)?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_4093_bytes_travel_at_29_7_kilobytes_per_second() {
        let speed = goodput(BitRates::COMMON, Framing::CLASSICAL, &COLUMNS[3], &mut Chance::seeded(1)).unwrap();
        assert!((29_403.0..29_997.0).contains(&speed), "{speed}");
    }
}
