//! What follows a response of the Secondary.

use uptane::{Length, Nonce, told};

use super::{Client, Goal, Progress, State, Transfer};
use crate::Error;
use crate::broadcast::Member;
use crate::secondary::{Refusal, Reply};
use crate::uds::broadcast::{Invitation, joined};
use crate::uds::codec::{BLOCK_HEAD, BLOCK_LENGTH_FORMAT, Nrc, Reader, authentication, did, identity, outcome};
use crate::uds::step::Step;
use crate::uds::{Control, MAX_TRIES};

pub(super) enum Next<'m> {
    Step(Step),
    Reply(Reply<'m>),
    /// The Secondary wants to know first who asks.
    Authenticate,
    /// The driver signs this.
    Sign(Nonce),
    /// The Secondary knows it.
    Proven,
}

impl<const N: usize> Client<N> {
    /// Goes on to the next exchange, or ends the request.
    pub(super) fn advance<'m>(
        &mut self,
        progress: Progress,
        next: Result<Next<'m>, Error>,
    ) -> Result<Option<Reply<'m>>, Error> {
        self.state = State::Idle;
        self.state = match next? {
            Next::Reply(reply) => return Ok(Some(reply)),
            Next::Step(step) => State::Sending(progress.follow(step)),
            Next::Sign(challenge) => State::Challenged(progress, challenge),
            Next::Authenticate => {
                let (interrupted, proofs) = (Some(progress.step), progress.proofs + 1);
                State::Sending(Progress { step: Step::Challenge, tries: 0, interrupted, proofs, ..progress })
            }
            Next::Proven => match progress.interrupted {
                Some(step) => State::Sending(Progress { interrupted: None, ..progress.follow(step) }),
                None => return Ok(Some(Reply::Done)),
            },
        };
        Ok(None)
    }

    pub(super) fn positive<'m>(&mut self, progress: Progress, record: &'m [u8]) -> Result<Next<'m>, Error> {
        let step = progress.step;
        let next = match step {
            Step::Session | Step::ExtendedSession => self.in_session(progress.goal, record),
            Step::Begin(_) | Step::Close | Step::CloseResults => routine_outcome(record),
            Step::Join(Invitation { answer, .. }) => joined(record, answer).map(|joined| self.has_joined(joined)),
            Step::Download(..) => position_after(record),
            Step::Position { block } => self.position(progress.goal, block, record),
            Step::Block => self.taken(record),
            Step::Exit => record.is_empty().then(|| self.exited()),
            Step::WriteNonce(_) => record.is_empty().then_some(Next::Step(Step::Read(did::REPORT))),
            Step::Read(did) => value(did, record),
            Step::Refusal { service, code } => match outcome(record) {
                Some(Err(refusal)) => Some(Next::Reply(Reply::Refused(refusal))),
                Some(Ok(())) => return Err(Error::Negative { service: told(service), code: told(code) }),
                None => None,
            },
            Step::Control(control) => record.is_empty().then(|| self.obeyed(control)),
            Step::Challenge => challenge(record),
            Step::Proof => is_proven(record).then_some(Next::Proven),
        };
        next.ok_or(Error::BadResponse { service: told(step.service()) })
    }

    pub(super) fn negative(&mut self, progress: Progress, service: u8, code: u8) -> Result<Next<'static>, Error> {
        if let Step::Refusal { service, code } = progress.step {
            return Err(Error::Negative { service: told(service), code: told(code) });
        }
        let is_out_of_order = code == Nrc::RequestSequenceError.code();
        if is_out_of_order && matches!(progress.step, Step::CloseResults) {
            return Ok(Next::Step(Step::Close));
        }
        if is_out_of_order && matches!(progress.step, Step::Exit) {
            // Somebody else may have closed the file already: what became of it is still known then.
            return Ok(Next::Step(Step::CloseResults));
        }
        if let Some(next) = self.about_the_asker(progress, service, code) {
            return next;
        }
        let session = match progress.goal {
            Goal::Control(_) => Step::ExtendedSession,
            Goal::Begin(_) | Goal::Offer(..) | Goal::Chunk(_) | Goal::Close | Goal::Straight => {
                self.transfer = None;
                Step::Session
            }
        };
        Ok(Next::Step(match Self::can_resume(progress, code) {
            true => session,
            false => Step::Refusal { service, code },
        }))
    }

    /// What follows if the Secondary minds who asks, or has no other words for why it does nothing.
    fn about_the_asker(&self, progress: Progress, service: u8, code: u8) -> Option<Result<Next<'static>, Error>> {
        let minds = code == Nrc::AuthenticationRequired.code();
        // More than once where a reset, whose answer was lost, made it forget.
        if minds && self.proves && progress.proofs < MAX_TRIES {
            return Some(Ok(Next::Authenticate));
        }
        let is_proving = matches!(progress.step, Step::Challenge | Step::Proof);
        let is_all = minds || is_proving || code == Nrc::ServiceNotSupported.code();
        is_all.then_some(Err(Error::Negative { service: told(service), code: told(code) }))
    }

    /// Whether a new session may get the request further. A session may end whenever a response is lost; a Secondary
    /// that does not know of the transfer in the session it opened, or will not have the chunk, is believed.
    fn can_resume(progress: Progress, code: u8) -> bool {
        let ended = code == Nrc::NotInActiveSession.code() && progress.resumes < MAX_TRIES;
        let forgotten = [Nrc::RequestSequenceError, Nrc::WrongBlockCounter].map(Nrc::code).contains(&code);
        match progress.goal {
            Goal::Begin(_) | Goal::Offer(..) | Goal::Control(_) => ended,
            Goal::Chunk(_) => ended || forgotten && progress.resumes == 0,
            Goal::Close => ended && matches!(progress.step, Step::CloseResults),
            Goal::Straight => false,
        }
    }

    /// A session is open, and every transfer before it over.
    fn in_session(&mut self, goal: Goal, timers: &[u8]) -> Option<Next<'static>> {
        self.transfer = None;
        let step = match (goal, self.offer) {
            (Goal::Begin(transaction), _) => Step::Begin(transaction),
            (Goal::Offer(file, length), _) | (Goal::Chunk(_), Some((file, length))) => Step::Download(file, length),
            (Goal::Chunk(_), None) => return Some(Next::Reply(Reply::Refused(Refusal::Offset(Length::ZERO)))),
            (Goal::Close, _) => Step::CloseResults,
            (Goal::Control(control), _) => Step::Control(control),
            (Goal::Straight, _) => return None,
        };
        (timers.len() == 4).then_some(Next::Step(step))
    }

    fn has_joined(&mut self, joined: Result<Member, Refusal>) -> Next<'static> {
        self.member = joined.ok();
        Next::Reply(joined.map_or_else(Reply::Refused, |_| Reply::Done))
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
            Goal::Offer(..) | Goal::Begin(_) | Goal::Close | Goal::Control(_) | Goal::Straight => {
                Next::Reply(Reply::Ready(next, chunk))
            }
        })
    }

    fn taken(&mut self, record: &[u8]) -> Option<Next<'static>> {
        let next = length(record)?;
        self.transfer = Some(Transfer { next, counter: self.counter().wrapping_add(1) });
        Some(Next::Reply(Reply::Taken(next)))
    }

    fn exited(&mut self) -> Next<'static> {
        self.transfer = None;
        Next::Step(Step::Close)
    }

    /// An ECU that resets forgets its session.
    fn obeyed(&mut self, control: Control) -> Next<'static> {
        if let Control::Reset(_) = control {
            self.transfer = None;
        }
        Next::Reply(Reply::Done)
    }
}

impl Progress {
    /// On to another step.
    fn follow(self, step: Step) -> Self {
        // A close that was not heard of is sent again: that try is lost, the question for it is not.
        let again = matches!((self.step, step), (Step::CloseResults, Step::Close));
        let tries = if again { self.tries.saturating_sub(1) } else { 0 };
        let resumes = self.resumes + u8::from(matches!(step, Step::Session | Step::ExtendedSession));
        Self { step, tries, resumes, ..self }
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

/// The challenge, if it is of the kind the Primary can answer and nothing else is asked for.
fn challenge(record: &[u8]) -> Option<Next<'static>> {
    let mut reader = Reader::new(record);
    let ([authentication::ACCEPTED], authentication::ED25519) = (reader.array()?, reader.array()?) else {
        return None;
    };
    let challenge = Nonce(reader.sized()?.try_into().ok()?);
    let needed = reader.sized()?;
    reader.end()?;
    needed.is_empty().then_some(Next::Sign(challenge))
}

fn is_proven(record: &[u8]) -> bool {
    matches!(record, [authentication::COMPLETE, ..])
}
