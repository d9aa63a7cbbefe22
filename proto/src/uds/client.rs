//! The Primary's side.

use core::time::Duration;

use uptane::{Length, Nonce, TransactionId};

use super::codec::{
    BLOCK_HEAD, BLOCK_LENGTH_FORMAT, NEGATIVE, Nrc, POSITIVE, Reader, SUPPRESS, did, identity, outcome, service,
};
use super::step::Step;
use super::{CARRIER_MARGIN, MAX_TRIES, P2, P2_EXTENDED, PRESENT_INTERVAL};
use crate::Error;
use crate::secondary::{File, Refusal, Reply, Request};

/// Asks one Secondary; messages of up to `N` bytes, so chunks of up to `N - 2`.
///
/// [`Client::start`] a request, then send what [`Client::poll`] gives and hand over what arrives with
/// [`Client::handle`], until that yields the reply. Poll again at [`Client::deadline`], also between requests: an open
/// transfer is kept alive.
#[derive(Clone, Debug)]
pub struct Client<const N: usize> {
    state: State,
    /// What was offered last: where a transfer that the Secondary forgot is taken up again.
    offer: Option<(File, Length)>,
    transfer: Option<Transfer>,
    last_sent: Duration,
    chunk: [u8; N],
    chunk_len: usize,
    message: [u8; MAX_SHORT],
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// The message of this step is to be sent.
    Sending(Progress),
    /// Its response is awaited.
    Waiting(Progress, Duration),
}

/// How far the request has come.
#[derive(Clone, Copy, Debug)]
struct Progress {
    goal: Goal,
    step: Step,
    /// How often the message of this step was sent.
    tries: u8,
    /// How often session and transfer were taken up again for this request.
    resumes: u8,
}

/// What a request is after, where its steps depend on that.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Begin(TransactionId),
    Offer(File, Length),
    Chunk(Length),
    Close,
    /// One step leads to the next, whatever the request.
    Straight,
}

/// A transfer the Secondary has open.
#[derive(Clone, Copy, Debug)]
struct Transfer {
    next: Length,
    counter: u8,
}

/// What follows a response.
enum Next<'m> {
    Step(Step),
    Reply(Reply<'m>),
}

impl<const N: usize> Client<N> {
    /// Idle.
    pub fn new() -> Self {
        Self {
            state: State::Idle,
            offer: None,
            transfer: None,
            last_sent: Duration::ZERO,
            chunk: [0; N],
            chunk_len: 0,
            message: [0; MAX_SHORT],
        }
    }

