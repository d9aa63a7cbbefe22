//! Ed25519 (design D4): S is below the group order; the key A and the point R are encoded canonically and not of small
//! order; the equation is the one without cofactor, `R = S·B − k·A`.
//!
//! The rule is put together here from the arithmetic of `curve25519-dalek`: no feature of a signature library can then
//! make it another, and a small ECU has one of its modular multiplications in flash instead of three.

use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use sha2::{Digest as _, Sha512};

use super::BadSignature;

pub(super) struct Stream {
    hash: Sha512,
    key: [u8; 32],
    r: [u8; 32],
    s: Scalar,
}

impl Stream {
    /// Begins. Whether the key is a point at all is found out at the end: nothing large has to be kept until then.
    pub(super) fn new(key: &[u8; 32], signature: &[u8]) -> Result<Self, BadSignature> {
        let (r, s) = signature.split_first_chunk().ok_or(BadSignature)?;
        // The equation compares R with the canonical encoding of what it should be, so an R that is no point, or is
        // written in another way, fails there; nothing needs it decompressed.
        if is_of_small_order(r) || is_of_small_order(key) || !is_below_p(key) {
            return Err(BadSignature);
        }
        let s = below_the_order(s.try_into().map_err(|_| BadSignature)?).ok_or(BadSignature)?;
        let hash = Sha512::new().chain_update(r).chain_update(key);
        Ok(Self { hash, key: *key, r: *r, s })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    pub(super) fn finish(self) -> Result<(), BadSignature> {
        let key = CompressedEdwardsY(self.key).decompress().ok_or(BadSignature)?;
        let k = Scalar::from_bytes_mod_order_wide(&self.hash.finalize().into());
        let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &-key, &self.s);
        if expected.compress().to_bytes() == self.r { Ok(()) } else { Err(BadSignature) }
    }
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
