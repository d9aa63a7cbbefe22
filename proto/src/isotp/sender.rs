//! The sending half.

use core::num::NonZeroU8;
use core::time::Duration;

use super::control::{Control, Status, first_head, frame};
use super::{BUS_TIMEOUT, Config, FLOW_TIMEOUT, Separation};
use crate::Error;
use crate::can::Frame;

/// Takes a message of the caller apart, which is the same one from call to call until the sender is idle.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    config: Config,
    state: State,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// No message is under way.
    Idle,
    /// Ours: the single or first frame.
    Starting { since: Duration },
    /// The receiver's: leave to go on. It has asked to wait `waits` times in a row.
    Awaiting { part: Part, waits: u8, deadline: Duration },
    /// Ours: the next consecutive frame, from `due` on; `left` more before the receiver's turn, all if none.
    Sending { part: Part, left: Option<NonZeroU8>, gap: Duration, due: Duration },
}

/// What has been sent.
#[derive(Clone, Copy, Debug)]
struct Part {
    sent: usize,
    sequence: u8,
}

impl Sender {
    /// Idle.
    pub fn new(config: Config) -> Self {
        Self { config, state: State::Idle }
    }

    /// Begins to send the message that the following calls of [`Sender::poll`] are given.
    pub fn start(&mut self, message: &[u8], now: Duration) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Error::Busy);
        }
        if message.is_empty() {
            return Err(Error::EmptyMessage);
        }
        self.state = State::Starting { since: now };
        Ok(())
    }

    /// Takes a frame's data: flow control while it is awaited. All else is ignored.
    pub fn handle(&mut self, frame: &[u8], now: Duration) -> Result<(), Error> {
        let State::Awaiting { part, waits, .. } = self.state else {
            return Ok(());
        };
        let Some(Control::Flow { status, block_size, separation }) = Control::decode(frame) else {
            return Ok(());
        };
        self.state = match status {
            Status::Continue => sending(part, block_size, separation, now),
            Status::Wait if waits < self.config.waits => {
                State::Awaiting { part, waits: waits + 1, deadline: now + FLOW_TIMEOUT }
            }
            Status::Wait => return self.fail(Error::WaitLimit),
            Status::Overflow => return self.fail(Error::PeerOverflow),
            Status::Reserved(status) => return self.fail(Error::BadFlowStatus { status }),
        };
        Ok(())
    }

    /// The next frame of the message, if one is due; or that the message has timed out.
    pub fn poll(&mut self, now: Duration, message: &[u8]) -> Result<Option<Frame>, Error> {
        match self.state {
            State::Awaiting { deadline, .. } if now >= deadline => self.fail(Error::FlowTimeout),
            State::Starting { since: due } | State::Sending { due, .. } if now >= due + BUS_TIMEOUT => {
                self.fail(Error::SendTimeout)
            }
            State::Starting { .. } => self.begin(now, message).map(Some),
            State::Sending { part, left, gap, due } if now >= due => {
                self.consecutive(part, left, gap, now, message).map(Some)
            }
            State::Idle | State::Awaiting { .. } | State::Sending { .. } => Ok(None),
        }
    }

    /// When [`Sender::poll`] has something to do, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Idle => None,
            State::Starting { since } => Some(since),
            State::Awaiting { deadline, .. } => Some(deadline),
            State::Sending { due, .. } => Some(due),
        }
    }

    /// Whether no message is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// The single frame, if the message fits one, else the first.
    fn begin(&mut self, now: Duration, message: &[u8]) -> Result<Frame, Error> {
        let frame_length = self.config.framing.length;
        let len = message.len();
        self.state = State::Idle;
        match u8::try_from(len) {
            Ok(short @ 1..=7) => return frame(&self.config, &[short], message),
            Ok(short) if len + 2 <= frame_length && frame_length > 8 => {
                return frame(&self.config, &[0x00, short], message);
            }
            Ok(_) | Err(_) => {}
        }
        let length = u32::try_from(len).map_err(|_| Error::TooLong { len, most: MAX_MESSAGE })?;
        let mut head = [0; 6];
        let head = first_head(length, &mut head);
        let data = message.get(..frame_length - head.len()).unwrap_or(message);
        let part = Part { sent: data.len(), sequence: 1 };
        self.state = State::Awaiting { part, waits: 0, deadline: now + FLOW_TIMEOUT };
        frame(&self.config, head, data)
    }

    fn consecutive(
        &mut self,
        part: Part,
        left: Option<NonZeroU8>,
        gap: Duration,
        now: Duration,
        message: &[u8],
    ) -> Result<Frame, Error> {
        let end = message.len().min(part.sent + self.config.framing.length - 1);
        let data = message.get(part.sent..end).unwrap_or_default();
        let next = Part { sent: end, sequence: (part.sequence + 1) % 16 };
        let remaining = left.map(|left| NonZeroU8::new(left.get() - 1));
        self.state = match remaining {
            _ if end == message.len() => State::Idle,
            Some(None) => State::Awaiting { part: next, waits: 0, deadline: now + FLOW_TIMEOUT },
            Some(left @ Some(_)) => State::Sending { part: next, left, gap, due: now + gap },
            None => State::Sending { part: next, left: None, gap, due: now + gap },
        };
        frame(&self.config, &[0x20 | part.sequence], data)
    }

    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.state = State::Idle;
        Err(error)
    }
}

fn sending(part: Part, block_size: u8, separation: Separation, now: Duration) -> State {
    State::Sending { part, left: NonZeroU8::new(block_size), gap: separation.time(), due: now }
}

/// The longest message whose length a first frame can say.
#[expect(clippy::as_conversions, reason = "u32 to usize in a constant; TryFrom is not const")]
const MAX_MESSAGE: usize = u32::MAX as usize;
