//! What is left to chance: one seed, and from it a source of its own for everything that needs one.
//!
//! A source is split off by name, so what one node draws changes nothing of what another does, and a node that is added
//! leaves the others as they were. Only whole numbers are drawn, by arithmetic that is written here: neither the machine
//! nor a new release of a library changes what a seed means.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore as _, SeedableRng as _};
use uptane::Sha256;

/// A source of chance.
#[derive(Clone, Debug)]
pub struct Chance {
    seed: [u8; 32],
    drawn: Xoshiro256PlusPlus,
}

impl Chance {
    /// The source of a world.
    pub fn seeded(seed: u64) -> Self {
        Self::of(Sha256::of(&seed.to_le_bytes()).0)
    }

    /// A source for `name`: the same one whenever and however often it is asked for.
    #[must_use]
    pub fn split(&self, name: &str) -> Self {
        Self::of(Sha256::of(&[self.seed.as_slice(), name.as_bytes()].concat()).0)
    }

    fn of(seed: [u8; 32]) -> Self {
        Self { seed, drawn: Xoshiro256PlusPlus::from_seed(seed) }
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.drawn.next_u64()
    }

    /// A number below `end`, each as likely as the others but for less than one in 2⁶⁴; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.number()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// A number of a range.
    pub fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        let width = range.end().saturating_sub(*range.start()).saturating_add(1);
        range.start().saturating_add(self.below(width))
    }

    /// A pause of a range, to the nanosecond.
    pub fn pause(&mut self, range: RangeInclusive<Duration>) -> Duration {
        let nanos = |pause: &Duration| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.between(nanos(range.start())..=nanos(range.end())))
    }

    /// Whether something happens that does so in `share` of a billion cases.
    pub fn happens(&mut self, share: PerBillion) -> bool {
        self.below(BILLION) < u64::from(share.0)
    }

    /// One of `choices`; `None` if there is none.
    pub fn choose<'c, T>(&mut self, choices: &'c [T]) -> Option<&'c T> {
        let at = self.below(u64::try_from(choices.len()).unwrap_or(u64::MAX));
        choices.get(usize::try_from(at).ok()?)
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.drawn.fill_bytes(bytes);
    }
}

/// How likely something is, in billionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerBillion(u32);

impl PerBillion {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(1_000_000_000);

    /// So many billionths; more than all is all.
    pub fn new(billionths: u32) -> Self {
        Self(billionths).min(Self::ALWAYS)
    }

    /// The number of billionths.
    pub fn billionths(self) -> u32 {
        self.0
    }
}

const BILLION: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut chance = Chance::seeded(7);
        let numbers: [u64; 3] = std::array::from_fn(|_| chance.number());
        assert_eq!(numbers, [17_233_991_193_451_741_142, 13_416_200_324_352_867_966, 658_537_068_153_121_768]);
    }

    #[test]
    fn sources_of_different_names_are_different_and_independent_of_what_was_drawn() {
        let world = Chance::seeded(1);
        let mut drawn = world.clone();
        drawn.number();
        assert_eq!(world.split("gateway").number(), drawn.split("gateway").number());
        assert_ne!(world.split("gateway").number(), world.split("brakes").number());
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_its_ends() {
        let mut chance = Chance::seeded(2);
        let numbers: Vec<u64> = (0..200).map(|_| chance.between(3..=6)).collect();
        assert_eq!((numbers.iter().min(), numbers.iter().max()), (Some(&3), Some(&6)));
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.choose::<u8>(&[]), None);
    }

    #[test]
    fn what_never_happens_does_not_and_what_always_happens_does() {
        let mut chance = Chance::seeded(3);
        assert!((0..1_000).all(|_| !chance.happens(PerBillion::NEVER) && chance.happens(PerBillion::ALWAYS)));
        assert_eq!(PerBillion::new(u32::MAX), PerBillion::ALWAYS);
    }
}
