//! One image for many ECUs of a CAN bus at once, byte for byte as `docs/can.md` says.
//!
//! A [`Sender`] says every byte once, to all, in windows of frames; after each window it polls, every [`Receiver`] answers
//! which frames it lacks, and those are said again. A receiver hands over what it has as chunks of the file that was offered
//! to it before, so that what an ECU does with an image it does alike, whoever else hears it. Offering, verifying and
//! activating stay between one ECU and its Primary ([`crate::uds`]).
//!
//! Nothing here carries authority. Whoever can write to the bus can make members lose time, drop out, or hold bytes that are
//! not of the image; the checksum of a window finds accidents, not intent. What an ECU holds counts only once its own
//! verification has compared its digest, from flash, with what signed metadata say.
//!
//! A call gives the time; nothing here waits, reads a clock or uses a heap.

mod frames;
mod peer;
mod receiver;
mod ring;
mod sender;
mod set;

use core::time::Duration;

pub use peer::{Member, Outcome, Why};
pub use receiver::{Join, Left, Receiver};
pub use sender::Sender;

use uptane::told;

use crate::Error;
use crate::can::Id;
use crate::isotp::{BUS_TIMEOUT, Framing};
use crate::uds::{P2_EXTENDED, S3};

/// What the sender of a broadcast and all its receivers agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written out by whoever begins a broadcast")]
pub struct Session {
    /// Tells this broadcast from those before.
    pub number: u8,
    /// Format and length of the frames that carry the image; answers have 8 bytes.
    pub framing: Framing,
    /// Identifier of all that the sender says.
    pub id: Id,
}

impl Session {
    /// Bytes of the image in a frame.
    fn payload(&self) -> u32 {
        // A framing has at most 64 bytes.
        u32::try_from(self.framing.length()).unwrap_or_default().saturating_sub(1)
    }
}

/// An image's length, if a broadcast can say every offset in it.
fn image_length(length: uptane::Length) -> Result<u32, Error> {
    let too_long =
        |_| Error::TooLong { len: told(usize::try_from(length.get()).unwrap_or(usize::MAX)), most: told(MAX_IMAGE) };
    u32::try_from(length.get()).map_err(too_long)
}

/// An offset in the words of the vocabulary.
fn length(offset: u32) -> uptane::Length {
    // 32 bits are always a length.
    uptane::Length::new(offset.into()).unwrap_or(uptane::Length::ZERO)
}

/// A number of bytes, as what a slice takes.
fn index(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Frames of the longest window: the first byte of other frames is this or more.
pub const MAX_FRAMES: u8 = 0xf0;
/// How long the sender waits for answers to a poll.
pub const ANSWER_TIMEOUT: Duration = Duration::from_millis(20);
/// How often in a row a member may leave a poll unanswered: one second.
pub const MAX_SILENCES: u8 = 50;
/// How often frames of one window are said again.
pub const MAX_ROUNDS: u8 = 16;
/// What the sender leaves between the frames it says for the third time; as much again each time after that. A receiver that
/// loses frames because they come too fast gets them slower.
pub const REPAIR_GAP: Duration = Duration::from_micros(200);
/// How long the sender waits before it asks a member again that was busy.
pub const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// How long a member may be busy with one window, as with one request (P2*).
pub const BUSY_LIMIT: Duration = P2_EXTENDED;
/// How often the sender goes back for members that fell behind.
pub const MAX_LAPS: u8 = 3;
/// How long the bus may take to take a frame.
pub const SEND_TIMEOUT: Duration = BUS_TIMEOUT;
/// How long a receiver waits for the next frame that names its session.
pub const SESSION_TIMEOUT: Duration = S3;
/// Bytes of the longest image.
#[expect(clippy::as_conversions, reason = "u32 to usize in a constant; TryFrom is not const")]
const MAX_IMAGE: usize = u32::MAX as usize;

#[cfg(test)]
mod tests;
