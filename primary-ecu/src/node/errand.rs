//! What is done with one Secondary at a time, as a machine: each errand is a few requests, may be repeated any number of
//! times, and ends in what was seen.
//!
//! [`Errand::turn`] says what to ask, [`Errand::answer`] takes what came, until it is over; [`Errand::end`] is what the node
//! wants to know. An errand that nobody finishes has done no harm.

mod delivery;

use std::collections::VecDeque;
use std::time::Duration;

use host::disk::Bulk;
use proto::secondary::{File, Identity, Phase, Refusal, Request};
use uptane::{EcuId, Nonce, Sha256, TransactionId};

use super::{Answer, Done, Silent};
use crate::machine::transaction::Standing;
use crate::node::stage::Stage;

pub(crate) use delivery::Delivery;
pub use delivery::{Failure, Progress};
use delivery::{Sending, Sent, unexpected};

/// An errand to one Secondary.
#[derive(Debug)]
pub struct Errand<D> {
    ecu: EcuId,
    purpose: Purpose<D>,
    pause: Duration,
    state: State<D>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn<'a> {
    /// Ask the Secondary this. The same until its answer is given.
    Ask(Request<'a>),
    /// Nothing: the errand is over.
    Over,
}

/// What an errand is for.
#[derive(Debug)]
pub(super) enum Purpose<D> {
    /// Who is it, and which nonce must its next time attestation carry?
    Meet,
    /// The signed report over this nonce.
    Report(Nonce),
    /// Where does it stand in this transaction?
    Look(TransactionId),
    /// Bring time, metadata and image, unless the Secondary has the image already.
    Stage(TransactionId, Box<Stage>, D),
    /// Hand over a signed command, where it is due.
    Command(Command),
}

/// A signed command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) transaction: TransactionId,
    /// The digest of the transaction's image once the decision is made: a Secondary that forgot the transaction and runs
    /// that image has committed.
    pub(super) committed: Option<Sha256>,
    pub(super) bytes: Vec<u8>,
    /// Where a Secondary stands to which it is sent.
    pub(super) due: &'static [Standing],
}

#[derive(Debug)]
enum State<D> {
    /// Asked who it is, before anything else.
    Identifying,
    AskingNonce(Identity),
    Reporting(Nonce),
    Beginning(TransactionId, Identity),
    /// A file is on its way; those after it.
    Sending(Box<Sending<D>>, VecDeque<Delivery>),
    /// Asked who it is, after everything else.
    Looking,
    Over(Result<Seen, Failure>),
}

/// How an errand ended well.
#[derive(Debug)]
enum Seen {
    Met(Box<Identity>, Nonce),
    Report(Vec<u8>),
    Standing(Standing),
}

impl<D: Bulk + Clone> Errand<D> {
    pub(super) fn new(ecu: EcuId, purpose: Purpose<D>) -> Self {
        let state = match &purpose {
            Purpose::Report(nonce) => State::Reporting(*nonce),
            Purpose::Meet | Purpose::Look(_) | Purpose::Stage(..) | Purpose::Command(_) => State::Identifying,
        };
        Self { ecu, purpose, pause: Duration::ZERO, state }
    }

    pub(super) fn after(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// What to ask next. It reads the file that is on its way.
    pub fn turn(&mut self) -> Turn<'_> {
        if let State::Sending(sending, _) = &mut self.state
            && let Err(failure) = sending.read()
        {
            self.state = State::Over(Err(failure));
        }
        match &self.state {
            State::Identifying | State::Looking => Turn::Ask(Request::Identify),
            State::AskingNonce(_) => Turn::Ask(Request::TimeNonce),
            State::Reporting(nonce) => Turn::Ask(Request::Report(*nonce)),
            State::Beginning(transaction, _) => Turn::Ask(Request::Begin(*transaction)),
            State::Sending(sending, _) => Turn::Ask(sending.request()),
            State::Over(_) => Turn::Over,
        }
    }

