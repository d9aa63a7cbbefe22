//! Time on a bus, exact to the bit: points that are a whole number of ticks after some moment, a tick being the greatest
//! part of a second that both bit times are multiples of.

use std::time::Duration;

use proto::can::{BitRates, FrameBits, Rate};

use crate::world::time::Moment;

/// How long bits take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    per_second: u64,
    nominal: u64,
    data: u64,
}

/// A point in time: `ticks` after `base`. A busy period has one base, so nothing is rounded inside it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Point {
    pub(super) base: Moment,
    pub(super) ticks: u64,
}

impl Grid {
    pub(super) fn new(rates: BitRates) -> Self {
        let [nominal, data] = [Rate::Nominal, Rate::Data].map(|rate| u64::from(rates.of(rate).get()));
        let per_second = nominal / common_divisor(nominal, data) * data;
        Self { per_second, nominal: per_second / nominal, data: per_second / data }
    }

    /// Ticks of a bit.
    pub(super) fn bit(&self, rate: Rate) -> u64 {
        match rate {
            Rate::Nominal => self.nominal,
            Rate::Data => self.data,
        }
    }

    /// Ticks of so many bits at the nominal rate.
    pub(super) fn bits(&self, count: u64) -> u64 {
        self.nominal.saturating_mul(count)
    }

    /// Ticks of a whole frame.
    pub(super) fn frame(&self, bits: FrameBits) -> u64 {
        self.nominal * u64::from(bits.nominal) + self.data * u64::from(bits.data)
    }

    /// So many ticks, rounded down to the nanosecond.
    pub(super) fn pause(&self, ticks: u64) -> Duration {
        let nanos = match ticks.checked_mul(NANOS) {
            Some(wide) => wide / self.per_second,
            None => {
                u64::try_from(u128::from(ticks) * u128::from(NANOS) / u128::from(self.per_second)).unwrap_or(u64::MAX)
            }
        };
        Duration::from_nanos(nanos)
    }

    /// The moment of a point.
    pub(super) fn moment(&self, point: Point) -> Moment {
        point.base + self.pause(point.ticks)
    }

    /// The first tick after `base` that is not before `moment`.
    pub(super) fn tick(&self, base: Moment, moment: Moment) -> u64 {
        let nanos = (moment - base).as_nanos();
        u64::try_from((nanos * u128::from(self.per_second)).div_ceil(u128::from(NANOS))).unwrap_or(u64::MAX)
    }

    /// How many whole bits at the nominal rate fit between two moments, of which either may be rounded down.
    pub(super) fn bits_between(&self, from: Moment, to: Moment) -> u64 {
        if to <= from {
            return 0;
        }
        let nanos = (to - from).as_nanos() + 1;
        u64::try_from(nanos * u128::from(self.per_second) / u128::from(NANOS * self.nominal)).unwrap_or(u64::MAX)
    }
}

impl Point {
    pub(super) fn at(base: Moment) -> Self {
        Self { base, ticks: 0 }
    }
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// Nanoseconds of a second.
const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn grid(nominal: u32, data: u32) -> Grid {
        Grid::new(BitRates::new(NonZeroU32::new(nominal).unwrap(), NonZeroU32::new(data).unwrap()))
    }

    #[test]
    fn rates_without_whole_nanoseconds_lose_nothing_however_long_the_bus_is_busy() {
        let grid = grid(33_333, 6_000_000);
        assert_eq!(grid.pause(grid.bits(33_333)), Duration::from_secs(1));
        assert_eq!(grid.pause(grid.bits(33_333 * 1_000_000)), Duration::from_secs(1_000_000));
    }

    #[test]
    fn a_frame_takes_its_bits_at_their_rates() {
        let grid = grid(500_000, 2_000_000);
        let bits = FrameBits { nominal: 30, data: 549 };
        assert_eq!(grid.pause(grid.frame(bits)), Duration::from_nanos(60_000 + 274_500));
    }

    #[test]
    fn moments_and_ticks_agree() {
        let grid = grid(500_000, 3_000_000);
        let base = Moment::from_nanos(17);
        for ticks in 0..1_000 {
            let moment = grid.moment(Point { base, ticks });
            assert!(grid.tick(base, moment) <= ticks);
            assert!(grid.tick(base, moment + Duration::from_nanos(1)) >= ticks);
        }
        assert_eq!(grid.bits_between(base, base + Duration::from_nanos(21_999)), 11);
        assert_eq!(grid.bits_between(base, base + Duration::from_nanos(21_998)), 10);
    }
}
