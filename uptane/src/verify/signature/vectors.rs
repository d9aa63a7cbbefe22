//! Signatures of ECDSA and RSA that OpenSSL made, and what must not pass for one.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::json::{Document, walk};
use crate::{Algorithm, Length, Role};

fn text(case: &[u8], field: &str) -> String {
    let quoted = core::str::from_utf8(walk::member(case, field).unwrap()).unwrap();
    quoted.trim_matches('"').replace("\\n", "\n")
}

fn bytes(case: &[u8], field: &str) -> Vec<u8> {
    let digits = text(case, field);
    let mut bytes = vec![0; digits.len() / 2];
    crate::hex::decode(&digits, &mut bytes).unwrap();
    bytes
}

#[test]
fn signatures_of_openssl_are_good_and_their_distortions_bad() {
    let cases = include_bytes!("../../../../tests/vectors/openssl-signatures.json");
    let cases = Document::read(Role::Root, cases, Length::new(1 << 20).unwrap()).unwrap();
    let mut seen = 0;
    for case in walk::elements(cases.bytes()) {
        let algorithm = Algorithm::of_scheme(&text(case, "algorithm")).unwrap();
        let key = PublicKey::parse(algorithm, &text(case, "public")).unwrap();
        let (message, signature) = (bytes(case, "message"), bytes(case, "signature"));
        let single = verify(&key, &message, &signature);
        assert_eq!(single.is_ok(), text(case, "good") == "true", "{}", text(case, "name"));
        for size in [1, 7, 64] {
            let streamed = SignatureStream::new(&key, &signature).and_then(|mut stream| {
                message.chunks(size).for_each(|piece| stream.update(piece));
                stream.finish()
            });
            assert_eq!(streamed, single, "{}", text(case, "name"));
        }
        seen += 1;
    }
    assert_eq!(seen, 27);
}

#[test]
fn a_signature_of_one_algorithm_is_none_of_another() {
    let cases = include_bytes!("../../../../tests/vectors/openssl-signatures.json");
    let cases = Document::read(Role::Root, cases, Length::new(1 << 20).unwrap()).unwrap();
    let key = PublicKey::Ed25519([7; 32]);
    for case in walk::elements(cases.bytes()) {
        assert_eq!(verify(&key, &bytes(case, "message"), &bytes(case, "signature")), Err(BadSignature));
    }
}
