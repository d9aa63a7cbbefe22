//! The Primary: the shipped [`step`], and the shipped journal between two runs of it.
//!
//! Two things are seen more coarsely than the product sees them. Of the attempts at a member it is known only whether they
//! are used up; before, any further one may or may not use them up, so that every bound is covered at once. And every
//! cause of a roll back is one: `step` carries it along and never looks at it.

use std::sync::Arc;

use primary_ecu::machine::journal;
use primary_ecu::machine::transaction::{
    Action, Cause, Event, MAX_ATTEMPTS, Member, Reading, Standing, State, Transaction, next_members, step,
};

use super::secondary::{self, TARGETS, transaction_of};
use super::table::{Memo, Number, Table};
use super::world::{Ended, Errand, Image, MOST, ROUNDS};
use super::{Choice, Fault, Setting};

/// What the Primary learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cue {
    /// It starts again from the journal.
    Resumed,
    /// An ECU said where it stands.
    Seen(usize, Standing),
    /// An ECU refused.
    Refused(usize),
    /// An ECU did not answer.
    Unreachable(usize),
    /// The Director wants something else.
    Withdrawn,
}

/// What it then does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Makes this the journal.
    Record(Number),
    Ask(usize, Errand),
    Close(Ended),
}

/// What follows from a cue.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// What the Primary then holds: one transaction, or two where an attempt may be the last.
    pub(super) next: Vec<Number>,
    pub(super) deeds: Vec<Deed>,
    /// Each way it may go.
    pub(super) choices: Vec<Choice>,
}

impl Outcome {
    fn new(next: Vec<Number>, deeds: Vec<Deed>) -> Self {
        let choices = choices(next.len(), &deeds);
        Self { next, deeds, choices }
    }
}

/// What matters of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) state: State,
    /// The Director is not asked before it goes on.
    pub(super) must_go_on: bool,
    /// Which ECUs were told to activate.
    told: [bool; MOST],
}

/// The images that the ECUs have committed.
pub(super) type Homes = [Option<Image>; MOST];

/// A new transaction.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub(super) outcome: Outcome,
    /// Which ECUs take part.
    pub(super) members: [bool; MOST],
}

/// The Primary in all its states.
pub(super) struct Primary {
    transactions: Table<Transaction>,
    memo: Memo<(Number, Cue, bool), Arc<Outcome>>,
    facts: Memo<Number, Facts>,
    opened: Memo<(usize, Homes), Arc<Opening>>,
    /// By transaction, by ECU, by the image it ran before.
    readings: Vec<Vec<Vec<Reading>>>,
    orders: &'static [u64],
    single_bank: Option<usize>,
    lies: bool,
    fault: Option<Fault>,
}

impl Primary {
    pub(super) fn new(setting: Setting) -> Self {
        let Setting { orders, single_bank, rounds: _, lies, fault } = setting;
        let (memo, facts, opened, readings) = (Memo::new(), Memo::new(), Memo::new(), Vec::new());
        let primary =
            Self { transactions: Table::new(), memo, facts, opened, readings, orders, single_bank, lies, fault };
        let images = |round, at| (0..=ROUNDS).map(|image| primary.new_reading(round, at, Image::nth(image))).collect();
        let ecus = |round| (0..MOST).map(|at| images(round, at)).collect();
        let readings = (0..ROUNDS).map(ecus).collect();
        Self { readings, ..primary }
    }

    /// Whether this ECU was told to activate.
    pub(super) fn has_told(&self, transaction: Number, at: usize) -> bool {
        self.facts(transaction).told.get(at).copied().unwrap_or_default()
    }

    /// A new transaction. The Director wants a newer image on every ECU that is behind.
    pub(super) fn open(&self, round: usize, homes: Homes) -> Arc<Opening> {
        self.opened.get((round, homes), || Arc::new(self.opening(round, homes)))
    }

    fn opening(&self, round: usize, homes: Homes) -> Opening {
        let oldest = homes.iter().flatten().min().copied();
        let needy = (0..MOST).filter(|at| oldest.is_some() && homes.get(*at).copied() == Some(oldest));
        let needy = needy.map(|at| self.member(round, at, oldest.unwrap_or(Image(0)))).collect();
        let (transaction, actions) = Transaction::open(transaction_of(round), TARGETS, next_members(needy, None));
        let deeds = actions.into_iter().map(|action| self.deed(&transaction, action)).collect();
        let members = std::array::from_fn(|at| transaction.member(secondary::ecu(at)).is_some());
        Opening { outcome: Outcome::new(vec![self.transactions.number(transaction)], deeds), members }
    }

    /// The part of an ECU that runs `before`.
    fn member(&self, round: usize, at: usize, before: Image) -> Member {
        let order = self.orders.get(at).copied().unwrap_or_default();
        let image = secondary::image(Image::of(round));
        let member = Member::new(secondary::ecu(at), secondary::hardware(), image, order);
        match self.single_bank == Some(at) {
            true => member.with_fallback(secondary::image(before)),
            false => member,
        }
    }

    /// How the account of an ECU is read that ran `before`.
    pub(super) fn reading(&self, round: usize, at: usize, Image(before): Image) -> Option<&Reading> {
        self.readings.get(round)?.get(at)?.get(usize::from(before))
    }

    fn new_reading(&self, round: usize, at: usize, before: Image) -> Reading {
        let member = self.member(round, at, before);
        let (transaction, _) = Transaction::open(transaction_of(round), TARGETS, vec![member.clone()]);
        Reading::of(&transaction, &member)
    }

