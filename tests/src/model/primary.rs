//! The Primary: the shipped [`step`], and the shipped journal between two runs of it.
//!
//! Two things are seen more coarsely than the product sees them. Of the attempts at a member it is known only whether they
//! are used up; before, any further one may or may not use them up, so that every bound is covered at once. And every
//! cause of a roll back is one: `step` carries it along and never looks at it.

use std::sync::Arc;

use primary_ecu::machine::journal;
use primary_ecu::machine::transaction::{
    Action, Cause, Event, MAX_ATTEMPTS, Member, Standing, State, Transaction, step,
};

use super::secondary::{self, TARGETS, transaction_of};
use super::table::{Memo, Number, Table};
use super::world::{Ended, Errand};
use super::{Choice, Fault};

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
}

/// The Primary in all its states.
pub(super) struct Primary {
    transactions: Table<Transaction>,
    memo: Memo<(Number, Cue, bool), Arc<Outcome>>,
    facts: Memo<Number, Facts>,
    opened: Memo<usize, Arc<Outcome>>,
    orders: Vec<u64>,
    fault: Option<Fault>,
}

impl Primary {
    pub(super) fn new(orders: &[u64], fault: Option<Fault>) -> Self {
        let orders = orders.to_vec();
        let (memo, facts, opened) = (Memo::new(), Memo::new(), Memo::new());
        Self { transactions: Table::new(), memo, facts, opened, orders, fault }
    }

    /// Whether this ECU was told to activate.
    pub(super) fn has_told(&self, transaction: Number, at: usize) -> bool {
        self.transactions.get(transaction).member(secondary::ecu(at)).is_some_and(|member| member.told)
    }

    /// A new transaction.
    pub(super) fn open(&self, round: usize) -> Arc<Outcome> {
        self.opened.get(round, || Arc::new(self.opening(round)))
    }

    fn opening(&self, round: usize) -> Outcome {
        let member = |(at, order): (usize, &u64)| {
            Member::new(secondary::ecu(at), secondary::hardware(), secondary::image(round), *order)
        };
        let members = self.orders.iter().enumerate().map(member).collect();
        let (transaction, actions) = Transaction::open(transaction_of(round), TARGETS, members);
        let deeds = actions.into_iter().map(|action| self.deed(&transaction, action)).collect();
        Outcome::new(vec![self.transactions.number(transaction)], deeds)
    }

    pub(super) fn facts(&self, transaction: Number) -> Facts {
        self.facts.get(transaction, || {
            let transaction = self.transactions.get(transaction);
            Facts { state: transaction.state, must_go_on: transaction.must_go_on() }
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
        let next = if exactly { vec![next] } else { coarse(&next) };
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

/// `transaction` with attempts known only as used up or not.
fn coarse(transaction: &Transaction) -> Vec<Transaction> {
    let mut all = vec![transaction.clone()];
    for member in transaction.members() {
        let known: &[u32] = match member.attempts() {
            _ if !counts(transaction.state) => &[0],
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

/// Whether anything depends on how often something was tried.
fn counts(state: State) -> bool {
    match state {
        State::Staging | State::Verifying | State::Activating(_) | State::Voting | State::RollingBack(_) => true,
        State::Committing | State::Committed | State::RolledBack(_) => false,
    }
}
