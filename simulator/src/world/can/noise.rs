//! Where on a wire the next disturbed bit is.
//!
//! Each bit is disturbed by itself, with the same chance; instead of asking for every bit, the distance to the next
//! disturbed one is drawn. Whole numbers only, so that a seed means the same on any machine.

use crate::world::chance::{Chance, PerBillion};

/// A bit error rate, and how many bits will still be right.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    /// The chance that 2ⁿ bits in a row are right, in parts of 2⁶⁴; empty if all are.
    runs: Vec<u64>,
    chance: Box<Chance>,
    right: u64,
}

impl Noise {
    pub(super) fn new(share: PerBillion, chance: Chance) -> Self {
        let runs = if share == PerBillion::NEVER { Vec::new() } else { runs(share) };
        let mut noise = Self { runs, chance: Box::new(chance), right: u64::MAX };
        noise.draw();
        noise
    }

    /// Whether there is none.
    pub(super) fn is_never(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether the next `bits` bits are all right.
    pub(super) fn spares(&self, bits: u64) -> bool {
        self.right >= bits
    }

    /// `bits` bits have passed, all of them right.
    pub(super) fn pass(&mut self, bits: u64) {
        if self.right != u64::MAX {
            self.right = self.right.saturating_sub(bits);
        }
    }

    /// One bit passes; whether it is disturbed.
    pub(super) fn disturbs(&mut self) -> bool {
        if self.right > 0 {
            self.pass(1);
            return false;
        }
        self.draw();
        true
    }

    /// The number of right bits before the next disturbed one. A drawn number stands for the chance that so many are
    /// right; the greatest number of bits with at least that chance is put together from powers of two.
    fn draw(&mut self) {
        if self.runs.is_empty() {
            return;
        }
        let drawn = self.chance.number();
        let (mut all, mut right) = (u64::MAX, 0);
        for (power, run) in self.runs.iter().enumerate().rev() {
            let longer = product(all, *run);
            if drawn < longer {
                all = longer;
                right += 1 << power;
            }
        }
        self.right = right;
    }
}

/// The product of two numbers in parts of 2⁶⁴.
fn product(a: u64, b: u64) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> 64).unwrap_or(u64::MAX)
}

fn runs(share: PerBillion) -> Vec<u64> {
    let right = u128::from(PerBillion::ALWAYS.billionths() - share.billionths());
    let one = (right << 64) / u128::from(PerBillion::ALWAYS.billionths());
    let first = u64::try_from(one).unwrap_or(u64::MAX);
    std::iter::successors(Some(first), |run| Some(product(*run, *run))).take(POWERS).collect()
}

/// Runs of up to 2⁴⁰ bits are told apart: days of a busy bus.
const POWERS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn share_disturbed(share: PerBillion, bits: u32) -> u32 {
        let mut noise = Noise::new(share, Chance::seeded(4));
        (0..bits).map(|_| u32::from(noise.disturbs())).sum()
    }

    #[test]
    fn as_many_bits_are_disturbed_as_the_rate_says() {
        assert_eq!(share_disturbed(PerBillion::NEVER, 100_000), 0);
        assert_eq!(share_disturbed(PerBillion::ALWAYS, 100), 100);
        let tenth = share_disturbed(PerBillion::new(100_000_000), 100_000);
        assert!((9_700..10_300).contains(&tenth), "{tenth}");
        let rare = share_disturbed(PerBillion::new(100_000), 2_000_000);
        assert!((160..240).contains(&rare), "{rare}");
    }

    #[test]
    fn bits_that_pass_together_count_like_bits_that_pass_one_by_one() {
        let share = PerBillion::new(1_000_000);
        let (mut whole, mut single) = (Noise::new(share, Chance::seeded(9)), Noise::new(share, Chance::seeded(9)));
        for _ in 0..10_000 {
            let clean = whole.spares(111);
            let disturbed = (0..111).filter(|_| single.disturbs()).count();
            assert_eq!(clean, disturbed == 0);
            match clean {
                true => whole.pass(111),
                false => assert_eq!((0..111).filter(|_| whole.disturbs()).count(), disturbed),
            }
        }
    }
}
