//! The transaction as this ECU sees it (design D8): pure decisions over [`Stage`], nothing is touched here.
//!
//! An ECU returns to its old image by itself only while the new one has not voted healthy. Afterwards the Primary's
//! signed command alone changes the bank.
//!
//! Where there is a single bank the old image cannot wait beside the new one. There an image is only announced while the
//! transaction is staged; the signed `activate` opens the gate, and the image is taken when nothing runs any more. The
//! way back is the last committed image, handed over once more ([`Intake`]).

use uptane::verify::partial::VerifiedCommand;
use uptane::{Action, TransactionId};

use crate::Fault;
use crate::bank::{Content, Descriptor};
use crate::flash::{Bank, Banks};
use crate::state::{Ending, Outcome, Stage, State};

/// What an image that is offered now is to this ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Intake {
    /// The assigned one, for the bank that does not run.
    Stage,
    /// The assigned one, for the only bank, whose image runs on: nothing of it is taken yet.
    Announce,
    /// The assigned one, for the only bank, where nothing runs any more.
    Install,
    /// The last committed one again, for the only bank, which does not hold it any more.
    Restore,
}

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
/// that is not newer than all that are over: what was recorded of those could then be played back. What was refused in a
/// transaction is told in every report until the next one.
#[inline(never)]
pub fn begin(state: &State, transaction: TransactionId) -> Result<State, Fault> {
    if let Stage::Staging(open) | Stage::Staged(open) = state.stage
        && open == transaction
    {
        return Ok(*state);
    }
    match state.stage.is_activated() || state.is_closed(transaction) {
        true => Err(Fault::Phase),
        false => Ok(State { stage: Stage::Staging(transaction), outcome: Outcome::default(), ..*state }),
    }
}

/// What a command makes of `state`. Activate and commit count only in the open transaction, for the trusted Director
/// Targets. `image` reads what stands in the bank that is not home; a commit raises the counter floor to it in the same
/// record.
#[inline(never)]
pub fn carry_out(
    state: &State,
    banks: Banks,
    command: &VerifiedCommand,
    image: impl FnOnce() -> Result<Option<Descriptor>, Fault>,
) -> Result<State, Fault> {
    if let Some(ended) = command.rolls_back() {
        return roll_back(state, banks, ended);
    }
    let open = state.stage.transaction().ok_or(Fault::Phase)?;
    let targets = state.targets.ok_or(Fault::Phase)?.sha256;
    let action = command.action_in(open, targets)?;
    let mut next = obey(state, banks, action)?;
    if action == Action::Commit && next != *state {
        // A committed image is the lowest its line will ever run again.
        let image = image()?.ok_or(Fault::Storage)?;
        next.floors.raise(image.line, image.counter)?;
    }
    Ok(next)
}

/// A roll back also ends a transaction that this ECU knows nothing of, or forgot for one that somebody else opened: what
/// was said in it, and never arrived, can then do nothing any more. That of the transaction closed last counts again while
/// the next is staged: whether the Primary opened that one or anybody else did after an answer was lost, this ECU cannot
/// know, and a Primary whose roll back it refused would wait for ever.
#[inline(never)]
fn roll_back(state: &State, banks: Banks, ended: TransactionId) -> Result<State, Fault> {
    if state.stage.transaction() == Some(ended) {
        return obey(state, banks, Action::Rollback);
    }
    match state.stage.is_activated() || ended.number() < state.closed {
        true => Err(Fault::Phase),
        false => Ok(returned(state, banks, ended, Ending::RolledBack)),
    }
}

/// What a verified command of the transaction in `state` makes of it. The same command again changes nothing.
#[inline(never)]
pub fn obey(state: &State, banks: Banks, action: Action) -> Result<State, Fault> {
    let transaction = state.stage.transaction().ok_or(Fault::Phase)?;
    match (action, state.stage) {
        (Action::Activate, Stage::Staged(_)) => Ok(State { stage: Stage::Armed(transaction), ..*state }),
        (Action::Commit, Stage::Healthy(_)) => Ok(committed(state, transaction)),
        (Action::Rollback, stage) if stage.is_activated() => {
            Ok(returned(state, banks, transaction, Ending::RolledBack))
        }
        (Action::Rollback, Stage::Staging(_) | Stage::Staged(_)) => {
            Ok(returned(state, banks, transaction, Ending::RolledBack))
        }
        (Action::Activate, stage) if stage.is_activated() => Ok(*state),
        (Action::Commit, Stage::Committed(_)) | (Action::Rollback, Stage::RolledBack(_)) => Ok(*state),
        (Action::Activate | Action::Commit | Action::Rollback, _) => Err(Fault::Phase),
    }
}