    /// Begins a request. [`Error::Busy`] while one before it is under way.
    pub fn start(&mut self, request: Request<'_>) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Error::Busy);
        }
        let (goal, step) = match request {
            Request::Identify => (Goal::Straight, Step::Read(did::IDENTITY)),
            Request::TimeNonce => (Goal::Straight, Step::Read(did::TIME_NONCE)),
            Request::Begin(transaction) => (Goal::Begin(transaction), Step::Session),
            Request::Offer(file, length) => {
                self.offer = Some((file, length));
                (Goal::Offer(file, length), Step::Session)
            }
            Request::Chunk(offset, data) => (Goal::Chunk(offset), self.keep_chunk(offset, data)?),
            Request::Close => (Goal::Close, Step::Exit),
            Request::Report(nonce) => (Goal::Straight, Step::WriteNonce(nonce)),
        };
        self.state = State::Sending(Progress { goal, step, tries: 0, resumes: 0 });
        Ok(())
    }

    /// Takes a message from the Secondary. Gives the reply, if that was the last it takes. What does not answer the
    /// message sent last is ignored.
    pub fn handle<'m>(&mut self, message: &'m [u8], now: Duration) -> Result<Option<Reply<'m>>, Error> {
        let State::Waiting(progress, _) = self.state else {
            return Ok(None);
        };
        let service = progress.step.service();
        let next = match *message {
            [NEGATIVE, of, code] if of == service => match code {
                _ if code == Nrc::ResponsePending.code() => {
                    self.state = State::Waiting(progress, now + P2_EXTENDED + CARRIER_MARGIN);
                    return Ok(None);
                }
                // The message is repeated when the time is up.
                _ if code == Nrc::BusyRepeatRequest.code() => return Ok(None),
                _ => self.negative(progress, service, code),
            },
            [of, ref rest @ ..] if of == service + POSITIVE => match progress.step.after_head(self.counter(), rest) {
                Some(record) => self.positive(progress, record),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.advance(progress, next)
    }

    /// The next message to send, if one is due; or that the Secondary does not answer.
    pub fn poll(&mut self, now: Duration) -> Result<Option<&[u8]>, Error> {
        let progress = match self.state {
            State::Sending(progress) => progress,
            State::Waiting(progress, deadline) if now >= deadline => progress.again(),
            State::Idle if self.transfer.is_some() && now >= self.last_sent + PRESENT_INTERVAL => {
                self.last_sent = now;
                return Ok(Some(&PRESENT));
            }
            State::Idle | State::Waiting(..) => return Ok(None),
        };
        if progress.tries == MAX_TRIES {
            self.state = State::Idle;
            self.transfer = None;
            return Err(Error::NoResponse);
        }
        self.last_sent = now;
        self.state = State::Waiting(Progress { tries: progress.tries + 1, ..progress }, now + P2 + CARRIER_MARGIN);
        Ok(self.message(progress.step))
    }

    /// The carrier lost the message or the response: it is sent again at once, if not too often already.
    pub fn lost(&mut self) {
        if let State::Waiting(progress, _) = self.state {
            self.state = State::Waiting(progress, Duration::ZERO);
        }
    }

    /// The carrier is still moving the message or the response, so the time for it begins anew.
    pub fn moving(&mut self, now: Duration) {
        if let State::Waiting(progress, deadline) = self.state {
            self.state = State::Waiting(progress, deadline.max(now + P2 + CARRIER_MARGIN));
        }
    }

    /// When [`Client::poll`] has something to do, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Sending(_) => Some(Duration::ZERO),
            State::Waiting(_, deadline) => Some(deadline),
            State::Idle => self.transfer.map(|_| self.last_sent + PRESENT_INTERVAL),
        }
    }

    /// Whether no request is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Keeps a chunk for as often as it must be sent. If it is not what the Secondary expects next, the transfer is
    /// taken up again first.
    fn keep_chunk(&mut self, offset: Length, data: &[u8]) -> Result<Step, Error> {
        let len = data.len() + BLOCK_HEAD;
        let too_long = Error::TooLong { len: data.len(), most: N.saturating_sub(BLOCK_HEAD) };
        self.chunk.get_mut(BLOCK_HEAD..len).ok_or(too_long)?.copy_from_slice(data);
        self.chunk_len = len;
        let expected = self.transfer.is_some_and(|transfer| transfer.next == offset);
        Ok(if expected { Step::Block } else { Step::Session })
    }

    /// Goes on to the next exchange, or ends the request.
    fn advance<'m>(&mut self, progress: Progress, next: Result<Next<'m>, Error>) -> Result<Option<Reply<'m>>, Error> {
        self.state = State::Idle;
        match next? {
            Next::Reply(reply) => Ok(Some(reply)),
            Next::Step(step) => {
                // A close that was not heard of is sent again: that try is lost, the question for it is not.
                let again = matches!((progress.step, step), (Step::CloseResults, Step::Close));
                let tries = if again { progress.tries.saturating_sub(1) } else { 0 };
                let resumes = progress.resumes + u8::from(matches!(step, Step::Session));
                self.state = State::Sending(Progress { step, tries, resumes, ..progress });
                Ok(None)
            }
        }
    }

    fn positive<'m>(&mut self, progress: Progress, record: &'m [u8]) -> Result<Next<'m>, Error> {
        let step = progress.step;
        let next = match step {
            Step::Session => self.in_session(progress.goal, record),
            Step::Begin(_) | Step::Close | Step::CloseResults => routine_outcome(record),
            Step::Download(..) => position_after(record),
            Step::Position { block } => self.position(progress.goal, block, record),
            Step::Block => self.taken(record),
            Step::Exit => record.is_empty().then(|| self.exited()),
            Step::WriteNonce(_) => record.is_empty().then_some(Next::Step(Step::Read(did::REPORT))),
            Step::Read(did) => value(did, record),
            Step::Refusal { service, code } => match outcome(record) {
                Some(Err(refusal)) => Some(Next::Reply(Reply::Refused(refusal))),
                Some(Ok(())) => return Err(Error::Negative { service, code }),
                None => None,
            },
        };
        next.ok_or(Error::BadResponse { service: step.service() })
    }

    fn negative(&mut self, progress: Progress, service: u8, code: u8) -> Result<Next<'static>, Error> {
        let not_begun = code == Nrc::RequestSequenceError.code();
        if let Step::Refusal { service, code } = progress.step {
            return Err(Error::Negative { service, code });
        }
        if not_begun && matches!(progress.step, Step::CloseResults) {
            return Ok(Next::Step(Step::Close));
        }
        self.transfer = None;
        Ok(Next::Step(match Self::can_resume(progress, code) {
            true => Step::Session,
            false => Step::Refusal { service, code },
        }))
    }

    /// Whether a new session may get the request further. A session may end whenever a response is lost; a Secondary
    /// that does not know of the transfer in the session it opened, or will not have the chunk, is believed.
    fn can_resume(progress: Progress, code: u8) -> bool {
        let ended = code == Nrc::NotInActiveSession.code() && progress.resumes < MAX_TRIES;
        let forgotten = [Nrc::RequestSequenceError, Nrc::WrongBlockCounter].map(Nrc::code).contains(&code);
        match progress.goal {
            Goal::Begin(_) | Goal::Offer(..) => ended,
            Goal::Chunk(_) => ended || forgotten && progress.resumes == 0,
            Goal::Close => ended && matches!(progress.step, Step::CloseResults),
            Goal::Straight => false,
        }
    }

    /// The programming session is open, and every transfer before it over.
    fn in_session(&mut self, goal: Goal, timers: &[u8]) -> Option<Next<'static>> {
        self.transfer = None;
        let step = match (goal, self.offer) {
            (Goal::Begin(transaction), _) => Step::Begin(transaction),
            (Goal::Offer(file, length), _) | (Goal::Chunk(_), Some((file, length))) => Step::Download(file, length),
            (Goal::Chunk(_), None) => return Some(Next::Reply(Reply::Refused(Refusal::Offset(Length::ZERO)))),
            (Goal::Close, _) => Step::CloseResults,
            (Goal::Straight, _) => return None,
        };
        (timers.len() == 4).then_some(Next::Step(step))
    }

    /// Where the Secondary wants to go on, after an offer.
    fn position(&mut self, goal: Goal, block: u32, record: &[u8]) -> Option<Next<'static>> {
        let next = length(record)?;
        self.transfer = Some(Transfer { next, counter: 1 });
        let own = u32::try_from(N).unwrap_or(u32::MAX);
        let chunk = block.min(own).saturating_sub(u32::try_from(BLOCK_HEAD).ok()?);
        Some(match goal {
            Goal::Chunk(offset) if offset == next => Next::Step(Step::Block),
            Goal::Chunk(_) => Next::Reply(Reply::Refused(Refusal::Offset(next))),
            Goal::Offer(..) | Goal::Begin(_) | Goal::Close | Goal::Straight => Next::Reply(Reply::Ready(next, chunk)),
        })
    }

    fn taken(&mut self, record: &[u8]) -> Option<Next<'static>> {
        let next = length(record)?;
        self.transfer = Some(Transfer { next, counter: self.counter().wrapping_add(1) });
        Some(Next::Reply(Reply::Taken(next)))
    }

    /// The counter of the block to send; of the first one there is, if no transfer is open.
    fn counter(&self) -> u8 {
        self.transfer.map_or(1, |transfer| transfer.counter)
    }

    fn exited(&mut self) -> Next<'static> {
        self.transfer = None;
        Next::Step(Step::Close)
    }

    /// The message of a step.
    fn message(&mut self, step: Step) -> Option<&[u8]> {
        if let Step::Block = step {
            let counter = self.counter();
            let (head, _) = self.chunk.split_first_chunk_mut()?;
            *head = [service::DATA, counter];
            return self.chunk.get(..self.chunk_len);
        }
        let len = step.write(&mut self.message)?;
        self.message.get(..len)
    }
}

