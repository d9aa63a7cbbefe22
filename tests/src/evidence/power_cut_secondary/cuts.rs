//! One cut after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use secondary_ecu::bench::{Bench, Broken, Kept, Unit};
use secondary_ecu::flash::ram::Tear;
use simulator::world::chance::Chance;

use super::layouts::Subject;
use super::tally::{Count, Tally};

/// Which of the cuts: every `step`th from `first` on.
#[derive(Clone, Copy)]
pub(super) struct Share {
    /// Decides which second cuts.
    pub(super) seed: u64,
    pub(super) first: u64,
    pub(super) step: u64,
}

/// How many second cuts follow each first one.
#[derive(Clone, Copy)]
pub(super) enum Seconds {
    /// One at every operation of the recovery, in a way left to chance.
    Every,
    /// So many, left to chance.
    Some(u64),
}

/// Makes a share of the cuts of a subject.
pub(super) fn cut<K, const WRITE: usize, const ERASE: usize>(subject: &Subject, share: Share, seconds: Seconds) -> Tally
where
    K: Kept<WRITE, ERASE>,
{
    let mut tally = Tally::default();
    let bench = Bench::<K, WRITE, ERASE>::new(subject.shape).with(subject.course);
    let operations = match bench.unit().finish() {
        Ok(operations) => operations,
        Err(broken) => {
            tell(&mut tally, subject, "without a cut", &broken);
            return tally;
        }
    };
    tally.operations(operations);
    let places = (0..operations).flat_map(|place| Tear::ALL.map(|tear| (place, tear)));
    let step = usize::try_from(share.step).unwrap_or(usize::MAX);
    for first in places.skip(usize::try_from(share.first).unwrap_or(usize::MAX)).step_by(step) {
        let mut chance = Chance::seeded(share.seed).split(&format!("{} {first:?}", subject.name));
        let mut run = Run { tally: &mut tally, subject, first, seconds };
        if catch_unwind(AssertUnwindSafe(|| run.cut(bench.unit(), &mut chance))).is_err() {
            eprintln!("--seed {}, {}: panic after {first:?}", share.seed, subject.name);
            tally.add(Count::Panics);
        }
    }
    tally
}

fn tell(tally: &mut Tally, subject: &Subject, when: &str, broken: &Broken) {
    eprintln!("{}, {when}: {broken}", subject.name);
    tally.add(Count::from(broken));
}

/// A first cut, and all that follow it.
struct Run<'t> {
    tally: &'t mut Tally,
    subject: &'t Subject,
    first: (u64, Tear),
    seconds: Seconds,
}

impl Run<'_> {
    fn cut<K, const WRITE: usize, const ERASE: usize>(
        &mut self,
        mut unit: Unit<'_, K, WRITE, ERASE>,
        chance: &mut Chance,
    ) where
        K: Kept<WRITE, ERASE>,
    {
        let (place, tear) = self.first;
        self.tally.cut(Count::Cuts, tear);
        let cut = unit.cut(place, tear);
        if !self.happened(cut, None) {
            return;
        }
        let Some(recovery) = self.finished(unit.apart().finish(), None) else { return };
        for second in self.seconds_of(recovery, chance) {
            let (place, tear) = second;
            self.tally.cut(Count::SecondCuts, tear);
            let mut unit = unit.apart();
            let cut = unit.cut(place, tear);
            if self.happened(cut, Some(second)) {
                self.finished(unit.finish(), Some(second));
            }
        }
    }

    /// The places of the second cuts in a recovery of so many operations; none where nothing was left to be done.
    fn seconds_of(&self, recovery: u64, chance: &mut Chance) -> Vec<(u64, Tear)> {
        let places: Vec<u64> = match self.seconds {
            Seconds::Every => (0..recovery).collect(),
            Seconds::Some(_) if recovery == 0 => Vec::new(),
            Seconds::Some(number) => (0..number).map(|_| chance.below(recovery)).collect(),
        };
        places.into_iter().filter_map(|place| Some((place, *chance.choose(&Tear::ALL)?))).collect()
    }

    /// Whether power failed where it was to.
    fn happened(&mut self, cut: Result<bool, Broken>, second: Option<(u64, Tear)>) -> bool {
        match cut {
            Ok(true) => true,
            Ok(false) => {
                eprintln!("{}, {:?} and {second:?}: no cut", self.subject.name, self.first);
                self.tally.add(Count::Missed);
                false
            }
            Err(broken) => {
                self.tell(second, &broken);
                false
            }
        }
    }

    /// The operations of a recovery that came to its end.
    fn finished(&mut self, finished: Result<u64, Broken>, second: Option<(u64, Tear)>) -> Option<u64> {
        finished.map_err(|broken| self.tell(second, &broken)).ok()
    }

    fn tell(&mut self, second: Option<(u64, Tear)>, broken: &Broken) {
        let when = format!("cut at {:?}, then at {second:?}", self.first);
        tell(self.tally, self.subject, &when, broken);
    }
}
