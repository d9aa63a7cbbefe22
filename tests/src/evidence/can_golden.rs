//! The simulated CAN bus beside published figures, and its logs in the hands of other tools.
//!
//! Every frame here goes over the bus of `simulator::world::can`, and every transfer is the ISO-TP and UDS that ship.

mod bits;
mod faults;
pub(super) mod goodput;
mod logs;
mod rates;
mod uds;

use anyhow::Result;
use simulator::world::chance::Chance;

use super::Item;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "can-golden",
    promise: "frame bits, frame rates, error handling and ISO-TP goodput are the published ones; other tools read the logs",
    show,
};

fn show(record: &mut Record) -> Result<()> {
    let chance = Chance::seeded(record.seed());
    bits::show(record, &chance)?;
    rates::show(record, &chance)?;
    faults::show(record, &chance)?;
    goodput::show(record, &chance)?;
    uds::show(record, &chance)?;
    logs::show(record, &chance)
}

/// Records what we found beside a published figure, from which it may be `most` per cent apart.
fn beside(record: &mut Record, what: &str, ours: f64, published: f64, most: f64) {
    let apart = (ours - published).abs() / published * 100.0;
    record.sample(what, ours);
    record.figure(format!("{what}: {ours:.1} beside {published}; apart"), apart, "%", Limit::AtMost(most));
}

/// A whole number as a figure; what is beyond 32 bits does not occur here.
pub(super) fn number(count: u64) -> Result<f64> {
    Ok(f64::from(u32::try_from(count)?))
}
