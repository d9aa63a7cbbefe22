use uptane::Length;

use super::*;

mod world;

fn ecu(n: u8) -> EcuId {
    EcuId::parse(&format!("ecu-{n}")).unwrap()
}

fn image(n: u8) -> MemberImage {
    MemberImage {
        name: TargetNameBuf::parse(&format!("line/fw-{n}.bin")).unwrap(),
        length: Length::new(u64::from(n)).unwrap(),
        sha256: Sha256([n; 32]),
        line: ImageLine::parse("line").unwrap(),
        counter: ReleaseCounter::new(2).unwrap(),
    }
}

fn members(orders: &[u64]) -> Vec<Member> {
    let hardware = HardwareId::parse("hw").unwrap();
    (0..).zip(orders).map(|(n, order)| Member::new(ecu(n), hardware, image(n), *order)).collect()
}

fn opened(orders: &[u64]) -> (Transaction, Vec<Action>) {
    Transaction::open(TransactionId([7; 16]), Sha256([9; 32]), members(orders))
}

/// The transaction after these events, and what the last one asks for.
fn after(transaction: Transaction, events: &[Event]) -> (Transaction, Vec<Action>) {
    events.iter().fold((transaction, Vec::new()), |(transaction, _), event| step(&transaction, *event))
}

fn at(state: State, orders: &[u64]) -> Transaction {
    let mut members = members(orders);
    for member in &mut members {
        member.told = !matches!(state, State::Staging | State::Verifying);
        member.is_heard = true;
    }
    Transaction::at(TransactionId([7; 16]), Sha256([9; 32]), state, members)
}

#[test]
fn a_vehicle_goes_through_every_state_to_committed() {
    use Standing::{Committed, Healthy, Staged, Trial};
    let (transaction, actions) = opened(&[0, 1]);
    assert_eq!(actions, [Action::Record, Action::Stage(ecu(0), 0), Action::Stage(ecu(1), 0)]);
    let seen = |n, standing| Event::Seen(ecu(n), standing);
    let table: [(Event, &[Action]); 12] = [
        (seen(0, Staged), &[]),
        (seen(1, Staged), &[Action::Record, Action::Look(ecu(0), 0), Action::Look(ecu(1), 0)]),
        (seen(0, Staged), &[]),
        (seen(1, Staged), &[Action::Record, Action::Activate(ecu(0), 0)]),
        (seen(0, Trial), &[Action::Look(ecu(0), 1)]),
        (seen(0, Healthy), &[Action::Record, Action::Activate(ecu(1), 0)]),
        (seen(1, Trial), &[Action::Record, Action::Look(ecu(0), 0), Action::Look(ecu(1), 0)]),
        (seen(0, Healthy), &[]),
        (seen(1, Trial), &[Action::Look(ecu(1), 1)]),
        (seen(1, Healthy), &[Action::Record, Action::Commit(ecu(0), 0), Action::Commit(ecu(1), 0)]),
        (seen(1, Committed), &[]),
        (seen(0, Committed), &[Action::Record, Action::Close]),
    ];
    let mut now = transaction;
    for (n, (event, expected)) in table.into_iter().enumerate() {
        let (next, actions) = step(&now, event);
        assert_eq!(actions, expected, "line {n}: {event:?}");
        now = next;
    }
    assert_eq!(now.state, State::Committed);
}

#[test]
fn an_order_is_activated_only_when_all_before_it_are_healthy() {
    let (transaction, actions) = after(
        at(State::Activating(0), &[0, 0, 5]),
        &[Event::Seen(ecu(0), Standing::Healthy), Event::Seen(ecu(1), Standing::Trial)],
    );
    assert_eq!((transaction.state, actions), (State::Activating(0), vec![Action::Look(ecu(1), 1)]));
    let (transaction, actions) = step(&transaction, Event::Seen(ecu(1), Standing::Healthy));
    assert_eq!((transaction.state, actions), (State::Activating(5), vec![Action::Record, Action::Activate(ecu(2), 0)]));
}

