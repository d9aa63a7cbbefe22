use super::*;

const TWO: Setting = Setting { orders: &[0, 1], single_bank: None, rounds: 1, lies: false, fault: None };
/// The second has a single bank.
const SINGLE: Setting = Setting { orders: &[0, 1], single_bank: Some(1), rounds: 2, lies: false, fault: None };

fn found(setting: Setting) -> Found {
    check(setting, 2).unwrap()
}

fn assert_sound(found: &Found) {
    let violations: Vec<_> = found.always.iter().filter(|(_, way)| way.is_some()).collect();
    assert!(violations.is_empty(), "{violations:#?}");
    let unmet: Vec<_> = found.sometimes.iter().filter(|(_, met)| !**met).collect();
    assert!(unmet.is_empty(), "{unmet:?}");
    assert!(found.complete);
}

#[test]
fn two_ecus_are_never_mixed_once_closed_and_can_always_end() {
    assert_sound(&found(TWO));
}

#[test]
fn a_vehicle_comes_to_rest_unmixed_on_an_older_journal() {
    assert_sound(&found(Setting { lies: true, ..TWO }));
    assert_sound(&found(Setting { lies: true, ..SINGLE }));
}

#[test]
fn an_ecu_with_a_single_bank_gets_its_new_image_or_its_old_one_back() {
    assert_sound(&found(SINGLE));
}

fn is_found(fault: Fault) -> bool {
    is_found_in(TWO, fault)
}

fn is_found_in(setting: Setting, fault: Fault) -> bool {
    found(Setting { fault: Some(fault), ..setting }).always.values().any(Option::is_some)
}

#[test]
fn a_journal_written_after_the_fact_is_found() {
    assert!(is_found(Fault::RecordLast));
}

#[test]
fn a_vote_that_a_reset_forgets_is_found() {
    assert!(is_found(Fault::ForgottenVote));
}

#[test]
fn an_only_image_that_is_erased_before_the_gate_is_open_is_found() {
    assert!(is_found_in(SINGLE, Fault::OpenGate));
}

#[test]
fn a_single_bank_that_is_taken_for_back_before_it_has_its_image_is_found() {
    assert!(is_found_in(SINGLE, Fault::BackTooSoon));
}
