//! The vehicle transaction (design D8) as a pure function: [`step`] takes what stands and what was seen, and returns
//! what stands then and what to do about it.
//!
//! Promised: once a transaction is closed, either every member was seen committed, or none ever was told to commit and
//! each is back on its old image or was never told to leave it. The one decision, to commit, is [`State::Committing`]:
//! before it stands in the journal any refusal turns the whole vehicle back, after it nothing does.
//!
//! Left to the caller: [`Action::Record`] is durable before an action after it is carried out; every other action may
//! be lost, repeated or answered late, and each ends in one event about that ECU, which is told to its own transaction
//! alone.

mod planning;
mod reading;
mod step;

use step::Step;
use uptane::{EcuId, HardwareId, ImageLine, Length, ReleaseCounter, Sha256, TargetNameBuf, TransactionId};

pub use planning::next_members;
pub use reading::Reading;

/// Attempts at one thing with one ECU before the vehicle turns back. The decision to commit is retried without end.
pub const MAX_ATTEMPTS: u32 = 12;

/// One update of one vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its id; every command names it.
    pub id: TransactionId,
    /// The Director Targets file it carries out.
    pub targets: Sha256,
    /// Where it stands.
    pub state: State,
    members: Vec<Member>,
    /// The Director wants something else, and not every member has been heard yet.
    is_withdrawn: bool,
}

/// One ECU's part in a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The ECU.
    pub ecu: EcuId,
    /// What it is.
    pub hardware: HardwareId,
    /// The image it shall run.
    pub name: TargetNameBuf,
    /// That image's length.
    pub length: Length,
    /// That image's digest.
    pub sha256: Sha256,
    /// The line its release counter counts in.
    pub line: ImageLine,
    /// Its release counter.
    pub counter: ReleaseCounter,
    /// Lower orders are activated first.
    pub order: u64,
    /// The image it ran before, if it has a single bank: the Primary keeps it, and gives it back where the new one does
    /// not stay. None where the old image waits in another bank.
    pub fallback: Option<MemberImage>,
    /// An activate command may have reached it: from here on it may run the new image.
    pub told: bool,
    standing: Standing,
    attempts: u32,
    /// It has answered since the Primary read the journal, or the Primary that opened the transaction still runs. Until then
    /// it may be further than the journal says.
    is_heard: bool,
}

/// Where a transaction stands. Each is journalled before what it permits is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Images are brought to every member.
    Staging,
    /// Every member is asked whether it still holds its verified image.
    Verifying,
    /// Members of this order and all lower ones are told to run their image on trial.
    Activating(u64),
    /// Every member is asked for its vote.
    Voting,
    /// Decided: every member commits.
    Committing,
    /// Closed: every member runs the new image.
    Committed,
    /// Every member goes back.
    RollingBack(Cause),
    /// Closed: no member runs the new image.
    RolledBack(Cause),
}

/// Why a vehicle turned back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This ECU went back to its old image by itself, or lost the transaction.
    FellBack(EcuId),
    /// This ECU did not finish what was asked of it within [`MAX_ATTEMPTS`].
    Exhausted(EcuId),
    /// This ECU refused; the number is [`uptane::Error::code`], or 0 where no check of verification failed.
    Refused(EcuId, u8),
    /// This ECU could not be reached.
    Unreachable(EcuId),
    /// The Director wants something else by now.
    Withdrawn,
}

/// Where an ECU says it stands in this transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Not asked since the last step or restart.
    Unknown,
    /// It does not know this transaction.
    Absent,
    /// The image is not there yet.
    Staging,
    /// The verified image is in the inactive bank; of a single one, it is known and may come as soon as the gate is open.
    Staged,
    /// The new image runs on trial.
    Trial,
    /// The new image runs and voted healthy.
    Healthy,
    /// The new image is committed.
    Committed,
    /// The old image runs again.
    RolledBack,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The Primary has started, with this transaction in its journal.
    Resumed,
    /// An ECU said where it stands.
    Seen(EcuId, Standing),
    /// An ECU refused what was asked; see [`Cause::Refused`].
    Refused(EcuId, u8),
    /// An ECU did not answer.
    Unreachable(EcuId),
    /// The Director wants something else.
    Withdrawn,
}

/// What to do. The number with each errand is how often it was tried before, for the pause ahead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make the transaction as it now stands durable, before any action after this one.
    Record,
    /// Bring an ECU its metadata and image; the image is only announced to one with a single bank.
    Stage(EcuId, u32),
    /// Ask an ECU where it stands.
    Look(EcuId, u32),
    /// Tell an ECU to run its new image on trial; one with a single bank is given it then.
    Activate(EcuId, u32),
    /// Tell an ECU to commit.
    Commit(EcuId, u32),
    /// Tell an ECU to go back; one with a single bank is given its old image then.
    RollBack(EcuId, u32),
    /// The transaction is over.
    Close,
}

/// What follows when `event` happens to `transaction`.
pub fn step(transaction: &Transaction, event: Event) -> (Transaction, Vec<Action>) {
    let mut step = Step { next: transaction.clone(), actions: Vec::new() };
    match event {
        Event::Resumed => step.resume(),
        Event::Seen(ecu, standing) => step.seen(ecu, standing),
        Event::Refused(ecu, code) => step.failed(ecu, Cause::Refused(ecu, code), 0),
        Event::Unreachable(ecu) => step.failed(ecu, Cause::Unreachable(ecu), MAX_ATTEMPTS),
        Event::Withdrawn => step.withdraw(),
    }
    (step.next, step.actions)
}

