//! The Primary's side.

mod answers;

use core::time::Duration;

use uptane::{Length, Nonce, TransactionId, told};

use super::broadcast::Invitation;
use super::codec::{BLOCK_HEAD, NEGATIVE, Nrc, POSITIVE, did, service};
use super::step::{MAX_SHORT, Step, put_proof};
use super::{CARRIER_MARGIN, Control, MAX_TRIES, P2, P2_EXTENDED, PRESENT, PRESENT_INTERVAL};
use crate::Error;
use crate::broadcast::{Member, Session};
use crate::can::Id;
use crate::secondary::{File, Reply, Request};

/// Asks one Secondary; messages of up to `N` bytes, so chunks of up to `N - 2`.
///
/// [`Client::start`] a request, then send what [`Client::poll`] gives and hand over what arrives with
/// [`Client::handle`], until that yields the reply. Poll again at [`Client::deadline`], also between requests: an open
/// transfer is kept alive.
///
/// A Secondary may want to know first that it is the Primary who asks. A client that was [made for
/// that](Client::proving) then asks for a [`Client::challenge`]; sign it and call [`Client::prove`].
#[derive(Clone, Debug)]
pub struct Client<const N: usize> {
    state: State,
    /// Whether the driver signs challenges.
    proves: bool,
    /// What was offered last: where a transfer that the Secondary forgot is taken up again.
    offer: Option<(File, Length)>,
    transfer: Option<Transfer>,
    /// What the Secondary said of itself when it joined a broadcast.
    member: Option<Member>,
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
    /// The driver is to sign this challenge.
    Challenged(Progress, Nonce),
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
    /// What the Secondary will do for the Primary alone; it is asked again once that is proven.
    interrupted: Option<Step>,
    /// How often it wanted that in this request.
    proofs: u8,
}

/// What a request is after, where its steps depend on that.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Begin(TransactionId),
    Offer(File, Length),
    Chunk(Length),
    Close,
    Control(Control),
    /// One step leads to the next, whatever the request.
    Straight,
}

/// A transfer the Secondary has open.
#[derive(Clone, Copy, Debug)]
struct Transfer {
    next: Length,
    counter: u8,
}

impl<const N: usize> Client<N> {
    /// Idle.
    pub fn new() -> Self {
        Self {
            state: State::Idle,
            proves: false,
            offer: None,
            transfer: None,
            member: None,
            last_sent: Duration::ZERO,
            chunk: [0; N],
            chunk_len: 0,
            message: [0; MAX_SHORT],
        }
    }

    /// Idle, for a driver that can sign as the Primary: a Secondary that asks for it (NRC 34) gets its proof. Without this
    /// the request fails with [`Error::Negative`].
    pub fn proving() -> Self {
        Self { proves: true, ..Self::new() }
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
        self.begin(goal, step)
    }

    /// Begins to have the ECU itself do something, in an extended session if it takes one. The reply is [`Reply::Done`] or
    /// a refusal. What was silenced stays so while an open transfer or a [`QuietBus`](super::QuietBus) keeps the session.
    pub fn control(&mut self, control: Control) -> Result<(), Error> {
        self.begin(Goal::Control(control), Step::Control(control))
    }

    /// Begins to prove that this is the Primary, which holds until the session ends. The reply is [`Reply::Done`].
    pub fn authenticate(&mut self) -> Result<(), Error> {
        self.begin(Goal::Straight, Step::Challenge)
    }

    /// What the driver is to sign now ([`uptane::verify::proof::Challenge`]), of a client that authenticates or was made
    /// [for proving](Self::proving).
    pub fn challenge(&self) -> Option<Nonce> {
        match self.state {
            State::Challenged(_, challenge) => Some(challenge),
            State::Idle | State::Sending(_) | State::Waiting(..) => None,
        }
    }

    /// Answers the [`Client::challenge`]; `None` gives the request up with [`Error::Unproven`].
    pub fn prove(&mut self, proof: Option<&[u8; 64]>) -> Result<(), Error> {
        let State::Challenged(progress, _) = self.state else {
            return Ok(());
        };
        self.state = State::Idle;
        put_proof(proof.ok_or(Error::Unproven)?, &mut self.message);
        // Where the answer is lost, challenge and proof are one try.
        let tries = progress.tries.saturating_sub(1);
        self.state = State::Sending(Progress { step: Step::Proof, tries, ..progress });
        Ok(())
    }

    fn begin(&mut self, goal: Goal, step: Step) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Error::Busy);
        }
        let progress = Progress { goal, step, tries: 0, resumes: 0, interrupted: None, proofs: 0 };
        self.state = State::Sending(progress);
        Ok(())
    }

    /// Asks the Secondary to take part in a broadcast of the file that was offered last, and to answer on `answer`. Once the
    /// reply is [`Reply::Done`], [`Client::member`] says what it takes. [`Error::Busy`] while a request is under way.
    pub fn join(&mut self, session: Session, answer: Id) -> Result<(), Error> {
        self.begin(Goal::Straight, Step::Join(Invitation { session, answer }))?;
        self.member = None;
        Ok(())
    }

    /// What the Secondary takes of the broadcast it was asked to join last, if it did.
    pub fn member(&self) -> Option<Member> {
        self.member
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
            State::Idle | State::Waiting(..) | State::Challenged(..) => return Ok(None),
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
            // The driver has something to do.
            State::Challenged(..) => None,
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
        let too_long = Error::TooLong { len: told(data.len()), most: told(N.saturating_sub(BLOCK_HEAD)) };
        self.chunk.get_mut(BLOCK_HEAD..len).ok_or(too_long)?.copy_from_slice(data);
        self.chunk_len = len;
        let expected = self.transfer.is_some_and(|transfer| transfer.next == offset);
        Ok(if expected { Step::Block } else { Step::Session })
    }

    /// The counter of the block to send; of the first one there is, if no transfer is open.
    fn counter(&self) -> u8 {
        self.transfer.map_or(1, |transfer| transfer.counter)
    }

    /// The message of a step.
    fn message(&mut self, step: Step) -> Option<&[u8]> {
        if let Step::Block = step {
            let counter = self.counter();
            let (head, _) = self.chunk.split_first_chunk_mut()?;
            *head = [service::DATA, counter];
            return self.chunk.get(..self.chunk_len);
        }
        if let Step::Proof = step {
            // It is there since it was given.
            return self.message.get(..MAX_SHORT);
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
    /// of the first; and a challenge is answered once.
    fn again(self) -> Self {
        if let Step::Close = self.step {
            return Self { step: Step::CloseResults, ..self };
        }
        let step = if let Step::Proof = self.step { Step::Challenge } else { self.step };
        Self { step, ..self }
    }
}
