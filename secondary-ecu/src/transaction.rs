//! The transaction as this ECU sees it (design D8): pure decisions over [`Stage`], nothing is touched here.
//!
//! An ECU returns to its old image by itself only while the new one has not voted healthy. Afterwards the Primary's
//! signed command alone changes the bank.

use proto::secondary::Refusal;
use uptane::verify::partial::VerifiedCommand;
use uptane::{Action, TransactionId};

use crate::Fault;
use crate::bank::Descriptor;
use crate::flash::Bank;
use crate::state::{Ending, Outcome, Stage, State};

/// The bank that `stage` wants to run.
pub fn wanted_bank(stage: Stage, home: Bank) -> Bank {
    match stage {
        Stage::Armed(_) | Stage::Trying(_) | Stage::Healthy(_) => home.other(),
        Stage::Idle | Stage::Staging(_) | Stage::Staged(_) | Stage::Committed(_) | Stage::RolledBack(_) => home,
    }
}

/// The state after `transaction` was opened.
///
/// Opening the open one again changes nothing, so that a Primary may go on after a reset of either side. None is opened
/// that is not newer than all that are over: what was recorded of those could then be played back.
pub fn begin(state: &State, transaction: TransactionId) -> Result<State, Fault> {
    if let Stage::Staging(open) | Stage::Staged(open) = state.stage
        && open == transaction
    {
        return Ok(*state);
    }
    match state.stage.is_activated() || state.is_closed(transaction) {
        true => Err(Fault::Refused(Refusal::Phase)),
        false => Ok(State { stage: Stage::Staging(transaction), ..*state }),
    }
}

/// What a command makes of `state`. Activate and commit count only in the open transaction, for the trusted Director
/// Targets. `image` reads what stands in the bank that is not home; a commit raises the counter floor to it in the same
/// record.
pub fn carry_out(
    state: &State,
    command: &VerifiedCommand,
    image: impl FnOnce() -> Result<Option<Descriptor>, Fault>,
) -> Result<State, Fault> {
    if let Some(ended) = command.rolls_back() {
        return roll_back(state, ended);
    }
    let open = state.stage.transaction().ok_or(Fault::Refused(Refusal::Phase))?;
    let targets = state.targets.ok_or(Fault::Refused(Refusal::Phase))?.sha256;
    let action = command.action_in(open, targets)?;
    let mut next = obey(state, action)?;
    if action == Action::Commit && next != *state {
        // A committed image is the lowest its line will ever run again.
        let image = image()?.ok_or(Fault::Storage)?;
        next.floors.raise(image.line, image.counter)?;
    }
    Ok(next)
}

/// A roll back also ends a transaction that this ECU knows nothing of, or forgot for one that somebody else opened: what
/// was said in it, and never arrived, can then do nothing any more.
fn roll_back(state: &State, ended: TransactionId) -> Result<State, Fault> {
    if state.stage.transaction() == Some(ended) {
        return obey(state, Action::Rollback);
    }
    match state.stage.is_activated() || ended.number() < state.closed {
        true => Err(Fault::Refused(Refusal::Phase)),
        false => Ok(returned(state, ended, Ending::RolledBack)),
    }
}

/// What a verified command of the transaction in `state` makes of it. The same command again changes nothing.
pub fn obey(state: &State, action: Action) -> Result<State, Fault> {
    let transaction = state.stage.transaction().ok_or(Fault::Refused(Refusal::Phase))?;
    match (action, state.stage) {
        (Action::Activate, Stage::Staged(_)) => Ok(State { stage: Stage::Armed(transaction), ..*state }),
        (Action::Commit, Stage::Healthy(_)) => Ok(committed(state, transaction)),
        (Action::Rollback, stage) if stage.is_activated() => Ok(returned(state, transaction, Ending::RolledBack)),
        (Action::Rollback, Stage::Staging(_) | Stage::Staged(_)) => {
            Ok(returned(state, transaction, Ending::RolledBack))
        }
        (Action::Activate, stage) if stage.is_activated() => Ok(*state),
        (Action::Commit, Stage::Committed(_)) | (Action::Rollback, Stage::RolledBack(_)) => Ok(*state),
        (Action::Activate | Action::Commit | Action::Rollback, _) => Err(Fault::Refused(Refusal::Phase)),
    }
}

/// What a boot makes of `state`; `whole` says whether the bank that `state` wants holds what it may boot.
pub fn boot(state: &State, whole: bool) -> State {
    match state.stage {
        Stage::Armed(transaction) if whole => State { stage: Stage::Trying(transaction), ..*state },
        Stage::Armed(transaction) | Stage::Trying(transaction) => {
            returned(state, transaction, Ending::ActivationFailed)
        }
        Stage::Idle
        | Stage::Staging(_)
        | Stage::Staged(_)
        | Stage::Healthy(_)
        | Stage::Committed(_)
        | Stage::RolledBack(_) => *state,
    }
}

/// What the new image's vote makes of `state`.
pub fn vote(state: &State) -> State {
    let Stage::Trying(transaction) = state.stage else { return *state };
    State { stage: Stage::Healthy(transaction), ..*state }
}

/// The state after nothing of the image that was offered can be relied upon.
pub fn given_up(state: &State) -> State {
    let mut next = State { stage: state.stage.unstaged(), received: 0, ..*state };
    next.set_bootable(state.home.other(), None);
    next
}

/// The new image is home, the old one may not boot any more.
fn committed(state: &State, transaction: TransactionId) -> State {
    let mut next = State { stage: Stage::Committed(transaction), home: state.home.other(), received: 0, ..*state };
    next.set_bootable(state.home, None);
    next.close(transaction);
    next.outcome = Outcome { ending: Ending::Installed, ..Outcome::default() };
    next
}

/// The old image is home as it was; the new one may not boot until it is staged again.
fn returned(state: &State, transaction: TransactionId, ending: Ending) -> State {
    let mut next = State { stage: Stage::RolledBack(transaction), ..*state };
    next.set_bootable(state.home.other(), None);
    next.close(transaction);
    next.outcome.ending = ending;
    next
}

#[cfg(test)]
mod tests;
