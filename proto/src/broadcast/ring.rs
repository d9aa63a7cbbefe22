//! Where a receiver keeps bytes of the image until they are handed over.

use super::index;

/// Room for any `BYTES` bytes of the image that stand together: each has its place by its offset alone.
#[derive(Clone, Debug)]
pub(super) struct Ring<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Ring<BYTES> {
    pub(super) fn new() -> Self {
        const { assert!(BYTES > 0, "a receiver keeps bytes") };
        Self([0; BYTES])
    }

    /// Keeps bytes that belong at `offset`.
    pub(super) fn keep(&mut self, offset: u32, bytes: &[u8]) {
        let at = place::<BYTES>(offset);
        let (front, back) = self.0.split_at_mut(at);
        back.iter_mut().chain(front).zip(bytes).for_each(|(place, byte)| *place = *byte);
    }

    /// The bytes from `from` up to `to`, of which there are at most `BYTES`, in their order.
    pub(super) fn pieces(&self, from: u32, to: u32) -> [&[u8]; 2] {
        let len = index(to.saturating_sub(from)).min(BYTES);
        let (front, back) = self.0.split_at(place::<BYTES>(from));
        let first = back.get(..len).unwrap_or(back);
        [first, front.get(..len - first.len()).unwrap_or_default()]
    }
}

/// Less than `BYTES`.
fn place<const BYTES: usize>(offset: u32) -> usize {
    index(offset) % BYTES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_is_there_wherever_the_ring_ends(
            offset in any::<u32>(), bytes in proptest::collection::vec(any::<u8>(), 0..=100)
        ) {
            let offset = offset.min(u32::MAX - 100);
            let mut ring = Ring::<100>::new();
            ring.keep(offset, &bytes);
            let end = offset + u32::try_from(bytes.len()).unwrap();
            prop_assert_eq!(ring.pieces(offset, end).concat(), bytes);
        }
    }
}
