//! Which frames of a window.

/// A set of frame numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set([u32; 8]);

impl Set {
    /// All numbers below this one.
    pub(super) fn below(count: u8) -> Self {
        let mut set = Self::default();
        (0..count).for_each(|number| set.insert(number));
        set
    }

    pub(super) fn insert(&mut self, number: u8) {
        // Eight words have a place for every number.
        let (word, bit) = place(number);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, number: u8) {
        let (word, bit) = place(number);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    pub(super) fn contains(&self, number: u8) -> bool {
        let (word, bit) = place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The first number in it from `from` on.
    pub(super) fn next(&self, from: u8) -> Option<u8> {
        (from..=u8::MAX).find(|number| self.contains(*number))
    }

    /// Which of the 32 numbers from `first` on are in it, `first` in the highest bit.
    pub(super) fn bits(&self, first: u8) -> u32 {
        let is_in = |step| first.checked_add(step).is_some_and(|number| self.contains(number));
        (0..BITS).fold(0, |bits, step| bits << 1 | u32::from(is_in(step)))
    }

    /// Adds what [`Set::bits`] gives, but nothing from `below` on.
    pub(super) fn add_bits(&mut self, first: u8, bits: u32, below: u8) {
        let named = (0..BITS).filter(|step| bits << step >> (BITS - 1) == 1);
        let numbers = named.filter_map(|step| first.checked_add(step)).filter(|number| *number < below);
        numbers.for_each(|number| self.insert(number));
    }
}

/// The word a number stands in, and its bit there.
fn place(number: u8) -> (usize, u32) {
    (usize::from(number / BITS), 1 << (number % BITS))
}

/// Numbers that one answer can name.
pub(super) const BITS: u8 = 32;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_said_in_pieces_of_32_is_the_same_set(numbers in proptest::collection::btree_set(0_u8..240, 0..240)) {
            let mut set = Set::default();
            numbers.iter().for_each(|number| set.insert(*number));
            let (mut said, mut from) = (Set::default(), Some(0));
            while let Some(first) = from.and_then(|from| set.next(from)) {
                said.add_bits(first, set.bits(first), 240);
                from = first.checked_add(BITS);
            }
            prop_assert_eq!(said, set);
            let listed: BTreeSet<u8> = (0..=u8::MAX).filter(|number| set.contains(*number)).collect();
            prop_assert_eq!(listed, numbers);
        }

        #[test]
        fn what_is_removed_is_not_in_it(number in any::<u8>()) {
            let mut set = Set::below(u8::MAX);
            set.insert(u8::MAX);
            set.remove(number);
            prop_assert!(!set.contains(number) && !set.is_empty());
            prop_assert_eq!((0..=u8::MAX).filter(|other| set.contains(*other)).count(), 255);
        }
    }

    #[test]
    fn numbers_beyond_the_window_are_not_added() {
        let mut set = Set::default();
        set.add_bits(230, u32::MAX, 235);
        assert_eq!((0..=u8::MAX).filter(|number| set.contains(*number)).collect::<BTreeSet<_>>(), (230..235).collect());
        set.add_bits(255, u32::MAX, 240);
        assert_eq!(set.next(235), None);
    }
}
