//! A CAN bus as a process sees it: frames out, everybody else's frames in.

mod backoff;
mod place;
mod port;
mod socket;
mod unix;

use std::future::Future;

use proto::can::Frame;

use crate::Error;

pub use backoff::Backoff;
pub use place::Place;
pub use port::{Interest, Port};
pub use socket::SocketCan;
pub use unix::UnixBus;

/// One node's port on a bus.
///
/// Dropping the future of either method loses no frame that was not yet delivered.
pub trait FramePort {
    /// Puts a frame on the bus; waits while the bus is busy. Where the bus is gone or takes nothing for long, the frame is
    /// lost like one on a cut wire: that is an [`Event`], and no error.
    fn send(&mut self, frame: &Frame) -> impl Future<Output = Result<(), Error>> + Send;

    /// What happens next: a frame another node sent, or something about the bus itself.
    fn receive(&mut self) -> impl Future<Output = Result<Arrival, Error>> + Send;
}

/// What comes from a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A frame another node sent.
    Frame(Frame),
    /// Something about the bus.
    Event(Event),
}

/// What a port tells about its bus. After [`BusOff`](Self::BusOff) and [`Down`](Self::Down) nothing gets through until
/// [`Restarted`](Self::Restarted) or [`Up`](Self::Up).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The controller is error active again (ISO 11898-1).
    Active,
    /// The controller has left the bus: too many of its frames failed.
    BusOff,
    /// The interface is down, or gone.
    Down,
    /// The controller had no room for a frame and lost it.
    Overrun,
    /// This process read too slowly: so many frames meant for it, or a few of them error frames, were lost before it saw them.
    Overflow {
        /// How many.
        frames: u32,
    },
    /// The controller is error passive: one in trouble, or on a bus in trouble.
    Passive,
    /// The controller is back on the bus.
    Restarted,
    /// The bus did not take a frame for so long that it was given up.
    Unsent,
    /// The interface is up again.
    Up,
}

impl Event {
    /// Whether something is wrong, rather than right again.
    pub fn is_trouble(self) -> bool {
        match self {
            Self::BusOff | Self::Down | Self::Overflow { .. } | Self::Overrun | Self::Passive | Self::Unsent => true,
            Self::Active | Self::Restarted | Self::Up => false,
        }
    }
}

#[cfg(test)]
impl Arrival {
    /// The frame.
    pub(crate) fn frame(self) -> Frame {
        match self {
            Self::Frame(frame) => frame,
            Self::Event(event) => panic!("{event:?} instead of a frame"),
        }
    }
}
