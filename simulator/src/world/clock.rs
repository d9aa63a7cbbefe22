//! What a node believes the time is.
//!
//! A node's clock goes fast or slow by a few parts in a billion, stands wrong by an offset, and loses the date with power
//! where no battery keeps it. Two readings of it differ by what the node itself would count, drift included.
//!
//! **Modelled**: constant drift, steps, the fall back to 1970-01-01. **Not modelled**: drift that changes with heat, and
//! clocks that are set by somebody else than the world or the node.

use std::time::Duration;

use uptane::Time;

use super::time::Moment;

/// The clock of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeClock {
    drift: Drift,
    battery: Battery,
    /// A moment, and what the clock showed then, in nanoseconds since 1970.
    set: (Moment, u128),
    /// When the node was last started.
    started: Moment,
}

/// How much faster than it should a clock goes, in parts per billion; slower if negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift(i32);

impl Drift {
    /// None.
    pub const NONE: Self = Self(0);

    /// So many parts per billion; a clock never stands still or goes backwards, so half of its pace is the slowest.
    pub fn new(parts: i32) -> Self {
        Self(parts.max(-BILLION / 2))
    }
}

/// Whether the clock goes on without power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Battery {
    /// It does.
    Present,
    /// It does not: the date is lost.
    Absent,
}

impl NodeClock {
    /// A clock that shows `time` when the world begins.
    pub fn new(time: Time, drift: Drift, battery: Battery) -> Self {
        Self { drift, battery, set: (Moment::START, nanos(time)), started: Moment::START }
    }

    /// What it shows.
    pub fn time(&self, now: Moment) -> Time {
        let (set, shown) = self.set;
        let seconds = shown.saturating_add(self.counted(now - set)) / u128::from(NANOS);
        u64::try_from(seconds).ok().and_then(|seconds| Time::from_unix(seconds).ok()).unwrap_or(Time::MAX)
    }

    /// What the node counts since it was started.
    pub fn since_start(&self, now: Moment) -> Duration {
        let counted = self.counted(now - self.started);
        Duration::from_nanos(u64::try_from(counted).unwrap_or(u64::MAX))
    }

    /// When the node will have counted `pause` from `now` on: where a node asks to be woken, the world must.
    pub fn after(&self, now: Moment, pause: Duration) -> Moment {
        let pace = self.pace();
        let nanos = pause.as_nanos().saturating_mul(u128::from(NANOS)).div_ceil(pace);
        now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Makes it show `time`.
    pub fn set(&mut self, now: Moment, time: Time) {
        self.set = (now, nanos(time));
    }

    /// Moves it forwards by so many seconds, backwards if negative; not before 1970.
    pub fn step(&mut self, now: Moment, seconds: i64) {
        let (set, shown) = self.set;
        let shown = shown.saturating_add(self.counted(now - set));
        let by = u128::from(seconds.unsigned_abs()).saturating_mul(u128::from(NANOS));
        self.set = (now, if seconds < 0 { shown.saturating_sub(by) } else { shown.saturating_add(by) });
    }

    /// Power is back after a failure: the node counts from zero, and without a battery it is 1970.
    pub fn restart(&mut self, now: Moment) {
        self.started = now;
        match self.battery {
            Battery::Present => {}
            Battery::Absent => self.set(now, Time::EPOCH),
        }
    }

    /// What the clock counts while `pause` goes by, in nanoseconds.
    fn counted(&self, pause: Duration) -> u128 {
        pause.as_nanos().saturating_mul(self.pace()) / u128::from(NANOS)
    }

    /// Nanoseconds it counts in a second.
    fn pace(&self) -> u128 {
        u128::try_from(i64::from(BILLION).saturating_add(i64::from(self.drift.0))).unwrap_or(1)
    }
}

fn nanos(time: Time) -> u128 {
    u128::from(time.unix()).saturating_mul(u128::from(NANOS))
}

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;
const BILLION: i32 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn clock(parts: i32, battery: Battery) -> NodeClock {
        NodeClock::new(time("2026-01-01T00:00:00Z"), Drift::new(parts), battery)
    }

    #[test]
    fn a_clock_that_drifts_is_wrong_by_its_parts_per_billion() {
        // 50 parts in a million are 4.32 s a day.
        let noon = Moment::START + DAY;
        assert_eq!(clock(0, Battery::Present).time(noon), time("2026-01-02T00:00:00Z"));
        assert_eq!(clock(50_000, Battery::Present).time(noon), time("2026-01-02T00:00:04Z"));
        assert_eq!(clock(-50_000, Battery::Present).time(noon), time("2026-01-01T23:59:55Z"));
    }

    #[test]
    fn a_node_is_woken_when_its_own_clock_says_so() {
        for parts in [-50_000, 0, 7, 50_000] {
            let clock = clock(parts, Battery::Present);
            let now = Moment::from_nanos(123_456_789);
            let then = clock.after(now, DAY);
            let before = Moment::from_nanos(then.nanos() - 1);
            assert!(clock.counted(then - now) >= DAY.as_nanos());
            assert!(clock.counted(before - now) < DAY.as_nanos());
        }
    }

    #[test]
    fn without_a_battery_it_is_1970_after_a_power_failure() {
        let back = Moment::START + DAY;
        let (mut kept, mut lost) = (clock(0, Battery::Present), clock(0, Battery::Absent));
        kept.restart(back);
        lost.restart(back);
        let later = back + Duration::from_secs(5);
        assert_eq!((kept.time(later), kept.since_start(later)), (time("2026-01-02T00:00:05Z"), Duration::from_secs(5)));
        assert_eq!((lost.time(later), lost.since_start(later)), (time("1970-01-01T00:00:05Z"), Duration::from_secs(5)));
    }

    #[test]
    fn a_step_moves_the_date_and_not_what_the_node_counts() {
        let mut clock = clock(0, Battery::Present);
        let now = Moment::START + DAY;
        clock.step(now, -3_600);
        assert_eq!((clock.time(now), clock.since_start(now)), (time("2026-01-01T23:00:00Z"), DAY));
        clock.step(now, i64::MIN);
        assert_eq!(clock.time(now), Time::EPOCH);
        clock.step(now, i64::MAX);
        assert_eq!(clock.time(now), Time::MAX);
    }
}
