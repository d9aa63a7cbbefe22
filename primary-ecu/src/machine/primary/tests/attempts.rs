//! One transaction after the other.

use super::*;

#[test]
fn the_numbers_of_transactions_rise_with_the_time_and_without_it() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    let first = bench.transactions;
    assert_eq!(first, bench.time.unix(), "a Primary that lost its store is above what it gave before");
    bench.repo.publish(|next| next.release());
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert_eq!(bench.transactions, first.max(bench.time.unix() - 1) + 1);
}

#[test]
fn an_ecu_that_refuses_turns_the_whole_vehicle_back_in_the_same_cycle() {
    let mut bench = Bench::new(3);
    bench.repo.publish(|next| next.release());
    let sick = bench.repo.ecus()[1].ecu;
    bench.sick = Some(sick);
    assert!(matches!(bench.cycle(), Some(Err(Error::RolledBack { cause: Cause::Refused(ecu, 14) })) if ecu == sick));
    assert!(bench.all_run(1));
    assert_eq!(bench.told.unwrap().outcome.result, "verification-failed");
}

#[test]
fn a_director_that_cannot_be_reached_ends_the_cycle_at_once() {
    let mut bench = Bench::new(1);
    let mut primary = Primary::new();
    primary.handle(Input::Start(Box::new(bench.start())));
    assert!(matches!(primary.poll(), Some(Output::CheckIn(_))));
    let reason = "refused".to_owned();
    primary.handle(Input::CheckedIn(Err(Error::Director { reason })));
    assert!(matches!(primary.poll(), Some(Output::Finished(Err(Error::Director { .. })))));
    assert!(primary.poll().is_none());
}

#[test]
fn an_update_that_fails_again_and_again_is_tried_later_and_later() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    bench.sick = Some(bench.repo.ecus()[1].ecu);
    while bench.failures.count < 8 {
        assert!(matches!(bench.cycle(), Some(Err(Error::RolledBack { .. }))));
    }
    bench.trace.clear();
    let until = bench.time.unix() + 60;
    let waits = bench.cycle();
    assert!(matches!(waits, Some(Err(Error::Waiting { count: 8, until: to })) if to.unix() == until), "{waits:?}");
    assert!(!bench.trace.contains(&"record"));

    bench.repo.publish(|next| next.release());
    assert!(matches!(bench.cycle(), Some(Err(Error::RolledBack { .. }))), "other Targets are tried at once");
    bench.sick = None;
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(3));
    assert_eq!(bench.failures, Failures::default());
}
