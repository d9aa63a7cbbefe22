//! Errors: how long they keep the bus, and what they do to counters.

use std::time::Duration;

use anyhow::{Context, Result};
use proto::can::{BitRates, Frame, Id, Rate, frame_bits};
use simulator::world::can::{Bus, Config, Counters, Event, NodeId, What};
use simulator::world::chance::Chance;
use simulator::world::time::Moment;

use super::bits::any;
use super::number;
use crate::record::{Limit, Record};

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    show_error_frames(record, &mut chance.split("errors"))?;
    show_bus_off(record)?;
    show_alone(record)?;
    show_inconsistency(record)
}

/// Three nodes, and what happened to them.
struct Scene {
    bus: Bus,
    nodes: [NodeId; 3],
    events: Vec<Event>,
    now: Moment,
}

impl Scene {
    fn new() -> Self {
        let mut bus = Bus::new(BitRates::COMMON, Chance::seeded(0));
        let nodes = std::array::from_fn(|_| bus.attach(Config::default()));
        Self { bus, nodes, events: Vec::new(), now: Moment::START }
    }

    fn run(&mut self, pause: Duration) {
        self.now += pause;
        self.bus.advance(self.now);
        self.events.extend(std::iter::from_fn(|| self.bus.poll()));
    }

    /// When the first such thing happened to the first node.
    fn when(&self, what: impl Fn(&What) -> bool) -> Option<Moment> {
        let mut own = self.events.iter().filter(|event| event.node == self.nodes[0]);
        own.find(|event| what(&event.what)).map(|event| event.at)
    }

    fn errors(&self) -> Vec<u16> {
        let own = self.events.iter().filter(|event| event.node == self.nodes[0]);
        let count =
            |event: &Event| if let What::Error(error) = event.what { Some(error.counters.transmit) } else { None };
        own.filter_map(count).collect()
    }
}

/// Bits from a bit that its sender saw flipped to the next start of frame: flags of 6 to 12, delimiter of 8, space of 3.
fn show_error_frames(record: &mut Record, chance: &mut Chance) -> Result<()> {
    let (mut least, mut most) = (f64::MAX, 0.0_f64);
    for _ in 0..2_000 {
        let frame = any(chance, false)?;
        let at = u32::try_from(chance.between(15..=90))?;
        let mut scene = Scene::new();
        scene.bus.disturb(scene.nodes[0], 0, at)?;
        scene.bus.send(scene.nodes[0], frame, scene.now)?;
        scene.run(Duration::from_millis(2));
        let end = scene.when(|what| matches!(what, What::Transmitted(_))).context("the frame is sent again")?;
        let whole = frame_bits(&frame).nominal - 3;
        let bits = number(bits(end - Moment::START))? - f64::from(whole + at + 1);
        (least, most) = (least.min(bits), most.max(bits));
    }
    record.figure("bits of an error frame and its space, least of 2,000", least, "", Limit::AtLeast(17.0));
    record.figure("bits of an error frame and its space, most of 2,000", most, "", Limit::Exactly(23.0));
    Ok(())
}

fn show_bus_off(record: &mut Record) -> Result<()> {
    let mut scene = Scene::new();
    for frame in 0..40 {
        scene.bus.disturb(scene.nodes[0], frame, 30)?;
    }
    scene.bus.send(scene.nodes[0], frame()?, scene.now)?;
    scene.run(Duration::from_millis(50));
    let counts = scene.errors();
    let eights: Vec<u16> = (1..=32).map(|count| count * 8).collect();
    record.claim("each of a sender's errors counts eight", counts == eights);
    record.figure("errors in a row until bus-off", number(u64::try_from(counts.len())?)?, "", Limit::Exactly(32.0));
    record.claim("bus-off", scene.when(|what| *what == What::BusOff).is_some());
    let asked = scene.now;
    scene.bus.restart(scene.nodes[0], asked)?;
    scene.run(Duration::from_millis(50));
    let back = scene.when(|what| *what == What::Synchronized).context("the node comes back")?;
    record.figure(
        "bits from the request to come back to bus-on",
        number(bits(back - asked))?,
        "",
        Limit::Exactly(128.0 * 11.0),
    );
    record.claim("counters are zero then", scene.bus.counters(scene.nodes[0])? == Counters::default());
    Ok(())
}

fn show_alone(record: &mut Record) -> Result<()> {
    let mut scene = Scene::new();
    let [_, others @ ..] = scene.nodes;
    for node in others {
        scene.bus.power_off(node, scene.now)?;
    }
    scene.bus.send(scene.nodes[0], frame()?, scene.now)?;
    scene.run(Duration::from_secs(10));
    let counts = scene.errors();
    record.figure(
        "frames in 10 s that nobody acknowledged",
        number(u64::try_from(counts.len())?)?,
        "",
        Limit::AtLeast(10_000.0),
    );
    let most = counts.iter().max().copied().unwrap_or_default();
    record.figure("transmit error counter of a node alone on its bus", f64::from(most), "", Limit::Exactly(128.0));
    Ok(())
}

/// A receiver that finds the last bit but one wrong makes the others have the frame twice.
fn show_inconsistency(record: &mut Record) -> Result<()> {
    let mut scene = Scene::new();
    scene.bus.disturb(scene.nodes[1], 0, frame_bits(&frame()?).nominal - 3 - 2)?;
    scene.bus.send(scene.nodes[0], frame()?, scene.now)?;
    scene.run(Duration::from_millis(2));
    let [_, finder, other] = scene.nodes;
    for (node, who, times) in [(finder, "the receiver that saw it", 1.0), (other, "another receiver", 2.0)] {
        let received = |event: &&Event| event.node == node && matches!(event.what, What::Received(_));
        let count = number(u64::try_from(scene.events.iter().filter(received).count())?)?;
        let what = format!("last bit but one flipped: the frame is accepted by {who}");
        record.figure(what, count, "times", Limit::Exactly(times));
    }
    Ok(())
}

fn frame() -> Result<Frame> {
    Ok(Frame::classical(Id::standard(0x2a5)?, &[0x5a; 8])?)
}

/// Nominal bits in a stretch of time.
fn bits(time: Duration) -> u64 {
    let rate = u64::from(BitRates::COMMON.of(Rate::Nominal).get());
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / (1_000_000_000 / rate)
}
