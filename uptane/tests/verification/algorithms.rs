//! Keys of several algorithms in one repository (TUF 1.0.34 §4.2).

use uptane::sign::Signer as _;
use uptane::testing::signer;
use uptane::{Algorithm, Error, Role, Version};

use crate::{below, updated};

const MIXED: [&str; 3] = ["director targets 0", "ecdsa one", "rsa one"];

#[test]
fn keys_of_all_algorithms_speak_for_one_role() {
    for signers in [&MIXED[..2], &MIXED[1..], &MIXED] {
        let (mut repo, mut vehicle) = updated();
        repo.publish(|next| {
            next.director.appoint(Role::Root, &MIXED);
            next.director.appoint(Role::Targets, &MIXED);
            next.director.signed_by(Role::Targets, signers);
        });
        vehicle.update(&repo).unwrap();
        assert_eq!(vehicle.director.root().version(), Version::new(2).unwrap());
    }
}

#[test]
fn a_threshold_is_of_keys_whatever_their_algorithms() {
    for label in MIXED {
        let (mut repo, mut vehicle) = updated();
        repo.publish(|next| {
            next.director.appoint(Role::Targets, &MIXED);
            next.director.signed_by(Role::Targets, &[label, "rsa stranger"]);
        });
        assert_eq!(vehicle.update(&repo).unwrap_err(), below(Role::Targets, 1, 2));
    }
}

#[test]
fn a_malformed_key_of_a_known_type_is_refused() {
    for (label, keytype, scheme) in [
        ("ecdsa one", "ecdsa", "ecdsa-sha2-nistp256"),
        ("ecdsa one", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
        ("rsa one", "rsa", "rsassa-pss-sha256"),
    ] {
        let public = signer(label).public_key().to_string().replace('\n', "\\n");
        let key =
            |public: &str| format!(r#"{{"keytype":"{keytype}","keyval":{{"public":"{public}"}},"scheme":"{scheme}"}}"#);
        let publish = |key: String| {
            let (mut repo, mut vehicle) = updated();
            repo.publish(|next| next.director.set(Role::Root, &["keys", "other"], key));
            vehicle.update(&repo).map(|_| ())
        };
        assert_eq!(publish(key(&public)), Ok(()));
        assert_eq!(publish(key(&public.replace("MI", "MJ").replace("MF", "MG"))), Err(Error::BadKey));
        assert_eq!(publish(key(&format!("{public}{}", "A".repeat(6_000)))), Err(Error::BadKey));
    }
}

#[test]
fn ecus_sign_with_ed25519_alone() {
    let primary = signer("ecdsa primary");
    assert_eq!(primary.public_key().algorithm(), Algorithm::EcdsaP256);
    let check_in = uptane::sign::CheckInBuilder {
        vehicle: uptane::VehicleId([1; 16]),
        primary: uptane::EcuId::parse("primary").unwrap(),
        counter: uptane::Counter::new(1).unwrap(),
        manifest: uptane::Sha256([2; 32]),
    };
    assert_eq!(check_in.sign(&primary), Err(Error::BadKey.into()));
    let file = check_in.sign(&signer("primary")).unwrap();
    let refused = uptane::verify::check_in(&file, &primary.public_key()).unwrap_err();
    assert_eq!(refused, below(Role::CheckIn, 0, 1));
}
