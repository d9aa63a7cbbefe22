//! A CAN bus of the vehicle.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use proto::can::BitRates;
use toml::Spanned;

use crate::world::chance::PerBillion;
use crate::world::description::{BitRate, Fields, MistakeKind, Name, Notes};

/// A bus, its bit rates, and how busy it is with other traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bus {
    name: Name,
    nominal: NonZeroU32,
    data: Option<NonZeroU32>,
    background: PerBillion,
}

impl Bus {
    /// Reads a `[[bus]]`.
    pub(super) fn read(name: &Name, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let nominal = fields.required::<BitRate>("nominal", notes);
        let nominal = nominal.and_then(|rate| within(&rate, NOMINAL, "nominal", notes));
        let data = fields.optional::<BitRate>("data", notes);
        let data = data.and_then(|rate| Some((within(&rate, DATA, "data", notes)?, rate.span())));
        if let (Some(nominal), Some((slower, span))) = (nominal, &data)
            && *slower < nominal
        {
            let found = format!("the data phase of bus `{name}` would be slower than its arbitration");
            notes.impossible(span.clone(), found, "a data rate of at least the nominal one");
        }
        let background = fields.optional::<PerBillion>("background", notes);
        if let Some(load) = background.as_ref().filter(|load| load.get_ref().billionths() > MOST_BACKGROUND) {
            let found = format!("bus `{name}` would have no time left for an update");
            notes.impossible(load.span(), found, "at most 90 % background traffic");
        }
        Some(Self {
            name: name.clone(),
            nominal: nominal?,
            data: data.map(|(rate, _)| rate),
            background: background.map_or(PerBillion::NEVER, Spanned::into_inner),
        })
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whether CAN FD frames may be sent on it.
    pub fn is_fd(&self) -> bool {
        self.data.is_some()
    }

    /// Bits per second of arbitration, and of classical frames.
    pub fn nominal(&self) -> NonZeroU32 {
        self.nominal
    }

    /// Bits per second of the data phase of FD frames; `None` if the bus is classical.
    pub fn data(&self) -> Option<NonZeroU32> {
        self.data
    }

    /// Both rates, as frames are timed with; on a classical bus nothing uses the second.
    pub fn rates(&self) -> BitRates {
        BitRates::new(self.nominal, self.data.unwrap_or(self.nominal))
    }

    /// The share of its time that other traffic takes.
    pub fn background(&self) -> PerBillion {
        self.background
    }
}

/// A bit rate that CAN has; a note, if it is none.
fn within(
    rate: &Spanned<BitRate>,
    range: RangeInclusive<u64>,
    which: &str,
    notes: &mut Notes<'_>,
) -> Option<NonZeroU32> {
    let bits = rate.get_ref().0;
    if range.contains(&bits.get()) {
        return NonZeroU32::try_from(bits).ok();
    }
    let [least, most] = [*range.start(), *range.end()].map(|bits| bits / 1_000);
    let expected = format!("a {which} rate of {least} to {most} kbit/s");
    notes.note(rate.span(), MistakeKind::Value { found: rate.get_ref().to_string(), expected });
    None
}

/// Nominal bit rates that ISO 11898-2 buses have.
const NOMINAL: RangeInclusive<u64> = 10_000..=1_000_000;
/// Bit rates of the data phase.
const DATA: RangeInclusive<u64> = 10_000..=8_000_000;
/// Background traffic beyond which an update could wait for ever: 90 %, in billionths.
const MOST_BACKGROUND: u32 = 900_000_000;