    /// Takes the answer to the last request, or that there is none. Says how far a file of ours has come by it.
    pub fn answer(&mut self, answer: Result<Answer, Silent>) -> Option<Progress> {
        let state = std::mem::replace(&mut self.state, State::Looking);
        let next = match (state, answer) {
            (over @ State::Over(_), _) => Ok(over),
            (_, Err(silent)) => Err(Failure::Silent(silent.0)),
            (state, Ok(answer)) => self.next(state, answer),
        };
        self.state = next.unwrap_or_else(|failure| State::Over(Err(failure)));
        match &mut self.state {
            State::Sending(sending, _) => sending.progress(),
            State::Identifying
            | State::AskingNonce(_)
            | State::Reporting(_)
            | State::Beginning(..)
            | State::Looking
            | State::Over(_) => None,
        }
    }

    /// What the node wants to know of it. One that is not over was broken off.
    pub fn end(self) -> Done {
        let seen = match self.state {
            State::Over(seen) => seen,
            State::Identifying
            | State::AskingNonce(_)
            | State::Reporting(_)
            | State::Beginning(..)
            | State::Sending(..)
            | State::Looking => Err(Failure::Silent("broken off".to_owned())),
        };
        match (self.purpose, seen) {
            (Purpose::Meet, seen) => Done::Met(self.ecu, seen.and_then(Seen::met)),
            (Purpose::Report(nonce), seen) => Done::Reported(self.ecu, nonce, seen.and_then(Seen::report)),
            (
                Purpose::Look(transaction)
                | Purpose::Stage(transaction, ..)
                | Purpose::Command(Command { transaction, .. }),
                seen,
            ) => Done::Stands(self.ecu, transaction, seen.and_then(Seen::standing)),
        }
    }

    /// To whom.
    pub fn ecu(&self) -> EcuId {
        self.ecu
    }

    /// How long to wait before it is begun: an attempt that failed is not repeated at once.
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// Whether it is part of a transaction.
    pub fn is_of_transaction(&self) -> bool {
        match self.purpose {
            Purpose::Meet | Purpose::Report(_) => false,
            Purpose::Look(_) | Purpose::Stage(..) | Purpose::Command(_) => true,
        }
    }

    fn next(&self, state: State<D>, answer: Answer) -> Result<State<D>, Failure> {
        match (state, answer) {
            (State::Identifying, Answer::Identity(identity)) => self.identified(identity),
            (State::AskingNonce(identity), Answer::TimeNonce(nonce)) => Ok(over(Seen::Met(Box::new(identity), nonce))),
            (State::Reporting(_), Answer::Report(report)) => Ok(over(Seen::Report(report))),
            (State::Beginning(_, identity), Answer::Done) => self.bring(&identity),
            (State::Sending(sending, after), answer) => self.sent(*sending, after, answer),
            (State::Looking, Answer::Identity(identity)) => Ok(over(Seen::Standing(self.standing(&identity)))),
            (_, answer) => Err(unexpected(answer)),
        }
    }

    fn identified(&self, identity: Identity) -> Result<State<D>, Failure> {
        let stands = self.standing(&identity);
        match &self.purpose {
            Purpose::Meet => Ok(State::AskingNonce(identity)),
            // It is not asked who it is.
            Purpose::Report(nonce) => Ok(State::Reporting(*nonce)),
            Purpose::Look(_) => Ok(over(Seen::Standing(stands))),
            Purpose::Stage(transaction, ..) => match stands {
                Standing::Unknown | Standing::Absent => Ok(State::Beginning(*transaction, identity)),
                Standing::Staging => self.bring(&identity),
                Standing::Staged | Standing::Trial | Standing::Healthy | Standing::Committed | Standing::RolledBack => {
                    Ok(over(Seen::Standing(stands)))
                }
            },
            Purpose::Command(command) if command.due.contains(&stands) => {
                let sending = Sending::of_memory(File::Command, command.bytes.clone())?;
                Ok(State::Sending(Box::new(sending), VecDeque::new()))
            }
            Purpose::Command(_) => Ok(over(Seen::Standing(stands))),
        }
    }

