use super::*;

const TWO: Setting = Setting { orders: &[0, 1], rounds: 1, fault: None };

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

fn is_found(fault: Fault) -> bool {
    found(Setting { fault: Some(fault), ..TWO }).always.values().any(Option::is_some)
}

#[test]
fn a_journal_written_after_the_fact_is_found() {
    assert!(is_found(Fault::RecordLast));
}

#[test]
fn a_vote_that_a_reset_forgets_is_found() {
    assert!(is_found(Fault::ForgottenVote));
}
