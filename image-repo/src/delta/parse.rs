//! What is copied from where: the cheapest way from the first byte of the new image to the last.
//!
//! A way is a sequence of runs, each of bytes told one by one or of bytes copied at one alignment (how far the new image
//! lies behind the old). Ways that end at the same byte at the same alignment go on alike, so of those only the cheapest
//! is kept, and none that costs more than to go over from the cheapest of all. Costs are guesses at what the
//! [`writer`](super::writer) will need, in 64ths of a bit.

mod ways;

use super::finder::{Finder, SHORTEST, common};
use ways::Ways;

/// Bytes of the new image that are told one by one, or copied and changed here and there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Where in the old image; none if they are told one by one.
    pub(super) old: Option<u32>,
    /// How many.
    pub(super) length: u32,
}

/// Bytes of the new image after which the cheapest way so far is taken, whatever follows: the memory of a parse.
const HORIZON: u32 = 256 * 1024;

/// A copy that goes on unchanged for so many bytes is not doubted before its last ones.
const SURE: usize = 32;

/// Tells the runs that make `new`, in order.
pub(super) fn runs(finder: &Finder<'_>, new: &[u8], tell: &mut impl FnMut(Run)) {
    let mut ways = Ways::new(finder.old());
    let mut sure = 0_usize;
    for (at, byte) in (0..).zip(new) {
        let rest = usize::try_from(at).ok().and_then(|at| new.get(at..)).unwrap_or_default();
        if sure == 0 {
            ways.branch(at, rest);
            if let Some((place, _)) = finder.longest(rest) {
                ways.offer(at, place);
            }
            sure = ways.certain(at, rest);
        }
        sure = sure.saturating_sub(1);
        ways.step(at, *byte);
        if (at + 1) % HORIZON == 0 {
            ways.settle(at + 1, tell);
        }
    }
    ways.settle(u32::try_from(new.len()).unwrap_or(u32::MAX), tell);
}
