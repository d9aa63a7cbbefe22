//! Where bytes stand in the old image.

/// Fewest bytes that are looked for.
pub(super) const SHORTEST: usize = 4;

/// Places that are looked at for one answer.
const LOOKS: usize = 64;

/// A match that is long enough to look no further.
const ENOUGH: usize = 4096;

/// The old image, and an index of every four bytes in it: for each hash the last place that has it, for each place the one
/// before with the same hash.
pub(super) struct Finder<'o> {
    old: &'o [u8],
    last: Vec<u32>,
    before: Vec<u32>,
    shift: u32,
}

/// No place.
const NONE: u32 = u32::MAX;

impl<'o> Finder<'o> {
    pub(super) fn new(old: &'o [u8]) -> Self {
        let bits = old.len().next_power_of_two().trailing_zeros().clamp(8, 22);
        let mut finder = Self { old, last: vec![NONE; 1 << bits], before: vec![NONE; old.len()], shift: 32 - bits };
        for (place, bytes) in (0..).zip(old.windows(SHORTEST)) {
            let hash = finder.hash(bytes);
            let (Some(last), Some(before)) = (finder.last.get_mut(hash), before(&mut finder.before, place)) else {
                break;
            };
            *before = std::mem::replace(last, place);
        }
        finder
    }

    /// The old image.
    pub(super) fn old(&self) -> &'o [u8] {
        self.old
    }

    /// Where the longest beginning of `bytes` stands, as far as was looked, and how long that is.
    pub(super) fn longest(&self, bytes: &[u8]) -> Option<(u32, usize)> {
        let mut place = self.last.get(self.hash(bytes.get(..SHORTEST)?)).copied()?;
        let mut best = None;
        for _ in 0..LOOKS {
            let Some(old) = usize::try_from(place).ok().and_then(|place| self.old.get(place..)) else { break };
            let length = common(old, bytes);
            if length >= SHORTEST && best.is_none_or(|(_, most)| length > most) {
                best = Some((place, length));
            }
            if length >= ENOUGH {
                break;
            }
            place = usize::try_from(place).ok().and_then(|place| self.before.get(place).copied())?;
        }
        best
    }

    fn hash(&self, bytes: &[u8]) -> usize {
        let word = bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        usize::try_from(word.wrapping_mul(0x9E37_79B1) >> self.shift).unwrap_or_default()
    }
}

fn before(places: &mut [u32], place: u32) -> Option<&mut u32> {
    places.get_mut(usize::try_from(place).ok()?)
}

/// How many bytes two slices have in common at their beginning, up to what is enough.
pub(super) fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take(ENOUGH).take_while(|(one, other)| one == other).count()
}
