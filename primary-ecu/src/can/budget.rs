//! How much of a bus updates may take: a token bucket in exact time on the bus.
//!
//! Nothing here waits or reads a clock: the caller says when it is, and is told when the next frame may go out.

use std::time::Duration;

use proto::can::{BitRates, Frame, bus_time};

use crate::config::CanBudget;

/// A share of a bus, and how much of it is used up.
///
/// Each frame, ours or an answer to us, takes its time on the bus, stuff bits included, from the share. Over any stretch of time
/// what we send takes no more than the share of it, of [`BURST`] and of one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    rates: BitRates,
    percent: u32,
    /// When the share will have grown by what was taken from it.
    earned_at: Duration,
}

impl Budget {
    pub(super) fn new(limit: &CanBudget) -> Self {
        let rates = BitRates::new(limit.bit_rate, limit.data_bit_rate);
        Self { rates, percent: u32::from(limit.percent.get()), earned_at: Duration::ZERO }
    }

    /// A frame went over the bus.
    pub(super) fn spend(&mut self, frame: &Frame, now: Duration) {
        let earned_in = bus_time(frame, self.rates) * 100 / self.percent;
        let debt = self.earned_at.saturating_sub(now) + earned_in;
        // Whoever sends in the name of our Secondaries shall not be able to silence us for long.
        self.earned_at = now + debt.min(MAX_DEBT);
    }

    /// From when on a frame may be sent.
    pub(super) fn ready_at(&self) -> Duration {
        self.earned_at.saturating_sub(BURST)
    }
}

/// What may be used up in advance: timers are as coarse as a millisecond, and their lateness must not cost throughput.
const BURST: Duration = Duration::from_millis(10);
/// How far the share may be overdrawn by what others send.
const MAX_DEBT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;
    use proto::can::{Id, Rate};

    use super::*;
    use crate::config::Percent;

    fn limit(percent: u8) -> CanBudget {
        CanBudget {
            percent: Percent::try_from(percent).unwrap(),
            bit_rate: BitRates::COMMON.of(Rate::Nominal),
            data_bit_rate: BitRates::COMMON.of(Rate::Data),
        }
    }

    fn frame(fd: bool, fill: u8) -> Frame {
        let id = Id::standard(0x555).unwrap();
        if fd { Frame::fd(id, &[fill; 64]).unwrap() } else { Frame::classical(id, &[fill; 8]).unwrap() }
    }

    /// Sends as often as it is allowed to until `end`; the time all of it took on the bus.
    fn sent_until(budget: &mut Budget, frame: &Frame, end: Duration) -> Duration {
        let (mut now, mut on_bus) = (Duration::ZERO, Duration::ZERO);
        while now < end {
            budget.spend(frame, now);
            on_bus += bus_time(frame, budget.rates);
            // As timers do, a little late.
            now = now.max(budget.ready_at() + Duration::from_micros(900));
        }
        on_bus
    }

    #[test]
    fn a_bus_without_anything_sent_is_free_at_once() {
        assert_eq!(Budget::new(&limit(10)).ready_at(), Duration::ZERO);
    }

    #[test]
    fn ten_per_cent_of_a_bus_are_a_tenth_of_its_time_stuff_bits_counted() {
        let mut budget = Budget::new(&limit(10));
        let on_bus = sent_until(&mut budget, &frame(false, 0), Duration::from_secs(10));
        let share = on_bus.as_secs_f64() / 10.0;
        assert!((0.0995..=0.1005).contains(&share), "{share}");
    }

    #[test]
    fn the_data_phase_is_counted_at_its_own_rate() {
        let slow = CanBudget { data_bit_rate: NonZeroU32::new(500_000).unwrap(), ..limit(50) };
        let (mut fast, mut slow) = (Budget::new(&limit(50)), Budget::new(&slow));
        fast.spend(&frame(true, 0x55), Duration::ZERO);
        slow.spend(&frame(true, 0x55), Duration::ZERO);
        assert_eq!(fast.earned_at, Duration::from_nanos((60_000 + 274_500) * 2));
        assert_eq!(slow.earned_at, Duration::from_nanos((60_000 + 1_098_000) * 2));
    }

    #[test]
    fn what_was_not_used_is_not_saved_up() {
        let mut budget = Budget::new(&limit(1));
        let late = Duration::from_secs(3_600);
        let sent = frame(false, 0);
        (0..3).for_each(|_| budget.spend(&sent, late));
        assert_eq!(budget.ready_at(), late + bus_time(&sent, budget.rates) * 300 - BURST);
    }

    #[test]
    fn a_flood_of_others_costs_us_a_second_at_most() {
        let mut budget = Budget::new(&limit(1));
        let now = Duration::from_secs(1);
        (0..10_000).for_each(|_| budget.spend(&frame(false, 0), now));
        assert!(budget.ready_at() <= now + MAX_DEBT);
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_sees_more_than_its_share(
            percent in 1_u8..=100,
            frames in proptest::collection::vec((any::<bool>(), any::<u8>(), 0_u64..20_000), 1..200),
        ) {
            let mut budget = Budget::new(&limit(percent));
            let (mut now, mut on_bus) = (Duration::ZERO, Duration::ZERO);
            for (fd, fill, pause) in frames {
                now = (now + Duration::from_micros(pause)).max(budget.ready_at());
                let frame = frame(fd, fill);
                // Each frame's time is rounded down to the nanosecond.
                let allowed = (now + BURST) * u32::from(percent) / 100 + Duration::from_nanos(200);
                prop_assert!(on_bus <= allowed, "{on_bus:?} > {allowed:?}");
                budget.spend(&frame, now);
                on_bus += bus_time(&frame, budget.rates);
            }
        }
    }
}
