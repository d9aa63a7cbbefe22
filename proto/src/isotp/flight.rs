//! The frame that a driver has been given and the bus has not taken yet (N_As, N_Ar).

use super::{Address, BUS_TIMEOUT};
use crate::Error;
use crate::can::Frame;
use crate::moment::Moment;

/// At most one frame, for drivers that say when it has left; with all others it stays empty.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flight(Option<InFlight>);

/// The [`kind`] of the frame, and when it must have left.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    kind: Option<u8>,
    deadline: Moment,
}

impl Flight {
    /// The driver has been given a frame of this kind.
    pub(super) fn begin(&mut self, kind: Option<u8>, now: Moment) {
        self.0 = Some(InFlight { kind, deadline: now + BUS_TIMEOUT });
    }

    /// This frame has left. Whether it was the one in flight.
    pub(super) fn end(&mut self, address: Address, frame: &Frame) -> bool {
        self.0.take_if(|it| it.kind.is_some() && it.kind == kind(address, frame)).is_some()
    }

    /// Nothing is in flight any more: the other end has answered the frame, or it was withdrawn.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Whether the next frame has to wait for one before it; or that the bus did not take that one in time.
    pub(super) fn check(&self, now: Moment) -> Result<bool, Error> {
        match self.0 {
            Some(it) if now >= it.deadline => Err(Error::SendTimeout),
            it => Ok(it.is_some()),
        }
    }

    /// When the frame must have left.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.0.map(|it| it.deadline)
    }
}

/// The first byte after its address, which tells a frame from those before it.
pub(super) fn kind(address: Address, frame: &Frame) -> Option<u8> {
    address.pdu(frame)?.first().copied()
}
