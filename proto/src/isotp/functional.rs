//! Functional addressing: one message to many ends at once, each in a single frame, as nobody could control the flow of more
//! (ISO 15765-2, 8.3.2).

use core::time::Duration;

use super::control::{Control, Said};
use super::flight::{Flight, kind};
use super::{Address, BUS_TIMEOUT, Framing};
use crate::Error;
use crate::can::Frame;
use crate::moment::Moment;

/// Messages to the address of a group: sent by one end, or taken by one that belongs to the group.
#[derive(Clone, Copy, Debug)]
pub struct Functional {
    framing: Framing,
    group: Address,
    /// A frame that is to be sent, and since when.
    due: Option<(Frame, Moment)>,
    confirms: bool,
    flight: Flight,
}

impl Functional {
    /// Messages to this group, in frames of this form.
    pub fn new(framing: Framing, group: Address) -> Self {
        Self { framing, group, due: None, confirms: false, flight: Flight::default() }
    }

    /// The same with a driver that says when a frame has left.
    pub fn confirmed(self) -> Self {
        Self { confirms: true, ..self }
    }

    /// The group.
    pub fn group(&self) -> Address {
        self.group
    }

    /// Begins to send a message. [`Error::NotSingle`] if one frame does not hold it, [`Error::Busy`] while one before it is on
    /// its way.
    pub fn send(&mut self, message: &[u8], now: Duration) -> Result<(), Error> {
        if self.is_sending() {
            return Err(Error::Busy);
        }
        self.due =
            Some((Said::single(self.framing, self.group, message)?.frame(self.framing, self.group)?, now.into()));
        Ok(())
    }

    /// Takes a frame from the bus; gives its message. Frames to others and of longer messages are ignored.
    pub fn handle<'f>(&self, frame: &'f Frame) -> Option<&'f [u8]> {
        match Control::decode(self.group.pdu(frame)?, self.group.width())? {
            Control::Single(message) => Some(message),
            Control::First(_) | Control::Consecutive(_) | Control::Flow(_) => None,
        }
    }

    /// Takes note that a frame that was polled has left; any other is ignored.
    pub fn confirm(&mut self, frame: &Frame) {
        self.flight.end(self.group, frame);
    }

    /// The frame for the bus, if there is one; or that the bus did not take it in time.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Frame>, Error> {
        let now = now.into();
        let polled = self.next(now);
        match &polled {
            Ok(Some(frame)) if self.confirms => self.flight.begin(kind(self.group, frame), now),
            Ok(_) => {}
            Err(_) => self.flight.clear(),
        }
        polled
    }

    /// When [`Functional::poll`] has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        self.flight.deadline().or(self.due.map(|(_, since)| since)).map(Moment::into)
    }

    /// Whether a message is on its way out.
    pub fn is_sending(&self) -> bool {
        self.deadline().is_some()
    }

    fn next(&mut self, now: Moment) -> Result<Option<Frame>, Error> {
        if self.flight.check(now)? {
            return Ok(None);
        }
        match self.due.take() {
            Some((_, since)) if now >= since + BUS_TIMEOUT => Err(Error::SendTimeout),
            due => Ok(due.map(|(frame, _)| frame)),
        }
    }
}
