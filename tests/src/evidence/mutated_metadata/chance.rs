//! What is left to chance, decided by a seed: the same on every machine.

/// A source of numbers (SplitMix64).
#[derive(Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// The numbers of one case of one seed.
    pub(super) fn of(seed: u64, case: u64) -> Self {
        let mut chance = Self(seed);
        let start = chance.next();
        Self(start ^ case.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// A source of its own, which gives the same numbers again when it is cloned.
    pub(super) fn split(&mut self) -> Self {
        Self(self.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these, if there are any.
    pub(super) fn one<'t, T>(&mut self, all: &'t [T]) -> Option<&'t T> {
        all.get(self.below(all.len()))
    }

    /// One of these words.
    pub(super) fn word<'t>(&mut self, all: &[&'t str]) -> &'t str {
        self.one(all).copied().unwrap_or_default()
    }
}
