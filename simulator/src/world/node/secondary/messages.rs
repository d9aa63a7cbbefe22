//! Requests and answers of a Secondary, counted so that power can fail at one of them.

use std::collections::BTreeSet;

/// Requests taken and answers given, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Messages {
    count: u64,
    cuts: BTreeSet<u64>,
}

impl Messages {
    /// Power fails after so many more.
    pub(super) fn cut_at(&mut self, after: u64) {
        self.cuts.insert(self.count.saturating_add(after));
    }

    /// So many so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The next one is due. Whether power fails instead.
    pub(super) fn next_fails(&mut self) -> bool {
        let number = self.count;
        self.count = number.saturating_add(1);
        self.cuts.remove(&number)
    }
}
