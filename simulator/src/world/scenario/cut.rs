//! Power that fails at one certain operation or message, which a file counts to instead of naming a moment.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::world::description::{Fields, Notes, Pause, Word};
use crate::world::disk;
use crate::world::flash::Torn;

/// A power failure at the n-th of what an ECU does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerPoint {
    /// What is counted.
    pub counted: Counted,
    /// Which of them, counted from the time of the fault on; the first is 1.
    pub number: NonZeroU32,
    /// How much of it happens; nothing of a message, which is not sent, or not taken.
    pub torn: Torn,
    /// Who loses power.
    pub reach: Reach,
    /// For how long.
    pub lasts: Duration,
}

/// What an ECU does that power can fail at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Changes of its disk and what makes them durable: [`VirtualDisk::operations`](crate::world::disk::VirtualDisk::operations).
    Disk,
    /// Erases, writes and syncs of its flash.
    Flash,
    /// Requests and answers between the Primary and a Secondary or the repositories, those it sends and those it takes.
    Message,
}

/// Who loses power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// The ECU alone.
    Node,
    /// Every ECU of the vehicle.
    Vehicle,
}

impl Word for Reach {
    const WHAT: &'static str = "reach";
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Node, "node"), (Self::Vehicle, "vehicle")];
}

/// How an operation of a disk can be torn.
#[derive(Clone, Copy, PartialEq, Eq)]
struct OnDisk(Torn);

impl Word for OnDisk {
    const WHAT: &'static str = "way to tear an operation of a disk";
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self(Torn::Before), "before"), (Self(Torn::Half), "half"), (Self(Torn::After), "after")];
}

/// How an operation of flash can be torn.
impl Word for Torn {
    const WHAT: &'static str = "way to tear an operation of flash";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Before, "before"),
        (Self::Half, "half"),
        (Self::Noise, "noise"),
        (Self::Weak, "weak"),
        (Self::After, "after"),
    ];
}

/// How an operation of a disk is torn; it has no half but one.
impl From<Torn> for disk::Point {
    fn from(torn: Torn) -> Self {
        match torn {
            Torn::Before => Self::Before,
            Torn::Half | Torn::Noise | Torn::Weak => Self::Inside,
            Torn::After => Self::After,
        }
    }
}

impl PowerPoint {
    /// Reads what a file says beside place, time and `lasts`.
    pub(super) fn read(counted: Counted, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Self {
        let torn = match counted {
            Counted::Disk => fields.or("torn", OnDisk(Torn::Half), notes).0,
            Counted::Flash => fields.or("torn", Torn::Half, notes),
            Counted::Message => Torn::Before,
        };
        let number = fields.or("number", NonZeroU32::MIN, notes);
        let reach = fields.or("reach", Reach::Node, notes);
        Self { counted, number, torn, reach, lasts: Duration::ZERO }
    }
}

/// For people: `loses power for 2 s at its flash operation 17, half done`.
impl fmt::Display for PowerPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counted, number, torn, reach, lasts } = self;
        let whole = match reach {
            Reach::Node => "",
            Reach::Vehicle => " with the whole vehicle",
        };
        write!(f, "loses power{whole} for {} at its {counted} {number}", Pause(*lasts))?;
        match counted {
            Counted::Disk | Counted::Flash => write!(f, ", {torn}"),
            Counted::Message => Ok(()),
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Disk => "disk operation",
            Self::Flash => "flash operation",
            Self::Message => "message",
        })
    }
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Before => "before it began",
            Self::Half => "half done",
            Self::Noise => "with noise left",
            Self::Weak => "with weak cells left",
            Self::After => "when it was done",
        })
    }
}
