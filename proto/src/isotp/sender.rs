//! The sending half: takes a message of the link apart, which is the same one from call to call until the half is idle.

use core::num::NonZeroU8;

use uptane::told;

use super::control::{Flow, Said, Status, most_in_single};
use super::flight::Flight;
use super::{BUS_TIMEOUT, Config, FLOW_TIMEOUT, Separation, Setup};
use crate::Error;
use crate::can::Frame;
use crate::moment::Moment;

#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    state: State,
    /// The frame that [`poll`](Self::poll) asked for last, if the driver says when it has left.
    pub(super) flight: Flight,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// No message is under way.
    Idle,
    /// Ours: the single or first frame.
    Starting { since: Moment },
    /// The receiver's: leave to go on. It has asked to wait `waits` times in a row.
    Awaiting { part: Part, waits: u8, deadline: Moment },
    /// Ours: the next consecutive frame, from `due` on.
    Sending { part: Part, pace: Pace, due: Moment },
    /// The bus's: the last frame is in flight.
    Finishing,
}

/// What has been sent.
#[derive(Clone, Copy, Debug)]
struct Part {
    sent: usize,
    sequence: u8,
}

/// What the receiver allows: `left` more frames before its turn, all if none, and `gap` between two.
#[derive(Clone, Copy, Debug)]
struct Pace {
    left: Option<NonZeroU8>,
    gap: Separation,
}

impl Sender {
    pub(super) fn new() -> Self {
        Self { state: State::Idle, flight: Flight::default() }
    }

    /// Begins to send the message, of this length, that the following calls of [`Self::poll`] are given.
    pub(super) fn start(&mut self, len: usize, now: Moment) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Error::Busy);
        }
        if len == 0 {
            return Err(Error::EmptyMessage);
        }
        self.state = State::Starting { since: now };
        Ok(())
    }

    /// Takes flow control while it is awaited; otherwise it is ignored.
    pub(super) fn handle(&mut self, config: &Config, flow: Flow, now: Moment) -> Result<(), Error> {
        let State::Awaiting { part, waits, .. } = self.state else {
            return Ok(());
        };
        self.flight.clear(); // What has been answered has left.
        self.state = match flow.status {
            Status::Continue => sending(part, flow, now),
            Status::Wait if waits < config.waits => {
                State::Awaiting { part, waits: waits + 1, deadline: now + FLOW_TIMEOUT }
            }
            Status::Wait => return self.fail(Error::WaitLimit),
            Status::Overflow => return self.fail(Error::PeerOverflow),
            Status::Reserved(status) => return self.fail(Error::BadFlowStatus { status: told(status) }),
        };
        Ok(())
    }

    /// Takes note that a frame has left: from now on the receiver has its time, and the next frame keeps its distance.
    pub(super) fn confirm(&mut self, setup: &Setup, frame: &Frame, now: Moment) {
        if !self.flight.end(setup.send, frame) {
            return;
        }
        self.state = match self.state {
            State::Awaiting { part, waits, .. } => State::Awaiting { part, waits, deadline: now + FLOW_TIMEOUT },
            State::Sending { part, pace, .. } => State::Sending { part, pace, due: now + pace.gap.time() },
            State::Finishing => State::Idle,
            state @ (State::Idle | State::Starting { .. }) => state,
        };
    }

    /// The next frame of the message, if one is due; or that the message has timed out.
    pub(super) fn poll<'m>(
        &mut self,
        setup: &Setup,
        now: Moment,
        message: &'m [u8],
    ) -> Result<Option<Said<'m>>, Error> {
        let polled = self.next(setup, now, message);
        if polled.is_err() {
            *self = Self::new();
        }
        polled
    }

    fn next<'m>(&mut self, setup: &Setup, now: Moment, message: &'m [u8]) -> Result<Option<Said<'m>>, Error> {
        if self.flight.check(now)? {
            return Ok(None);
        }
        match self.state {
            State::Awaiting { deadline, .. } if now >= deadline => Err(Error::FlowTimeout),
            State::Starting { since: due } | State::Sending { due, .. } if now >= due + BUS_TIMEOUT => {
                Err(Error::SendTimeout)
            }
            State::Starting { .. } => self.begin(setup, now, message).map(Some),
            State::Sending { part, pace, due } if now >= due => {
                Ok(Some(self.consecutive(setup, part, pace, now, message)))
            }
            State::Idle | State::Awaiting { .. } | State::Sending { .. } | State::Finishing => Ok(None),
        }
    }

    /// When [`Self::poll`] has something to do, if nothing arrives before.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let turn = match self.state {
            State::Idle | State::Finishing => None,
            State::Starting { since } => Some(since),
            State::Awaiting { deadline, .. } => Some(deadline),
            State::Sending { due, .. } => Some(due),
        };
        self.flight.deadline().or(turn)
    }

    /// Whether no message is under way.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether all of the message, if there is one, is in frames that have been polled.
    pub(super) fn has_passed_on(&self) -> bool {
        matches!(self.state, State::Idle | State::Finishing)
    }

    /// The single frame, if the message fits one, else the first.
    fn begin<'m>(&mut self, setup: &Setup, now: Moment, message: &'m [u8]) -> Result<Said<'m>, Error> {
        let (framing, address, len) = (setup.config.framing, setup.send, message.len());
        if len <= most_in_single(framing.length, address.width()) {
            self.state = finished(&setup.config);
            return Said::single(framing, address, message);
        }
        let length = u32::try_from(len).map_err(|_| Error::TooLong { len: told(len), most: told(MAX_MESSAGE) })?;
        let first = Said::first(framing, address, length, message);
        let part = Part { sent: first.len(), sequence: 1 };
        self.state = State::Awaiting { part, waits: 0, deadline: now + FLOW_TIMEOUT };
        Ok(first)
    }

    fn consecutive<'m>(&mut self, setup: &Setup, part: Part, pace: Pace, now: Moment, message: &'m [u8]) -> Said<'m> {
        let end = message.len().min(part.sent + setup.config.framing.length - setup.send.width() - 1);
        let data = message.get(part.sent..end).unwrap_or_default();
        let next = Part { sent: end, sequence: (part.sequence + 1) % 16 };
        let remaining = pace.left.map(|left| NonZeroU8::new(left.get() - 1));
        self.state = match remaining {
            _ if end == message.len() => finished(&setup.config),
            Some(None) => State::Awaiting { part: next, waits: 0, deadline: now + FLOW_TIMEOUT },
            left => {
                let pace = Pace { left: left.flatten(), ..pace };
                State::Sending { part: next, pace, due: now + pace.gap.time() }
            }
        };
        Said::consecutive(part.sequence, data)
    }

    fn fail(&mut self, error: Error) -> Result<(), Error> {
        *self = Self::new();
        Err(error)
    }
}

/// What follows the last frame of a message.
fn finished(config: &Config) -> State {
    if config.confirms { State::Finishing } else { State::Idle }
}

fn sending(part: Part, flow: Flow, now: Moment) -> State {
    let pace = Pace { left: NonZeroU8::new(flow.block_size), gap: flow.separation };
    State::Sending { part, pace, due: now }
}

/// The longest message whose length a first frame can say.
#[expect(clippy::as_conversions, reason = "u32 to usize in a constant; TryFrom is not const")]
const MAX_MESSAGE: usize = u32::MAX as usize;
