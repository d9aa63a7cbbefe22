//! What both ends of a patch learn from the bits before: how likely the next one is to be 1.
//!
//! A patch is a sequence of yes-or-no answers. Each kind of question has a [`Model`] of its own, which decoder and
//! encoder move alike after every answer.

/// How likely a bit is to be 1, and from how many bits that was learned.
///
/// The upper twelve bits are the likelihood in 4096ths, from 1 to 4095; the lower four count the bits, up to 15. The
/// highest bit is kept turned: where nothing is known all are zero, and hundreds of models are made at no cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model(u16);

/// The highest bit of a model, which is kept turned.
const TURNED: u16 = 1 << 15;

/// The likelihood is told in so many bits.
pub const BITS: u32 = 12;

/// A coder whose range is below this takes in its next byte.
pub const RENORMALISE: u32 = 1 << 24;

/// How far a bit moves the likelihood, as a right shift, by how many bits were seen before it.
const RATE: [u8; 16] = [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5];

impl Model {
    /// Nothing is known.
    pub const EVEN: Self = Self::of(2048, 0);

    /// A byte of the old image is rarely another one in the new.
    pub const RARE: Self = Self::of(64, 3);

    const fn of(likelihood: u16, seen: u16) -> Self {
        Self((likelihood << 4 | seen) ^ TURNED)
    }

    /// The likelihood that the next bit is 1, in 4096ths.
    pub fn likelihood(self) -> u32 {
        u32::from((self.0 ^ TURNED) >> 4)
    }

    /// Learns from a bit.
    pub fn learn(&mut self, bit: bool) {
        let (likelihood, seen) = ((self.0 ^ TURNED) >> 4, self.0 & 15);
        let rate = RATE.get(usize::from(seen)).copied().unwrap_or_default();
        // Rounded up, so that the likelihood goes all the way to 1 and to 4095.
        let step = |way: u16| (way + (1 << rate) - 1) >> rate;
        let moved = if bit { likelihood + step(4095 - likelihood) } else { likelihood - step(likelihood - 1) };
        *self = Self::of(moved, (seen + 1).min(15));
    }
}

/// Models of a byte, or of another value below `N`: bit by bit from the highest, each in the light of those before it.
/// The first is not used.
pub type Tree<const N: usize> = [Model; N];

/// Most bits that say how long a number is.
pub const NUMBER: usize = 31;

/// Models of a number from 0 to 2^32 - 2: how many bits the number above it has after its highest, in unary.
pub type Number = [Model; NUMBER];

/// What a byte of the old image is asked in the light of: is it another one in the new?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    before: u8,
    changed: u8,
}

impl Context {
    /// Of the first byte of a copy.
    pub const FIRST: Self = Self { before: 0, changed: 0 };

    /// Of the byte after this one of the old image.
    pub fn after(self, old: u8, has_changed: bool) -> Self {
        let changed = if has_changed { (self.changed + 1).min(CHANGED) } else { 0 };
        Self { before: old, changed }
    }
}

/// Changed bytes in a row that make a difference.
const CHANGED: u8 = 3;
const CONTEXTS: usize = 256 + 3;

/// Every model of a patch. All begin anew with each segment.
#[derive(Clone, Debug)]
pub struct Models {
    /// Whether a byte of a copy has changed, by [`Context`].
    changed: [Model; CONTEXTS],
    /// By how much.
    pub difference: Tree<256>,
    /// A byte that is not copied.
    pub literal: Tree<256>,
    /// How many of them there are.
    pub literals: Number,
    /// How many bytes are copied.
    pub copies: Number,
    /// From where.
    pub source: Tree<8>,
    /// How far away that is.
    pub distance: Number,
    /// Whether the segment ends.
    pub end: Model,
}

impl Models {
    /// Nothing is known yet. No constant: that would be as long in the flash of an ECU.
    #[inline(never)]
    #[must_use]
    pub fn unlearned() -> Self {
        Self {
            changed: [Model::RARE; CONTEXTS],
            difference: [Model::EVEN; 256],
            literal: [Model::EVEN; 256],
            literals: [Model::EVEN; NUMBER],
            copies: [Model::EVEN; NUMBER],
            source: [Model::EVEN; 8],
            distance: [Model::EVEN; NUMBER],
            end: Model::RARE,
        }
    }

    /// What was learned is forgotten, where it stands.
    pub fn forget(&mut self) {
        let Self { changed, difference, literal, literals, copies, source, distance, end } = self;
        *changed = [Model::RARE; CONTEXTS];
        (*difference, *literal) = ([Model::EVEN; 256], [Model::EVEN; 256]);
        (*literals, *copies, *distance) = ([Model::EVEN; NUMBER], [Model::EVEN; NUMBER], [Model::EVEN; NUMBER]);
        *source = [Model::EVEN; 8];
        *end = Model::RARE;
    }

    /// Whether the byte of this context has changed.
    pub fn changed(&mut self, context: Context) -> Option<&mut Model> {
        let Context { before, changed } = context;
        let place = if changed == 0 { usize::from(before) } else { 255 + usize::from(changed) };
        self.changed.get_mut(place)
    }
}
