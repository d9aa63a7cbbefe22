//! How long to wait before something is tried again that others may be trying, too.

use std::time::Duration;

/// Waits that double from one try to the next, up to five seconds. Each is drawn from the upper half of its span, so that nodes
/// that failed together do not try together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next wait, 100 ms to 5 s; `chance` is random.
    pub fn next(&mut self, chance: u32) -> Duration {
        let span = (2 * LEAST).saturating_mul(1 << self.tries.min(MAX_DOUBLINGS)).min(MOST);
        self.tries = self.tries.saturating_add(1);
        let half = span / 2;
        half + half.mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }

    /// It succeeded: the next wait is short again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// The shortest wait.
const LEAST: Duration = Duration::from_millis(100);
/// The longest wait.
const MOST: Duration = Duration::from_secs(5);
/// Doublings after which [`MOST`] is reached in any case.
const MAX_DOUBLINGS: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_between_their_bounds_and_begin_anew_after_success() {
        let mut backoff = Backoff::default();
        let longest: Vec<u128> = (0..8).map(|_| backoff.next(u32::MAX).as_millis()).collect();
        assert_eq!(longest, [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
        backoff.reset();
        assert_eq!(backoff.next(0), LEAST);
    }

    #[test]
    fn chance_shortens_a_wait_by_half_at_most() {
        let mut backoff = Backoff { tries: u32::MAX };
        assert_eq!(backoff.next(0), MOST / 2);
        assert_eq!(backoff.next(u32::MAX), MOST);
    }
}
