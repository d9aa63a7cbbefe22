//! What happens on a bus, as its nodes see it.

use proto::can::{Fault, Field, Frame};

use super::counters::{Counters, Role};
use crate::world::time::Moment;

/// A node on one bus, numbered in the order of attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) usize);

impl NodeId {
    /// Its number.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Something that happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// To which node.
    pub node: NodeId,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// It is error active again.
    Active,
    /// It left the bus: its transmit error counter passed 255. What it had to send is dropped.
    BusOff,
    /// It found an error and signals it.
    Error(BusError),
    /// A frame was valid but found its receive FIFO full, and is lost.
    Overrun(Frame),
    /// It is error passive.
    Passive,
    /// Its CPU has read a frame from the receive FIFO.
    Received(Frame),
    /// It takes part in traffic: after power-on, or after bus-off with counters at zero.
    Synchronized,
    /// Its frame is on the bus whole and acknowledged.
    Transmitted(Frame),
}

/// An error as the node that found it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusError {
    /// Which kind.
    pub kind: ErrorKind,
    /// Whether it was sending.
    pub role: Role,
    /// Where in the frame; `None` after its end.
    pub field: Option<Field>,
    /// Its counters, this error counted.
    pub counters: Counters,
}

/// The kinds of error of ISO 11898-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "ISO 11898-1 has these five")]
pub enum ErrorKind {
    /// Nobody acknowledged.
    Ack,
    /// A bit was seen otherwise than it was sent: this is the value it was sent with, `true` being recessive.
    Bit(bool),
    /// The checksum is wrong.
    Crc,
    /// A bit that must have one value has the other.
    Form,
    /// A sixth equal bit.
    Stuff,
}

impl From<Fault> for ErrorKind {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Crc => Self::Crc,
            Fault::Form | Fault::LastBit => Self::Form,
            Fault::Stuff => Self::Stuff,
        }
    }
}