/// What a boot makes of `state`; `whole` says whether the bank that `state` wants holds what it may boot.
#[inline(never)]
pub fn boot(state: &State, banks: Banks, whole: bool) -> State {
    match state.stage {
        Stage::Armed(transaction) if whole => State { stage: Stage::Trying(transaction), ..*state },
        // The image is on its way, or was damaged after it had arrived: the boot loader waits for it.
        Stage::Armed(_) if banks == Banks::Single => match state.bootable(state.home.other()) {
            None => *state,
            Some(_) => given_up(state),
        },
        Stage::Armed(transaction) | Stage::Trying(transaction) => {
            returned(state, banks, transaction, Ending::ActivationFailed)
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
#[inline(never)]
pub fn vote(state: &State) -> State {
    let Stage::Trying(transaction) = state.stage else { return *state };
    State { stage: Stage::Healthy(transaction), ..*state }
}

/// What an image that is offered now is; `runs` says whether any image does. `None`: none is taken.
///
/// The only bank is written where nothing runs: after a signed activation, or where the image that must run is not there.
pub fn intake(state: &State, banks: Banks, runs: bool) -> Option<Intake> {
    match (banks, state.stage) {
        (Banks::Two, Stage::Staging(_) | Stage::Staged(_)) => Some(Intake::Stage),
        (Banks::Single, Stage::Staging(_) | Stage::Staged(_)) => Some(Intake::Announce),
        (Banks::Single, Stage::Armed(_)) if !runs => Some(Intake::Install),
        (Banks::Single, Stage::Idle | Stage::Committed(_) | Stage::RolledBack(_)) if !runs => Some(Intake::Restore),
        (
            Banks::Single | Banks::Two,
            Stage::Idle
            | Stage::Armed(_)
            | Stage::Trying(_)
            | Stage::Healthy(_)
            | Stage::Committed(_)
            | Stage::RolledBack(_),
        ) => None,
    }
}

/// The state after `image` was taken: checked against what it must be, and but for [`Intake::Announce`] whole in its bank.
#[inline(never)]
pub fn taken(state: &State, intake: Intake, image: &Content) -> State {
    let mut next = State { received: 0, ..*state };
    if intake == Intake::Restore {
        return next;
    }
    if let Stage::Staging(transaction) = state.stage {
        next.stage = Stage::Staged(transaction);
    }
    next.outcome.ending = Ending::None;
    let is_whole = intake != Intake::Announce;
    next.set_bootable(state.home.other(), is_whole.then_some(image.sha256));
    if is_whole {
        next.received = image.length;
    }
    next
}

/// The state after nothing of the image that was offered can be relied upon.
#[inline(never)]
pub fn given_up(state: &State) -> State {
    let mut next = State { stage: state.stage.unstaged(), received: 0, ..*state };
    next.set_bootable(state.home.other(), None);
    next
}

/// The new image is home, the old one may not boot any more.
#[inline(never)]
fn committed(state: &State, transaction: TransactionId) -> State {
    let mut next = State { stage: Stage::Committed(transaction), home: state.home.other(), received: 0, ..*state };
    next.set_bootable(state.home, None);
    next.close(transaction);
    next.outcome.ending = Ending::Installed;
    next
}

/// The old image is home as it was; the new one may not boot until it is staged again. What was received of the new one
/// is good for that in a bank of its own; the only bank takes the old one now.
#[inline(never)]
fn returned(state: &State, banks: Banks, transaction: TransactionId, ending: Ending) -> State {
    let mut next = State { stage: Stage::RolledBack(transaction), ..*state };
    next.set_bootable(state.home.other(), None);
    if banks == Banks::Single {
        next.received = 0;
    }
    next.close(transaction);
    next.outcome.ending = ending;
    next
}

#[cfg(test)]
mod tests;
