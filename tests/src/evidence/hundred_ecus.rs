//! The whole truck is updated, every CAN frame of it, many times faster than it would be.

use std::time::Duration;

use anyhow::{Context, Result};
use simulator::runs::Recipe;
use simulator::world::run::{Ended, Transfer};
use simulator::world::{scenario, vehicle};

use super::Item;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "hundred-ecus",
    promise: "a full update of the 100-ECU truck over full buses, every CAN frame modelled, runs 50 times faster than its time",
    show,
};

/// The scenario, and the vehicle it happens to.
const SCENARIO: &str = "hundred-ecus";
/// ECUs that must run the new image.
const ECUS: f64 = 100.0;
/// Per cent of the time in which something is received over a bus that the bus is not free.
const BUSY: f64 = 80.0;
/// Simulated seconds in a second, on one core.
const FASTER: f64 = 50.0;

fn show(record: &mut Record) -> Result<()> {
    let recipe = recipe(record.seed())?;
    let scenario = recipe.scenario()?;
    let watch = host::clock::stopwatch();
    let ended = recipe.world(&scenario)?.run()?;
    let wall = watch.elapsed().as_secs_f64();
    updated(record, &ended);
    busy(record, &ended.transfers);
    let simulated = ended.run.end.since_start().as_secs_f64();
    let (frames, for_ecus) = (count(ended.frames)?, frames_for_ecus(&ended)?);
    record.figure("CAN frames, other traffic included", frames, "", Limit::Shown);
    record.figure("CAN frames of the update", for_ecus, "", Limit::AtLeast(1.0));
    record.figure("simulated time", simulated, "s", Limit::Shown);
    record.figure("it takes, on one core", wall, "s", Limit::Shown);
    record.figure("CAN frames in a second of that", frames / wall, "/s", Limit::Shown);
    record.figure("simulated time by the time it takes", simulated / wall, "", Limit::AtLeast(FASTER));
    Ok(())
}

fn recipe(seed: u64) -> Result<Recipe> {
    let scenario = scenario::ready::Ready::named(SCENARIO).context("the scenario")?;
    let of = scenario.scenario().context("a scenario without mistakes")?;
    let vehicle = vehicle::ready::Ready::named(of.vehicle().name().as_str()).context("the vehicle")?;
    let [text, vehicle] = [scenario.text, vehicle.text].map(str::to_owned);
    Ok(Recipe { file: format!("{SCENARIO}.toml"), scenario: text, vehicle, seed, outside: None })
}

fn updated(record: &mut Record, ended: &Ended) {
    let run = &ended.run;
    let short = run.verdicts.iter().filter_map(|verdict| verdict.falls_short.as_ref());
    short.for_each(|why| record.note(why.clone()));
    record.figure("ECUs", run.ecus.iter().map(|_| 1.0).sum(), "", Limit::Exactly(ECUS));
    record.claim("every ECU runs its new image in the end, and no invariant was violated", run.holds());
}

/// A bus counts as long as an ECU behind it receives metadata or an image.
fn busy(record: &mut Record, transfers: &[Transfer]) {
    for Transfer { bus, lasted, busy, .. } in transfers {
        record.figure(format!("{bus}: something is received for"), lasted.as_secs_f64(), "s", Limit::AtLeast(1.0));
        record.figure(format!("{bus}: busy in that time"), share(*busy, *lasted), "%", Limit::AtLeast(BUSY));
    }
    let sum = |of: fn(&Transfer) -> Duration| transfers.iter().map(of).sum::<Duration>();
    let all = share(sum(|transfer| transfer.busy), sum(|transfer| transfer.lasted));
    record.figure("all buses: busy in that time", all, "%", Limit::AtLeast(BUSY));
}

fn share(part: Duration, whole: Duration) -> f64 {
    100.0 * part.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// Frames between the Primary and its ECUs.
fn frames_for_ecus(ended: &Ended) -> Result<f64> {
    let is_bus = |over: &str| ended.run.buses.iter().any(|bus| bus.bus == over);
    let frames = ended.run.traffic.iter().filter(|traffic| is_bus(&traffic.over)).map(|traffic| traffic.messages);
    count(frames.fold(0, u64::saturating_add))
}

fn count(number: u64) -> Result<f64> {
    Ok(f64::from(u32::try_from(number)?))
}
