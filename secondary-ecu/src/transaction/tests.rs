use uptane::{Sha256, Time};

use super::*;

/// What `change` makes of a state.
fn changed(state: &State, change: impl FnOnce(&mut State) -> Result<(), Fault>) -> Result<State, Fault> {
    let mut next = *state;
    change(&mut next).map(|()| next)
}

fn begin(state: &State, transaction: TransactionId) -> Result<State, Fault> {
    changed(state, |next| super::begin(next, transaction))
}

fn obey(state: &State, banks: Banks, action: Action) -> Result<State, Fault> {
    changed(state, |next| super::obey(next, banks, action))
}

fn roll_back(state: &State, banks: Banks, ended: TransactionId) -> Result<State, Fault> {
    changed(state, |next| super::roll_back(next, banks, ended))
}

fn boot(state: &State, banks: Banks, whole: bool) -> State {
    let mut next = *state;
    super::boot(&mut next, banks, whole);
    next
}

const OURS: TransactionId = TransactionId([1; 16]);
const OTHER: TransactionId = TransactionId([2; 16]);
const NEWER: TransactionId = TransactionId([3; 16]);

fn at(stage: Stage) -> State {
    let mut state = State::new(Bank::A, Sha256([1; 32]), Time::EPOCH);
    state.set_bootable(Bank::B, Some(Sha256([2; 32])));
    State { stage, ..state }
}

fn stages() -> [Stage; 8] {
    [
        Stage::Idle,
        Stage::Staging(OURS),
        Stage::Staged(OURS),
        Stage::Armed(OURS),
        Stage::Trying(OURS),
        Stage::Healthy(OURS),
        Stage::Committed(OURS),
        Stage::RolledBack(OURS),
    ]
}

const IMAGE: Content = Content { sha256: Sha256([2; 32]), length: 9 };

/// `Some(stage)`: where the command leads; `None`: refused as out of phase.
fn led(banks: Banks, action: Action) -> [Option<Stage>; 8] {
    stages().map(|stage| match obey(&at(stage), banks, action) {
        Ok(next) => Some(next.stage),
        Err(fault) => {
            assert_eq!(fault, Fault::Phase);
            None
        }
    })
}

#[test]
fn commands_lead_where_the_table_says() {
    let [armed, trying, healthy] = [Stage::Armed(OURS), Stage::Trying(OURS), Stage::Healthy(OURS)].map(Some);
    let (committed, back) = (Some(Stage::Committed(OURS)), Some(Stage::RolledBack(OURS)));
    for banks in [Banks::Single, Banks::Two] {
        assert_eq!(led(banks, Action::Activate), [None, None, armed, armed, trying, healthy, None, None]);
        assert_eq!(led(banks, Action::Commit), [None, None, None, None, None, committed, committed, None]);
        assert_eq!(led(banks, Action::Rollback), [None, back, back, back, back, back, None, back]);
    }
}

#[test]
fn only_an_untried_or_unvoted_image_is_given_up_at_boot() {
    for whole in [true, false] {
        let booted = stages().map(|stage| boot(&at(stage), Banks::Two, whole).stage);
        let mut expected = stages();
        expected[3] = if whole { Stage::Trying(OURS) } else { Stage::RolledBack(OURS) };
        expected[4] = Stage::RolledBack(OURS);
        assert_eq!(booted, expected);
    }
}

#[test]
fn a_transaction_that_is_over_is_never_opened_again() {
    let over = obey(&at(Stage::Healthy(OURS)), Banks::Two, Action::Commit).unwrap();
    assert_eq!(begin(&over, OURS), Err(Fault::Phase));
    let next = begin(&over, OTHER).unwrap();
    assert_eq!(begin(&next, OURS), Err(Fault::Phase));
}

#[test]
fn a_transaction_older_than_one_that_is_over_is_never_opened() {
    let over = roll_back(&at(Stage::Staging(OTHER)), Banks::Two, OTHER).unwrap();
    assert_eq!(begin(&over, OURS), Err(Fault::Phase));
    assert_eq!(begin(&over, NEWER).unwrap().stage, Stage::Staging(NEWER));
}

#[test]
fn a_roll_back_ends_a_transaction_that_was_forgotten() {
    for stage in [Stage::Idle, Stage::Staging(OURS), Stage::Staged(NEWER), Stage::Committed(OURS)] {
        let over = roll_back(&at(stage), Banks::Two, OTHER).unwrap();
        assert_eq!(over.stage, Stage::RolledBack(OTHER));
        assert_eq!(begin(&over, OTHER), Err(Fault::Phase));
        // Its answer was lost, and somebody opened another in between.
        assert_eq!(
            roll_back(&begin(&over, NEWER).unwrap(), Banks::Two, OTHER).unwrap().stage,
            Stage::RolledBack(OTHER)
        );
    }
}

#[test]
fn a_roll_back_played_again_costs_the_next_transaction_its_staging_and_no_received_byte() {
    let over = roll_back(&at(Stage::Staging(OURS)), Banks::Two, OURS).unwrap();
    let staging = State { received: 9, ..begin(&over, OTHER).unwrap() };
    let mut staged = State { stage: Stage::Staged(OTHER), ..staging };
    staged.set_bootable(Bank::B, Some(Sha256([2; 32])));
    for state in [staging, staged] {
        let again = roll_back(&state, Banks::Two, OURS).unwrap();
        assert_eq!((again.stage, again.bootable(Bank::B)), (Stage::RolledBack(OURS), None));
        assert_eq!((again.home, again.bootable(Bank::A)), (state.home, state.bootable(Bank::A)));
        let reopened = begin(&again, OTHER).unwrap();
        assert_eq!((reopened.stage, reopened.received), (Stage::Staging(OTHER), 9));
    }
    let armed = obey(&staged, Banks::Two, Action::Activate).unwrap();
    assert_eq!(roll_back(&armed, Banks::Two, OURS), Err(Fault::Phase));
}

