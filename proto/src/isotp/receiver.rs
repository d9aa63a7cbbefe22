//! The receiving half: puts a message together in a buffer of the link, which is the same one from call to call.

use core::num::NonZeroU8;
use core::time::Duration;

use super::control::{Consecutive, First, Status, flow};
use super::flight::Flight;
use super::{BUS_TIMEOUT, CONSECUTIVE_TIMEOUT, Config};
use crate::Error;
use crate::can::Frame;

#[derive(Clone, Copy, Debug)]
pub(super) struct Receiver {
    state: State,
    flight: Flight,
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

/// What there is of the message: `have` of `length` bytes, in frames that carry `step` each.
#[derive(Clone, Copy, Debug)]
struct Part {
    length: usize,
    have: usize,
    step: usize,
    sequence: u8,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self { state: State::Idle, flight: Flight::default() }
    }

    /// Takes a single frame, which is worth more than the message it interrupts; gives the length of its message.
    pub(super) fn single(&mut self, data: &[u8], buffer: &mut [u8]) -> Result<usize, Error> {
        self.state = State::Idle;
        let too_long = Error::TooLong { len: data.len(), most: buffer.len() };
        buffer.get_mut(..data.len()).ok_or(too_long)?.copy_from_slice(data);
        Ok(data.len())
    }

    /// Takes a first frame, with which another message may be lost.
    pub(super) fn first(&mut self, first: First<'_>, now: Duration, buffer: &mut [u8]) -> Result<(), Error> {
        let First { length, step, data } = first;
        let interrupted = matches!(self.state, State::Allowing { .. } | State::Awaiting { .. });
        if length > buffer.len() {
            self.state = State::Refusing { since: now };
            return Err(Error::TooLong { len: length, most: buffer.len() });
        }
        // `Control::decode` gives a first frame only if the message is longer than its data.
        buffer.iter_mut().zip(data).for_each(|(place, byte)| *place = *byte);
        let part = Part { length, have: data.len(), step, sequence: 1 };
        self.state = State::Allowing { part, since: now };
        if interrupted { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Takes a consecutive frame; gives the length of the message that is now complete in the buffer.
    pub(super) fn consecutive(
        &mut self,
        next: Consecutive<'_>,
        now: Duration,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Error> {
        let State::Awaiting { mut part, left, .. } = self.state else {
            return Ok(None); // Not asked for.
        };
        self.flight.clear(); // What has been answered has left.
        if next.data.len() > part.step {
            return Ok(None); // Longer than the first one: not a frame of this message.
        }
        if next.sequence != part.sequence {
            self.state = State::Idle;
            return Err(Error::WrongSequence { expected: part.sequence, got: next.sequence });
        }
        let end = part.length.min(part.have + part.step);
        let (Some(place), Some(data)) = (buffer.get_mut(part.have..end), next.data.get(..end - part.have)) else {
            return Ok(None); // Shorter than its place in the message: nor is this.
        };
        place.copy_from_slice(data);
        part.have = end;
        part.sequence = (next.sequence + 1) % 16;
        Ok(self.advance(part, left, now))
    }

    /// Takes note that flow control has left: from now on the sender has its time.
    pub(super) fn confirm(&mut self, config: &Config, frame: &Frame, now: Duration) {
        let ended = self.flight.end(config.addressing.send(), frame);
        if let State::Awaiting { deadline, .. } = &mut self.state
            && ended
        {
            *deadline = now + CONSECUTIVE_TIMEOUT;
        }
    }

    /// The next frame to send, if any; or that the message under way has timed out.
    pub(super) fn poll(&mut self, config: &Config, now: Duration) -> Result<Option<Frame>, Error> {
        let polled = self.next(config, now);
        match &polled {
            Ok(Some(frame)) if config.confirms => self.flight.begin(config.addressing.send(), frame, now),
            Ok(_) => {}
            Err(_) => *self = Self::new(),
        }
        polled
    }

    fn next(&mut self, config: &Config, now: Duration) -> Result<Option<Frame>, Error> {
        if self.flight.check(now)? {
            return Ok(None);
        }
        let (status, next) = match self.state {
            State::Idle => return Ok(None),
            State::Awaiting { deadline, .. } if now >= deadline => return Err(Error::ConsecutiveTimeout),
            State::Awaiting { .. } => return Ok(None),
            State::Refusing { since } | State::Allowing { since, .. } if now >= since + BUS_TIMEOUT => {
                return Err(Error::SendTimeout);
            }
            State::Refusing { .. } => (Status::Overflow, State::Idle),
            State::Allowing { part, .. } => (Status::Continue, awaiting(part, config, now)),
        };
        self.state = next;
        flow(config, status).map(Some)
    }

    /// When [`Self::poll`] has something to do, if nothing arrives before.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let turn = match self.state {
            State::Idle => None,
            State::Refusing { since } | State::Allowing { since, .. } => Some(since),
            State::Awaiting { deadline, .. } => Some(deadline),
        };
        self.flight.deadline().or(turn)
    }

    /// Whether no message is under way.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
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
}

fn awaiting(part: Part, config: &Config, now: Duration) -> State {
    let left = NonZeroU8::new(config.block_size);
    State::Awaiting { part, left, deadline: now + CONSECUTIVE_TIMEOUT }
}
