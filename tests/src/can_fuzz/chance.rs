//! What a seed decides: the same numbers for the same case, on any machine.

use std::time::Duration;

/// Numbers of one case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// Those of this case of this seed.
    pub(super) fn of(seed: u64, case: u64) -> Self {
        let mut chance = Self(seed.rotate_left(32) ^ case);
        chance.number();
        chance
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`, or 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.number() % bound).unwrap_or_default()
    }

    /// A byte.
    pub(super) fn byte(&mut self) -> u8 {
        let [byte, ..] = self.number().to_le_bytes();
        byte
    }

    /// Whether it happens that happens once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these; the first if there is none.
    pub(super) fn choose<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        let place = self.below(others.len() + 1);
        place.checked_sub(1).and_then(|place| others.get(place)).copied().unwrap_or(first)
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// Up to `most`, in microseconds.
    pub(super) fn pause(&mut self, most: Duration) -> Duration {
        let most = usize::try_from(most.as_micros()).unwrap_or(usize::MAX);
        Duration::from_micros(u64::try_from(self.below(most.saturating_add(1))).unwrap_or_default())
    }

    /// Flips one bit of these bytes.
    pub(super) fn flip(&mut self, bytes: &mut [u8]) {
        let bit = self.below(8 * bytes.len());
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
    }
}
