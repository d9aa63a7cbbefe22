//! Texts of keys, as OpenSSL writes them and as they must not be.

use alloc::format;
use alloc::string::{String, ToString as _};

use super::*;
use crate::sign::Signer as _;
use crate::testing::signer;

const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
";

fn both() -> [PublicKey; 2] {
    ["ecdsa one", "rsa one"].map(|label| signer(label).public_key())
}

#[test]
fn a_key_reads_as_it_was_written() {
    for key in both() {
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key.clone()));
        assert_eq!(PublicKey::parse(key.algorithm(), &text), Ok(key));
    }
    let generator = P256.parse::<PublicKey>().unwrap();
    assert_eq!(generator.to_string(), P256);
    assert!(format!("{generator:?}").starts_with("EcdsaP256(6b17d1f2"));
}

#[test]
fn lines_may_be_wrapped_otherwise() {
    for key in both() {
        let text = key.to_string();
        for other in [text.replace('\n', "\r\n"), text.trim_end().into(), unwrapped(&text)] {
            assert_eq!(other.parse(), Ok(key.clone()), "{other}");
        }
    }
}

fn unwrapped(text: &str) -> String {
    text.lines().enumerate().fold(String::new(), |text, (index, line)| match (index, line.starts_with('-')) {
        (0, _) => format!("{line}\n"),
        (_, true) => format!("{text}\n{line}"),
        (_, false) => format!("{text}{line}"),
    })
}

#[test]
fn other_texts_are_no_keys() {
    let faults: [(&str, &str); 7] = [
        ("-----BEGIN PUBLIC", "-----BEGIN EC PUBLIC"),
        ("MFkw", "MFkx"),
        ("MFkw", "MFk"),
        ("MFkw", "MFk!"),
        ("9Q==", "9R=="),
        ("9Q==", "9Q="),
        // A point that is not of the curve.
        ("wpZP40L", "wpZP41L"),
    ];
    for (from, to) in faults {
        let text = P256.replace(from, to);
        assert_ne!(text, P256);
        assert_eq!(text.parse::<PublicKey>(), Err(Error::BadKey), "{text}");
    }
    assert_eq!(PublicKey::parse(Algorithm::RsaPss, P256), Err(Error::BadKey));
    assert_eq!(PublicKey::parse(Algorithm::EcdsaP256, &both()[1].to_string()), Err(Error::BadKey));
}

#[test]
fn rsa_keys_of_other_lengths_are_not_taken() {
    use ::rsa::pkcs8::EncodePublicKey as _;
    use ::rsa::{BoxedUint, RsaPublicKey};

    for (bits, is_taken) in
        [(1_024, false), (2_040, false), (2_048, true), (2_049, false), (4_096, true), (4_104, false)]
    {
        let one = BoxedUint::one_with_precision(bits);
        let modulus = (one.clone() << (bits - 1)) | one;
        let key = RsaPublicKey::new_with_size_limits(modulus, BoxedUint::from(65_537_u64), 1_024..=8_192).unwrap();
        assert_eq!(RsaKey::new(key.clone()).is_some(), is_taken, "{bits}");
        let mut text = String::new();
        pem::write(&mut text, key.to_public_key_der().unwrap().as_bytes()).unwrap();
        assert_eq!(PublicKey::parse(Algorithm::RsaPss, &text).is_ok(), is_taken, "{bits}");
    }
}