impl<const N: usize> Default for Client<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// The same step once more. Closing twice is not the same as closing once, so the second time only asks what became
    /// of the first.
    fn again(self) -> Self {
        let step = if matches!(self.step, Step::Close) { Step::CloseResults } else { self.step };
        Self { step, ..self }
    }
}

/// The value of a data identifier.
fn value(did: [u8; 2], record: &[u8]) -> Option<Next<'_>> {
    Some(Next::Reply(match did {
        did::IDENTITY => Reply::Identity(identity(record)?),
        did::TIME_NONCE => Reply::TimeNonce(Nonce(record.try_into().ok()?)),
        _ => Reply::Report(record),
    }))
}

fn length(record: &[u8]) -> Option<Length> {
    let mut reader = Reader::new(record);
    let length = reader.length()?;
    reader.end().map(|()| length)
}

fn position_after(record: &[u8]) -> Option<Next<'static>> {
    let [BLOCK_LENGTH_FORMAT, a, b, c, d] = *record else {
        return None;
    };
    Some(Next::Step(Step::Position { block: u32::from_be_bytes([a, b, c, d]) }))
}

fn routine_outcome(record: &[u8]) -> Option<Next<'static>> {
    Some(Next::Reply(match outcome(record)? {
        Ok(()) => Reply::Done,
        Err(refusal) => Reply::Refused(refusal),
    }))
}

/// Tester present, without response.
const PRESENT: [u8; 2] = [service::PRESENT, SUPPRESS];
/// Bytes of the longest message that is not a block: write the report nonce, begin.
const MAX_SHORT: usize = 20;
