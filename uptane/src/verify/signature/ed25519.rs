//! Ed25519 (design D4): S is below the group order; the key A and the point R are encoded canonically and not of small
//! order; the equation is the one without cofactor, `R = S·B − k·A`.
//!
//! The rule is put together here from the arithmetic of `curve25519-dalek`: no feature of a signature library can then
//! make it another, and a small ECU has one of its modular multiplications in flash instead of three.

use curve25519_dalek::Scalar;
#[cfg(any(not(feature = "alloc"), test))]
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use sha2::Digest as _;
use sha2::digest::Output;
use sha2::digest::block_api::{Block, Buffer, EagerHash, FixedOutputCore as _, UpdateCore as _};

use super::BadSignature;

type Core = <sha2::Sha512 as EagerHash>::Core;

/// A signature that claims to be of a key. SHA-512 of R, A and the message stands in it but for the bytes of the message
/// that fill no block yet: these are the same for all, and [`Message`] has them.
#[derive(Clone)]
pub(super) struct Claim {
    /// R and A.
    prefix: [u8; PREFIX],
    /// S.
    scalar: [u8; 32],
    sha512: Core,
}

impl Claim {
    pub(super) fn new(key: &[u8; 32], signature: &[u8]) -> Option<Self> {
        let (point, scalar) = signature.split_first_chunk::<32>()?;
        let scalar = scalar.try_into().ok()?;
        // The equation compares R with the canonical encoding of what it should be, so an R that is no point, or is
        // written in another way, fails there; nothing needs it decompressed.
        if is_of_small_order(point) || is_of_small_order(key) || !is_below_p(key) {
            return None;
        }
        let mut prefix = [0; PREFIX];
        prefix.iter_mut().zip(point.iter().chain(key)).for_each(|(to, from)| *to = *from);
        Some(Self { prefix, scalar, sha512: Core::default() })
    }

    pub(super) fn update(&mut self, Blocks { blocks, are_first }: Blocks<'_>) {
        let mut is_first = are_first;
        for block in blocks {
            let mut block = *block;
            if core::mem::take(&mut is_first) {
                block.iter_mut().zip(&self.prefix).for_each(|(to, from)| *to = *from);
            }
            self.sha512.update_blocks(core::slice::from_ref(&block));
        }
    }

    /// k.
    #[inline(never)]
    fn challenge(&self, message: &Message) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.digest(message).into())
    }

    /// SHA-512 of R, A and the message.
    fn digest(&self, message: &Message) -> Output<Core> {
        if !message.is_begun {
            let tail = message.rest.get_data().get(PREFIX..).unwrap_or_default();
            return sha2::Sha512::new_with_prefix(self.prefix).chain_update(tail).finalize();
        }
        let (mut sha512, mut digest) = (self.sha512.clone(), Output::<Core>::default());
        sha512.finalize_fixed_core(&mut message.rest.clone(), &mut digest);
        digest
    }

    #[inline(never)]
    pub(super) fn verify(&self, message: &Message) -> Result<(), BadSignature> {
        let (point, key) = self.prefix.split_first_chunk().ok_or(BadSignature)?;
        let key = key.first_chunk().ok_or(BadSignature)?;
        let s = below_the_order(&self.scalar).ok_or(BadSignature)?;
        if expected_r(self.challenge(message), key, &s) == Some(*point) { Ok(()) } else { Err(BadSignature) }
    }
}

/// What claims of Ed25519 have in common: a message, as far as it fills no block of SHA-512 yet.
pub(super) struct Message {
    rest: Buffer<Core>,
    /// Whether a block was full.
    is_begun: bool,
}

impl Message {
    #[inline(never)]
    pub(super) fn new() -> Self {
        let mut rest = Buffer::<Core>::default();
        rest.digest_blocks(&[0; PREFIX], |_| {});
        Self { rest, is_begun: false }
    }

    /// Takes the next bytes, and gives on what is full.
    pub(super) fn update(&mut self, bytes: &[u8], mut full: impl FnMut(Blocks<'_>)) {
        let Self { rest, is_begun } = self;
        rest.digest_blocks(bytes, |blocks| full(Blocks { blocks, are_first: !core::mem::replace(is_begun, true) }));
    }
}

/// Blocks of a message; the first of all leaves room for R and A.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'b> {
    blocks: &'b [Block<Core>],
    are_first: bool,
}

/// Length of R and A.
const PREFIX: usize = 64;

/// The R of a signature whose S and k are these, encoded; none if the key is no point.
#[inline(never)]
fn expected_r(k: Scalar, key: &[u8; 32], s: &Scalar) -> Option<[u8; 32]> {
    let key = negated(key)?;
    Some(sum(&k, &key, s).compress().to_bytes())
}

#[cfg(feature = "alloc")]
use sum_in_one_pass as sum;
#[cfg(not(feature = "alloc"))]
use sum_of_products as sum;

/// `k·A + S·B`, over tables of both.
#[cfg(feature = "alloc")]
fn sum_in_one_pass(k: &Scalar, a: &EdwardsPoint, s: &Scalar) -> EdwardsPoint {
    EdwardsPoint::vartime_double_scalar_mul_basepoint(k, a, s)
}

/// The same where there is little room: one product after the other, in half of the stack and with the code that signs,
/// takes not quite twice as long.
#[cfg(any(not(feature = "alloc"), test))]
fn sum_of_products(k: &Scalar, a: &EdwardsPoint, s: &Scalar) -> EdwardsPoint {
    k * a + s * ED25519_BASEPOINT_POINT
}

/// −A. Not made part of its caller, and nor is what follows: the multiplication has most of the stack for itself.
#[inline(never)]
fn negated(key: &[u8; 32]) -> Option<EdwardsPoint> {
    CompressedEdwardsY(*key).decompress().map(|point| -point)
}

/// The number these bytes stand for, if it is below the group order: what reducing it leaves as it is.
fn below_the_order(bytes: &[u8; 32]) -> Option<Scalar> {
    let number = crate::key::reduced(bytes);
    (number.as_bytes() == bytes).then_some(number)
}

/// Whether y, the low 255 bits, is less than the prime p = 2^255 − 19. With that, the one encoding that is not canonical
/// is a sign without an x, and x is 0 only where the order is 1 or 2: [`is_of_small_order`] knows both spellings.
fn is_below_p(encoding: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = encoding;
    !(*first >= 0xed && middle.iter().all(|byte| *byte == 0xff) && last & 0x7f == 0x7f)
}

/// Whether this encodes a point of small order with y below p. The sign of x makes no difference: −P has the order of P.
fn is_of_small_order(encoding: &[u8; 32]) -> bool {
    let [rest @ .., last] = encoding;
    SMALL_ORDER.iter().any(|[small @ .., small_last]| rest == small && last & 0x7f == *small_last)
}

/// The y of the points whose order divides 8, the cofactor.
const SMALL_ORDER: [[u8; 32]; 5] = [
    // Order 1: y = 1.
    [
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    // Order 2: y = −1.
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    // Order 4: y = 0.
    [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    // Order 8.
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_to_the_sum_lead_to_the_same_point(a: [u8; 32], k: [u8; 32], s: [u8; 32], torsion in 0_usize..8) {
            let [a, k, s] = [a, k, s].map(Scalar::from_bytes_mod_order);
            // Of mixed order, or none.
            let a = EdwardsPoint::mul_base(&a) + EIGHT_TORSION[torsion];
            prop_assert_eq!(sum_in_one_pass(&k, &a, &s), sum_of_products(&k, &a, &s));
        }
    }
}
