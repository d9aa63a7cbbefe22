//! What is done with one Secondary at a time, as a machine: each errand is a few requests, may be repeated any number of
//! times, and ends in what was seen.
//!
//! [`Errand::turn`] says what to ask, [`Errand::answer`] takes what came, until it is over; [`Errand::end`] is what the node
//! wants to know. An errand that nobody finishes has done no harm.

mod delivery;
mod sharing;

use std::collections::VecDeque;
use std::time::Duration;

use host::disk::Bulk;
use proto::secondary::{File, Identity, Refusal, Request};
use uptane::{EcuId, Nonce, Sha256, TransactionId};

use super::{Answer, Done, Shared, Silent, download};
use crate::machine::transaction::{Reading, Standing};
use crate::node::stage::Stage;

pub(crate) use delivery::Delivery;
pub use delivery::{Failure, Progress};
use delivery::{Sending, Sent, unexpected};
pub use sharing::Call;

/// An errand to one Secondary.
#[derive(Debug)]
pub struct Errand<D> {
    ecu: EcuId,
    purpose: Purpose<D>,
    pause: Duration,
    /// Whether all files have been brought once more after a refusal.
    has_repeated: bool,
    state: State<D>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn<'a> {
    /// Ask the Secondary this. The same until its answer is given.
    Ask(Request<'a>),
    /// Wait for the others that take this image, and then [`Errand::go_on`].
    Gather(Shared),
    /// Ask the Secondary to take part in the broadcast of the file that it was offered; answered like a request.
    Join,
    /// Wait until the broadcast is over for it, and then [`Errand::go_on`].
    Hear,
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
    /// Where does it stand in the transaction?
    Look(Reading),
    /// Bring time, metadata and image, unless the Secondary has the image already.
    Stage(Reading, Box<Stage>, D),
    /// Hand over a signed command, where it is due, and what an only bank takes then.
    Command(Command<D>),
}

/// A signed command.
#[derive(Debug)]
pub(super) struct Command<D> {
    pub(super) reading: Reading,
    pub(super) bytes: Vec<u8>,
    /// Where a Secondary stands, by its phase, to which it is sent.
    pub(super) due: &'static [Standing],
    /// Of a Secondary with a single bank.
    pub(super) handover: Option<Handover<D>>,
}

/// An image for an only bank, which takes it after a command.
#[derive(Debug)]
pub(super) struct Handover<D> {
    pub(super) disk: D,
    pub(super) image: Sha256,
    /// Where a Secondary stands, by its phase, that takes it unless it runs it.
    pub(super) when: Standing,
}

#[derive(Debug)]
enum State<D> {
    /// Asked who it is, before anything else.
    Identifying,
    AskingNonce(Identity),
    Reporting(Nonce),
    Beginning(TransactionId, Identity),
    /// The image is next, and is waited with until the others are there.
    Gathering(Delivery),
    /// A file is on its way; those after it.
    Sending(Box<Sending<D>>, VecDeque<Delivery>),
    /// Asked who it is, after a command.
    Checking,
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
        Self { ecu, purpose, pause: Duration::ZERO, has_repeated: false, state }
    }

    pub(super) fn after(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// What to ask next. It reads the file that is on its way.
    pub fn turn(&mut self) -> Turn<'_> {
        let state = std::mem::replace(&mut self.state, State::Looking);
        self.state = self.read(state).unwrap_or_else(|failure| State::Over(Err(failure)));
        match &self.state {
            State::Identifying | State::Checking | State::Looking => Turn::Ask(Request::Identify),
            State::AskingNonce(_) => Turn::Ask(Request::TimeNonce),
            State::Reporting(nonce) => Turn::Ask(Request::Report(*nonce)),
            State::Beginning(transaction, _) => Turn::Ask(Request::Begin(*transaction)),
            State::Gathering(_) => self.shared().map_or(Turn::Over, |shared| Turn::Gather(*shared)),
            State::Sending(sending, _) => sending.turn(),
            State::Over(_) => Turn::Over,
        }
    }

