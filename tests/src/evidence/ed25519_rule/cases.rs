//! Keys and signatures made to tell verifiers apart.
//!
//! The twelve kinds are those of the Speccheck vectors (Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs", 2020),
//! built here from scratch: whoever chooses A, R and S freely chooses the orders of the points, which equation holds, and
//! how each is written.

use anyhow::{Context, Result, bail};
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use num_bigint::BigUint;
use sha2::{Digest as _, Sha512};

/// One question to a verifier.
pub(super) struct Case {
    pub(super) key: [u8; 32],
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Seeded chance.
pub(super) struct Random {
    seed: u64,
    at: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, at: 0 }
    }

    fn block(&mut self) -> [u8; 64] {
        self.at += 1;
        Sha512::new().chain_update(self.seed.to_be_bytes()).chain_update(self.at.to_be_bytes()).finalize().into()
    }

    fn scalar(&mut self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.block())
    }

    fn message(&mut self) -> Vec<u8> {
        self.block().split_at(32).0.to_vec()
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        let [first, second, ..] = self.block();
        usize::from(u16::from_be_bytes([first, second])) % limit
    }

    /// A point of small order, other than the neutral one.
    fn small(&mut self) -> EdwardsPoint {
        torsion(1 + self.below(7))
    }
}

/// The multiple of a point of order 8.
fn torsion(index: usize) -> EdwardsPoint {
    EIGHT_TORSION.get(index % 8).copied().unwrap_or_default()
}

/// What a case is made of: A = a·B + small part, R = r·B + small part.
struct Plan {
    a: Scalar,
    a_small: EdwardsPoint,
    r: Scalar,
    r_small: EdwardsPoint,
    /// How A is written, where not canonically.
    key: Option<[u8; 32]>,
    /// How R is written, where not canonically.
    commitment: Option<[u8; 32]>,
    /// Whether the challenge is over what is written, or over the canonical encodings.
    hash_as_written: bool,
    /// Whether the equation shall hold without the cofactor too.
    cofactorless: bool,
}

impl Plan {
    fn of(random: &mut Random) -> Self {
        let (a, r) = (random.scalar(), random.scalar());
        let (a_small, r_small) = (EdwardsPoint::default(), EdwardsPoint::default());
        Self { a, a_small, r, r_small, key: None, commitment: None, hash_as_written: true, cofactorless: true }
    }

    /// Looks for a message with the property, and signs it.
    fn make(&self, random: &mut Random) -> Result<Case> {
        let key = EdwardsPoint::mul_base(&self.a) + self.a_small;
        let commitment = EdwardsPoint::mul_base(&self.r) + self.r_small;
        let (plain_key, plain_commitment) = (key.compress().to_bytes(), commitment.compress().to_bytes());
        let written = (self.key.unwrap_or(plain_key), self.commitment.unwrap_or(plain_commitment));
        let hashed = if self.hash_as_written { written } else { (plain_key, plain_commitment) };
        for _ in 0..TRIES {
            let message = random.message();
            let k = challenge(&hashed.1, &hashed.0, &message);
            let holds = self.r_small + k * self.a_small == EdwardsPoint::default();
            if holds == self.cofactorless {
                let signature = [written.1, (self.r + k * self.a).to_bytes()].concat();
                return Ok(Case { key: written.0, message, signature });
            }
        }
        bail!("no message gives such a case")
    }
}

