//! Either kind of bus behind one type, for a process that is told at its start which it is.

use proto::can::{Format, Frame, Id};

use super::{Arrival, FramePort, Place, SocketCan, UnixBus};
use crate::Error;

/// What a node wants of its bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// The identifiers of the frames it takes; no others need come.
    pub identifiers: Vec<Id>,
    /// The longest format it sends.
    pub format: Format,
}

/// A node on the bus of a [`Place`].
#[derive(Debug)]
pub enum Port {
    /// On a CAN interface.
    Socket(Box<SocketCan>),
    /// On a bus between processes, which carries every frame of it to every node.
    Unix(UnixBus),
}

impl Port {
    /// Joins the bus. Must be called inside a runtime.
    pub fn join(place: &Place, interest: &Interest) -> Result<Self, Error> {
        Ok(match place {
            Place::Interface(name) => Self::Socket(Box::new(SocketCan::join(name, interest)?)),
            Place::Folder(folder) => Self::Unix(UnixBus::join(folder)?),
        })
    }
}

impl FramePort for Port {
    async fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        match self {
            Self::Socket(port) => port.send(frame).await,
            Self::Unix(port) => port.send(frame).await,
        }
    }

    async fn receive(&mut self) -> Result<Arrival, Error> {
        match self {
            Self::Socket(port) => port.receive().await,
            Self::Unix(port) => port.receive().await,
        }
    }
}
