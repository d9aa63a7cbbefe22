//! The Ed25519 rule, on vectors and on keys made to tell verifiers apart.

use alloc::vec::Vec;

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};

use super::*;
use crate::json::walk;
use crate::{Role, Sha512};

/// The rule over a stream with pieces of this size, and over the whole message, which must agree.
fn accepts(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let key = PublicKey::Ed25519(*key);
    let single = verify(&key, message, signature);
    for size in 1..=message.len() {
        let streamed = SignatureStream::new(&key, signature).and_then(|mut stream| {
            message.chunks(size).for_each(|piece| stream.update(piece));
            stream.finish()
        });
        assert_eq!(streamed, single, "pieces of {size}");
    }
    single.is_ok()
}

fn hex<const N: usize>(case: &[u8], field: &str) -> [u8; N] {
    let mut bytes = [0; N];
    crate::hex::decode(walk::member(case, field).and_then(walk::text).unwrap(), &mut bytes).unwrap();
    bytes
}

#[test]
fn of_the_speccheck_cases_only_the_one_without_a_trick_is_accepted() {
    let cases = include_bytes!("../../../../tests/vectors/ed25519-speccheck-cases.json");
    let limit = crate::Length::new(1 << 20).unwrap();
    let cases = crate::json::Document::read(Role::Root, cases, limit).unwrap();
    let accepted: Vec<_> = walk::elements(cases.bytes())
        .map(|case| accepts(&hex(case, "pub_key"), &hex::<32>(case, "message"), &hex(case, "signature")))
        .collect();
    // Cases 0-2: small order. 4, 5: good only with the cofactor. 6, 7: large S. 8-11: encodings not canonical.
    // Case 3: key and R of mixed order, and the equation without cofactor holds.
    let expected: Vec<_> = (0..12).map(|case| case == 3).collect();
    assert_eq!(accepted, expected);
}

#[test]
fn a_key_of_mixed_order_is_judged_alike_in_one_piece_and_in_many() {
    let secret = ExpandedSecretKey::from(&[7; 32]);
    let small = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let mut torsion = [0; 32];
    crate::hex::decode(small, &mut torsion).unwrap();
    let torsion = VerifyingKey::from_bytes(&torsion).unwrap();
    assert!(torsion.is_weak());
    let mixed = VerifyingKey::from(VerifyingKey::from(&secret).to_edwards() + torsion.to_edwards());

    let mut accepted = 0;
    for message in 0..64_u8 {
        let signature = raw_sign::<sha2::Sha512>(&secret, &[message], &mixed);
        let strict = mixed.verify_strict(&[message], &signature).is_ok();
        assert_eq!(accepts(mixed.as_bytes(), &[message], &signature.to_bytes()), strict);
        accepted += u8::from(strict);
    }
    // The equation without cofactor holds where the challenge is a multiple of the torsion's order.
    assert!((1..64).contains(&accepted), "{accepted}");
}

#[test]
fn any_changed_bit_makes_a_signature_bad() {
    let secret = ExpandedSecretKey::from(&[7; 32]);
    let key = VerifyingKey::from(&secret);
    let message = Sha512::of(b"a message").0;
    let good = raw_sign::<sha2::Sha512>(&secret, &message, &key).to_bytes();
    assert!(verify(&PublicKey::Ed25519(key.to_bytes()), &message, &good).is_ok());
    for bit in 0..512 {
        let mut bad = good;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(verify(&PublicKey::Ed25519(key.to_bytes()), &message, &bad), Err(BadSignature), "bit {bit}");
    }
}

#[test]
fn a_message_of_any_length_is_good_as_it_was_signed() {
    let secret = ExpandedSecretKey::from(&[7; 32]);
    let key = VerifyingKey::from(&secret);
    let message: Vec<u8> = (0..=255).cycle().take(600).collect();
    for length in (0..=260).chain([319, 320, 321, 447, 448, 449, 600]) {
        let message = &message[..length];
        let good = raw_sign::<sha2::Sha512>(&secret, message, &key).to_bytes();
        assert_eq!(verify(&PublicKey::Ed25519(key.to_bytes()), message, &good), Ok(GoodSignature(())), "{length}");
        let (front, back) = message.split_at(length / 3);
        let mut stream = SignatureStream::new(&PublicKey::Ed25519(key.to_bytes()), &good).unwrap();
        [front, back].into_iter().for_each(|piece| stream.update(piece));
        assert_eq!(stream.finish(), Ok(GoodSignature(())), "{length}");
    }
}

#[test]
fn no_spelling_of_a_point_of_small_order_is_taken_for_a_key_or_a_commitment() {
    let order_8 = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    let spelt = |first: u8, middle: u8, last: u8| {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    // y = 0, 1, −1, and 0 and 1 written as p and p + 1.
    let mut spellings = [(0, 0, 0), (1, 0, 0), (0xec, 0xff, 0x7f), (0xed, 0xff, 0x7f), (0xee, 0xff, 0x7f)]
        .map(|(first, middle, last)| spelt(first, middle, last))
        .to_vec();
    for text in order_8 {
        let mut bytes = [0; 32];
        crate::hex::decode(text, &mut bytes).unwrap();
        spellings.push(bytes);
    }
    for spelling in spellings.into_iter().flat_map(|y| [0, 0x80].map(|sign| (y, sign))) {
        let (mut point, sign) = spelling;
        point[31] |= sign;
        assert!(VerifyingKey::from_bytes(&point).unwrap().is_weak(), "{point:x?}");
        // With S = 0 the equation is R = −k·A, which points of small order meet now and then.
        for message in 0..32_u8 {
            let signature = <[u8; 64]>::try_from([point, [0; 32]].concat()).unwrap();
            assert!(!accepts(&point, &[message], &signature));
        }
    }
}
