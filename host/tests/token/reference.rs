//! Keys on a token by the name a command line gives them.

use host::Error;
use host::keys::{Algorithm, KeyRef, TokenError};

use super::{key, on_token, pin, refusal};

fn named(label: &str) -> KeyRef {
    key(label).to_string().parse().unwrap()
}

#[test]
fn a_key_on_a_token_is_made_opened_and_listed_by_its_uri() {
    on_token("reference::a_key_on_a_token_is_made_opened_and_listed_by_its_uri", |_| {
        let made = named("root").generate(Algorithm::EcdsaP256, || Ok(pin())).unwrap().public_key();
        assert_eq!(named("root").open(|| Ok(pin())).unwrap().public_key(), made);
        assert_eq!(named("root").public().unwrap(), made);
        assert_eq!(named("root").question(), "PIN of the token convoy");
    });
}

#[test]
fn a_pin_that_nobody_gives_is_the_refusal() {
    on_token("reference::a_pin_that_nobody_gives_is_the_refusal", |_| {
        assert!(matches!(named("root").open(|| Err(Error::NoPassphrase)), Err(Error::NoPassphrase)));
        let error = refusal(named("root").public());
        assert!(matches!(error, TokenError::NoPublicHalf { .. }), "{error:?}");
    });
}
