//! What is counted.

use std::collections::BTreeMap;

use secondary_ecu::bench::Broken;
use secondary_ecu::flash::ram::Tear;

/// One number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Count {
    /// Erases, writes, syncs and changes of files in one update without a cut.
    Operations,
    /// Cuts of an update.
    Cuts,
    /// Cuts of a recovery.
    SecondCuts,
    /// An ECU boots nothing, or what is not signed for it.
    Unsigned,
    /// A counter or a version fell.
    Fell,
    /// An ECU does not come to run the new image.
    Stuck,
    /// Power was to fail and did not: the same update was another one.
    Missed,
    /// The program broke off.
    Panics,
}

/// What must not happen, and what it is called.
pub(super) const FAULTS: [(Count, &str); 5] = [
    (Count::Unsigned, "boots of nothing, or of what is not signed for this ECU"),
    (Count::Fell, "counters, floors or versions that fell"),
    (Count::Stuck, "updates that did not end in the new image"),
    (Count::Missed, "cuts that did not happen"),
    (Count::Panics, "panics"),
];

impl From<&Broken> for Count {
    fn from(broken: &Broken) -> Self {
        match broken {
            Broken::Fell { .. } => Self::Fell,
            Broken::Boot(_) | Broken::Unsigned(_) => Self::Unsigned,
            Broken::Endless | Broken::Other(_) | Broken::Refused(_) => Self::Stuck,
            // `Broken` may grow; whatever else is broken, this ECU did not come to the end.
            _ => Self::Stuck,
        }
    }
}

/// What was counted, by name and by tear.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<Count, u32>,
    tears: BTreeMap<Tear, u32>,
}

impl Tally {
    pub(super) fn add(&mut self, count: Count) {
        *self.counts.entry(count).or_default() += 1;
    }

    /// Counts a cut.
    pub(super) fn cut(&mut self, count: Count, tear: Tear) {
        self.add(count);
        *self.tears.entry(tear).or_default() += 1;
    }

    /// Every part of a subject finds the same number.
    pub(super) fn operations(&mut self, operations: u64) {
        self.counts.insert(Count::Operations, u32::try_from(operations).unwrap_or(u32::MAX));
    }

    pub(super) fn of(&self, count: Count) -> f64 {
        f64::from(self.counts.get(&count).copied().unwrap_or_default())
    }

    pub(super) fn tears(&self) -> impl Iterator<Item = (Tear, f64)> + '_ {
        self.tears.iter().map(|(tear, count)| (*tear, f64::from(*count)))
    }

    pub(super) fn add_all(&mut self, other: Self) {
        for (count, number) in other.counts {
            let sum = self.counts.entry(count).or_default();
            *sum = if count == Count::Operations { number } else { *sum + number };
        }
        for (tear, number) in other.tears {
            *self.tears.entry(tear).or_default() += number;
        }
    }
}

/// What a tear leaves.
pub(super) fn words(tear: Tear) -> &'static str {
    match tear {
        Tear::Before => "before the operation",
        Tear::Half => "inside it, half done",
        Tear::Noise => "inside it, noise left",
        Tear::After => "after it",
        Tear::Unsynced => "before it, what was not synced lost",
        Tear::Weak => "inside it, cells erased too weakly",
    }
}
