//! What a token refuses, each refusal by its name.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use host::cli::Report as _;
use host::keys::{Algorithm, Token, TokenError, TokenUri, Tries};

use super::{MODULE, PIN, key, make_token, on_token, passphrase, pin, refusal, uri};

#[test]
fn a_wrong_pin_is_named_and_says_that_it_is_counted() {
    on_token("refusals::a_wrong_pin_is_named_and_says_that_it_is_counted", |_| {
        Token::generate(&key("root"), Algorithm::Ed25519, &pin()).unwrap();
        let error = refusal(Token::open(&key("root"), &passphrase("654321")));
        assert!(matches!(error, TokenError::Pin { tries: Tries::Counted, .. }), "{error:?}");
        assert!(error.advice().contains("--list-slots"));
    });
}

#[test]
fn a_token_that_is_not_there_is_named_beside_those_that_are() {
    on_token("refusals::a_token_that_is_not_there_is_named_beside_those_that_are", |_| {
        let error = refusal(Token::open(&uri("token=other;object=root"), &pin()));
        assert!(matches!(&error, TokenError::NoToken { seen, .. } if seen == &["convoy"]), "{error:?}");
    });
}

#[test]
fn two_tokens_of_one_label_are_told_apart_by_their_serial_number() {
    on_token("refusals::two_tokens_of_one_label_are_told_apart_by_their_serial_number", |folder| {
        make_token(&folder.join("softhsm2.conf"), "convoy");
        let error = refusal(Token::list(&uri("token=convoy")));
        assert!(matches!(error, TokenError::Ambiguous { what: "tokens", found: 2, .. }), "{error:?}");
        let module = started();
        let slots = module.get_slots_with_initialized_token().unwrap();
        let info = module.get_token_info(slots[0]).unwrap();
        assert_eq!(Token::list(&uri(&format!("token=convoy;serial={}", info.serial_number()))).unwrap(), []);
    });
}

#[test]
fn a_key_that_is_not_there_is_named() {
    on_token("refusals::a_key_that_is_not_there_is_named", |_| {
        let error = refusal(Token::open(&key("root"), &pin()));
        assert!(matches!(error, TokenError::NoKey { .. }), "{error:?}");
    });
}

#[test]
fn a_key_is_not_made_twice() {
    on_token("refusals::a_key_is_not_made_twice", |_| {
        Token::generate(&key("root"), Algorithm::Ed25519, &pin()).unwrap();
        let error = refusal(Token::generate(&key("root"), Algorithm::EcdsaP256, &pin()));
        assert!(matches!(error, TokenError::AlreadyThere { .. }), "{error:?}");
        assert_eq!(Token::list(&uri("token=convoy")).unwrap().len(), 1);
    });
}

#[test]
fn a_key_is_not_made_under_the_id_of_another() {
    on_token("refusals::a_key_is_not_made_under_the_id_of_another", |_| {
        Token::generate(&uri("token=convoy;object=a;id=%01"), Algorithm::Ed25519, &pin()).unwrap();
        let error = refusal(Token::generate(&uri("token=convoy;object=b;id=%01"), Algorithm::Ed25519, &pin()));
        assert!(matches!(error, TokenError::AlreadyThere { .. }), "{error:?}");
    });
}

#[test]
fn a_key_without_a_name_is_not_made() {
    on_token("refusals::a_key_without_a_name_is_not_made", |_| {
        let error = refusal(Token::generate(&uri("token=convoy"), Algorithm::Ed25519, &pin()));
        assert!(matches!(error, TokenError::NoName { .. }), "{error:?}");
    });
}

#[test]
fn two_keys_that_go_by_the_name_are_none() {
    on_token("refusals::two_keys_that_go_by_the_name_are_none", |_| {
        for label in ["a", "b"] {
            Token::generate(&key(label), Algorithm::Ed25519, &pin()).unwrap();
        }
        let error = refusal(Token::open(&uri("token=convoy"), &pin()));
        assert!(matches!(error, TokenError::Ambiguous { what: "keys", found: 2, .. }), "{error:?}");
    });
}

