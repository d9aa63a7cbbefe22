//! The receiving half.

use core::num::NonZeroU8;
use core::time::Duration;

use super::control::{Control, Status, flow};
use super::{BUS_TIMEOUT, CONSECUTIVE_TIMEOUT, Config};
use crate::Error;
use crate::can::Frame;

/// Puts a message together in a buffer of the caller, which is the same one from call to call.
#[derive(Clone, Copy, Debug)]
pub struct Receiver {
    config: Config,
    state: State,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// No message is under way.
    Idle,
    /// Ours: the message does not fit, and the sender is to be told.
    Refusing { since: Duration },
    /// Ours: the sender waits for leave to go on.
    Allowing { part: Part, since: Duration },
    /// The sender's: `left` more frames before it waits for leave; without bound if none.
    Awaiting { part: Part, left: Option<NonZeroU8>, deadline: Duration },
}

/// What there is of the message.
#[derive(Clone, Copy, Debug)]
struct Part {
    length: usize,
    have: usize,
    frame: usize,
    sequence: u8,
}

impl Receiver {
    /// Idle.
    pub fn new(config: Config) -> Self {
        Self { config, state: State::Idle }
    }

    /// Takes a frame's data. A number is the length of the message that is now complete in the buffer.
    ///
    /// [`Error::Interrupted`] says that an unfinished message is lost; the one that interrupted it is under way.
    pub fn handle(&mut self, frame: &[u8], now: Duration, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        match Control::decode(frame) {
            Some(Control::Single(data)) => self.single(data, buffer).map(Some),
            Some(Control::First { length, frame, data }) => self.first(length, frame, data, now, buffer),
            Some(Control::Consecutive { sequence, data }) => self.consecutive(sequence, data, now, buffer),
            Some(Control::Flow { .. }) | None => Ok(None),
        }
    }

    /// The next frame to send, if any; or that the message under way has timed out.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Frame>, Error> {
        let (status, next) = match self.state {
            State::Idle => return Ok(None),
            State::Awaiting { deadline, .. } => return self.expire(now >= deadline, Error::ConsecutiveTimeout),
            State::Refusing { since } | State::Allowing { since, .. } if now >= since + BUS_TIMEOUT => {
                return self.expire(true, Error::SendTimeout);
            }
            State::Refusing { .. } => (Status::Overflow, State::Idle),
            State::Allowing { part, .. } => (Status::Continue, self.awaiting(part, now)),
        };
        self.state = next;
        flow(&self.config, status).map(Some)
    }

    /// When [`Receiver::poll`] has something to do, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Idle => None,
            State::Refusing { since } | State::Allowing { since, .. } => Some(since),
            State::Awaiting { deadline, .. } => Some(deadline),
        }
    }

    /// Whether no message is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// A single frame is worth more than the message it interrupts.
    fn single(&mut self, data: &[u8], buffer: &mut [u8]) -> Result<usize, Error> {
        self.state = State::Idle;
        let too_long = Error::TooLong { len: data.len(), most: buffer.len() };
        buffer.get_mut(..data.len()).ok_or(too_long)?.copy_from_slice(data);
        Ok(data.len())
    }

    fn first(
        &mut self,
        length: usize,
        frame: usize,
        data: &[u8],
        now: Duration,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Error> {
        let interrupted = matches!(self.state, State::Allowing { .. } | State::Awaiting { .. });
        if length > buffer.len() {
            self.state = State::Refusing { since: now };
            return Err(Error::TooLong { len: length, most: buffer.len() });
        }
        // `Control::decode` gives a first frame only if the message is longer than its data.
        buffer.iter_mut().zip(data).for_each(|(place, byte)| *place = *byte);
        let part = Part { length, have: data.len(), frame, sequence: 1 };
        self.state = State::Allowing { part, since: now };
        if interrupted { Err(Error::Interrupted) } else { Ok(None) }
    }

    fn consecutive(
        &mut self,
        sequence: u8,
        data: &[u8],
        now: Duration,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Error> {
        let State::Awaiting { mut part, left, .. } = self.state else {
            return Ok(None); // Not asked for.
        };
        if sequence != part.sequence {
            self.state = State::Idle;
            return Err(Error::WrongSequence { expected: part.sequence, got: sequence });
        }
        let end = part.length.min(part.have + part.frame - 1);
        let (Some(place), Some(data)) = (buffer.get_mut(part.have..end), data.get(..end - part.have)) else {
            return Ok(None); // Shorter than its place in the message: not a frame of it.
        };
        place.copy_from_slice(data);
        part.have = end;
        part.sequence = (sequence + 1) % 16;
        Ok(self.advance(part, left, now))
    }

    /// Where the message stands after a consecutive frame.
    fn advance(&mut self, part: Part, left: Option<NonZeroU8>, now: Duration) -> Option<usize> {
        let remaining = left.map(|left| NonZeroU8::new(left.get() - 1));
        self.state = match remaining {
            _ if part.have == part.length => State::Idle,
            Some(None) => State::Allowing { part, since: now },
            Some(left @ Some(_)) => State::Awaiting { part, left, deadline: now + CONSECUTIVE_TIMEOUT },
            None => State::Awaiting { part, left: None, deadline: now + CONSECUTIVE_TIMEOUT },
        };
        (part.have == part.length).then_some(part.length)
    }

    fn awaiting(&self, part: Part, now: Duration) -> State {
        let left = NonZeroU8::new(self.config.block_size);
        State::Awaiting { part, left, deadline: now + CONSECUTIVE_TIMEOUT }
    }

    fn expire(&mut self, expired: bool, error: Error) -> Result<Option<Frame>, Error> {
        if !expired {
            return Ok(None);
        }
        self.state = State::Idle;
        Err(error)
    }
}
