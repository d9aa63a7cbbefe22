//! ECUs with a single bank: after all others, each by itself, with the way back at hand.

use super::*;

impl Bench {
    /// A vehicle in which these ECUs, by their place, have a single bank.
    fn with_single_banks(ecus: usize, single: &[usize]) -> Self {
        let mut bench = Self::new(ecus);
        bench.single_banks = single.iter().map(|at| bench.repo.ecus()[*at].ecu).collect();
        bench
    }

    /// Publishes the next release, with this release as the fallback of every ECU with a single bank.
    fn release_with_fallback(&mut self, fallback: u64) {
        let (single, release) = (self.single_banks.clone(), self.repo.release() + 1);
        self.repo.publish(|next| {
            next.release();
            for ecu in single {
                let name = format!("fw/{ecu}-{release}.bin");
                let path = ["targets", name.as_str(), "custom", "uptane", "ecus", ecu.as_str(), "fallback"];
                next.director.set(Role::Targets, &path, format!(r#""fw/{ecu}-{fallback}.bin""#));
            }
        });
    }

    fn ids(&self, places: &[usize]) -> Vec<EcuId> {
        places.iter().map(|at| self.repo.ecus()[*at].ecu).collect()
    }

    fn runs(&self, place: usize, release: u64) -> bool {
        let ecu = self.repo.ecus()[place];
        self.running[&ecu.ecu] == Sha256::of(&ecu.image(release))
    }
}

#[test]
fn an_ecu_with_a_single_bank_comes_after_all_others_and_by_itself() {
    let mut bench = Bench::with_single_banks(4, &[1, 3]);
    bench.release_with_fallback(1);
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
    assert_eq!(bench.settled, [bench.ids(&[0, 2]), bench.ids(&[1]), bench.ids(&[3])]);
    // What the first of them could have returned to was older by then than what it had committed: that refuses nothing.
    let first = bench.repo.ecus()[1].ecu;
    assert!(bench.floors.iter().any(|((ecu, _), floor)| *ecu == first && floor.get() == 2));
}

#[test]
fn the_way_back_is_here_before_the_transaction_opens() {
    let mut bench = Bench::with_single_banks(2, &[1]);
    bench.release_with_fallback(1);
    bench.cycle();
    let steps: Vec<_> = bench.trace.iter().filter(|word| matches!(**word, "download" | "record" | "settle")).collect();
    let mut transactions = steps.split(|word| **word == "settle");
    let downloads = |steps: &[&&str]| steps.iter().take_while(|word| ***word == "download").count();
    assert_eq!(transactions.next().map(downloads), Some(1));
    assert_eq!(transactions.next().map(downloads), Some(2));
}

#[test]
fn an_ecu_without_a_way_back_is_left_alone_and_holds_up_nobody() {
    // None is named, and one that it does not run.
    for fallback in [None, Some(2)] {
        let mut bench = Bench::with_single_banks(3, &[1]);
        match fallback {
            Some(fallback) => bench.release_with_fallback(fallback),
            None => bench.repo.publish(|next| next.release()),
        }
        let stranded = bench.repo.ecus()[1].ecu;
        assert!(matches!(bench.cycle(), Some(Err(Error::NoFallback { ecu })) if ecu == stranded));
        assert_eq!(bench.settled, [bench.ids(&[0, 2])]);
        assert!(bench.runs(0, 2) && bench.runs(1, 1) && bench.runs(2, 2));
        assert_eq!(bench.told.clone().unwrap().outcome.result, "verification-failed");

        bench.trace.clear();
        assert!(matches!(bench.cycle(), Some(Err(Error::NoFallback { .. }))));
        assert!(!bench.trace.contains(&"full"), "the Director knows");
    }
}

#[test]
fn an_ecu_that_goes_back_by_itself_takes_nobody_with_it() {
    let mut bench = Bench::with_single_banks(3, &[2]);
    bench.release_with_fallback(1);
    bench.sick = Some(bench.repo.ecus()[2].ecu);
    assert!(matches!(bench.cycle(), Some(Err(Error::RolledBack { cause: Cause::Refused(..) }))));
    assert!(bench.runs(0, 2) && bench.runs(1, 2) && bench.runs(2, 1));
    bench.sick = None;
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
}

#[test]
fn one_that_goes_back_again_and_again_keeps_no_other_of_its_order_waiting() {
    let mut bench = Bench::with_single_banks(4, &[1, 2, 3]);
    bench.release_with_fallback(1);
    bench.sick = Some(bench.repo.ecus()[1].ecu);
    for _ in 0..3 {
        assert!(matches!(bench.cycle(), Some(Err(Error::RolledBack { .. }))));
    }
    assert!(bench.runs(1, 1) && bench.runs(2, 2) && bench.runs(3, 2));
    bench.sick = None;
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
}

#[test]
fn wherever_the_power_fails_every_ecu_runs_the_new_release_in_the_end() {
    for at in 0.. {
        let mut bench = Bench::with_single_banks(3, &[1]);
        bench.release_with_fallback(1);
        bench.dies_after = Some(at);
        let finished = bench.cycle().is_some();
        for _ in 0..3 {
            assert!(matches!(bench.cycle(), Some(Ok(()))), "killed at output {at}");
        }
        assert!(bench.all_run(2) && bench.journal.is_none(), "killed at output {at}");
        if finished {
            return;
        }
    }
}
