//! Director against Image repository (§5.4.4.2 step 10).

use uptane::metadata::{Delta, NamedDelta};
use uptane::testing::{Repo, Vehicle};
use uptane::verify::image::Permits as _;
use uptane::verify::{Mapping, agree_for};
use uptane::{Attack, EcuId, Error, Image, Length, ReleaseCounter, RepositoryName, Role, Sha256};

use crate::{refused, updated};

const NAME: &str = "fw/ecu-001-1.bin";

fn counter(counter: u64) -> ReleaseCounter {
    ReleaseCounter::new(counter).unwrap()
}

fn differs(what: &'static str) -> Error {
    Error::Mismatch { what }
}

#[test]
fn one_image_the_image_repository_does_not_list_refuses_them_all() {
    let refused = refused(|next| next.image.remove(Role::Targets, &["targets", NAME]));
    assert_eq!(refused, Error::NotInImageRepository);
    assert_eq!(refused.attack(), Some(Attack::ArbitrarySoftware));
}

#[test]
fn names_are_equal_byte_for_byte() {
    let refused = refused(|next| {
        next.image.remove(Role::Targets, &["targets", NAME]);
        let uptane = r#"{"match":{"hardware_ids":["hw-1"],"line":"line-001","release_counter":1}}"#;
        let hashes = format!(r#"{{"sha256":"{}"}}"#, "0".repeat(64));
        let image = format!(r#"{{"custom":{{"uptane":{uptane}}},"hashes":{hashes},"length":992}}"#);
        next.image.set(Role::Targets, &["targets", "fw/ECU-001-1.bin"], image);
    });
    assert_eq!(refused, Error::NotInImageRepository);
}

#[test]
fn another_length_is_refused() {
    let refused = refused(|next| next.director.set(Role::Targets, &["targets", NAME, "length"], 993));
    assert_eq!(refused, differs("length"));
    assert_eq!(refused.attack(), Some(Attack::ArbitrarySoftware));
}

#[test]
fn another_digest_is_refused() {
    let zeros = format!("\"{}\"", "0".repeat(64));
    let refused = refused(|next| next.director.set(Role::Targets, &["targets", NAME, "hashes", "sha256"], &zeros));
    assert_eq!(refused, differs("hashes"));
}

#[test]
fn a_digest_only_the_director_lists_is_refused() {
    let zeros = format!("\"{}\"", "0".repeat(128));
    let refused = refused(|next| next.director.set(Role::Targets, &["targets", NAME, "hashes", "sha512"], &zeros));
    assert_eq!(refused, differs("hashes"));
}

#[test]
fn everything_that_must_match_must_match() {
    for (field, json) in [("release_counter", "2"), ("hardware_ids", r#"["hw-1","hw-2"]"#), ("unknown", "1")] {
        let refused = refused(|next| {
            next.director.set(Role::Targets, &["targets", NAME, "custom", "uptane", "match", field], json);
        });
        assert_eq!(refused, differs("match"), "{field}");
    }
}

#[test]
fn an_unknown_field_that_matches_is_no_reason_to_refuse() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| {
        for draft in [&mut next.director, &mut next.image] {
            draft.set(Role::Targets, &["targets", NAME, "custom", "uptane", "match", "unknown"], "1");
        }
    });
    vehicle.update(&repo).unwrap();
}

#[test]
fn an_image_is_not_approved_for_other_hardware() {
    let refused = refused(|next| {
        let path = ["targets", NAME, "custom", "uptane", "ecus", "ecu-001", "hardware_id"];
        next.director.set(Role::Targets, &path, r#""hw-0""#);
    });
    assert_eq!(refused, Error::Hardware);
    assert_eq!(refused.attack(), Some(Attack::IncompatibleImage));
}

#[test]
fn the_same_release_again_is_approved_and_an_older_one_is_not() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.release());
    vehicle.update(&repo).unwrap();
    repo.publish(|_| {});
    vehicle.update(&repo).unwrap();
    repo.publish(|next| next.assign_release(1));
    let refused = vehicle.update(&repo).unwrap_err();
    assert_eq!(refused, Error::CounterRollback { accepted: counter(2), offered: counter(1) });
    assert_eq!(refused.attack(), Some(Attack::Rollback));
}

// T5.
#[test]
fn empty_targets_in_between_do_not_erase_the_release_counter() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.release());
    vehicle.update(&repo).unwrap();
    repo.publish(|next| next.director.set(Role::Targets, &["targets"], "{}"));
    assert!(vehicle.update(&repo).unwrap().entries().is_empty());
    repo.publish(|next| next.assign_release(1));
    let rollback = Error::CounterRollback { accepted: counter(2), offered: counter(1) };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(rollback));
}

// T5, T6.
#[test]
fn rotating_keys_does_not_erase_the_release_counter() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.release());
    vehicle.update(&repo).unwrap();
    repo.publish(|next| {
        next.director.rotate(Role::Targets);
        next.assign_release(1);
    });
    let rollback = Error::CounterRollback { accepted: counter(2), offered: counter(1) };
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(rollback));
}

// T28.
#[test]
fn what_was_not_agreed_on_is_judged_again_in_the_next_cycle() {
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.image.remove(Role::Targets, &["targets", NAME]));
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(Error::NotInImageRepository));
    // The Director's files stay; the Image repository lists the image again.
    let director = repo.director().clone();
    repo.publish(|_| {});
    let refreshed = vehicle.refresh_director(&director).unwrap();
    assert!(refreshed.changed());
    let image = vehicle.refresh_image(repo.image()).unwrap();
    let own = repo.ecus()[1];
    let (director, images) = (refreshed.targets(), [(RepositoryName::of::<Image>(), image.targets())]);
    let entry =
        agree_for(own.ecu, own.hardware, &Mapping::basic(), &director, &images, |_| ReleaseCounter::ZERO).unwrap();
    assert_eq!(entry.image().image().name.as_str(), NAME);
}

