//! Bytes of a file in sectors that copies share, so that keeping an earlier state costs little.

use std::rc::Rc;

use crate::world::chance::Chance;

/// Bytes that a device writes wholly or not at all.
pub const SECTOR: u64 = 512;
const SIZE: usize = 512;

type Sector = Rc<[u8; SIZE]>;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    sectors: Rc<Vec<Sector>>,
    length: u64,
}

impl Content {
    /// Adds `bytes` to the end.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let sectors = Rc::make_mut(&mut self.sectors);
        let mut rest = bytes;
        while !rest.is_empty() {
            let within = size(self.length % SECTOR);
            if within == 0 {
                sectors.push(blank());
            }
            let room = sectors.last_mut().and_then(|sector| Rc::make_mut(sector).get_mut(within..));
            let Some((room, (now, later))) = room.map(|room| {
                let fits = room.len().min(rest.len());
                (room, rest.split_at(fits))
            }) else {
                return;
            };
            room.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.length = self.length.saturating_add(count(now.len()));
            rest = later;
        }
    }

    /// Reads from `offset` on, and says how many bytes there were.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let there = size(self.length.saturating_sub(offset)).min(buffer.len());
        let (mut filled, mut at) = (0, offset);
        while filled < there {
            let from = self.sectors.get(size(at / SECTOR)).and_then(|sector| sector.get(size(at % SECTOR)..));
            let to = buffer.get_mut(filled..there);
            let (Some(from), Some(to)) = (from, to) else { break };
            let step = from.len().min(to.len());
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            filled = filled.saturating_add(step);
            at = at.saturating_add(count(step));
        }
        filled
    }

    /// All of it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; size(self.length)];
        self.read_at(0, &mut bytes);
        bytes
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Sectors it takes.
    pub(super) fn sectors(&self) -> u64 {
        self.length.div_ceil(SECTOR)
    }

    /// Flips one bit of the byte at `offset`, if there is one.
    pub(super) fn flip(&mut self, offset: u64, bit: u8) {
        let sector = Rc::make_mut(&mut self.sectors).get_mut(size(offset / SECTOR)).filter(|_| offset < self.length);
        if let Some(byte) = sector.and_then(|sector| Rc::make_mut(sector).get_mut(size(offset % SECTOR))) {
            *byte ^= 1 << (bit % 8);
        }
    }

    /// What is left of a change from `self` to `new` if each sector got through or did not, in no order, and the
    /// length may be the old one, the new one or one on the way. A sector that was never written holds zeros.
    pub(super) fn torn(&self, new: &Self, chance: &mut Chance) -> Self {
        if self == new {
            return new.clone();
        }
        let length = match chance.below(3) {
            0 => self.length,
            1 => new.length,
            _ => self.length.max(chance.below(new.sectors().saturating_add(1)) * SECTOR).min(new.length),
        };
        self.mixed(new, length, |_| chance.below(2) == 1)
    }

    /// What is left of that change if its first half got through.
    pub(super) fn halfway(&self, new: &Self) -> Self {
        let half = new.sectors() / 2;
        self.mixed(new, self.length.max(half * SECTOR).min(new.length), |at| at < half)
    }

    fn mixed(&self, new: &Self, length: u64, mut through: impl FnMut(u64) -> bool) -> Self {
        let sectors = (0..length.div_ceil(SECTOR)).map(|at| {
            let [old, new] = [self, new].map(|content| content.sectors.get(size(at)));
            let old = old.cloned().unwrap_or_else(blank);
            match new.filter(|new| **new != old) {
                Some(new) if through(at) => Rc::clone(new),
                _ => old,
            }
        });
        Self { sectors: Rc::new(sectors.collect()), length }
    }
}

fn blank() -> Sector {
    Rc::new([0; SIZE])
}

/// A length as an index. The disk's capacity keeps it within memory.
fn size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn content(bytes: &[u8]) -> Content {
        let mut content = Content::default();
        content.append(bytes);
        content
    }

    proptest! {
        #[test]
        fn what_is_appended_in_pieces_is_read_as_a_whole_and_in_part(
            pieces in vec(vec(any::<u8>(), 0..1_500), 0..6), offset in 0_u64..8_000, length in 0_usize..2_000,
        ) {
            let mut appended = Content::default();
            pieces.iter().for_each(|piece| appended.append(piece));
            let whole = pieces.concat();
            prop_assert_eq!(appended.bytes(), &whole[..]);
            let mut buffer = vec![0; length];
            let read = appended.read_at(offset, &mut buffer);
            let expected: Vec<u8> = whole.iter().copied().skip(size(offset)).take(length).collect();
            prop_assert_eq!(&buffer[..read], expected);
        }

        #[test]
        fn each_sector_of_a_torn_file_is_old_or_new_or_was_never_written(
            old in vec(any::<u8>(), 0..4_000), new in vec(any::<u8>(), 0..4_000), seed: u64,
        ) {
            let torn = content(&old).torn(&content(&new), &mut Chance::seeded(seed));
            let bytes = torn.bytes();
            let padded = |bytes: &[u8]| {
                let mut padded = bytes.to_vec();
                padded.resize(8 * SIZE, 0);
                padded
            };
            let (old, new) = (padded(&old), padded(&new));
            for (at, sector) in bytes.chunks(SIZE).enumerate() {
                let range = at * SIZE..at * SIZE + sector.len();
                prop_assert!(sector == &old[range.clone()] || sector == &new[range]);
            }
        }
    }

    #[test]
    fn a_copy_keeps_what_the_original_no_longer_has() {
        let mut original = content(&[1; 600]);
        let copy = original.clone();
        original.append(&[2; 600]);
        original.flip(3, 9);
        assert_eq!((copy.length(), copy.bytes()[3]), (600, 1));
        assert_eq!((original.length(), original.bytes()[3]), (1_200, 3));
    }
}
