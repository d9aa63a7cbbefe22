//! How tokens write curves, points and signatures of elliptic curves (PKCS#11 3.1 §6.3; RFC 5480, RFC 8410).

use uptane::PublicKey;

use crate::keys::Algorithm;

/// The algorithm of keys on the curve that `CKA_EC_PARAMS` names.
pub(super) fn algorithm_of(parameters: &[u8]) -> Option<Algorithm> {
    match () {
        () if parameters == P256 => Some(Algorithm::EcdsaP256),
        () if EDWARDS.contains(&parameters) => Some(Algorithm::Ed25519),
        () => None,
    }
}

/// `CKA_EC_PARAMS` of a key to be made.
pub(super) fn parameters_of(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::Ed25519 => EDWARDS_NAME,
        Algorithm::EcdsaP256 => P256,
    }
}

/// The key whose `CKA_EC_POINT` this is: as it is, or in an OCTET STRING or a BIT STRING, as modules differ in it.
pub(super) fn public_key(algorithm: Algorithm, point: &[u8]) -> Option<PublicKey> {
    match algorithm {
        Algorithm::Ed25519 => {
            let strip = |prefix: &[u8]| point.strip_prefix(prefix).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            strip(&[]).or_else(|| strip(&[0x04, 0x20])).or_else(|| strip(&[0x03, 0x21, 0x00])).map(PublicKey::Ed25519)
        }
        Algorithm::EcdsaP256 => {
            let strip = |prefix: &[u8]| point.strip_prefix(prefix).and_then(on_p256);
            strip(&[]).or_else(|| strip(&[0x04, 0x41])).or_else(|| strip(&[0x03, 0x42, 0x00])).map(PublicKey::EcdsaP256)
        }
    }
}

/// The signature r ‖ s of `CKM_ECDSA` as metadata has it, in DER.
pub(super) fn der_signature(raw: &[u8]) -> Option<Vec<u8>> {
    let signature = p256::ecdsa::Signature::from_slice(raw).ok()?;
    Some(signature.to_der().as_bytes().to_vec())
}

/// The coordinates of an uncompressed point (SEC 1 §2.3.3), if it is one of the curve.
fn on_p256(sec1: &[u8]) -> Option<[u8; 64]> {
    let coordinates = <[u8; 64]>::try_from(sec1.strip_prefix(&[0x04])?).ok()?;
    p256::ecdsa::VerifyingKey::from_sec1_bytes(sec1).ok().map(|_| coordinates)
}

/// The object identifier of P-256.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// A PrintableString with the name of the curve, which PKCS#11 3.0 began with and every module knows.
const EDWARDS_NAME: &[u8] = b"\x13\x0cedwards25519";
/// What else Ed25519 goes by: the object identifier of RFC 8410, and the older one of GnuPG's cards.
const EDWARDS: [&[u8]; 3] = [
    EDWARDS_NAME,
    &[0x06, 0x03, 0x2b, 0x65, 0x70],
    &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01],
];

#[cfg(test)]
mod tests {
    use uptane::sign::{MemorySigner, Signer as _};

    use super::*;

    #[test]
    fn every_wrapping_of_a_point_is_the_same_key() {
        let bytes = [7; 32];
        for prefix in [[].as_slice(), &[0x04, 0x20], &[0x03, 0x21, 0x00]] {
            let point = [prefix, &bytes].concat();
            assert_eq!(public_key(Algorithm::Ed25519, &point), Some(PublicKey::Ed25519(bytes)));
        }
        let PublicKey::EcdsaP256(xy) = MemorySigner::from_p256_scalar(&[7; 32]).unwrap().public_key() else { panic!() };
        for prefix in [[0x04].as_slice(), &[0x04, 0x41, 0x04], &[0x03, 0x42, 0x00, 0x04]] {
            let point = [prefix, &xy].concat();
            assert_eq!(public_key(Algorithm::EcdsaP256, &point), Some(PublicKey::EcdsaP256(xy)));
        }
    }

    #[test]
    fn a_point_beside_the_curve_is_no_key() {
        assert_eq!(public_key(Algorithm::EcdsaP256, &[&[0x04, 0x41, 0x04], [7; 64].as_slice()].concat()), None);
    }

    #[test]
    fn another_curve_is_of_no_algorithm_here() {
        // P-384.
        assert_eq!(algorithm_of(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]), None);
        assert_eq!(algorithm_of(b"\x13\x0aedwards448"), None);
    }

    #[test]
    fn a_signature_of_numbers_out_of_range_is_none() {
        assert_eq!(der_signature(&[0; 64]), None);
        assert_eq!(der_signature(&[1; 63]), None);
        assert_eq!(der_signature(&[[1; 32], [0x80; 32]].concat()).unwrap()[..2], [0x30, 0x45]);
    }
}