impl Transaction {
    /// A new transaction over these members, and what to do first.
    pub fn open(id: TransactionId, targets: Sha256, members: Vec<Member>) -> (Self, Vec<Action>) {
        let transaction = Self::at(id, targets, State::Staging, members);
        let (mut transaction, mut actions) = step(&transaction, Event::Resumed);
        transaction.members.iter_mut().for_each(|member| member.is_heard = true);
        actions.insert(0, Action::Record);
        (transaction, actions)
    }

    /// A transaction as the journal has it.
    pub(crate) fn at(id: TransactionId, targets: Sha256, state: State, mut members: Vec<Member>) -> Self {
        members.sort_by_key(|member| (member.order, member.ecu));
        Self { id, targets, state, members, is_withdrawn: false }
    }

    /// The same of a journal that is known not to be the newest: any member may have been told to run its new image.
    #[must_use]
    pub(crate) fn outdated(mut self) -> Self {
        self.members.iter_mut().for_each(|member| member.told = true);
        self
    }

    /// Its members, in the order of activation.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The part of one ECU, if it has one.
    pub fn member(&self, ecu: EcuId) -> Option<&Member> {
        self.members.iter().find(|member| member.ecu == ecu)
    }

    /// Whether its course is its own: a member may have been told to run its new image, or it turns back, or it is over.
    /// Before that the Director may withdraw it.
    pub fn must_go_on(&self) -> bool {
        match self.state {
            State::Staging | State::Verifying => self.members.iter().any(|member| member.told),
            State::Activating(_)
            | State::Voting
            | State::Committing
            | State::Committed
            | State::RollingBack(_)
            | State::RolledBack(_) => true,
        }
    }

    /// The same transaction with so many attempts at this member behind it. A model checker that went through every
    /// number of them would see the same things [`MAX_ATTEMPTS`] times.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_attempts(mut self, ecu: EcuId, attempts: u32) -> Self {
        self.members.iter_mut().filter(|member| member.ecu == ecu).for_each(|member| member.attempts = attempts);
        self
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Committed | State::RolledBack(_))
    }
}

impl State {
    /// Its word in the journal and in `status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Verifying => "verifying",
            Self::Activating(_) => "activating",
            Self::Voting => "voting",
            Self::Committing => "committing",
            Self::Committed => "committed",
            Self::RollingBack(_) => "rolling-back",
            Self::RolledBack(_) => "rolled-back",
        }
    }
}

impl Cause {
    /// Its word in the journal and in `status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::FellBack(_) => "fell-back",
            Self::Exhausted(_) => "exhausted",
            Self::Refused(..) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Member {
    /// The part of `ecu`: nothing seen, nothing told.
    pub fn new(ecu: EcuId, hardware: HardwareId, image: MemberImage, order: u64) -> Self {
        let MemberImage { name, length, sha256, line, counter } = image;
        let (fallback, standing, attempts) = (None, Standing::Unknown, 0);
        let (told, is_heard) = (false, false);
        Self { ecu, hardware, name, length, sha256, line, counter, order, fallback, told, standing, attempts, is_heard }
    }

    /// The same part of an ECU that has a single bank and runs this image.
    #[must_use]
    pub fn with_fallback(self, fallback: MemberImage) -> Self {
        Self { fallback: Some(fallback), ..self }
    }

    /// Whether its new image goes where its old one is.
    pub fn has_single_bank(&self) -> bool {
        self.fallback.is_some()
    }

    /// The image it shall run.
    pub fn image(&self) -> MemberImage {
        let Self { name, length, sha256, line, counter, .. } = *self;
        MemberImage { name, length, sha256, line, counter }
    }

    /// Where it was last seen.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether it has spoken since the Primary read the journal.
    #[cfg(feature = "testing")]
    pub fn is_heard(&self) -> bool {
        self.is_heard
    }

    /// How often what the state wants of it was tried in vain.
    #[cfg(feature = "testing")]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Seen rolled back, so that nothing that was said in this transaction can move it any more; or never told to leave its
    /// old image, and not to be found. One that was told and does not know the transaction is told to roll back all the
    /// same: the command to activate may still be on its way to it, or in somebody's hands. Nothing can move one either that
    /// says it has committed, and waiting for it would be waiting for ever.
    fn is_back(&self) -> bool {
        match self.standing {
            Standing::RolledBack | Standing::Committed => true,
            Standing::Absent => !self.told,
            Standing::Unknown | Standing::Staging | Standing::Staged | Standing::Trial | Standing::Healthy => false,
        }
    }
}

/// The image of a [`Member`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberImage {
    /// Its target name.
    pub name: TargetNameBuf,
    /// Its length.
    pub length: Length,
    /// Its digest.
    pub sha256: Sha256,
    /// The line its release counter counts in.
    pub line: ImageLine,
    /// Its release counter.
    pub counter: ReleaseCounter,
}

impl MemberImage {
    /// An image as it is stored: name, length, digest in hex, line and release counter.
    pub(crate) fn stored(
        name: &str,
        length: u64,
        sha256: &str,
        line: &str,
        counter: u64,
    ) -> Result<Self, uptane::Error> {
        Ok(Self {
            name: TargetNameBuf::parse(name)?,
            length: Length::new(length)?,
            sha256: Sha256::parse(sha256)?,
            line: ImageLine::parse(line)?,
            counter: ReleaseCounter::new(counter)?,
        })
    }
}

#[cfg(test)]
mod tests;
