//! Where power can fail in an update over CAN, and the scenarios in which it does.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use proto::can::{BitRates, Frame, bus_time};
use simulator::runs::Recipe;
use simulator::world::can::log::Entry;
use simulator::world::chance::Chance;
use simulator::world::run::Ended;
use simulator::world::time::Moment;

/// A way to update an ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Update {
    name: &'static str,
    /// The new image, as scenarios have it.
    image: &'static str,
    /// Whether it comes as a patch, which an only bank cannot.
    is_patch: bool,
}

/// Every way.
pub(super) const UPDATES: [Update; 2] = [
    Update { name: "full update", image: r#"size = "5 KiB""#, is_patch: false },
    Update { name: "delta update", image: r#"size = "8 KiB", changed = "5 %""#, is_patch: true },
];

/// One ECU that is updated in one way, over one kind of bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Series {
    update: Update,
    banks: &'static str,
    format: &'static str,
}

impl Series {
    /// All of these ways with both kinds of flash, where they can be taken, and both kinds of bus.
    pub(super) fn all(updates: &[Update]) -> Vec<Self> {
        let kinds = [("two", "classical"), ("two", "fd"), ("single", "classical"), ("single", "fd")];
        let all =
            updates.iter().flat_map(|update| kinds.map(|(banks, format)| Self { update: *update, banks, format }));
        all.filter(|series| series.banks == "two" || !series.update.is_patch).collect()
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { update, banks, format } = self;
        let banks = if *banks == "two" { "two banks" } else { "a single bank" };
        write!(f, "{} of {banks}, {format}", update.name)
    }
}

/// An update without a cut, and where it can be cut.
pub(super) struct Points {
    pub(super) ended: Ended,
    /// When each frame was on the bus: from its first bit until its sender knew that it was sent.
    pub(super) frames: Vec<(Moment, Moment)>,
    /// How often the flash was changed.
    pub(super) operations: u64,
}

/// Who loses power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Ecu,
    Primary,
    Vehicle,
}

/// One cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// At this operation of the flash, done in this way.
    Flash { number: u64, torn: &'static str },
    /// At a moment while a frame is on the bus.
    Frame { at: Moment, victim: Victim },
}

impl Points {
    /// Every one: at each operation in every way, at some bit of each frame for every victim.
    pub(super) fn cuts(&self, seed: u64) -> Vec<Cut> {
        let flash = (1..=self.operations).flat_map(|number| TORN.map(|torn| Cut::Flash { number, torn }));
        let mut chance = Chance::seeded(seed).split("bits");
        let mut within = |(begin, end): &(Moment, Moment)| {
            let last = (*end - *begin).saturating_sub(Duration::from_nanos(1));
            *begin + chance.pause(Duration::ZERO..=last)
        };
        let frames: Vec<Cut> = self
            .frames
            .iter()
            .flat_map(|frame| VICTIMS.map(|victim| Cut::Frame { at: within(frame), victim }))
            .collect();
        flash.chain(frames).collect()
    }
}

impl Cut {
    /// As a scenario has it.
    pub(super) fn text(&self) -> String {
        let of = |node: &str, at: &Moment| {
            format!("[[fault]]\nkind = \"power-cut\"\nnode = \"{node}\"\nat = \"{} ns\"\nlasts = \"3 s\"\n", at.nanos())
        };
        match self {
            Self::Flash { number, torn } => flash(*number, torn),
            Self::Frame { at, victim: Victim::Ecu } => of(ECU, at),
            Self::Frame { at, victim: Victim::Primary } => of(PRIMARY, at),
            Self::Frame { at, victim: Victim::Vehicle } => [of(ECU, at), of(PRIMARY, at)].concat(),
        }
    }
}

fn flash(number: u64, torn: &str) -> String {
    format!(
        "[[fault]]\nkind = \"flash-cut\"\nnode = \"{ECU}\"\nat = \"300 ms\"\nnumber = {number}\ntorn = \"{torn}\"\nlasts = \"3 s\"\n"
    )
}

