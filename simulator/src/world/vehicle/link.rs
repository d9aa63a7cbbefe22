//! How good a link is: to the cloud, or to an ECU on Ethernet.

use std::time::Duration;

use crate::world::chance::PerBillion;
use crate::world::description::{BitRate, Fields, Notes, Pause};

/// A link's delay, rate and faults; the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    delay: Duration,
    jitter: Duration,
    rate: BitRate,
    loss: PerBillion,
    duplicates: PerBillion,
}

impl Link {
    /// Reads `[cloud]` or `[ethernet]`.
    pub(super) fn read(mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let delay = fields.required::<Pause>("delay", notes);
        let rate = fields.required::<BitRate>("rate", notes);
        let jitter = fields.or("jitter", Pause(Duration::ZERO), notes);
        let loss = fields.optional::<PerBillion>("loss", notes);
        let duplicates = fields.or("duplicates", PerBillion::NEVER, notes);
        if let Some(all) = loss.as_ref().filter(|loss| *loss.get_ref() == PerBillion::ALWAYS) {
            let found = format!("{} that loses everything is none", fields.whose());
            notes.impossible(all.span(), found, "a loss below 100 %; a scenario can cut the link for a time");
        }
        fields.finish(notes);
        Some(Self {
            delay: delay?.into_inner().0,
            jitter: jitter.0,
            rate: rate?.into_inner(),
            loss: loss.map_or(PerBillion::NEVER, toml::Spanned::into_inner),
            duplicates,
        })
    }

    /// How long a byte travels, at least.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// How much longer it may travel.
    pub fn jitter(&self) -> Duration {
        self.jitter
    }

    /// Bits per second.
    pub fn rate(&self) -> BitRate {
        self.rate
    }

    /// The share of messages that are lost.
    pub fn loss(&self) -> PerBillion {
        self.loss
    }

    /// The share of messages that arrive twice.
    pub fn duplicates(&self) -> PerBillion {
        self.duplicates
    }
}
