//! From a long list that makes a run fail to a short one that still does.
//!
//! First as many entries as possible are left out, in ever smaller pieces; then each that is left is made simpler; and
//! both again until nothing helps. Every question is a run, so their number is bounded. A list that is called minimal
//! fails, and does so no more if any single entry is left out or made simpler in any of the ways it knows.

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It failed, in the way that is looked for.
    Fails,
    /// It did not, or in another way.
    Passes,
}

/// Something that can be made simpler.
pub trait Simplify: Sized {
    /// Simpler ones, the simplest first. Each is simpler in a sense that has an end: from none of them is there a way back.
    fn simpler(&self) -> Vec<Self>;
}

/// What is left of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk<T> {
    /// Entries that make the run fail.
    pub items: Vec<T>,
    /// Runs it took.
    pub runs: u32,
    /// Whether nothing can be left out or made simpler; if not, the bound was reached first.
    pub is_minimal: bool,
}

/// Shrinks `items` in at most `bound` runs; `None` if all of them do not make it fail.
pub fn shrink<T, F>(items: Vec<T>, bound: u32, run: F) -> Option<Shrunk<T>>
where
    T: Simplify + Clone,
    F: FnMut(&[T]) -> Outcome,
{
    let mut search = Search { items, runs: 0, bound, run };
    if search.ask(&search.items.clone()) != Some(Outcome::Fails) {
        return None;
    }
    let is_minimal = search.minimise().is_some();
    Some(Shrunk { items: search.items, runs: search.runs, is_minimal })
}

struct Search<T, F> {
    items: Vec<T>,
    runs: u32,
    bound: u32,
    run: F,
}

impl<T: Simplify + Clone, F: FnMut(&[T]) -> Outcome> Search<T, F> {
    /// `None` if the bound was reached, as of everything below.
    fn minimise(&mut self) -> Option<()> {
        self.leave_out()?;
        while self.simplify()? && self.leave_out()? {}
        Some(())
    }

    /// Leaves out what can be; whether anything was.
    fn leave_out(&mut self) -> Option<bool> {
        let (mut size, mut any) = (self.items.len(), false);
        while size > 0 {
            let removed = self.leave_out_pieces(size)?;
            any |= removed;
            // What is left may have become dispensable by what went after it.
            if size > 1 || !removed {
                size /= 2;
            }
        }
        Some(any)
    }

    fn leave_out_pieces(&mut self, size: usize) -> Option<bool> {
        let (mut at, mut any) = (0, false);
        while at < self.items.len() {
            let end = at.saturating_add(size).min(self.items.len());
            let mut fewer = self.items.clone();
            fewer.drain(at..end);
            if self.ask(&fewer)? == Outcome::Fails {
                (self.items, any) = (fewer, true);
            } else {
                at = end;
            }
        }
        Some(any)
    }

    /// Makes each entry as simple as it can be; whether any became simpler.
    fn simplify(&mut self) -> Option<bool> {
        let (mut at, mut any) = (0, false);
        while let Some(item) = self.items.get(at) {
            let mut simpler = item.simpler().into_iter();
            loop {
                let Some(candidate) = simpler.next() else {
                    at = at.saturating_add(1);
                    break;
                };
                let mut items = self.items.clone();
                items.iter_mut().skip(at).take(1).for_each(|item| *item = candidate.clone());
                if self.ask(&items)? == Outcome::Fails {
                    (self.items, any) = (items, true);
                    break;
                }
            }
        }
        Some(any)
    }

    fn ask(&mut self, items: &[T]) -> Option<Outcome> {
        if self.runs == self.bound {
            return None;
        }
        self.runs = self.runs.saturating_add(1);
        Some((self.run)(items))
    }
}

/// Numbers below `number` that reach every one of them step by step, the smallest first.
pub fn smaller(number: u64) -> Vec<u64> {
    let halves = std::iter::successors(Some(number), |left| Some(left / 2)).take_while(|left| *left > 0);
    halves.map(|left| number.saturating_sub(left)).collect()
}