#[test]
fn a_late_answer_of_an_ecu_whose_turn_has_not_come_does_not_activate_it() {
    let mut transaction = at(State::Activating(0), &[0, 1]);
    transaction.members[1].told = false;
    assert_eq!(step(&transaction, Event::Seen(ecu(1), Standing::Staged)).1, []);
}

#[test]
fn a_lost_question_to_an_ecu_whose_turn_has_not_come_does_not_activate_it() {
    let mut transaction = at(State::Activating(0), &[0, 1]);
    transaction.members[1].told = false;
    assert_eq!(step(&transaction, Event::Unreachable(ecu(1))).1, []);
}

#[test]
fn a_refusal_before_the_decision_turns_every_ecu_back() {
    for state in [State::Staging, State::Verifying, State::Activating(0), State::Voting] {
        let (transaction, actions) = step(&at(state, &[0, 0]), Event::Refused(ecu(1), 14));
        assert_eq!(transaction.state, State::RollingBack(Cause::Refused(ecu(1), 14)), "{state:?}");
        assert_eq!(actions, [Action::Record, Action::RollBack(ecu(0), 0), Action::RollBack(ecu(1), 0)]);
    }
}

#[test]
fn a_journal_older_than_the_decision_comes_to_the_same_one() {
    for state in [State::Activating(0), State::Voting] {
        let seen = |number, standing| Event::Seen(ecu(number), standing);
        let mut transaction = at(state, &[0, 0]);
        if state != State::Voting {
            for event in [seen(0, Standing::Committed), seen(1, Standing::Healthy)] {
                transaction = step(&transaction, event).0;
            }
            assert_eq!(transaction.state, State::Voting);
        }
        transaction = step(&transaction, seen(0, Standing::Committed)).0;
        assert_eq!(transaction.state, State::Voting, "one that says so commits nobody else");
        let (decided, _) = step(&transaction, seen(1, Standing::Healthy));
        assert_eq!(decided.state, State::Committing);
        let (sick, _) = step(&transaction, seen(1, Standing::RolledBack));
        assert_eq!(sick.state, State::RollingBack(Cause::FellBack(ecu(1))));
    }
}

/// The same after the Primary started again with it in its journal.
fn resumed(state: State, orders: &[u64]) -> Transaction {
    step(&at(state, orders), Event::Resumed).0
}

#[test]
fn a_journal_older_than_the_activation_comes_to_the_decision_that_was_made() {
    use Standing::{Committed, Healthy};
    for state in [State::Staging, State::Verifying] {
        let seen = |number, standing| Event::Seen(ecu(number), standing);
        let (voting, actions) = after(resumed(state, &[0, 1]), &[seen(0, Committed)]);
        assert_eq!(actions, [Action::Record, Action::Look(ecu(0), 0), Action::Look(ecu(1), 0)], "{state:?}");
        assert_eq!(voting.state, State::Voting);
        assert!(voting.members().iter().all(|member| member.told), "nobody knows who was");
        let lost = vec![Event::Unreachable(ecu(1)); 2 * usize::try_from(MAX_ATTEMPTS).unwrap()];
        assert_eq!(after(voting.clone(), &lost).0.state, State::Voting, "nobody forgets who has committed");
        let (decided, _) = after(voting, &[seen(0, Committed), seen(1, Healthy)]);
        assert_eq!(decided.state, State::Committing);
    }
}

#[test]
fn a_journal_older_than_the_activation_of_the_last_order_comes_to_the_decision_that_was_made() {
    let seen = |number, standing| Event::Seen(ecu(number), standing);
    let mut transaction = resumed(State::Activating(0), &[0, 1]);
    transaction.members[1].told = false;
    let (voting, _) = step(&transaction, seen(1, Standing::Healthy));
    assert_eq!(voting.state, State::Voting);
    let events = [seen(0, Standing::Committed), seen(1, Standing::Healthy)];
    assert_eq!(after(voting, &events).0.state, State::Committing);
}

