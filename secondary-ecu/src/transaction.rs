//! The transaction as this ECU sees it (design D8): pure decisions over [`Stage`]. They change a draft of the state in memory,
//! and nothing else; what is refused leaves a draft that nobody may record.
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

/// Opens `transaction`.
///
/// Opening the open one again changes nothing, so that a Primary may go on after a reset of either side. None is opened
/// that is not newer than all that are over: what was recorded of those could then be played back. What was refused in a
/// transaction is told in every report until the next one.
pub fn begin(state: &mut State, transaction: TransactionId) -> Result<(), Fault> {
    if let Stage::Staging(open) | Stage::Staged(open) = state.stage
        && open == transaction
    {
        return Ok(());
    }
    if state.stage.is_activated() || state.is_closed(transaction) {
        return Err(Fault::Phase);
    }
    state.stage = Stage::Staging(transaction);
    state.outcome = Outcome::default();
    Ok(())
}

/// Carries out a command. Activate and commit count only in the open transaction, for the trusted Director Targets. `image`
/// reads what stands in the bank that is not home; a commit raises the counter floor to it in the same record.
pub fn carry_out(
    state: &mut State,
    banks: Banks,
    command: &VerifiedCommand,
    image: impl FnOnce() -> Result<Option<Descriptor>, Fault>,
) -> Result<(), Fault> {
    if let Some(ended) = command.rolls_back() {
        return roll_back(state, banks, ended);
    }
    let open = state.stage.transaction().ok_or(Fault::Phase)?;
    let targets = state.targets.as_ref().ok_or(Fault::Phase)?.sha256;
    let action = command.action_in(open, targets)?;
    if action == Action::Commit && matches!(state.stage, Stage::Healthy(_)) {
        // A committed image is the lowest its line will ever run again.
        let image = image()?.ok_or(Fault::Storage)?;
        state.floors.raise(image.line, image.counter)?;
    }
    obey(state, banks, action)
}

/// A roll back also ends a transaction that this ECU knows nothing of, or forgot for one that somebody else opened: what
/// was said in it, and never arrived, can then do nothing any more. That of the transaction closed last counts again while
/// the next is staged: whether the Primary opened that one or anybody else did after an answer was lost, this ECU cannot
/// know, and a Primary whose roll back it refused would wait for ever.
#[inline(never)]
fn roll_back(state: &mut State, banks: Banks, ended: TransactionId) -> Result<(), Fault> {
    if state.stage.transaction() == Some(ended) {
        return obey(state, banks, Action::Rollback);
    }
    if state.stage.is_activated() || ended.number() < state.closed {
        return Err(Fault::Phase);
    }
    return_home(state, banks, ended, Ending::RolledBack);
    Ok(())
}

/// Obeys a verified command of the transaction in `state`. The same command again changes nothing.
#[inline(never)]
pub fn obey(state: &mut State, banks: Banks, action: Action) -> Result<(), Fault> {
    let transaction = state.stage.transaction().ok_or(Fault::Phase)?;
    match (action, state.stage) {
        (Action::Activate, Stage::Staged(_)) => state.stage = Stage::Armed(transaction),
        (Action::Commit, Stage::Healthy(_)) => commit(state, transaction),
        (
            Action::Rollback,
            Stage::Staging(_) | Stage::Staged(_) | Stage::Armed(_) | Stage::Trying(_) | Stage::Healthy(_),
        ) => return_home(state, banks, transaction, Ending::RolledBack),
        (Action::Activate, Stage::Armed(_) | Stage::Trying(_) | Stage::Healthy(_))
        | (Action::Commit, Stage::Committed(_))
        | (Action::Rollback, Stage::RolledBack(_)) => {}
        (Action::Activate | Action::Commit | Action::Rollback, _) => return Err(Fault::Phase),
    }
    Ok(())
}

/// What a boot makes of `state`; `whole` says whether the bank that `state` wants holds what it may boot.
pub fn boot(state: &mut State, banks: Banks, whole: bool) {
    match state.stage {
        Stage::Armed(transaction) if whole => state.stage = Stage::Trying(transaction),
        // The image is on its way, or was damaged after it had arrived: the boot loader waits for it.
        Stage::Armed(_) if banks == Banks::Single => {
            if state.bootable(state.home.other()).is_some() {
                give_up(state);
            }
        }
        Stage::Armed(transaction) | Stage::Trying(transaction) => {
            return_home(state, banks, transaction, Ending::ActivationFailed);
        }
        Stage::Idle
        | Stage::Staging(_)
        | Stage::Staged(_)
        | Stage::Healthy(_)
        | Stage::Committed(_)
        | Stage::RolledBack(_) => {}
    }
}

/// Takes the new image's vote.
pub fn vote(state: &mut State) {
    if let Stage::Trying(transaction) = state.stage {
        state.stage = Stage::Healthy(transaction);
    }
}

/// What an image that is offered now is; `runs` says whether any image does. `None`: none is taken.
///
/// The only bank is written where nothing runs: after a signed activation, or where the image that must run is not there.
#[inline]
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

/// Takes `image`: checked against what it must be, and but for [`Intake::Announce`] whole in its bank.
pub fn take(state: &mut State, intake: Intake, image: &Content) {
    state.received = 0;
    if intake == Intake::Restore {
        return;
    }
    if let Stage::Staging(transaction) = state.stage {
        state.stage = Stage::Staged(transaction);
    }
    state.outcome.ending = Ending::None;
    let is_whole = intake != Intake::Announce;
    state.set_bootable(state.home.other(), is_whole.then_some(image.sha256));
    if is_whole {
        state.received = image.length;
    }
}

/// Nothing of the image that was offered can be relied upon.
#[inline(never)]
pub fn give_up(state: &mut State) {
    state.stage = state.stage.unstaged();
    state.received = 0;
    state.set_bootable(state.home.other(), None);
}

/// The new image is home, the old one may not boot any more.
fn commit(state: &mut State, transaction: TransactionId) {
    state.set_bootable(state.home, None);
    state.home = state.home.other();
    state.received = 0;
    close(state, Stage::Committed(transaction), transaction, Ending::Installed);
}

/// The old image is home as it was; the new one may not boot until it is staged again. What was received of the new one
/// is good for that in a bank of its own; the only bank takes the old one now.
#[inline(never)]
fn return_home(state: &mut State, banks: Banks, transaction: TransactionId, ending: Ending) {
    state.set_bootable(state.home.other(), None);
    if banks == Banks::Single {
        state.received = 0;
    }
    close(state, Stage::RolledBack(transaction), transaction, ending);
}

#[inline(never)]
fn close(state: &mut State, stage: Stage, transaction: TransactionId, ending: Ending) {
    state.stage = stage;
    state.close(transaction);
    state.outcome.ending = ending;
}

#[cfg(test)]
mod tests;