/// Numbers below `number` with fewer digits that are not zero, the roundest first.
pub fn rounder(number: u64) -> Vec<u64> {
    let down = |number: u64, digits: u32| {
        let unit = 10_u64.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(digits.saturating_sub(1)));
        number - number % unit
    };
    let mut rounder = vec![0, down(number / 2, 1)];
    rounder.extend((1..=6).map(|digits| down(number, digits)));
    rounder.retain(|rounder| *rounder < number);
    rounder.dedup();
    rounder
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    /// A number that fails down to a limit of its own.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Number(u64);

    impl Simplify for Number {
        fn simpler(&self) -> Vec<Self> {
            smaller(self.0).into_iter().map(Number).collect()
        }
    }

    /// A name that cannot be made simpler.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Plain(u8);

    impl Simplify for Plain {
        fn simpler(&self) -> Vec<Self> {
            Vec::new()
        }
    }

    fn outcome(fails: bool) -> Outcome {
        if fails { Outcome::Fails } else { Outcome::Passes }
    }

    proptest! {
        #[test]
        fn of_a_list_that_fails_because_of_some_entries_exactly_those_are_left(
            length in 1_u8..60, needed in btree_set(0_u8..60, 0..6),
        ) {
            let needed: BTreeSet<_> = needed.into_iter().filter(|entry| *entry < length).map(Plain).collect();
            let fails = |items: &[Plain]| outcome(needed.iter().all(|entry| items.contains(entry)));
            let shrunk = shrink((0..length).map(Plain).collect(), 10_000, fails).unwrap();
            prop_assert!(shrunk.is_minimal);
            prop_assert_eq!(shrunk.items, needed.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn whatever_fails_more_with_more_entries_is_shrunk_to_a_list_that_no_entry_can_be_taken_from(
            length in 1_u8..40, causes in vec(btree_set(0_u8..40, 1..6), 1..6),
        ) {
            let causes: Vec<BTreeSet<u8>> = causes;
            let fails = |items: &[Plain]| {
                let there: BTreeSet<u8> = items.iter().map(|entry| entry.0).collect();
                outcome(causes.iter().any(|cause| cause.is_subset(&there)))
            };
            let Some(shrunk) = shrink((0..length).map(Plain).collect(), 10_000, fails) else {
                prop_assert_eq!(fails(&(0..length).map(Plain).collect::<Vec<_>>()), Outcome::Passes);
                return Ok(());
            };
            prop_assert!(shrunk.is_minimal);
            let left: BTreeSet<u8> = shrunk.items.iter().map(|entry| entry.0).collect();
            prop_assert!(causes.contains(&left), "{:?} is more than any cause", left);
        }

        #[test]
        fn entries_are_made_as_simple_as_the_failure_allows(numbers in vec((0_u64..5_000, 0_u64..5_000), 1..6)) {
            let limits: Vec<u64> = numbers.iter().map(|(a, b)| *a.min(b)).collect();
            let numbers: Vec<_> = numbers.into_iter().map(|(a, b)| Number(a.max(b))).collect();
            let fails = |items: &[Number]| {
                outcome(items.len() == limits.len() && items.iter().zip(&limits).all(|(item, limit)| item.0 >= *limit))
            };
            let shrunk = shrink(numbers, 100_000, fails).unwrap();
            prop_assert!(shrunk.is_minimal);
            prop_assert_eq!(shrunk.items, limits.into_iter().map(Number).collect::<Vec<_>>());
        }

        #[test]
        fn the_number_of_runs_is_bounded_and_what_is_left_fails(bound in 1_u32..60, needed in btree_set(0_u8..200, 0..9)) {
            let mut runs = 0;
            let fails = |items: &[Plain]| needed.iter().all(|entry| items.contains(&Plain(*entry)));
            let shrunk = shrink((0..200).map(Plain).collect(), bound, |items| {
                runs += 1;
                outcome(fails(items))
            });
            let shrunk = shrunk.unwrap();
            prop_assert!(runs <= bound && shrunk.runs == runs && fails(&shrunk.items));
        }

        #[test]
        fn simpler_numbers_are_below_and_in_order(number: u64) {
            for list in [smaller(number), rounder(number)] {
                prop_assert!(list.is_sorted() && list.iter().all(|simpler| *simpler < number));
            }
        }
    }

    #[test]
    fn a_list_that_does_not_fail_is_not_shrunk() {
        assert_eq!(shrink(vec![Plain(1)], 10, |_| Outcome::Passes), None);
    }

    #[test]
    fn numbers_become_round() {
        assert!(rounder(0).is_empty());
        assert_eq!(rounder(1_234_567), [0, 600_000, 1_000_000, 1_200_000, 1_230_000, 1_234_000, 1_234_500, 1_234_560]);
        assert_eq!(smaller(10), [0, 5, 8, 9]);
    }
}
