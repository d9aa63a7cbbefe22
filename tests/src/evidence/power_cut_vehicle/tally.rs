//! What became of the vehicle after each cut.

use simulator::world::run::Ended;

/// How a vehicle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::evidence) enum End {
    /// It came to rest, and every ECU runs the new image.
    New,
    /// It came to rest, and every ECU runs the old image.
    Old,
    /// It came to rest, and some run the one, some the other.
    Mixed,
    /// It did not come to rest.
    Restless,
}

/// What is seen in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::evidence) struct Seen {
    pub(in crate::evidence) end: End,
    /// Whether power failed where it was to.
    pub(in crate::evidence) was_cut: bool,
    /// Whether the vehicle was mixed at some time after its transaction was closed.
    pub(in crate::evidence) was_mixed: bool,
    /// Other invariants that were violated.
    pub(in crate::evidence) violations: usize,
}

/// The sums over many runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) cuts: u32,
    pub(super) of_vehicle: u32,
    pub(super) new: u32,
    pub(super) old: u32,
    pub(super) mixed: u32,
    pub(super) mixed_once_closed: u32,
    pub(super) stuck: u32,
    pub(super) missed: u32,
    pub(super) violations: u32,
}

impl Seen {
    /// What a run came to.
    pub(in crate::evidence) fn of(ended: &Ended) -> Self {
        let run = &ended.run;
        let holds = |place: usize| run.verdicts.get(place).is_some_and(|verdict| verdict.falls_short.is_none());
        let end = match (ended.is_at_rest, holds(0), holds(1)) {
            (false, ..) => End::Restless,
            (true, true, _) => End::New,
            (true, false, true) => End::Old,
            (true, false, false) => End::Mixed,
        };
        let mixed = run.violations.iter().filter(|violation| violation.invariant == MIXED).count();
        let was_cut = KINDS.iter().map(|kind| ended.struck.of(kind)).sum::<u64>() > 0;
        Self { end, was_cut, was_mixed: mixed > 0, violations: run.violations.len() - mixed }
    }

    /// Whether all is as it must be.
    pub(in crate::evidence) fn holds(&self, wanted: End) -> bool {
        self.end == wanted && self.was_cut && !self.was_mixed && self.violations == 0
    }
}

impl Tally {
    /// Adds what was seen after a cut.
    pub(super) fn add(&mut self, seen: &Seen, whole: bool) {
        self.cuts += 1;
        self.of_vehicle += u32::from(whole);
        match seen.end {
            End::New => self.new += 1,
            End::Old => self.old += 1,
            End::Mixed => self.mixed += 1,
            End::Restless => self.stuck += 1,
        }
        self.mixed_once_closed += u32::from(seen.was_mixed);
        self.missed += u32::from(!seen.was_cut);
        self.violations += u32::try_from(seen.violations).unwrap_or(u32::MAX);
    }
}

/// The invariant, as the world words it.
const MIXED: &str = simulator::world::run::NEVER_MIXED;
/// The faults that cut.
const KINDS: [&str; 4] = ["disk-cut", "flash-cut", "message-cut", "power-cut"];