    /// Takes the answer to the last request, or that there is none. Says how far a file of ours has come by it.
    pub fn answer(&mut self, answer: Result<Answer, Silent>) -> Option<Progress> {
        let state = std::mem::replace(&mut self.state, State::Looking);
        let may_repeat = !self.has_repeated && self.may_have_suffered(&state);
        let next = match (state, answer) {
            (over @ State::Over(_), _) => Ok(over),
            (State::Sending(sending, after), _) if sending.is_joining() => {
                Ok(State::Sending(Box::new(sending.listen()), after))
            }
            (_, Err(silent)) => Err(Failure::Silent(silent.0)),
            (state, Ok(answer)) => self.next(state, answer),
        };
        let next = match next {
            Err(Failure::Refused(Refusal::Check(_))) if may_repeat => {
                self.has_repeated = true;
                Ok(State::Identifying)
            }
            next => next,
        };
        self.state = next.unwrap_or_else(|failure| State::Over(Err(failure)));
        match &mut self.state {
            State::Sending(sending, _) => sending.progress(),
            State::Identifying
            | State::AskingNonce(_)
            | State::Reporting(_)
            | State::Beginning(..)
            | State::Gathering(_)
            | State::Checking
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
            | State::Gathering(_)
            | State::Sending(..)
            | State::Checking
            | State::Looking => Err(Failure::Silent("broken off".to_owned())),
        };
        match (self.purpose, seen) {
            (Purpose::Meet, seen) => Done::Met(self.ecu, seen.and_then(Seen::met)),
            (Purpose::Report(nonce), seen) => Done::Reported(self.ecu, nonce, seen.and_then(Seen::report)),
            (
                Purpose::Look(reading) | Purpose::Stage(reading, ..) | Purpose::Command(Command { reading, .. }),
                seen,
            ) => Done::Stands(self.ecu, reading.transaction(), seen.and_then(Seen::standing)),
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

    /// Whether a check may fail by what befell a file that is to be staged, so that all come once more.
    ///
    /// Roles are judged together, and a Secondary that restarted has lost those before this one. An image was verified here;
    /// what is judged there may have begun with what a wrong patch made before a restart, or have a block in it that
    /// somebody slipped in. Of one that fails nothing is kept.
    fn may_have_suffered(&self, state: &State<D>) -> bool {
        let State::Sending(sending, _) = state else { return false };
        let may_have = match sending.file() {
            File::Timestamp(_) | File::Snapshot(_) | File::Targets(_) | File::Delegated(_) => true,
            File::Image => sending.is_closing(),
            File::Time | File::Root(..) | File::Patch | File::Command => false,
        };
        may_have && matches!(self.purpose, Purpose::Stage(..))
    }

    fn next(&self, state: State<D>, answer: Answer) -> Result<State<D>, Failure> {
        match (state, answer) {
            (State::Identifying, Answer::Identity(identity)) => self.identified(identity),
            (State::AskingNonce(identity), Answer::TimeNonce(nonce)) => Ok(over(Seen::Met(Box::new(identity), nonce))),
            (State::Reporting(_), Answer::Report(report)) => Ok(over(Seen::Report(report))),
            (State::Beginning(_, identity), Answer::Done) => self.bring(&identity),
            (State::Sending(sending, after), answer) => self.sent(*sending, after, answer),
            (State::Checking, Answer::Identity(identity)) => self.hand_over(&identity),
            (State::Looking, Answer::Identity(identity)) => Ok(self.stands(&identity)),
            (_, answer) => Err(unexpected(answer)),
        }
    }

    fn identified(&self, identity: Identity) -> Result<State<D>, Failure> {
        match &self.purpose {
            Purpose::Meet => Ok(State::AskingNonce(identity)),
            // It is not asked who it is.
            Purpose::Report(nonce) => Ok(State::Reporting(*nonce)),
            Purpose::Look(_) => Ok(self.stands(&identity)),
            Purpose::Stage(reading, ..) => match reading.standing(identity.phase, identity.running) {
                Standing::Unknown | Standing::Absent => Ok(State::Beginning(reading.transaction(), identity)),
                Standing::Staging => self.bring(&identity),
                Standing::Staged | Standing::Trial | Standing::Healthy | Standing::Committed | Standing::RolledBack => {
                    Ok(self.stands(&identity))
                }
            },
            Purpose::Command(command) if command.is_due(&identity) => {
                let sending = Sending::of_memory(File::Command, command.bytes.clone())?;
                Ok(State::Sending(Box::new(sending), VecDeque::new()))
            }
            Purpose::Command(_) => self.hand_over(&identity),
        }
    }

    /// After a command, or where none is due: an only bank may wait for its image.
    fn hand_over(&self, identity: &Identity) -> Result<State<D>, Failure> {
        match &self.purpose {
            Purpose::Command(command) => match command.due_image(identity) {
                Some(Handover { disk, image, .. }) => {
                    let delivery = Delivery { file: File::Image, name: download::place(*image) };
                    Ok(State::Sending(Box::new(Sending::of_disk(disk.clone(), delivery)?), VecDeque::new()))
                }
                None => Ok(self.stands(identity)),
            },
            Purpose::Meet | Purpose::Report(_) | Purpose::Look(_) | Purpose::Stage(..) => Ok(self.stands(identity)),
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
            (Some(delivery), Purpose::Stage(..)) if self.is_shared(delivery.file) => Ok(State::Gathering(delivery)),
            (Some(delivery), Purpose::Stage(_, _, disk)) => {
                let file = delivery.file;
                match Sending::of_disk(disk.clone(), delivery) {
                    Ok(sending) => Ok(State::Sending(Box::new(sending), files)),
                    Err(failure) => self.without(file, files, failure),
                }
            }
            _ => Ok(State::Looking),
        }
    }

    /// Reads what is to be sent next, where a file is on its way.
    fn read(&self, state: State<D>) -> Result<State<D>, Failure> {
        let State::Sending(mut sending, after) = state else { return Ok(state) };
        match sending.read() {
            Ok(()) => Ok(State::Sending(sending, after)),
            Err(failure) => self.read(self.without(sending.file(), after, failure)?),
        }
    }

    /// Goes on without a file that did not get through, if it was not needed.
    fn without(&self, file: File, after: VecDeque<Delivery>, failure: Failure) -> Result<State<D>, Failure> {
        match (file, &failure) {
            // The Secondary does not answer: this attempt is over.
            (_, Failure::Silent(_)) => Err(failure),
            // The whole image comes in its stead.
            (File::Patch, _) => self.send_first(after),
            // It restarted and wants another nonce by now: it goes on with the latest time it knows.
            (File::Time, Failure::Refused(_)) => self.send_first(after),
            _ => Err(failure),
        }
    }

    fn sent(&self, sending: Sending<D>, after: VecDeque<Delivery>, answer: Answer) -> Result<State<D>, Failure> {
        let file = sending.file();
        match sending.answer(answer) {
            Ok(Sent::Partly(sending)) => Ok(State::Sending(Box::new(sending), after)),
            Ok(Sent::Whole) if file == File::Command => Ok(State::Checking),
            // What it made is the image that would have come after it.
            Ok(Sent::Whole) if file == File::Patch => Ok(State::Looking),
            Ok(Sent::Whole) => self.send_first(after),
            // It restarted in between: what counts is where it stands now.
            Err(Failure::Refused(Refusal::Phase)) if matches!(self.purpose, Purpose::Command(_)) => Ok(State::Looking),
            Err(failure) => self.without(file, after, failure),
        }
    }

    /// Over, with where the Secondary stands in the transaction of this errand.
    fn stands(&self, identity: &Identity) -> State<D> {
        let standing = match &self.purpose {
            Purpose::Meet | Purpose::Report(_) => Standing::Unknown,
            Purpose::Look(reading) | Purpose::Stage(reading, ..) | Purpose::Command(Command { reading, .. }) => {
                reading.standing(identity.phase, identity.running)
            }
        };
        over(Seen::Standing(standing))
    }
}

impl<D> Command<D> {
    fn is_due(&self, identity: &Identity) -> bool {
        self.due.contains(&self.by_phase(identity))
    }

    /// The image that an only bank waits for.
    fn due_image(&self, identity: &Identity) -> Option<&Handover<D>> {
        let waits = |handover: &&Handover<D>| handover.when == self.by_phase(identity);
        self.handover.as_ref().filter(waits).filter(|handover| handover.image != identity.running)
    }

    fn by_phase(&self, identity: &Identity) -> Standing {
        self.reading.by_phase(identity.phase, identity.running)
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