    /// Begins with the first file that a Secondary of this identity needs.
    fn bring(&self, identity: &Identity) -> Result<State<D>, Failure> {
        match &self.purpose {
            Purpose::Stage(_, stage, _) => self.send_first(stage.files(identity).into()),
            Purpose::Meet | Purpose::Report(_) | Purpose::Look(_) | Purpose::Command(_) => Ok(State::Looking),
        }
    }

    fn send_first(&self, mut files: VecDeque<Delivery>) -> Result<State<D>, Failure> {
        match (files.pop_front(), &self.purpose) {
            (Some(delivery), Purpose::Stage(_, _, disk)) => {
                Ok(State::Sending(Box::new(Sending::of_disk(disk.clone(), delivery)?), files))
            }
            _ => Ok(State::Looking),
        }
    }

    fn sent(&self, sending: Sending<D>, after: VecDeque<Delivery>, answer: Answer) -> Result<State<D>, Failure> {
        let file = sending.file();
        match sending.answer(answer) {
            Ok(Sent::Partly(sending)) => Ok(State::Sending(Box::new(sending), after)),
            Ok(Sent::Whole) => self.send_first(after),
            // It restarted and wants another nonce by now: it goes on with the latest time it knows.
            Err(Failure::Refused(_)) if file == File::Time => self.send_first(after),
            // It restarted in between: what counts is where it stands now.
            Err(Failure::Refused(Refusal::Phase)) if file == File::Command => Ok(State::Looking),
            Err(failure) => Err(failure),
        }
    }

    /// Where the Secondary stands in the transaction of this errand.
    fn standing(&self, identity: &Identity) -> Standing {
        match &self.purpose {
            Purpose::Meet | Purpose::Report(_) => Standing::Unknown,
            Purpose::Look(transaction) | Purpose::Stage(transaction, ..) => standing(identity, *transaction, None),
            Purpose::Command(command) => standing(identity, command.transaction, command.committed),
        }
    }
}

/// Where the Secondary stands in `transaction`. With `committed`, the digest of the transaction's image once the decision
/// is made, a Secondary that forgot the transaction and runs that image has committed.
fn standing(identity: &Identity, transaction: TransactionId, committed: Option<Sha256>) -> Standing {
    match identity.phase {
        Phase::Staging(id) if id == transaction => Standing::Staging,
        Phase::Staged(id) if id == transaction => Standing::Staged,
        Phase::Trial(id) if id == transaction => Standing::Trial,
        Phase::Healthy(id) if id == transaction => Standing::Healthy,
        Phase::Committed(id) if id == transaction => Standing::Committed,
        Phase::RolledBack(id) if id == transaction => Standing::RolledBack,
        Phase::Idle if committed == Some(identity.running) => Standing::Committed,
        Phase::Idle
        | Phase::Staging(_)
        | Phase::Staged(_)
        | Phase::Trial(_)
        | Phase::Healthy(_)
        | Phase::Committed(_)
        | Phase::RolledBack(_) => Standing::Absent,
    }
}

fn over<D>(seen: Seen) -> State<D> {
    State::Over(Ok(seen))
}

/// Each purpose ends in one kind of sight; another is no answer to what was asked.
impl Seen {
    fn met(self) -> Result<(Identity, Nonce), Failure> {
        if let Self::Met(identity, nonce) = self { Ok((*identity, nonce)) } else { Err(Failure::Confused) }
    }

    fn report(self) -> Result<Vec<u8>, Failure> {
        if let Self::Report(report) = self { Ok(report) } else { Err(Failure::Confused) }
    }

    fn standing(self) -> Result<Standing, Failure> {
        if let Self::Standing(standing) = self { Ok(standing) } else { Err(Failure::Confused) }
    }
}

#[cfg(test)]
mod tests;