#[test]
fn on_a_journal_older_than_the_activation_nobody_is_told_to_activate() {
    for standing in [Standing::Absent, Standing::Staging, Standing::Staged, Standing::RolledBack] {
        let seen = [Event::Seen(ecu(0), Standing::Trial), Event::Seen(ecu(1), standing)];
        let (transaction, actions) = after(resumed(State::Staging, &[0, 1]), &seen);
        assert_eq!(transaction.state, State::RollingBack(Cause::FellBack(ecu(1))), "{standing:?}");
        assert_eq!(actions, [Action::Record, Action::RollBack(ecu(0), 0), Action::RollBack(ecu(1), 0)]);
    }
}

#[test]
fn what_the_director_withdraws_is_turned_back_once_no_ecu_says_that_it_was_told() {
    for state in [State::Staging, State::Verifying] {
        let (asked, actions) = step(&resumed(state, &[0, 1]), Event::Withdrawn);
        assert_eq!((asked.state, actions), (State::Verifying, vec![Action::Look(ecu(0), 0), Action::Look(ecu(1), 0)]));
        let (asked, actions) = step(&asked, Event::Seen(ecu(0), Standing::Staged));
        assert_eq!((asked.state, actions), (State::Verifying, vec![]));
        let (told, _) = step(&asked, Event::Seen(ecu(1), Standing::Healthy));
        assert_eq!(told.state, State::Voting);
        let (withdrawn, _) = step(&asked, Event::Seen(ecu(1), Standing::Absent));
        assert_eq!(withdrawn.state, State::RollingBack(Cause::Withdrawn));
        let lost = vec![Event::Unreachable(ecu(1)); usize::try_from(MAX_ATTEMPTS).unwrap() + 1];
        assert_eq!(
            after(asked, &lost).0.state,
            State::RollingBack(Cause::Withdrawn),
            "one that is gone holds up nobody"
        );
    }
}

#[test]
fn no_vehicle_turns_back_for_want_of_an_answer_while_one_that_was_told_has_not_spoken_again() {
    for state in [State::Activating(0), State::Voting] {
        let mut transaction = resumed(state, &[0, 0]);
        for event in [Event::Refused(ecu(1), 14), Event::Unreachable(ecu(1))] {
            let events = vec![event; 2 * usize::try_from(MAX_ATTEMPTS).unwrap()];
            transaction = after(transaction, &events).0;
            assert_eq!(transaction.state, state, "{event:?}");
        }
        let committed = step(&transaction, Event::Seen(ecu(0), Standing::Committed)).0;
        assert_eq!(step(&committed, Event::Unreachable(ecu(1))).0.state, committed.state, "nor where one was told");
        let heard = after(transaction, &[Event::Seen(ecu(0), Standing::Trial), Event::Seen(ecu(1), Standing::Trial)]).0;
        assert_eq!(step(&heard, Event::Refused(ecu(1), 14)).0.state, State::RollingBack(Cause::Refused(ecu(1), 14)));
    }
}

#[test]
fn a_roll_back_ends_though_an_ecu_says_that_it_has_committed() {
    let cause = Cause::Withdrawn;
    let seen = [Event::Seen(ecu(0), Standing::Committed), Event::Seen(ecu(1), Standing::RolledBack)];
    assert_eq!(after(at(State::RollingBack(cause), &[0, 0]), &seen).0.state, State::RolledBack(cause));
}

#[test]
fn nothing_after_the_decision_turns_any_ecu_back() {
    let mut transaction = at(State::Committing, &[0, 0]);
    for _ in 0..10 * MAX_ATTEMPTS {
        for event in [Event::Refused(ecu(1), 14), Event::Unreachable(ecu(1)), Event::Withdrawn, Event::Resumed] {
            transaction = step(&transaction, event).0;
            assert_eq!(transaction.state, State::Committing, "{event:?}");
        }
        let (next, actions) = step(&transaction, Event::Unreachable(ecu(0)));
        assert!(matches!(actions[..], [Action::Commit(..)]));
        transaction = next;
    }
}

