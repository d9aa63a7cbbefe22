//! A node that floods a bus, or pretends to be one of those on it.

use std::fmt;
use std::time::Duration;

use proto::can::Id;

use crate::world::can::{Message, Says};
use crate::world::description::{Fields, Notes, Pause, Word};

/// What a node that does not belong to a bus sends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flood {
    /// The identifier, which may be that of an ECU or of the Primary, and the time from one frame to the next.
    pub message: Message,
    /// What the data pretends to be.
    pub says: Says,
}

impl Word for Says {
    const WHAT: &'static str = "kind of data";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Anything, "anything"),
        (Self::IsoTp, "iso-tp"),
        (Self::Requests, "requests"),
        (Self::Responses, "responses"),
    ];
}

impl Flood {
    /// Reads what a file says beside place, time and `lasts`.
    pub(super) fn read(fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let id = fields.required::<Id>("id", notes);
        let says = fields.or("says", Says::Anything, notes);
        let every = fields.optional::<Pause>("every", notes);
        if let Some(every) = every.as_ref().filter(|every| every.get_ref().0 < SHORTEST) {
            let found = format!("{} is shorter than any frame", every.get_ref());
            notes.impossible(every.span(), found, format!("at least {}, or no such key", Pause(SHORTEST)));
        }
        let period = every.map_or(SHORTEST, |every| every.into_inner().0);
        Some(Self { message: Message { id: id?.into_inner(), period }, says })
    }
}

/// For people: `requests as 0x700 every 2 ms`.
impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message: Message { id, period }, says } = self;
        write!(f, "{} as {:#x} every {}", says.word(), id.raw(), Pause(*period))
    }
}

/// A frame of 8 bytes takes longer at 1 Mbit/s; so often, one always waits for the next chance.
const SHORTEST: Duration = Duration::from_micros(100);