    pub(super) fn facts(&self, transaction: Number) -> Facts {
        self.facts.get(transaction, || {
            let transaction = self.transactions.get(transaction);
            let told = |at| transaction.member(secondary::ecu(at)).is_some_and(|member| member.told);
            let (state, must_go_on) = (transaction.state, transaction.must_go_on());
            Facts { state, must_go_on, told: std::array::from_fn(told) }
        })
    }

    /// What follows when `cue` happens; with `exactly`, every attempt is counted.
    pub(super) fn after(&self, transaction: Number, cue: Cue, exactly: bool) -> Arc<Outcome> {
        self.memo.get((transaction, cue, exactly), || Arc::new(self.step(transaction, cue, exactly)))
    }

    pub(super) fn count(&self) -> usize {
        self.transactions.len()
    }

    fn step(&self, before: Number, cue: Cue, exactly: bool) -> Outcome {
        let before = self.transactions.get(before);
        let (mut next, actions) = step(&before, event(cue));
        next.state = without_cause(next.state);
        let deeds = self.deeds(&next, actions);
        let next = if exactly { vec![next] } else { self.coarse(&next) };
        Outcome::new(next.into_iter().map(|next| self.transactions.number(next)).collect(), deeds)
    }

    fn deeds(&self, next: &Transaction, actions: Vec<Action>) -> Vec<Deed> {
        let mut deeds: Vec<Deed> = actions.into_iter().map(|action| self.deed(next, action)).collect();
        if self.fault == Some(Fault::RecordLast) {
            deeds.sort_by_key(|deed| matches!(deed, Deed::Record(_)));
        }
        deeds
    }

    fn deed(&self, next: &Transaction, action: Action) -> Deed {
        let ask = |ecu, errand| {
            let at = (0..self.orders.len()).find(|at| secondary::ecu(*at) == ecu);
            Deed::Ask(at.unwrap_or(usize::MAX), errand)
        };
        match action {
            Action::Record => Deed::Record(self.recorded(next)),
            Action::Stage(ecu, _) => ask(ecu, Errand::Stage),
            Action::Look(ecu, _) => ask(ecu, Errand::Look),
            Action::Activate(ecu, _) => ask(ecu, Errand::Activate),
            Action::Commit(ecu, _) => ask(ecu, Errand::Commit),
            Action::RollBack(ecu, _) => ask(ecu, Errand::RollBack),
            Action::Close => Deed::Close(match next.state {
                State::Committed => Ended::Committed,
                State::RolledBack(_)
                | State::Staging
                | State::Verifying
                | State::Activating(_)
                | State::Voting
                | State::Committing
                | State::RollingBack(_) => Ended::RolledBack,
            }),
        }
    }

    /// `transaction` with attempts known only as used up or not.
    fn coarse(&self, transaction: &Transaction) -> Vec<Transaction> {
        let mut all = vec![transaction.clone()];
        for member in transaction.members() {
            let known: &[u32] = match member.attempts() {
                _ if !counts(transaction.state) => &[0],
                // Such an ECU is asked without end: to go back, or until it has spoken, when all is counted anew.
                _ if member.told && (is_turning(transaction.state) || !member.is_heard()) => &[0],
                // Whoever can be asked is, before that.
                _ if self.lies && (!member.is_heard() || is_turning(transaction.state)) => &[0],
                0 => &[0],
                MAX_ATTEMPTS.. => &[MAX_ATTEMPTS],
                1..MAX_ATTEMPTS => &[0, MAX_ATTEMPTS],
            };
            all = all
                .iter()
                .flat_map(|one| known.iter().map(|known| one.clone().with_attempts(member.ecu, *known)))
                .collect();
        }
        all
    }

    /// What the journal gives back of a transaction.
    fn recorded(&self, transaction: &Transaction) -> Number {
        let read = journal::decode(&journal::encode(transaction));
        self.transactions.number(read.unwrap_or_else(|error| unreachable!("the journal of {transaction:?}: {error}")))
    }
}

/// Each way an outcome may go: which attempts are the last, and whether the Primary dies just before or just after a
/// record. Dying between two requests is no other than dying after both, one of which is lost.
fn choices(next: usize, deeds: &[Deed]) -> Vec<Choice> {
    let is_record = |at: Option<usize>| matches!(at.and_then(|at| deeds.get(at)), Some(Deed::Record(_)));
    let cuts = (1..deeds.len()).filter(|at| is_record(Some(*at)) || is_record(at.checked_sub(1)));
    let deeds: Vec<Option<usize>> = std::iter::once(None).chain(cuts.map(Some)).collect();
    (0..next).flat_map(|next| deeds.iter().map(move |deeds| Choice { next, deeds: *deeds })).collect()
}

fn event(cue: Cue) -> Event {
    match cue {
        Cue::Resumed => Event::Resumed,
        Cue::Seen(at, standing) => Event::Seen(secondary::ecu(at), standing),
        Cue::Refused(at) => Event::Refused(secondary::ecu(at), 0),
        Cue::Unreachable(at) => Event::Unreachable(secondary::ecu(at)),
        Cue::Withdrawn => Event::Withdrawn,
    }
}

fn without_cause(state: State) -> State {
    match state {
        State::RollingBack(_) => State::RollingBack(Cause::Withdrawn),
        State::RolledBack(_) => State::RolledBack(Cause::Withdrawn),
        State::Staging
        | State::Verifying
        | State::Activating(_)
        | State::Voting
        | State::Committing
        | State::Committed => state,
    }
}

fn is_turning(state: State) -> bool {
    matches!(state, State::RollingBack(_))
}

/// Whether anything depends on how often something was tried.
fn counts(state: State) -> bool {
    match state {
        State::Staging | State::Verifying | State::Activating(_) | State::Voting | State::RollingBack(_) => true,
        State::Committing | State::Committed | State::RolledBack(_) => false,
    }
}
