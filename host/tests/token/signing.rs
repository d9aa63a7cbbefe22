//! What keys on a token sign.

use std::sync::Arc;
use std::thread;

use host::keys::{Algorithm, Token};
use uptane::sign::{FileInfo, KeySet, Signer as _, TimestampBuilder};
use uptane::{Time, Version};

use super::{key, on_token, pin};

/// A Timestamp that `signer` signed; the builder verifies every signature.
fn signed_timestamp(signer: &Token) -> Vec<u8> {
    let keys = KeySet::new([signer.public_key()], 1).unwrap();
    let snapshot = FileInfo::of(Version::new(1).unwrap(), b"snapshot").unwrap();
    TimestampBuilder::image(Version::new(1).unwrap(), Time::MAX, snapshot).sign(&keys, &[signer]).unwrap()
}

#[test]
fn a_key_made_on_the_token_signs_metadata() {
    on_token("signing::a_key_made_on_the_token_signs_metadata", |_| {
        for (label, algorithm) in [("ed", Algorithm::Ed25519), ("p256", Algorithm::EcdsaP256)] {
            let made = Token::generate(&key(label), algorithm, &pin()).unwrap();
            signed_timestamp(&made);
        }
    });
}

#[test]
fn a_key_is_found_again_by_its_label_and_by_the_name_it_was_given() {
    on_token("signing::a_key_is_found_again_by_its_label_and_by_the_name_it_was_given", |_| {
        let made = Token::generate(&key("root"), Algorithm::Ed25519, &pin()).unwrap();
        let (name, public) = (made.uri().clone(), made.public_key());
        drop(made);
        for uri in [key("root"), name] {
            let opened = Token::open(&uri, &pin()).unwrap();
            assert_eq!(opened.public_key(), public);
            signed_timestamp(&opened);
        }
    });
}

#[test]
fn the_public_half_is_read_without_the_pin() {
    on_token("signing::the_public_half_is_read_without_the_pin", |_| {
        let public = Token::generate(&key("root"), Algorithm::EcdsaP256, &pin()).unwrap().public_key();
        assert_eq!(Token::public_of(&key("root")).unwrap(), public);
    });
}

#[test]
fn the_keys_of_a_token_are_listed_without_the_pin() {
    on_token("signing::the_keys_of_a_token_are_listed_without_the_pin", |_| {
        let made = ["a", "b"].map(|label| Token::generate(&key(label), Algorithm::Ed25519, &pin()).unwrap());
        let mut listed = Token::list(&super::uri("token=convoy")).unwrap();
        listed.sort_by_key(|key| key.uri.object().map(str::to_owned));
        let listed: Vec<_> = listed.into_iter().map(|key| (key.uri, key.public)).collect();
        assert_eq!(listed, made.map(|key| (key.uri().clone(), Some(key.public_key()))));
    });
}

#[test]
fn two_keys_of_one_token_sign_side_by_side() {
    on_token("signing::two_keys_of_one_token_sign_side_by_side", |_| {
        let made = ["a", "b"].map(|label| Token::generate(&key(label), Algorithm::Ed25519, &pin()).unwrap());
        let [a, b] = made;
        signed_timestamp(&a);
        signed_timestamp(&b);
        drop(a);
        // The session of the other one is still logged in.
        signed_timestamp(&b);
    });
}

#[test]
fn threads_share_one_key() {
    on_token("signing::threads_share_one_key", |_| {
        let made = Arc::new(Token::generate(&key("root"), Algorithm::EcdsaP256, &pin()).unwrap());
        let threads = [(); 4].map(|()| {
            let made = Arc::clone(&made);
            thread::spawn(move || (0..8).for_each(|_| drop(signed_timestamp(&made))))
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_token_whose_last_key_is_dropped_is_closed_again() {
    on_token("signing::a_token_whose_last_key_is_dropped_is_closed_again", |_| {
        drop(Token::generate(&key("root"), Algorithm::Ed25519, &pin()).unwrap());
        // An open token would take any PIN.
        assert!(Token::open(&key("root"), &super::passphrase("000000")).is_err());
    });
}