fn challenge(commitment: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(commitment).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// The twelve kinds, and whether the rule accepts them.
pub(super) const KINDS: [(&str, bool); 12] = [
    ("0  A and R of small order, S = 0", false),
    ("1  A of small order", false),
    ("2  R of small order", false),
    ("3  A and R of mixed order, both equations hold", true),
    ("4  A and R of mixed order, only with the cofactor", false),
    ("5  A of mixed order, only with the cofactor", false),
    ("6  S is not below the group order", false),
    ("7  S is far above the group order", false),
    ("8  R not canonical, hashed as it should be written", false),
    ("9  R not canonical, hashed as written", false),
    ("10 A not canonical, hashed as it should be written", false),
    ("11 A not canonical, hashed as written", false),
];

/// A case of this kind.
pub(super) fn of_kind(kind: usize, random: &mut Random) -> Result<Case> {
    let (plain, other) = (Plan::of(random), random.small());
    let bent = *BENT.get(random.below(BENT.len())).context("an index below its length")?;
    let point = CompressedEdwardsY(bent).decompress().context("a point")?;
    let (zero, hash_as_written) = (Scalar::ZERO, kind % 2 == 1);
    let plan = match kind {
        0 => Plan { a: zero, a_small: torsion(1), r: zero, r_small: other, ..plain },
        1 => Plan { a: zero, a_small: torsion(1), r_small: other, ..plain },
        2 => Plan { a_small: torsion(1), r: zero, r_small: other, ..plain },
        3 => Plan { a_small: torsion(1), r_small: other, ..plain },
        4 => Plan { a_small: torsion(1), r_small: other, cofactorless: false, ..plain },
        5 => Plan { a_small: other, cofactorless: false, ..plain },
        6 | 7 => plain,
        8 | 9 => {
            Plan { a_small: torsion(1), r: zero, r_small: point, commitment: Some(bent), hash_as_written, ..plain }
        }
        _ => Plan { a: zero, a_small: point, r_small: -point, key: Some(bent), hash_as_written, ..plain },
    };
    let case = plan.make(random)?;
    match kind {
        6 => raised(case, 1),
        7 => raised(case, 14),
        _ => Ok(case),
    }
}

/// The case with so many group orders added to S.
fn raised(case: Case, times: u8) -> Result<Case> {
    let Case { key, message, mut signature } = case;
    let s = BigUint::from_bytes_le(&signature.split_off(32));
    let order = BigUint::from_bytes_le(&(-Scalar::ONE).to_bytes()) + 1_u8;
    let mut bytes = (s + order * times).to_bytes_le();
    bytes.resize(32, 0);
    signature.extend(bytes);
    Ok(Case { key, message, signature })
}

/// A key and a commitment with every combination of small parts; where it can be had, once with an equation that holds
/// without the cofactor and once with one that does not.
pub(super) fn mixed(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for (a, r, cofactorless) in (0..128).map(|index| (index / 16, index / 2 % 8, index % 2 == 0)) {
        let plan = Plan { a_small: torsion(a), r_small: torsion(r), cofactorless, ..Plan::of(random) };
        cases.extend(plan.make(random).ok());
    }
    cases
}

/// Every way to write a point of small order, once as A beside an honest R and once as R beside an honest A, S chosen so
/// that the equation holds if the challenge allows.
pub(super) fn small_encodings(random: &mut Random) -> Result<Vec<Case>> {
    let canonical = (0..8).map(|index| torsion(index).compress().to_bytes());
    let mut cases = Vec::new();
    for written in canonical.chain(BENT) {
        let point = CompressedEdwardsY(written).decompress().context("a point")?;
        let plain = Plan::of(random);
        cases
            .push(Plan { a: Scalar::ZERO, a_small: point, r_small: -point, key: Some(written), ..plain }.make(random)?);
        let (plain, r) = (Plan::of(random), Scalar::ZERO);
        let a_small = torsion(1);
        cases.push(Plan { r, r_small: point, a_small, commitment: Some(written), ..plain }.make(random)?);
    }
    Ok(cases)
}

/// An honest signature.
pub(super) fn honest(random: &mut Random) -> Result<Case> {
    Plan::of(random).make(random)
}

/// An honest signature with a flipped bit in key, message or signature.
pub(super) fn flipped(random: &mut Random) -> Result<Case> {
    let mut case = honest(random)?;
    let (part, place, bit) = (random.below(3), random.below(32), random.below(8));
    let bytes: &mut [u8] = match part {
        0 => &mut case.key,
        1 => &mut case.message,
        _ => &mut case.signature,
    };
    *bytes.get_mut(place).context("32 bytes")? ^= 1 << bit;
    Ok(case)
}

/// The other spellings of points of small order: y = p and y = p + 1 with either sign, and a sign where x is 0.
const BENT: [[u8; 32]; 6] = [
    spelling(0xed, 0xff, 0x7f),
    spelling(0xed, 0xff, 0xff),
    spelling(0xee, 0xff, 0x7f),
    spelling(0xee, 0xff, 0xff),
    spelling(0x01, 0x00, 0x80),
    spelling(0xec, 0xff, 0xff),
];

const fn spelling(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    let [begin, .., end] = &mut bytes;
    (*begin, *end) = (first, last);
    bytes
}

/// Messages to look through: of eight challenges one fits, where one can.
const TRIES: u32 = 400;