#[test]
fn a_secondary_needs_only_its_own_image_to_agree() {
    let mut repo = Repo::seeded(2);
    repo.publish(|next| next.image.remove(Role::Targets, &["targets", NAME]));
    let mut vehicle = Vehicle::provisioned(&repo);
    let director = vehicle.refresh_director(repo.director()).unwrap();
    let image = vehicle.refresh_image(repo.image()).unwrap();
    let [own, other] = repo.ecus() else { panic!("the vehicle has two ECUs") };
    let (director, images) = (director.targets(), [(RepositoryName::of::<Image>(), image.targets())]);
    let agreed =
        |ecu: EcuId| agree_for(ecu, own.hardware, &Mapping::basic(), &director, &images, |_| ReleaseCounter::ZERO);
    assert_eq!(agreed(own.ecu).unwrap().image().image().name.as_str(), own.image_name(1));
    assert_eq!(agreed(other.ecu).map(|_| ()), Err(Error::NotInImageRepository));
    assert_eq!(agreed(EcuId::parse("stranger").unwrap()).map(|_| ()), Err(Error::NothingForThisEcu));
}

#[test]
fn a_secondary_that_is_other_hardware_than_the_director_thinks_agrees_to_nothing() {
    let (repo, mut vehicle) = updated();
    let director = vehicle.refresh_director(repo.director()).unwrap();
    let image = vehicle.refresh_image(repo.image()).unwrap();
    let [own, other] = repo.ecus() else { panic!("the vehicle has two ECUs") };
    let (director, images) = (director.targets(), [(RepositoryName::of::<Image>(), image.targets())]);
    let refused =
        agree_for(own.ecu, other.hardware, &Mapping::basic(), &director, &images, |_| ReleaseCounter::ZERO).map(|_| ());
    assert_eq!(refused, Err(Error::Hardware));
}

#[test]
fn a_patch_is_told_as_the_director_describes_it() {
    let path = ["targets", NAME, "custom", "uptane", "ecus", "ecu-001", "delta"];
    let (base, sha256) = (Sha256::of(b"old image"), Sha256::of(b"patch"));
    let said = format!(r#"{{"base":"{base}","length":5,"name":"fw/1-to-2.patch","sha256":"{sha256}"}}"#);
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.director.set(Role::Targets, &path, &said));
    let approved = vehicle.update(&repo).unwrap();
    let NamedDelta { name, delta } = approved.entry(repo.ecus()[1].ecu).unwrap().delta().unwrap();
    assert_eq!(name.as_str(), "fw/1-to-2.patch");
    assert_eq!(*delta, Delta { base, length: Length::new(5).unwrap(), sha256 });
    assert_eq!(approved.entry(repo.ecus()[0].ecu).unwrap().delta(), None);
}

#[test]
fn a_patch_described_in_another_form_is_refused() {
    let path = ["targets", NAME, "custom", "uptane", "ecus", "ecu-001", "delta"];
    let digest = format!("\"{}\"", "0".repeat(64));
    let members = [("base", digest.as_str()), ("length", "5"), ("name", "\"patch\""), ("sha256", &digest)];
    let refusal = |wrong: &str, value: Option<&str>| {
        let said = members.map(|(name, good)| (name, if name == wrong { value } else { Some(good) }));
        let said = said.iter().filter_map(|(name, value)| value.map(|value| format!("\"{name}\":{value}")));
        let said = said.collect::<Vec<_>>().join(",");
        refused(|next| next.director.set(Role::Targets, &path, format_args!("{{{said}}}")))
    };
    for (field, _) in members {
        assert_eq!(refusal(field, None), Error::Schema { field }, "without {field}");
        assert_eq!(refusal(field, Some("null")), Error::Schema { field }, "{field} is null");
    }
    assert_eq!(refusal("base", Some("\"00\"")), Error::BadDigest);
    assert_eq!(refusal("length", Some("-1")), Error::BadNumber { kind: "length" });
    assert_eq!(refusal("name", Some("\"../patch\"")), Error::BadName { kind: "TargetName" });
    let no_object = refused(|next| next.director.set(Role::Targets, &path, "[]"));
    assert_eq!(no_object, Error::Schema { field: "delta" });
}

#[test]
fn a_fallback_is_held_to_the_image_repository_too() {
    let path = ["targets", NAME, "custom", "uptane", "ecus", "ecu-001", "fallback"];
    let (mut repo, mut vehicle) = updated();
    repo.publish(|next| next.director.set(Role::Targets, &path, format_args!("\"{NAME}\"")));
    let approved = vehicle.update(&repo).unwrap();
    let entry = approved.entry(repo.ecus()[1].ecu).unwrap();
    assert_eq!(entry.fallback().unwrap().image().name.as_str(), NAME);

    let unlisted = refused(|next| next.director.set(Role::Targets, &path, r#""fw/unlisted.bin""#));
    assert_eq!(unlisted, Error::NotInImageRepository);
    let foreign = refused(|next| next.director.set(Role::Targets, &path, r#""fw/ecu-000-1.bin""#));
    assert_eq!(foreign, Error::Hardware);
}