#[test]
fn an_unreachable_ecu_is_tried_a_bounded_number_of_times_before_the_decision() {
    for state in [State::Staging, State::Verifying, State::Activating(0), State::Voting] {
        let mut transaction = at(state, &[0]);
        for attempt in 1..=MAX_ATTEMPTS {
            let (next, actions) = step(&transaction, Event::Unreachable(ecu(0)));
            assert_eq!((next.state, actions.len()), (state, 1), "attempt {attempt}");
            transaction = next;
        }
        let (transaction, _) = step(&transaction, Event::Unreachable(ecu(0)));
        assert_eq!(transaction.state, State::RollingBack(Cause::Unreachable(ecu(0))));
    }
}

#[test]
fn an_ecu_that_never_gets_ready_exhausts_its_attempts() {
    let mut transaction = opened(&[0]).0;
    for _ in 0..=MAX_ATTEMPTS {
        // Told apart from one that does nothing: it claims to be ready and then is not.
        transaction = step(&transaction, Event::Seen(ecu(0), Standing::Staged)).0;
        transaction = step(&transaction, Event::Seen(ecu(0), Standing::Absent)).0;
    }
    assert_eq!(transaction.state, State::RollingBack(Cause::Exhausted(ecu(0))));
}

#[test]
fn an_ecu_that_was_told_to_activate_is_waited_for_until_it_is_back() {
    let cause = Cause::Refused(ecu(1), 0);
    let mut told = at(State::RollingBack(cause), &[0]);
    let mut never_told = told.clone();
    never_told.members[0].told = false;
    for _ in 0..=MAX_ATTEMPTS {
        told = step(&told, Event::Unreachable(ecu(0))).0;
        never_told = step(&never_told, Event::Unreachable(ecu(0))).0;
    }
    assert_eq!(told.state, State::RollingBack(cause));
    assert_eq!(never_told.state, State::RolledBack(cause));
}

#[test]
fn an_ecu_that_was_told_to_activate_is_told_to_roll_back_until_it_says_that_it_did() {
    let cause = Cause::Withdrawn;
    let mut transaction = at(State::RollingBack(cause), &[0]);
    for attempt in 1..=2 * MAX_ATTEMPTS {
        let (next, actions) = step(&transaction, Event::Seen(ecu(0), Standing::Absent));
        assert_eq!((next.state, actions), (State::RollingBack(cause), vec![Action::RollBack(ecu(0), attempt)]));
        transaction = next;
    }
    assert_eq!(step(&transaction, Event::Seen(ecu(0), Standing::RolledBack)).0.state, State::RolledBack(cause));
}

#[test]
fn resuming_asks_again_for_what_the_journalled_state_needs() {
    let cause = Cause::Withdrawn;
    let table: [(State, &[Action]); 8] = [
        (State::Staging, &[Action::Stage(ecu(0), 0), Action::Stage(ecu(1), 0)]),
        (State::Verifying, &[Action::Look(ecu(0), 0), Action::Look(ecu(1), 0)]),
        (State::Activating(0), &[Action::Activate(ecu(0), 0)]),
        (State::Voting, &[Action::Look(ecu(0), 0), Action::Look(ecu(1), 0)]),
        (State::Committing, &[Action::Commit(ecu(0), 0), Action::Commit(ecu(1), 0)]),
        (State::Committed, &[Action::Close]),
        (State::RollingBack(cause), &[Action::RollBack(ecu(0), 0), Action::RollBack(ecu(1), 0)]),
        (State::RolledBack(cause), &[Action::Close]),
    ];
    for (state, expected) in table {
        assert_eq!(step(&at(state, &[0, 1]), Event::Resumed).1, expected, "{state:?}");
    }
}

#[test]
fn what_strangers_say_changes_nothing() {
    let (transaction, _) = opened(&[0]);
    for event in [Event::Seen(ecu(9), Standing::Staged), Event::Refused(ecu(9), 1), Event::Unreachable(ecu(9))] {
        assert_eq!(step(&transaction, event), (transaction.clone(), Vec::new()));
    }
}
