//! This ECU's time: the latest attested, and what has passed since. No other clock is asked (design D14).

use core::time::Duration;

use uptane::Time;

/// The time of an ECU that can count what passes, from any one moment until it is reset.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    floor: Time,
    since: Duration,
}

impl Clock {
    /// The time is `floor` when `elapsed` has passed.
    pub fn new(floor: Time, elapsed: Duration) -> Self {
        Self { floor, since: elapsed }
    }

    /// What time it is when `elapsed` has passed.
    pub fn now(&self, elapsed: Duration) -> Time {
        self.floor.saturating_add(elapsed.saturating_sub(self.since))
    }

    /// Starts from a newly attested time, if it is another than before.
    pub fn correct(&mut self, floor: Time, elapsed: Duration) {
        if floor != self.floor {
            *self = Self::new(floor, elapsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_from_the_latest_attested() {
        let at = |seconds| Time::from_unix(seconds).unwrap();
        let mut clock = Clock::new(at(1_000), Duration::from_secs(5));
        assert_eq!(clock.now(Duration::from_secs(8)), at(1_003));
        clock.correct(at(1_000), Duration::from_secs(8));
        assert_eq!(clock.now(Duration::from_secs(9)), at(1_004));
        clock.correct(at(2_000), Duration::from_secs(9));
        assert_eq!(clock.now(Duration::from_secs(10)), at(2_001));
    }
}