/// Runs the update without a cut: its frames come from the log of the bus, its flash operations are counted.
pub(super) fn find(series: &Series, seed: u64) -> Result<Points> {
    let recipe = recipe(series, &flash(NEVER, "before"), seed);
    let scenario = recipe.scenario()?;
    let mut world = recipe.world(&scenario)?;
    world.log_buses();
    let mut ended = world.run()?;
    let (_, log) = std::mem::take(&mut ended.bus_logs).pop().context("there is no bus")?;
    let bus = scenario.vehicle().buses().first().context("there is no bus")?;
    let intermission = Duration::from_nanos(INTERMISSION * 1_000_000_000 / u64::from(bus.nominal().get()));
    let on_bus = |(sent, entry): &(Moment, Entry)| on_bus(*sent, entry, bus.rates(), intermission);
    let frames: Vec<_> = log.iter().filter_map(on_bus).collect();
    ensure!(frames.len() == log.len(), "the bus has errors without a cut");
    let offered = log.iter().any(|(_, entry)| matches!(entry, Entry::Frame(frame) if offers_patch(frame)));
    ensure!(offered == series.update.is_patch, "{series}: a patch was offered: {offered}");
    let operations = ended.counted.get(&0).copied().context("the flash was not counted")?;
    Ok(Points { ended, frames, operations })
}

/// Whether it is the first frame of an offer of a patch.
fn offers_patch(frame: &Frame) -> bool {
    frame.data().windows(PATCH_OFFER.len()).any(|bytes| bytes == PATCH_OFFER)
}

/// When a frame was on the bus that was sent at this moment; its intermission follows.
fn on_bus(sent: Moment, entry: &Entry, rates: BitRates, intermission: Duration) -> Option<(Moment, Moment)> {
    let Entry::Frame(frame) = entry else { return None };
    let lasted = bus_time(frame, rates).checked_sub(intermission)?;
    let begin = sent.since_start().checked_sub(lasted)?;
    Some((Moment::START + begin, sent))
}

/// Runs the update with these faults to its end.
pub(super) fn run(series: &Series, faults: &str, seed: u64) -> Result<Ended> {
    let recipe = recipe(series, faults, seed);
    let scenario = recipe.scenario()?;
    Ok(recipe.world(&scenario)?.run()?)
}

fn recipe(series: &Series, faults: &str, seed: u64) -> Recipe {
    let Series { update, banks, format } = series;
    let scenario = SCENARIO.replacen("IMAGE", update.image, 1);
    let vehicle = include_str!("vehicle.toml").replacen("BANKS", banks, 1).replacen("FORMAT", format, 1);
    Recipe {
        file: "power-cut-can.toml".to_owned(),
        scenario: format!("{scenario}{faults}"),
        vehicle,
        seed,
        outside: None,
    }
}

/// RequestDownload into the address of a patch (`docs/can.md`).
const PATCH_OFFER: [u8; 4] = [0x34, 0x00, 0x88, 0x61];
const ECU: &str = "brakes";
const PRIMARY: &str = "gateway";
const VICTIMS: [Victim; 3] = [Victim::Ecu, Victim::Primary, Victim::Vehicle];
/// Bits after a frame that `bus_time` counts with it.
const INTERMISSION: u64 = 3;
/// What can be left of an operation.
const TORN: [&str; 5] = ["before", "half", "noise", "weak", "after"];
/// More than an update ever does.
const NEVER: u64 = 1_000_000_000;
/// One release, assigned before the Primary has started. The second thing that must hold is what `Seen` looks for where the
/// first does not.
const SCENARIO: &str = r#"
name = "power-cut-can"
about = "one release for an ECU on CAN, and power that fails"
vehicle = "one-on-can"
limit = "30 min"

[[release]]
name = "r2"
at = "100 ms"
images = [{ ecus = ["brakes"], IMAGE }]

[[campaign]]
name = "spring"
release = "r2"
at = "200 ms"

[[must]]
ecus = ["brakes"]
runs = "r2"

[[must]]
ecus = ["brakes"]
runs = "factory"
"#;
