//! The transaction within the cycle: its actions become outputs, and its end the next round.

use uptane::{Attack, ResultCode};

use super::{Cause, Cycle, Error, Event, MAX_ROUNDS, Output, Outputs, Phase};
use crate::machine::transaction::{Action, State, Transaction, step};
use crate::store::Outcome;

impl Cycle {
    /// Goes on with a transaction the journal had.
    pub(super) fn resume(&mut self, journal: Transaction, outputs: &mut Outputs) {
        let (transaction, actions) = step(&journal, Event::Resumed);
        self.act(transaction, actions, outputs);
    }

    pub(super) fn happened(&mut self, transaction: &Transaction, event: Event, outputs: &mut Outputs) {
        let (transaction, actions) = step(transaction, event);
        self.act(transaction, actions, outputs);
    }

    pub(super) fn act(&mut self, transaction: Transaction, actions: Vec<Action>, outputs: &mut Outputs) {
        for action in actions {
            match action {
                Action::Record => outputs.push_back(Output::Record(transaction.clone())),
                Action::Close => return self.close(transaction, outputs),
                Action::Stage(..)
                | Action::Look(..)
                | Action::Activate(..)
                | Action::Commit(..)
                | Action::RollBack(..) => outputs.push_back(Output::Errand(action)),
            }
        }
        self.phase = Phase::Transacting(transaction);
    }

    /// What it led to is remembered; then the ECUs are met again, and the Director hears of it.
    fn close(&mut self, transaction: Transaction, outputs: &mut Outputs) {
        let cause = match transaction.state {
            State::RolledBack(cause) => Some(cause),
            State::Staging
            | State::Verifying
            | State::Activating(_)
            | State::Voting
            | State::Committing
            | State::Committed
            | State::RollingBack(_) => None,
        };
        let campaign = self.start.outcome.campaign.take();
        let outcome = outcome(&transaction, cause, campaign);
        self.start.outcome = outcome.clone();
        self.start.failures = self.start.failures.after(&transaction, self.start.time);
        match cause {
            None => self.raise(&transaction),
            // It may have been on trial when the cycle began.
            Some(_) => self.start.own_image = self.start.own_committed,
        }
        outputs.push_back(Output::Settle(transaction, outcome));
        self.only_telling = cause.filter(|cause| !self.may_try_again(*cause)).map(|cause| Error::RolledBack { cause });
        self.meet(outputs);
    }

    fn raise(&mut self, transaction: &Transaction) {
        for member in transaction.members() {
            let floor = self.start.floors.entry((member.ecu, member.line)).or_default();
            *floor = (*floor).max(member.counter);
            if member.ecu == self.start.own {
                (self.start.own_image, self.start.own_committed) = (member.sha256, member.sha256);
            }
        }
    }

    /// A restart or a lost connection may be over by now; a refusal will be the same next time.
    fn may_try_again(&self, cause: Cause) -> bool {
        let passing = match cause {
            Cause::FellBack(_) | Cause::Exhausted(_) | Cause::Unreachable(_) | Cause::Withdrawn => true,
            Cause::Refused(..) => false,
        };
        passing && self.round < MAX_ROUNDS
    }
}

fn outcome(transaction: &Transaction, cause: Option<Cause>, campaign: Option<String>) -> Outcome {
    let (result, attack) = match cause {
        None => (ResultCode::Installed, None),
        Some(Cause::Unreachable(_)) => (ResultCode::Unreachable, Some(Attack::DropRequest)),
        Some(Cause::Refused(_, code)) if uptane::Error::name_of(code).is_some() => {
            (ResultCode::VerificationFailed, None)
        }
        Some(Cause::FellBack(_) | Cause::Exhausted(_) | Cause::Refused(..) | Cause::Withdrawn) => {
            (ResultCode::RolledBack, None)
        }
    };
    Outcome {
        result: result.word().to_owned(),
        attack: attack.map(|attack| attack.word().to_owned()),
        transaction: Some(transaction.id.to_string()),
        campaign,
    }
}