#[test]
fn a_key_that_may_not_sign_is_named() {
    on_token("refusals::a_key_that_may_not_sign_is_named", |_| {
        let error = opened_with(&P256, &[Attribute::Sign(false), Attribute::Derive(true)]);
        assert!(matches!(error, TokenError::CannotSign { .. }), "{error:?}");
    });
}

#[test]
fn a_key_that_asks_before_each_signature_is_named() {
    on_token("refusals::a_key_that_asks_before_each_signature_is_named", |_| {
        let error = opened_with(&P256, &[Attribute::Sign(true), Attribute::AlwaysAuthenticate(true)]);
        assert!(matches!(error, TokenError::AsksEachTime { .. }), "{error:?}");
    });
}

#[test]
fn a_key_on_another_curve_is_named() {
    on_token("refusals::a_key_on_another_curve_is_named", |_| {
        let error = opened_with(&P384, &[Attribute::Sign(true)]);
        assert!(matches!(&error, TokenError::UnsupportedAlgorithm { what, .. } if what.contains("curve")), "{error:?}");
    });
}

#[test]
fn an_rsa_key_is_named() {
    on_token("refusals::an_rsa_key_is_named", |_| {
        let public = [Attribute::ModulusBits(2_048.into()), Attribute::PublicExponent(vec![1, 0, 1])];
        make(&Mechanism::RsaPkcsKeyPairGen, &public, &[Attribute::Sign(true)]);
        let error = refusal(Token::open(&key("odd"), &pin()));
        assert!(matches!(&error, TokenError::UnsupportedAlgorithm { what, .. } if what.contains("RSA")), "{error:?}");
    });
}

#[test]
fn a_key_whose_public_half_is_gone_is_named() {
    on_token("refusals::a_key_whose_public_half_is_gone_is_named", |_| {
        let (session, public) = make(&Mechanism::EccKeyPairGen, &[P256()], &[Attribute::Sign(true)]);
        session.destroy_object(public).unwrap();
        let error = refusal(Token::open(&key("odd"), &pin()));
        assert!(matches!(error, TokenError::NoPublicHalf { .. }), "{error:?}");
    });
}

#[test]
fn a_module_that_is_not_there_is_named() {
    let missing: TokenUri = "pkcs11:token=a?module-path=/none/module.so".parse().unwrap();
    let error = refusal(Token::open(&missing, &pin()));
    assert!(matches!(error, TokenError::Module { .. }), "{error:?}");
}

#[test]
fn a_library_that_is_no_module_is_named() {
    let loaded = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = loaded.split_whitespace().find(|word| word.ends_with("/libc.so.6")).unwrap();
    let other: TokenUri = format!("pkcs11:token=a?module-path={libc}").parse().unwrap();
    let error = refusal(Token::open(&other, &pin()));
    assert!(matches!(error, TokenError::Module { .. }), "{error:?}");
}

/// Curves by their object identifiers.
const P256: fn() -> Attribute =
    || Attribute::EcParams(vec![0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
const P384: fn() -> Attribute = || Attribute::EcParams(vec![0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]);

fn started() -> Pkcs11 {
    let module = Pkcs11::new(MODULE).unwrap();
    // It may run already.
    let _ = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    module
}

/// Makes the key `odd` as no program of ours would.
fn make(
    mechanism: &Mechanism,
    public: &[Attribute],
    private: &[Attribute],
) -> (Session, cryptoki::object::ObjectHandle) {
    let module = started();
    let slot = module.get_slots_with_initialized_token().unwrap().remove(0);
    let session = module.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    let named = [Attribute::Token(true), Attribute::Label(b"odd".to_vec()), Attribute::Id(vec![7])];
    let (public, private) = ([named.as_slice(), public].concat(), [named.as_slice(), private].concat());
    let (public, _) = session.generate_key_pair(mechanism, &public, &private).unwrap();
    (session, public)
}

/// What opening such a key refuses.
fn opened_with(curve: &fn() -> Attribute, private: &[Attribute]) -> TokenError {
    let (_session, _) = make(&Mechanism::EccKeyPairGen, &[curve()], private);
    refusal(Token::open(&key("odd"), &pin()))
}
