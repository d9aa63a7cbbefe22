//! How much of a file goes into one message, on a bus that loses frames.
//!
//! ISO-TP repeats nothing: of a message that lost one frame all frames go again. So a message is halved when one was lost, and
//! doubled again when many got through.

use super::conversation::MESSAGE;

/// The pace of one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    most: usize,
    passed: u32,
    failed: u32,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { most: MOST, passed: 0, failed: 0 }
    }

    /// How many bytes of a file go into the next message at most.
    pub(super) fn most(self) -> usize {
        self.most
    }

    /// A message was taken; whether it had to be repeated.
    pub(super) fn pass(&mut self, repeated: bool) {
        self.failed = 0;
        self.passed = if repeated { 0 } else { self.passed + 1 };
        if repeated {
            self.halve();
        } else if self.passed == CALM {
            self.passed = 0;
            self.most = (self.most * 2).min(MOST);
        }
    }

    /// A message did not get through however often it was sent; whether a smaller one may be tried.
    pub(super) fn fail(&mut self) -> bool {
        self.halve();
        self.passed = 0;
        self.failed += 1;
        self.failed < MAX_FAILURES
    }

    fn halve(&mut self) {
        self.most = (self.most / 2).max(LEAST);
    }
}

/// What fits into a message beside service and counter.
const MOST: usize = MESSAGE - 2;
/// Below it the frames around a message would cost more than its repetition.
const LEAST: usize = 96;
/// Messages in a row that got through before a larger one is tried.
const CALM: u32 = 16;
/// Messages in a row that did not, before the Secondary counts as silent.
const MAX_FAILURES: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_that_loses_nothing_carries_the_longest_messages() {
        let mut pace = Pace::new();
        (0..100).for_each(|_| pace.pass(false));
        assert_eq!(pace.most(), 4_093);
    }

    #[test]
    fn each_loss_halves_a_message_down_to_the_least() {
        let mut pace = Pace::new();
        pace.pass(true);
        assert_eq!(pace.most(), 2_046);
        (0..10).for_each(|_| pace.pass(true));
        assert_eq!(pace.most(), LEAST);
    }

    #[test]
    fn calm_doubles_it_again() {
        let mut pace = Pace::new();
        pace.pass(true);
        (0..15).for_each(|_| pace.pass(false));
        assert_eq!(pace.most(), 2_046);
        pace.pass(false);
        assert_eq!(pace.most(), 4_092);
    }

    #[test]
    fn failures_in_a_row_are_counted_and_forgotten_with_the_next_success() {
        let mut pace = Pace::new();
        assert!((0..7).all(|_| pace.fail()));
        pace.pass(false);
        assert!((0..7).all(|_| pace.fail()));
        assert!(!pace.fail());
    }
}
