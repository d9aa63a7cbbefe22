//! What happened on a bus, in the forms other tools read.
//!
//! Both forms carry the frames of Linux SocketCAN, error frames included. An error frame says what the node that found
//! the error knows, as a driver with `berr-reporting` does.

pub mod candump;
pub mod pcapng;
mod socketcan;

use proto::can::Frame;

use super::event::{Event, What};
pub use socketcan::ErrorFrame;

/// A line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "SocketCAN has these two")]
pub enum Entry {
    /// A frame was on the bus whole.
    Frame(Frame),
    /// A node found an error or changed its state.
    Error(ErrorFrame),
}

impl Entry {
    /// What a log says of an event; nothing of frames received, which their sender's event stands for.
    pub fn of(event: &Event) -> Option<Self> {
        match &event.what {
            What::Transmitted(frame) => Some(Self::Frame(*frame)),
            What::Received(_) => None,
            What::Active => Some(Self::Error(ErrorFrame::active())),
            What::BusOff => Some(Self::Error(ErrorFrame::bus_off())),
            What::Error(error) => Some(Self::Error(ErrorFrame::of(error))),
            What::Overrun(_) => Some(Self::Error(ErrorFrame::overflow())),
            What::Passive => Some(Self::Error(ErrorFrame::passive())),
            What::Synchronized => Some(Self::Error(ErrorFrame::restarted())),
        }
    }
}
