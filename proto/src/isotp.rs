//! ISO 15765-2: messages of any length in CAN frames, classical and FD, in every addressing format.
//!
//! [`Link`] is one session: a pair of addresses, both directions, its own buffers. [`Functional`] is messages to many.
//! [`Port`] is several sessions and a group on one bus. A call gives the time; nothing here waits. After an error the half that
//! reports it is idle, and the next message goes its way.
//!
//! There is no retransmission at this layer: a lost frame ends the message, and whoever sent it repeats it.

mod addressing;
mod caution;
mod control;
mod flight;
mod functional;
mod link;
mod port;
mod receiver;
mod sender;

use core::time::Duration;

pub use addressing::{Address, Addressing, Priority};
pub use functional::Functional;
pub use link::{Answerable, Link};
pub use port::{Heard, Lost, Party, Port};

use uptane::told;

use crate::Error;
use crate::can::{Format, Id, MAX_DATA, frame_length};

/// How a session goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Format and length of the frames sent. Frames of either format are taken.
    pub framing: Framing,
    /// Who talks to whom.
    pub addressing: Addressing,
    /// Consecutive frames the peer may send before it waits for flow control; 0: all of them (BS).
    pub block_size: u8,
    /// What the peer leaves between two consecutive frames (STmin).
    pub separation: Separation,
    /// How often in a row either end may ask the other to wait (N_WFTmax).
    pub waits: u8,
    /// Whether the driver says of every frame when it has left ([`Link::confirm`]). If so, timers and separation count from
    /// then, and the next frame of a half waits for it; otherwise a frame counts as sent when it is polled.
    pub confirms: bool,
    /// Whether trouble makes this end ask for smaller blocks (32, then 8) and more separation (100, then 500 microseconds),
    /// until 64 messages of several frames were good.
    pub adaptive: bool,
}

impl Config {
    /// Normal addressing, no block limit, no separation, eight waits, no confirmations, not adaptive.
    pub fn new(framing: Framing, send: Id, receive: Id) -> Self {
        Self::with(framing, Addressing::Normal { send, receive })
    }

    /// The same with any addressing.
    pub fn with(framing: Framing, addressing: Addressing) -> Self {
        Self {
            framing,
            addressing,
            block_size: 0,
            separation: Separation::NONE,
            waits: 8,
            confirms: false,
            adaptive: false,
        }
    }
}

/// How a session goes, and the addresses its addressing comes to: worked out once.
#[derive(Clone, Copy, Debug)]
struct Setup {
    config: Config,
    send: Address,
    receive: Address,
}

impl Setup {
    fn of(config: Config) -> Self {
        Self { config, send: config.addressing.send(), receive: config.addressing.receive() }
    }
}

/// Format and longest length of the frames sent (TX_DL), and what they are filled up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    format: Format,
    length: usize,
    padding: Option<u8>,
}

impl Framing {
    /// Classical frames of 8 bytes, filled up with CC.
    pub const CLASSICAL: Self = Self { format: Format::Classical, length: MIN_LENGTH, padding: Some(PADDING) };
    /// FD frames of up to 64 bytes, filled up with CC.
    pub const FD: Self = Self { format: Format::Fd, length: MAX_DATA, padding: Some(PADDING) };

    /// FD frames of up to `length` bytes: 8, 12, 16, 20, 24, 32, 48 or 64.
    pub fn fd(length: usize) -> Result<Self, Error> {
        let valid = length >= MIN_LENGTH && frame_length(length) == Some(length);
        valid.then_some(Self { length, ..Self::FD }).ok_or(Error::BadFrameLength { len: told(length) })
    }

    /// The same, filled up with this byte.
    pub const fn padded(self, byte: u8) -> Self {
        Self { padding: Some(byte), ..self }
    }

    /// The same with frames of less than 8 bytes where those are enough. Longer ones still have to be filled up to the next
    /// length there is, with CC.
    pub const fn unpadded(self) -> Self {
        Self { padding: None, ..self }
    }

    /// The format.
    pub fn format(self) -> Format {
        self.format
    }

    /// Bytes of the longest frame.
    pub fn length(self) -> usize {
        self.length
    }
}

/// The least time between two consecutive frames (STmin), as its byte in a flow control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separation(u8);

impl Separation {
    /// As fast as the bus allows.
    pub const NONE: Self = Self(0);

    /// 00 to 7F: milliseconds. F1 to F9: 100 to 900 microseconds. All others are reserved.
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// The byte.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// The time; the longest there is for a reserved byte, as ISO 15765-2 demands.
    pub fn time(self) -> Duration {
        Duration::from_micros(self.micros().into())
    }

    /// The same in microseconds.
    fn micros(self) -> u32 {
        match self.0 {
            byte @ 0x00..=0x7f => 1_000 * u32::from(byte),
            byte @ 0xf1..=0xf9 => 100 * u32::from(byte - 0xf0),
            _ => 1_000 * 0x7f,
        }
    }
}

/// How long a frame may wait for the bus (N_As, N_Ar); with a driver that does not confirm: for being polled.
pub const BUS_TIMEOUT: Duration = Duration::from_millis(1_000);
/// How long a sender waits for flow control (N_Bs).
pub const FLOW_TIMEOUT: Duration = Duration::from_millis(1_000);
/// How long a receiver waits for a consecutive frame (N_Cr).
pub const CONSECUTIVE_TIMEOUT: Duration = Duration::from_millis(1_000);
/// How long a sender that was asked to wait hears nothing before it is told again what to do (N_Br).
pub const WAIT_INTERVAL: Duration = Duration::from_millis(500);
/// The longest separation that a peer can ask for (N_Cs).
pub const LONGEST_SEPARATION: Duration = Duration::from_millis(0x7f);
/// What a frame that is polled at its deadline may take to leave, for the other end not to come near its timeouts: then
/// N_Br + N_Ar and N_Cs + N_As are less than nine tenths of N_Bs and N_Cr, as ISO 15765-2, 9.8 demands.
pub const BUS_BUDGET: Duration = Duration::from_millis(350);
const _: () = assert!((WAIT_INTERVAL.as_millis() + BUS_BUDGET.as_millis()) * 10 < FLOW_TIMEOUT.as_millis() * 9);
const _: () =
    assert!((LONGEST_SEPARATION.as_millis() + BUS_BUDGET.as_millis()) * 10 < CONSECUTIVE_TIMEOUT.as_millis() * 9);
/// The length to which frames are filled up, and the least TX_DL.
pub(crate) const MIN_LENGTH: usize = 8;
/// What frames are filled up with, for few stuff bits (ISO 15765-2, 10.4.2).
pub(crate) const PADDING: u8 = 0xcc;

#[cfg(test)]
mod tests;