#[test]
fn a_roll_back_of_another_transaction_leaves_what_is_activated_and_newer_ends_alone() {
    for stage in [Stage::Armed(OTHER), Stage::Trying(OTHER), Stage::Healthy(OTHER)] {
        assert_eq!(roll_back(&at(stage), Banks::Two, OURS), Err(Fault::Phase));
        assert_eq!(roll_back(&at(stage), Banks::Two, NEWER), Err(Fault::Phase));
    }
    let over = roll_back(&at(Stage::Staging(OTHER)), Banks::Two, OTHER).unwrap();
    assert_eq!(roll_back(&over, Banks::Two, OURS), Err(Fault::Phase));
    let committed = obey(&at(Stage::Healthy(OURS)), Banks::Two, Action::Commit).unwrap();
    assert_eq!(roll_back(&committed, Banks::Two, OURS), Err(Fault::Phase));
}

#[test]
fn opening_the_open_transaction_again_keeps_what_is_staged() {
    let staged = at(Stage::Staged(OURS));
    assert_eq!(begin(&staged, OURS), Ok(staged));
    assert_eq!(begin(&staged, OTHER).unwrap().stage, Stage::Staging(OTHER));
}

#[test]
fn an_activated_transaction_is_not_ended_by_opening_another() {
    for stage in [Stage::Armed(OURS), Stage::Trying(OURS), Stage::Healthy(OURS)] {
        assert_eq!(begin(&at(stage), OTHER), Err(Fault::Phase));
        assert_eq!(begin(&at(stage), OURS), Err(Fault::Phase));
    }
}

#[test]
fn commit_swaps_home_and_retires_the_old_bank() {
    let next = obey(&at(Stage::Healthy(OURS)), Banks::Two, Action::Commit).unwrap();
    assert_eq!((next.home, next.bootable(Bank::A)), (Bank::B, None));
    assert_eq!(next.bootable(Bank::B), Some(Sha256([2; 32])));
}

#[test]
fn an_image_on_its_way_into_the_only_bank_is_waited_for() {
    for whole in [true, false] {
        let booted = stages().map(|stage| boot(&at(stage), Banks::Single, whole).stage);
        let mut expected = stages();
        expected[3] = if whole { Stage::Trying(OURS) } else { Stage::Armed(OURS) };
        expected[4] = Stage::RolledBack(OURS);
        assert_eq!(booted, expected);
    }
}

#[test]
fn an_image_that_is_damaged_in_the_only_bank_is_given_up_once() {
    let arrived = State { received: 9, ..at(Stage::Armed(OURS)) };
    let lost = boot(&arrived, Banks::Single, false);
    assert_eq!((lost.received, lost.bootable(Bank::B)), (0, None));
    let on_its_way = State { received: 4, ..lost };
    assert_eq!(boot(&on_its_way, Banks::Single, false), on_its_way);
}

#[test]
fn the_only_bank_is_written_where_nothing_runs() {
    let taken = |banks, runs| stages().map(|stage| intake(&at(stage), banks, runs));
    let [announce, install, restore] = [Intake::Announce, Intake::Install, Intake::Restore].map(Some);
    let waiting = [restore, announce, announce, install, None, None, restore, restore];
    assert_eq!(taken(Banks::Single, false), waiting);
    assert_eq!(taken(Banks::Single, true), [None, announce, announce, None, None, None, None, None]);
}

#[test]
fn two_banks_take_an_image_while_a_transaction_is_staged() {
    let stage = Some(Intake::Stage);
    for runs in [true, false] {
        let taken = stages().map(|stage| intake(&at(stage), Banks::Two, runs));
        assert_eq!(taken, [None, stage, stage, None, None, None, None, None]);
    }
}

#[test]
fn what_was_received_of_a_new_image_is_not_taken_for_the_old_one() {
    for (banks, received) in [(Banks::Single, 0), (Banks::Two, 9)] {
        let state = State { received: 9, ..at(Stage::Armed(OURS)) };
        assert_eq!(obey(&state, banks, Action::Rollback).unwrap().received, received);
    }
}

#[test]
fn what_was_refused_is_told_until_the_next_transaction() {
    let refused = Outcome { ending: Ending::Refused, attack: Some(uptane::Attack::Replay), check: 7 };
    let staging = State { outcome: refused, ..at(Stage::Staging(OURS)) };
    let mut staged = staging;
    take(&mut staged, Intake::Stage, &IMAGE);
    let healthy = State { stage: Stage::Healthy(OURS), ..staged };
    let committed = obey(&healthy, Banks::Two, Action::Commit).unwrap();
    for (state, ending) in [(staged, Ending::None), (committed, Ending::Installed)] {
        assert_eq!(state.outcome, Outcome { ending, ..refused });
    }
    assert_eq!(begin(&committed, NEWER).unwrap().outcome, Outcome::default());
}
