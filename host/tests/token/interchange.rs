//! What other programs make of keys on a token, and the other way round.

use std::fs;
use std::path::Path;

use host::keys::{Algorithm, Token, parse_public_pem, public_pem};
use uptane::sign::Signer as _;

use super::{PIN, key, on_token, openssl, pin, softhsm};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Has openssl verify what `signer` signs.
fn check_with_openssl(folder: &Path, signer: &Token, verify: &[&str]) {
    let [message, signature, public] = ["message", "signature", "public.pem"].map(|name| folder.join(name));
    fs::write(&message, b"what is signed").unwrap();
    fs::write(&signature, signer.sign(b"what is signed").unwrap()).unwrap();
    fs::write(&public, public_pem(&signer.public_key())).unwrap();
    let files = ["-inkey", text(&public), "-in", text(&message), "-sigfile", text(&signature)];
    let said = openssl(&[["pkeyutl", "-verify", "-pubin", "-rawin"].as_slice(), verify, &files].concat());
    assert_eq!(said, "Signature Verified Successfully\n");
}

#[test]
fn openssl_verifies_what_an_ed25519_key_on_the_token_signs() {
    on_token("interchange::openssl_verifies_what_an_ed25519_key_on_the_token_signs", |folder| {
        let made = Token::generate(&key("root"), Algorithm::Ed25519, &pin()).unwrap();
        check_with_openssl(folder, &made, &[]);
    });
}

#[test]
fn openssl_verifies_what_a_p256_key_on_the_token_signs() {
    on_token("interchange::openssl_verifies_what_a_p256_key_on_the_token_signs", |folder| {
        let made = Token::generate(&key("root"), Algorithm::EcdsaP256, &pin()).unwrap();
        check_with_openssl(folder, &made, &["-digest", "sha256"]);
    });
}

/// A key of openssl's making, put onto the token by SoftHSM's own tool.
fn imported(folder: &Path, arguments: &[&str]) -> Token {
    let path = folder.join("key.pem");
    openssl(&[["genpkey", "-out", text(&path)].as_slice(), arguments].concat());
    let named = ["--token", "convoy", "--label", "theirs", "--id", "0a0b", "--pin", PIN];
    softhsm(&folder.join("softhsm2.conf"), &[["--import", text(&path)].as_slice(), &named].concat());
    let opened = Token::open(&key("theirs"), &pin()).unwrap();
    let public = openssl(&["pkey", "-in", text(&path), "-pubout"]);
    assert_eq!(opened.public_key(), parse_public_pem(&public).unwrap());
    opened
}

#[test]
fn a_p256_key_that_was_put_onto_the_token_signs() {
    on_token("interchange::a_p256_key_that_was_put_onto_the_token_signs", |folder| {
        let opened = imported(folder, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        check_with_openssl(folder, &opened, &["-digest", "sha256"]);
    });
}

#[test]
fn an_ed25519_key_that_was_put_onto_the_token_signs() {
    on_token("interchange::an_ed25519_key_that_was_put_onto_the_token_signs", |folder| {
        let opened = imported(folder, &["-algorithm", "ED25519"]);
        check_with_openssl(folder, &opened, &[]);
    });
}
