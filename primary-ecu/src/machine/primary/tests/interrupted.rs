//! Cycles that were cut short, and what the next one makes of them.

use uptane::verify::time;

use super::*;
use crate::machine::transaction::{MemberImage, step};

// D14. The time was moved forward as far as one attestation can, with a time key that was stolen.
#[test]
fn wherever_the_power_fails_a_rotated_time_key_ends_a_time_that_was_moved_forward() {
    for at in 0.. {
        let mut bench = Bench::new(1);
        bench.cycle();
        bench.time = bench.repo.now().saturating_add(time::MAX_JUMP);
        bench.repo.publish(|next| next.director.rotate(Role::Time));
        bench.dies_after = Some(at);
        let finished = bench.cycle().is_some();
        let again = bench.cycle();
        assert!(matches!(again, Some(Ok(()))), "killed at output {at}: {again:?}");
        assert_eq!(bench.time, bench.repo.now(), "killed at output {at}");
        if finished {
            return;
        }
    }
}

#[test]
fn wherever_the_power_fails_and_whichever_journal_is_left_the_vehicle_runs_the_new_release_in_the_end() {
    let mut older = 0;
    for at in 0.. {
        for lost in 0.. {
            let mut bench = Bench::new(3);
            bench.repo.publish(|next| next.release());
            bench.dies_after = Some(at);
            if bench.cycle().is_some() {
                assert!(older > 40, "{older} journals were older than what was done");
                return;
            }
            // One that is remembered as over does not come back.
            let mut open = bench.written.iter().rev().filter(|journal| journal.id.number() > bench.transactions);
            let Some(journal) = open.nth(lost).cloned() else { break };
            older += usize::from(lost > 0);
            bench.journal = Some(journal);
            assert!(matches!(bench.cycle(), Some(Ok(()))), "killed at output {at}, {lost} journals lost");
            assert!(bench.all_run(2) && bench.journal.is_none(), "killed at output {at}, {lost} journals lost");
        }
    }
}

#[test]
fn a_journalled_transaction_the_director_withdrew_is_rolled_back() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    // Until the transaction is open and something staged.
    bench.dies_after = Some(16);
    assert!(bench.cycle().is_none());
    assert!(matches!(bench.journal.as_ref().unwrap().state, State::Staging | State::Verifying));
    bench.repo.publish(|next| next.assign_release(1));
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(1) && bench.journal.is_none());
}

#[test]
fn a_journalled_roll_back_goes_on_whatever_the_director_wants_by_now() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    // Until the transaction is open and something staged, but nobody told to activate.
    bench.dies_after = Some(16);
    assert!(bench.cycle().is_none());
    bench.journal.as_mut().unwrap().state = State::RollingBack(Cause::Withdrawn);
    bench.repo.publish(|next| next.assign_release(1));
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(1) && bench.journal.is_none());
}

#[test]
fn what_an_errand_of_an_earlier_transaction_saw_is_not_taken_for_news_of_this_one() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    bench.dies_after = Some(16);
    assert!(bench.cycle().is_none());
    bench.journal.as_mut().unwrap().state = State::RollingBack(Cause::Withdrawn);
    let (earlier, this) = (TransactionId([1; 16]), bench.journal.as_ref().unwrap().id);
    let mut primary = Primary::new();
    primary.handle(Input::Start(Box::new(bench.start())));
    for (id, goes_on) in [(earlier, true), (this, false)] {
        for ecu in bench.repo.ecus() {
            primary.handle(Input::Happened(id, Event::Seen(ecu.ecu, Standing::RolledBack)));
        }
        assert_eq!(primary.transaction().is_some(), goes_on);
    }
}

#[test]
fn wherever_the_power_fails_the_vehicle_runs_the_new_release_in_the_end() {
    for at in 0.. {
        let mut bench = Bench::new(3);
        bench.repo.publish(|next| next.release());
        bench.dies_after = Some(at);
        let finished = bench.cycle().is_some();
        for _ in 0..3 {
            assert!(matches!(bench.cycle(), Some(Ok(()))), "killed at output {at}");
        }
        assert!(bench.all_run(2), "killed at output {at}");
        assert!(bench.journal.is_none());
        if finished {
            return;
        }
    }
}

#[test]
fn a_closed_journal_is_settled_and_not_asked_about_again() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    bench.cycle();
    let member = bench.repo.ecus()[0];
    let image = MemberImage {
        name: uptane::TargetNameBuf::parse("fw/x").unwrap(),
        length: Length::ZERO,
        sha256: bench.running[&member.ecu],
        line: uptane::ImageLine::parse("x").unwrap(),
        counter: uptane::ReleaseCounter::ZERO,
    };
    let part = Member::new(member.ecu, member.hardware, image, 0);
    let closed = Transaction::at(TransactionId([1; 16]), Sha256([1; 32]), State::Committed, vec![part]);
    assert_eq!(step(&closed, Event::Resumed).1, [Action::Close]);
    bench.journal = Some(closed);
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.journal.is_none());
}
