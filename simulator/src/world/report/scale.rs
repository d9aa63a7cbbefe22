//! From time to pixels, in whole numbers: the same page on every machine.

use std::fmt;
use std::time::Duration;

use crate::world::time::Moment;

/// A length in tenths of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Length(pub(super) u64);

impl Length {
    /// So many whole pixels.
    pub(super) const fn pixels(pixels: u64) -> Self {
        Self(pixels * 10)
    }

    /// The share `part` of `whole` of this length; all of it, if `part` is more.
    pub(super) fn share(self, part: u64, whole: u64) -> Self {
        let share = u128::from(self.0) * u128::from(part.min(whole)) / u128::from(whole.max(1));
        Self(u64::try_from(share).unwrap_or(self.0))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            tenths => write!(f, "{}.{tenths}", self.0 / 10),
        }
    }
}

/// The axis of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    end: u64,
    width: Length,
}

impl Axis {
    /// From the start to `end`, over `width`.
    pub(super) fn new(end: Moment, width: Length) -> Self {
        Self { end: end.nanos().max(1), width }
    }

    /// Where a moment is.
    pub(super) fn at(self, moment: Moment) -> Length {
        self.width.share(moment.nanos(), self.end)
    }

    /// Where there is a mark, and what it says: about ten of them, at round times.
    pub(super) fn marks(self) -> Vec<(Length, String)> {
        let step = STEPS.into_iter().find(|step| self.end / step < MOST_MARKS).unwrap_or_else(|| self.end.div_ceil(10));
        let marks = (0..MOST_MARKS).map(|mark| mark.saturating_mul(step)).take_while(|nanos| *nanos <= self.end);
        marks.map(|nanos| (self.at(Moment::from_nanos(nanos)), clock(nanos, step))).collect()
    }
}

/// A time in the units its step is told in: `0.5 s`, `90 s`, `12 min`, `3 h`.
fn clock(nanos: u64, step: u64) -> String {
    let fraction = |unit: u64, name: &str| {
        let tenths = nanos / (unit / 10).max(1);
        match tenths % 10 {
            0 => format!("{} {name}", tenths / 10),
            tenth => format!("{}.{tenth} {name}", tenths / 10),
        }
    };
    match step {
        HOUR.. => fraction(HOUR, "h"),
        MINUTE..HOUR => fraction(MINUTE, "min"),
        100_000_000..MINUTE => fraction(SECOND, "s"),
        100_000..100_000_000 => fraction(SECOND / 1_000, "ms"),
        0..100_000 => fraction(SECOND / 1_000_000, "µs"),
    }
}

/// A duration for people: three digits or so, in a fitting unit.
pub(super) fn duration(duration: Duration) -> String {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    match nanos {
        0..1_000_000 => format!("{} µs", nanos / 1_000),
        1_000_000..SECOND => format!("{} ms", nanos / 1_000_000),
        SECOND..MINUTE => format!("{}.{} s", nanos / SECOND, nanos % SECOND / (SECOND / 10)),
        MINUTE..HOUR => format!("{} min {} s", nanos / MINUTE, nanos % MINUTE / SECOND),
        HOUR.. => format!("{} h {} min", nanos / HOUR, nanos % HOUR / MINUTE),
    }
}

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const MOST_MARKS: u64 = 12;
/// Round pauses between marks.
const STEPS: [u64; 28] = {
    const MILLISECOND: u64 = SECOND / 1_000;
    [
        MILLISECOND / 1_000,
        MILLISECOND / 100,
        MILLISECOND / 10,
        MILLISECOND,
        2 * MILLISECOND,
        5 * MILLISECOND,
        10 * MILLISECOND,
        20 * MILLISECOND,
        50 * MILLISECOND,
        100 * MILLISECOND,
        200 * MILLISECOND,
        500 * MILLISECOND,
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        6 * HOUR,
        24 * HOUR,
        120 * HOUR,
        960 * HOUR,
    ]
};
