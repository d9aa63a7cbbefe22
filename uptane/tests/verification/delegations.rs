//! How to resolve delegations (§5.4.4.7), by both policies.

mod bounds;
mod files;
mod forms;
mod model;
mod multi_role;
mod tuf;
mod vouching;

use uptane::metadata::Covers;
use uptane::sign::{BinsBuilder, DelegationBuilder};
use uptane::testing::{Draft, Repo, Vehicle, role_keys};
use uptane::verify::image::Permits as _;
use uptane::verify::{Approved, Mapping, MetadataFile, agree_for};
use uptane::{Attack, Error, HardwareId, Image, RepositoryName, Role, RoleName, Sha256};

/// The image of the first ECU, which is hardware `hw-0`.
const NAME: &str = "fw/ecu-000-1.bin";
/// The image of the second, which is hardware `hw-1`.
const OTHER_NAME: &str = "fw/ecu-001-1.bin";

fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

fn paths(paths: &[&str]) -> Covers {
    Covers::Paths(paths.iter().map(|path| (*path).into()).collect())
}

/// A delegation of all firmware.
fn to(name: &str) -> DelegationBuilder {
    DelegationBuilder::role(role(name), role_keys(name), paths(&["fw/*"]))
}

fn covering(name: &str, covers: Covers) -> DelegationBuilder {
    DelegationBuilder::role(role(name), role_keys(name), covers)
}

fn hardware(id: &str) -> HardwareId {
    HardwareId::parse(id).unwrap()
}

/// A repository that was changed once, and a vehicle of two ECUs that has not seen it yet.
fn changed(change: impl FnOnce(&mut Draft)) -> (Repo, Vehicle) {
    let mut repo = Repo::seeded(2);
    repo.publish(|next| change(&mut next.image));
    let vehicle = Vehicle::provisioned(&repo);
    (repo, vehicle)
}

fn update(change: impl FnOnce(&mut Draft)) -> Result<Approved, Error> {
    let (repo, mut vehicle) = changed(change);
    let updated = vehicle.update(&repo);
    assert_eq!(vehicle.update(&repo).is_ok(), updated.is_ok(), "the verdict is the same the next time");
    updated
}

fn refused(change: impl FnOnce(&mut Draft)) -> Error {
    update(change).unwrap_err()
}

/// Makes a role say something else of the first image.
fn lies(image: &mut Draft, role: &str) {
    image.set(role, &["targets", NAME, "length"], 1);
}

const LIE: Error = Error::Mismatch { what: "length" };
const NOT_FOUND: Error = Error::NotInImageRepository;

fn fetched(vehicle: &Vehicle) -> Vec<String> {
    let is_delegated = |file: &&MetadataFile| matches!(file, MetadataFile::Delegated(..));
    vehicle.fetched.iter().filter(is_delegated).map(|file| file.file_name()).collect()
}

#[test]
fn an_image_is_found_where_it_is_delegated_to() {
    let (repo, mut vehicle) = changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
    });
    let approved = vehicle.update(&repo).unwrap();
    assert!(approved.entries().iter().any(|entry| entry.image().image().name.as_str() == NAME));
    assert_eq!(fetched(&vehicle), ["2.brakes.json"]);
}

#[test]
fn a_delegated_role_can_delegate_further() {
    let chain = |links: usize| {
        update(|image| {
            image.delegate("targets", to("role-1"));
            for link in 1..links {
                image.delegate(&format!("role-{link}"), to(&format!("role-{}", link + 1)));
            }
            image.supply(&format!("role-{links}"), &[0]);
        })
        .map(|_| ())
    };
    assert_eq!(chain(3), Ok(()));
    assert_eq!(chain(32), Ok(()));
    assert_eq!(chain(33), Err(Error::Limit { what: "depth of delegations" }));
}

#[test]
fn a_name_with_a_path_in_it_is_a_role_like_any_other() {
    for name in ["/delegated", "../delegated", "?", "#", "ö", ".", "..", "a\"b\\c"] {
        let (repo, mut vehicle) = changed(|image| {
            image.delegate("targets", to(name));
            image.supply(name, &[0]);
        });
        vehicle.update(&repo).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(fetched(&vehicle), [format!("2.{}.json", role(name).encoded())]);
    }
}

// §5.4.4.7 step 2.
#[test]
fn what_top_level_targets_list_is_not_looked_for_below_them() {
    let (repo, mut vehicle) = changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[]);
        image.withhold("brakes");
    });
    vehicle.update(&repo).unwrap();
    assert_eq!(fetched(&vehicle), [""; 0]);
}

#[test]
fn the_first_of_two_roles_that_list_an_image_decides() {
    let of_two = |first: &'static str, second: &'static str| {
        update(|image| {
            image.delegate("targets", to(first));
            image.delegate("targets", to(second));
            image.supply("honest", &[0]);
            image.supply("liar", &[0]);
            lies(image, "liar");
        })
        .map(|_| ())
    };
    assert_eq!(of_two("honest", "liar"), Ok(()));
    assert_eq!(of_two("liar", "honest"), Err(LIE));
}

