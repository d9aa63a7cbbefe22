//! One input on its way through a decoder, and what came of it.

use super::measure;

/// What is known of one input.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Whether it was signed again after it was mutated.
    pub resigned: bool,
    /// Whether it was accepted.
    pub accepted: bool,
    /// The most bytes the decoder held at once.
    pub held: usize,
    bound: usize,
}

impl Run {
    pub(super) fn within(bound: usize) -> Self {
        Self { resigned: false, accepted: false, held: 0, bound }
    }

    /// Lets the decoder work, and counts what it allocates meanwhile.
    pub(super) fn decode<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (done, held) = measure::of(work);
        self.held = self.held.max(held);
        assert!(held <= self.bound, "the decoder held {held} bytes of at most {}", self.bound);
        done
    }

    /// Says that the decoder accepted the input, which was signed by its role, now or before.
    pub(super) fn accept(&mut self, is_genuine: bool) {
        assert!(is_genuine, "a forgery was accepted");
        self.accepted = true;
    }
}
