//! A key to sign reports with, where there is neither a heap nor room for a signature library.

use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::clamp_integer;
use sha2::{Digest as _, Sha512};

/// An Ed25519 key in memory (RFC 8032, 5.1). A chip that keeps the seed to itself is better.
///
/// What is secret is multiplied and reduced in constant time.
#[derive(Clone)]
pub struct ReportKey {
    seed: [u8; 32],
    public: [u8; 32],
}

impl ReportKey {
    /// The key of a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (secret, _) = expanded(seed);
        Self { seed: *seed, public: point(&secret) }
    }

    /// The public half.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The signature over these bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let (secret, prefix) = expanded(&self.seed);
        let nonce = challenge([&prefix, &[], message]);
        let commitment = point(&nonce);
        let challenge = challenge([&commitment, &self.public, message]);
        let proof = product_and(challenge.as_bytes(), secret.as_bytes(), nonce.as_bytes());
        let proof = Scalar::from_bytes_mod_order_wide(&proof);
        let mut signature = [0; 64];
        let (first, second) = signature.split_at_mut(32);
        first.copy_from_slice(&commitment);
        second.copy_from_slice(proof.as_bytes());
        signature
    }
}

/// The secret scalar, and what makes nonces secret.
fn expanded(seed: &[u8; 32]) -> (Scalar, [u8; 32]) {
    let hash: [u8; 64] = Sha512::digest(seed).into();
    let [scalar, prefix] = [hash.first_chunk(), hash.last_chunk()].map(|half| half.copied().unwrap_or_default());
    (crate::key::reduced(&clamp_integer(scalar)), prefix)
}

fn challenge(parts: [&[u8]; 3]) -> Scalar {
    let mut hash = Sha512::new();
    parts.into_iter().for_each(|part| hash.update(part));
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

fn point(scalar: &Scalar) -> [u8; 32] {
    EdwardsPoint::mul_base(scalar).compress().to_bytes()
}

/// The product of two numbers, and a third added to it, little endian. The library reduces it: its own operations on
/// scalars are 4 KiB of code, for one use in a report.
fn product_and(one: &[u8; 32], other: &[u8; 32], more: &[u8; 32]) -> [u8; 64] {
    let mut sum = [0; 64];
    sum.split_at_mut(32).0.copy_from_slice(more);
    for (shift, factor) in one.iter().enumerate() {
        let mut carry = 0;
        let digits = other.iter().copied().chain([0]);
        for (place, digit) in sum.iter_mut().skip(shift).zip(digits) {
            // At most 255 · 255 + 255 + 255, which is `u16::MAX`.
            let digits = u16::from(*factor) * u16::from(digit) + u16::from(*place) + u16::from(carry);
            [*place, carry] = digits.to_le_bytes();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_numbers_have_no_carry_left() {
        let mut expected = [0xff; 64];
        expected[..32].fill(0);
        assert_eq!(product_and(&[0xff; 32], &[0xff; 32], &[0xff; 32]), expected);
    }

    proptest! {
        #[test]
        fn it_signs_as_the_signature_library_does(seed: [u8; 32], message: Vec<u8>) {
            let (ours, theirs) = (ReportKey::from_seed(&seed), SigningKey::from_bytes(&seed));
            prop_assert_eq!(*ours.public(), theirs.verifying_key().to_bytes());
            prop_assert_eq!(ours.sign(&message), theirs.sign(&message).to_bytes());
        }

        #[test]
        fn a_product_and_a_sum_are_what_the_library_makes_of_them(numbers: [[u8; 32]; 3]) {
            let [a, b, c] = numbers.map(|number| crate::key::reduced(&number));
            let sum = product_and(a.as_bytes(), b.as_bytes(), c.as_bytes());
            prop_assert_eq!(Scalar::from_bytes_mod_order_wide(&sum), a * b + c);
        }
    }
}