#[test]
fn a_role_is_searched_below_before_the_one_after_it() {
    let refused = refused(|image| {
        image.delegate("targets", to("first"));
        image.delegate("targets", to("second"));
        image.delegate("first", to("liar"));
        image.supply("liar", &[0]);
        image.supply("second", &[0]);
        lies(image, "liar");
    });
    assert_eq!(refused, LIE);
}

#[test]
fn a_role_that_lacks_the_image_leaves_it_to_the_next() {
    update(|image| {
        image.delegate("targets", to("first"));
        image.delegate("targets", to("second"));
        image.supply("first", &[]);
        image.supply("second", &[0]);
    })
    .unwrap();
}

#[test]
fn an_image_nobody_lists_is_not_found() {
    let refused = refused(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
        image.remove("brakes", &["targets", NAME]);
    });
    assert_eq!(refused, NOT_FOUND);
    assert_eq!(refused.attack(), Some(Attack::ArbitrarySoftware));
}

#[test]
fn names_are_equal_byte_for_byte_in_delegated_roles_too() {
    let refused = refused(|image| {
        image.delegate("targets", covering("brakes", paths(&["*/*"])));
        image.supply("brakes", &[0]);
        image.mangle("brakes", |_| {});
        image.remove("brakes", &["targets", NAME]);
        let uptane = r#"{"match":{"hardware_ids":["hw-0"],"line":"line-000","release_counter":1}}"#;
        let hashes = format!(r#"{{"sha256":"{}"}}"#, "0".repeat(64));
        let entry = format!(r#"{{"custom":{{"uptane":{uptane}}},"hashes":{hashes},"length":992}}"#);
        image.set("brakes", &["targets", "fw/ECU-000-1.bin"], entry);
    });
    assert_eq!(refused, NOT_FOUND);
}

// §5.4.4.7 step 4, §5.1.2.1.
#[test]
fn nobody_after_a_terminating_delegation_is_asked() {
    let (repo, mut vehicle) = changed(|image| {
        image.delegate("targets", to("first").terminating());
        image.delegate("targets", to("second"));
        image.supply("first", &[]);
        image.supply("second", &[0]);
    });
    assert_eq!(vehicle.update(&repo).map(|_| ()), Err(NOT_FOUND));
    assert_eq!(fetched(&vehicle), ["2.first.json"]);
}

#[test]
fn a_terminating_delegation_deep_down_ends_the_whole_search() {
    let refused = refused(|image| {
        image.delegate("targets", to("first"));
        image.delegate("targets", to("second"));
        image.delegate("first", to("third").terminating());
        image.supply("third", &[]);
        image.supply("second", &[0]);
    });
    assert_eq!(refused, NOT_FOUND);
}

#[test]
fn a_terminating_delegation_that_does_not_apply_ends_nothing() {
    update(|image| {
        image.delegate("targets", covering("first", paths(&["maps/*"])).terminating());
        image.delegate("targets", to("second").for_hardware([hardware("hw-1")]).terminating());
        image.delegate("targets", to("third").terminating());
        image.supply("first", &[]);
        image.supply("second", &[]);
        image.supply("third", &[0]);
    })
    .unwrap();
}

// T9.
#[test]
fn a_role_reached_by_a_terminating_delegation_is_not_searched_below() {
    let refused = refused(|image| {
        image.delegate("targets", to("first").terminating());
        image.delegate("first", to("second"));
        image.supply("second", &[0]);
    });
    assert_eq!(refused, NOT_FOUND);
}

// §5.4.4.7 step 4.1.
#[test]
fn a_delegation_applies_only_to_names_it_covers() {
    for pattern in ["*", "fw/*-2.bin", "maps/*", "fw/ecu-00?-1", "FW/*"] {
        let (repo, mut vehicle) = changed(|image| {
            image.delegate("targets", covering("brakes", paths(&[pattern])));
            image.supply("brakes", &[0]);
        });
        assert_eq!(vehicle.update(&repo).map(|_| ()), Err(NOT_FOUND), "{pattern}");
        assert_eq!(fetched(&vehicle), [""; 0], "{pattern}");
    }
    for pattern in ["fw/*", "*/*", "fw/ecu-00?-1.bin", NAME] {
        update(|image| {
            image.delegate("targets", covering("brakes", paths(&["nothing", pattern])));
            image.supply("brakes", &[0]);
        })
        .unwrap_or_else(|error| panic!("{pattern}: {error}"));
    }
}

#[test]
fn a_delegation_by_digest_applies_to_names_with_that_digest() {
    let digest = Sha256::of(NAME.as_bytes()).to_string();
    let by = |prefix: String| {
        update(|image| {
            image.delegate("targets", covering("brakes", Covers::HashPrefixes(vec![prefix])));
            image.supply("brakes", &[0]);
        })
        .map(|_| ())
    };
    assert_eq!(by(digest[..1].into()), Ok(()));
    assert_eq!(by(digest.clone()), Ok(()));
    let other = if digest.starts_with('0') { "1" } else { "0" };
    assert_eq!(by(other.into()), Err(NOT_FOUND));
}

// T10.
#[test]
fn a_delegation_applies_only_to_hardware_it_names_if_it_names_any() {
    let by = |delegation: DelegationBuilder| {
        update(|image| {
            image.delegate("targets", delegation);
            image.supply("brakes", &[0]);
        })
        .map(|_| ())
    };
    assert_eq!(by(to("brakes")), Ok(()));
    assert_eq!(by(to("brakes").for_hardware([hardware("hw-7"), hardware("hw-0")])), Ok(()));
    assert_eq!(by(to("brakes").for_hardware([hardware("hw-1")])), Err(NOT_FOUND));
}

// §5.4.4.2 step 10.1.
#[test]
fn an_image_to_return_to_is_looked_for_too_and_for_the_same_hardware() {
    let with_fallback = |delegation: DelegationBuilder| {
        let mut repo = Repo::seeded(2);
        repo.publish(|next| {
            next.image.delegate("targets", delegation);
            next.image.supply("brakes", &[1]);
            for file in [&mut next.director, &mut next.image] {
                let _ = file;
            }
            let path = ["targets", NAME, "custom", "uptane", "ecus", "ecu-000", "fallback"];
            next.director.set(Role::Targets, &path, format_args!("\"{OTHER_NAME}\""));
        });
        Vehicle::provisioned(&repo).update(&repo).map(|_| ())
    };
    // It is found, and is for other hardware than the ECU that would return to it.
    assert_eq!(with_fallback(to("brakes")), Err(Error::Hardware));
    // For that ECU's hardware nobody may say anything of it.
    assert_eq!(with_fallback(to("brakes").for_hardware([hardware("hw-1")])), Err(NOT_FOUND));
}

#[test]
fn an_image_is_found_in_the_bin_it_falls_into() {
    for bit_length in [1, 3, 4, 5] {
        let bins = || BinsBuilder { name_prefix: "bin".into(), bit_length, keys: role_keys("bin") };
        let [first, ..] = Sha256::of(NAME.as_bytes()).0;
        let digits = usize::try_from(bit_length.div_ceil(4)).unwrap();
        let bin = format!("bin-{:0digits$x}", first >> (8 - bit_length));
        let (repo, mut vehicle) = changed(|image| {
            image.delegate_to_bins("targets", bins());
            image.supply(&bin, &[0]);
            image.signed_by(role(&bin), &["image bin 0"]);
        });
        vehicle.update(&repo).unwrap();
        assert_eq!(fetched(&vehicle), [format!("2.{bin}.json")]);
        let refused = refused(|image| {
            image.delegate_to_bins("targets", bins());
            image.supply(&bin, &[]);
            image.supply("elsewhere", &[0]);
            image.signed_by(role(&bin), &["image bin 0"]);
        });
        assert_eq!(refused, NOT_FOUND);
    }
}

#[test]
fn bins_end_the_search_like_a_terminating_delegation() {
    let refused = refused(|image| {
        image.delegate("targets", to("first"));
        image.delegate("targets", to("second"));
        image.delegate_to_bins(
            "first",
            BinsBuilder { name_prefix: "bin".into(), bit_length: 1, keys: role_keys("bin") },
        );
        for bin in ["bin-0", "bin-1"] {
            image.supply(bin, &[]);
            image.signed_by(bin, &["image bin 0"]);
        }
        image.supply("second", &[0]);
    });
    assert_eq!(refused, NOT_FOUND);
}

#[test]
fn a_role_that_was_searched_before_still_ends_the_search_if_it_is_reached_by_a_terminating_delegation() {
    let refused = refused(|image| {
        for first in ["first", "second", "last"] {
            image.delegate("targets", to(first));
        }
        image.delegate("first", to("shared"));
        image.delegate("second", to("shared").terminating());
        image.supply("shared", &[]);
        image.supply("last", &[0]);
    });
    assert_eq!(refused, NOT_FOUND);
}

#[test]
fn a_secondary_looks_for_its_own_image_alone() {
    let (repo, mut vehicle) = changed(|image| {
        image.delegate("targets", covering("brakes", paths(&[NAME])));
        image.delegate("targets", covering("doors", paths(&[OTHER_NAME])));
        image.supply("brakes", &[0]);
        image.supply("doors", &[1]);
        image.withhold("doors");
    });
    let director = vehicle.refresh_director(repo.director()).unwrap();
    let [own, other] = repo.ecus() else { panic!("the vehicle has two ECUs") };
    let image = vehicle.refresh_image_for(repo.image(), director.wanted_for(own.ecu).unwrap()).unwrap();
    assert_eq!(fetched(&vehicle), ["2.brakes.json"]);
    let agreed = |ecu: &uptane::testing::TestEcu| {
        let none = |_| uptane::ReleaseCounter::ZERO;
        let images = [(RepositoryName::of::<Image>(), image.targets())];
        agree_for(ecu.ecu, ecu.hardware, &Mapping::basic(), &director.targets(), &images, none).map(|_| ())
    };
    assert_eq!(agreed(own), Ok(()));
    assert_eq!(agreed(other), Err(NOT_FOUND));
}
