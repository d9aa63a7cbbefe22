//! What many runs come to.

use crate::world::run::{Ended, Struck};

/// The sums over many runs.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs that are over.
    pub runs: u64,
    /// The seeds of those that did not hold, lowest first.
    pub failed: Vec<u64>,
    /// Invariants that were violated, in all.
    pub violations: u64,
    /// The faults that struck.
    pub struck: Struck,
    /// The fewest faults that struck in a run.
    pub fewest_struck: Option<u64>,
    /// Events that happened.
    pub events: u64,
    /// Frames that were on a bus whole.
    pub frames: u64,
    /// Simulated seconds.
    pub simulated: f64,
}

impl Tally {
    /// Adds a run.
    pub fn add(&mut self, seed: u64, ended: &Ended) {
        self.runs = self.runs.saturating_add(1);
        if !ended.run.holds() {
            self.failed.push(seed);
            self.failed.sort_unstable();
        }
        let violations = u64::try_from(ended.run.violations.len()).unwrap_or(u64::MAX);
        self.violations = self.violations.saturating_add(violations);
        self.struck.join(&ended.struck);
        let struck = ended.struck.total();
        self.fewest_struck = Some(self.fewest_struck.map_or(struck, |fewest| fewest.min(struck)));
        self.events = self.events.saturating_add(ended.events);
        self.frames = self.frames.saturating_add(ended.frames);
        self.simulated += ended.run.end.since_start().as_secs_f64();
    }
}
