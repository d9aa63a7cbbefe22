//! What a run was like, for people and for other programs.
//!
//! A [`Run`] is plain data that whoever runs a world fills in. [`junit`] makes of many runs a JUnit XML file that test
//! tools read; [`page`] makes of one run an HTML page that needs nothing but itself: no script, no other file.

mod bus_load;
mod junit;
mod markup;
mod page;
mod scale;
mod time_line;

pub use junit::junit;
pub use page::page;

use std::time::Duration;

use super::time::Moment;

/// One run of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The scenario's name.
    pub scenario: String,
    /// The vehicle's name.
    pub vehicle: String,
    /// The seed.
    pub seed: u64,
    /// When the run ended; it began at [`Moment::START`].
    pub end: Moment,
    /// What each ECU did when.
    pub ecus: Vec<EcuRun>,
    /// How busy each bus was.
    pub buses: Vec<BusRun>,
    /// How much was carried for whom.
    pub traffic: Vec<Traffic>,
    /// What became of everything that must hold.
    pub verdicts: Vec<Verdict>,
    /// The faults that happened, in the order of time.
    pub faults: Vec<Fired>,
    /// The invariants that did not hold after an event.
    pub violations: Vec<Violation>,
}

impl Run {
    /// Whether everything that must hold did, and no invariant was violated.
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && self.verdicts.iter().all(|verdict| verdict.falls_short.is_none())
    }
}

/// What an ECU did when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcuRun {
    /// Its id.
    pub ecu: String,
    /// Stretches of time, in their order; where there is none, nothing of note went on.
    pub phases: Vec<Stretch>,
}

/// A stretch of time in one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// What went on.
    pub phase: Phase,
    /// When it began.
    pub begin: Moment,
    /// When it ended.
    pub end: Moment,
}

/// What an ECU is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It runs what it ran before.
    Before,
    /// It has no power, or starts.
    Down,
    /// It receives metadata or an image, and verifies it on the way.
    Receiving,
    /// It returned to its old image.
    Returned,
    /// Its new image is complete, and waits to be activated.
    Staged,
    /// It runs its new image on trial.
    Trial,
    /// It runs its new image for good.
    Updated,
}

impl Phase {
    /// Every phase, in the order of an update.
    pub const ALL: [Self; 7] =
        [Self::Before, Self::Receiving, Self::Staged, Self::Trial, Self::Updated, Self::Returned, Self::Down];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Down => "down",
            Self::Receiving => "receiving",
            Self::Returned => "returned",
            Self::Staged => "staged",
            Self::Trial => "trial",
            Self::Updated => "updated",
        }
    }
}

/// How busy a bus was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusRun {
    /// Its name.
    pub bus: String,
    /// How long each bucket of time is, from the start.
    pub bucket: Duration,
    /// For how much of each bucket the bus carried bits.
    pub busy: Vec<Duration>,
}

/// How much was carried for one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// For whom: an ECU, or the cloud.
    pub end: String,
    /// Over what: a bus, Ethernet, the mobile network.
    pub over: String,
    /// Bytes that were meant to be carried.
    pub payload: u64,
    /// Bytes on the wire, with all that carrying them took: headers, repeated frames.
    pub wire: u64,
    /// Messages or frames.
    pub messages: u64,
}

/// What became of one thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What must hold, as a sentence.
    pub must: String,
    /// Why it does not; `None` if it does.
    pub falls_short: Option<String>,
}

/// A fault that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// When.
    pub at: Moment,
    /// To whom: an ECU, bus, link or server.
    pub place: String,
    /// What, as a sentence.
    pub what: String,
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// After which moment's event.
    pub at: Moment,
    /// The invariant, as a sentence.
    pub invariant: String,
    /// How it was violated.
    pub how: String,
}

#[cfg(test)]
mod tests;
