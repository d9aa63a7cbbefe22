//! The receiving half: puts a message together in a buffer of the link, which is the same one from call to call.

use core::num::NonZeroU8;

use uptane::told;

use super::caution::Caution;
use super::control::{Consecutive, First, Flow, Status};
use super::flight::Flight;
use super::{BUS_TIMEOUT, CONSECUTIVE_TIMEOUT, Config, Separation, Setup, WAIT_INTERVAL};
use crate::Error;
use crate::can::Frame;
use crate::moment::Moment;

#[derive(Clone, Copy, Debug)]
pub(super) struct Receiver {
    state: State,
    /// The frame that [`poll`](Self::poll) asked for last, if the driver says when it has left.
    pub(super) flight: Flight,
    /// Whether a sender may go on.
    ready: bool,
    caution: Caution,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// No message is under way.
    Idle,
    /// Ours: the message does not fit, and the sender is to be told.
    Refusing { since: Moment },
    /// Ours: the sender waits for leave to go on. It has been asked to wait `waits` times in a row.
    Allowing { part: Part, waits: u8, since: Moment },
    /// The sender's: `left` more frames before it waits for leave; without bound if none.
    Awaiting { part: Part, left: Option<NonZeroU8>, deadline: Moment },
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
        Self { state: State::Idle, flight: Flight::default(), ready: true, caution: Caution::default() }
    }

    /// Frames of the bus were lost, which may have been of the message under way.
    pub(super) fn overrun(&mut self) {
        if !self.is_idle() {
            self.caution.trouble();
        }
    }

    /// The block size and separation that flow control asks for.
    pub(super) fn flow(&self, config: &Config) -> (u8, Separation) {
        self.caution.flow(config)
    }

    /// Takes a single frame, which is worth more than the message it interrupts; gives the length of its message.
    pub(super) fn single(&mut self, data: &[u8], buffer: &mut [u8]) -> Result<usize, Error> {
        self.state = State::Idle;
        let too_long = Error::TooLong { len: told(data.len()), most: told(buffer.len()) };
        buffer.get_mut(..data.len()).ok_or(too_long)?.copy_from_slice(data);
        Ok(data.len())
    }

    /// Takes a first frame, with which another message may be lost.
    pub(super) fn first(&mut self, first: First<'_>, now: Moment, buffer: &mut [u8]) -> Result<(), Error> {
        let First { length, step, data } = first;
        let interrupted = matches!(self.state, State::Allowing { .. } | State::Awaiting { .. });
        if length > buffer.len() {
            self.state = State::Refusing { since: now };
            return Err(Error::TooLong { len: told(length), most: told(buffer.len()) });
        }
        self.caution.begin();
        // `Control::decode` gives a first frame only if the message is longer than its data.
        buffer.iter_mut().zip(data).for_each(|(place, byte)| *place = *byte);
        let part = Part { length, have: data.len(), step, sequence: 1 };
        self.state = State::Allowing { part, waits: 0, since: now };
        if interrupted { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Takes a consecutive frame; gives the length of the message that is now complete in the buffer.
    pub(super) fn consecutive(
        &mut self,
        next: Consecutive<'_>,
        now: Moment,
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
            self.caution.trouble();
            return Err(Error::WrongSequence { expected: told(part.sequence), got: told(next.sequence) });
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

    /// From now on a sender may go on, or has to wait.
    pub(super) fn set_ready(&mut self, ready: bool) {
        self.ready = ready;
    }

    /// Takes note that flow control has left: from now on the sender has its time, or is waiting.
    pub(super) fn confirm(&mut self, setup: &Setup, frame: &Frame, now: Moment) {
        if !self.flight.end(setup.send, frame) {
            return;
        }
        match &mut self.state {
            State::Awaiting { deadline, .. } => *deadline = now + CONSECUTIVE_TIMEOUT,
            State::Allowing { waits: 1.., since, .. } => *since = now,
            State::Idle | State::Refusing { .. } | State::Allowing { .. } => {}
        }
    }

    /// The next frame to send, if any; or that the message under way is given up.
    pub(super) fn poll(&mut self, config: &Config, now: Moment) -> Result<Option<Flow>, Error> {
        let polled = self.next(config, now);
        if polled.is_err() {
            self.state = State::Idle;
            self.flight.clear();
        }
        polled
    }

    fn next(&mut self, config: &Config, now: Moment) -> Result<Option<Flow>, Error> {
        if self.flight.check(now)? {
            return Ok(None);
        }
        let (block_size, separation) = self.flow(config);
        let flow = |status| Flow { status, block_size, separation };
        match self.state {
            State::Awaiting { deadline, .. } if now >= deadline => {
                self.caution.trouble();
                Err(Error::ConsecutiveTimeout)
            }
            State::Idle | State::Awaiting { .. } => Ok(None),
            State::Refusing { since } if now >= since + BUS_TIMEOUT => Err(Error::SendTimeout),
            State::Refusing { .. } => {
                self.state = State::Idle;
                Ok(Some(flow(Status::Overflow)))
            }
            State::Allowing { part, waits, since } => {
                let status = self.allow(config, part, (waits, since), now, NonZeroU8::new(block_size))?;
                Ok(status.map(flow))
            }
        }
    }

    /// Gives leave to go on if there is room, else asks to wait, again and again, but not for ever (9.7).
    fn allow(
        &mut self,
        config: &Config,
        part: Part,
        (waits, since): (u8, Moment),
        now: Moment,
        left: Option<NonZeroU8>,
    ) -> Result<Option<Status>, Error> {
        let due = flow_due(waits, since);
        let (status, next) = match self.ready {
            _ if now >= due + BUS_TIMEOUT => return Err(Error::SendTimeout),
            true => (Status::Continue, State::Awaiting { part, left, deadline: now + CONSECUTIVE_TIMEOUT }),
            false if now < due => return Ok(None),
            false if waits == config.waits => return Err(Error::NotReady),
            false => (Status::Wait, State::Allowing { part, waits: waits + 1, since: now }),
        };
        self.state = next;
        Ok(Some(status))
    }

    /// When [`Self::poll`] has something to do, if nothing arrives before.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let turn = match self.state {
            State::Idle => None,
            State::Refusing { since } => Some(since),
            State::Allowing { since, .. } if self.ready => Some(since),
            State::Allowing { waits, since, .. } => Some(flow_due(waits, since)),
            State::Awaiting { deadline, .. } => Some(deadline),
        };
        self.flight.deadline().or(turn)
    }

    /// Whether no message is under way.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Where the message stands after a consecutive frame.
    fn advance(&mut self, part: Part, left: Option<NonZeroU8>, now: Moment) -> Option<usize> {
        let remaining = left.map(|left| NonZeroU8::new(left.get() - 1));
        let complete = part.have == part.length;
        if complete {
            self.caution.complete();
        }
        self.state = match remaining {
            _ if complete => State::Idle,
            Some(None) => State::Allowing { part, waits: 0, since: now },
            left => State::Awaiting { part, left: left.flatten(), deadline: now + CONSECUTIVE_TIMEOUT },
        };
        complete.then_some(part.length)
    }
}

/// When a sender that may not go on is told so: at once, and again while it still waits.
fn flow_due(waits: u8, since: Moment) -> Moment {
    if waits == 0 { since } else { since + WAIT_INTERVAL }
}
