//! Who may speak for an image, and whether a role's file is good: what a repository asks before it publishes (§5.3.1).

use uptane::metadata::{Delegations, Envelope, Targets};
use uptane::sign::DelegationBuilder;
use uptane::testing::{Draft, Files, role_keys};
use uptane::verify::{MetadataFile, Refreshed, Wanted};
use uptane::{Error, Image, Role, TargetName, Version};

use super::{NAME, changed, hardware, paths, role, to};

fn wanted(hardware_id: &str) -> Wanted {
    Wanted::image(TargetName::parse(NAME).unwrap(), hardware(hardware_id))
}

/// The roles that vouch for the image of the first ECU, for this hardware.
fn vouching(hardware_id: &str, change: impl FnOnce(&mut Draft)) -> Vec<String> {
    let (repo, mut vehicle) = changed(change);
    let refreshed = vehicle.refresh_image_for(repo.image(), vec![wanted(hardware_id)]).unwrap();
    refreshed.vouching(&wanted(hardware_id)).map(|role| role.as_str().to_owned()).collect()
}

fn delegating(names: [&'static str; 2]) -> impl FnOnce(&mut Draft) {
    move |image| {
        for name in names {
            image.delegate("targets", to(name));
            image.supply(name, &[0]);
        }
    }
}

#[test]
fn the_role_that_a_look_up_ends_at_vouches_and_those_after_it_do_not() {
    assert_eq!(vouching("hw-0", delegating(["a", "b"])), ["a"]);
}

#[test]
fn a_role_that_does_not_list_the_image_does_not_vouch() {
    let change = |image: &mut Draft| {
        image.delegate("targets", to("a"));
        image.delegate("targets", to("b"));
        image.supply("a", &[1]);
        image.supply("b", &[0]);
    };
    assert_eq!(vouching("hw-0", change), ["b"]);
}

#[test]
fn a_role_vouches_for_no_hardware_that_is_not_delegated_to_it() {
    let change = |image: &mut Draft| {
        image.delegate("targets", to("a").for_hardware([hardware("hw-1")]));
        image.supply("a", &[0]);
    };
    assert_eq!(vouching("hw-0", change), [""; 0]);
}

#[test]
fn each_role_of_a_set_vouches_before_enough_agree() {
    let change = |image: &mut Draft| {
        let roles = ["a", "b"].map(|name| (role(name), role_keys(name))).into();
        image.delegate("targets", DelegationBuilder::roles(role("set"), 2, roles, paths(&["fw/*"])));
        image.supply("a", &[0]);
        image.supply("b", &[1]);
    };
    assert_eq!(vouching("hw-0", change), ["a"]);
}

/// What comes of a role's file by the first delegation of top-level Targets to it.
fn judged(files: &Files, refreshed: &Refreshed<Image>, name: &str) -> Result<(), Error> {
    let top = refreshed.targets().view().delegations().map(Delegations::decode).unwrap().unwrap();
    let file = files.get(MetadataFile::Delegated(role(name), Version::FIRST.next().unwrap())).unwrap();
    refreshed.check_delegated(&top.role(role(name)).unwrap(), file.into())
}

fn judge(change: impl FnOnce(&mut Draft)) -> Result<(), Error> {
    let (repo, mut vehicle) = changed(change);
    let refreshed = vehicle.refresh_image(repo.image()).unwrap();
    judged(repo.image(), &refreshed, "a")
}

#[test]
fn a_file_is_judged_by_the_keys_of_its_delegation_whatever_it_lists() {
    let empty = |image: &mut Draft| {
        image.delegate("targets", to("a"));
        image.supply("a", &[]);
    };
    assert_eq!(judge(empty), Ok(()));
    let stranger = judge(|image| {
        empty(image);
        image.signed_by("a", &["b"]);
    });
    assert!(matches!(stranger, Err(Error::BelowThreshold { role: Role::Targets, .. })), "{stranger:?}");
}

#[test]
fn a_bin_is_a_role_of_its_delegation_and_no_other_name_is() {
    let (repo, mut vehicle) = changed(|image| {
        let bins = uptane::sign::BinsBuilder { name_prefix: "bin".into(), bit_length: 5, keys: role_keys("bins") };
        image.delegate_to_bins("targets", bins);
    });
    let refreshed = vehicle.refresh_image(repo.image()).unwrap();
    let envelope = Envelope::decode(refreshed.targets().file().bytes()).unwrap();
    let top = Targets::decode(envelope.signed()).unwrap().delegations().map(Delegations::decode).unwrap().unwrap();
    for name in ["bin-00", "bin-1f"] {
        assert_eq!(top.role(role(name)).unwrap().name(), role(name));
    }
    for name in ["bin-20", "bin-0", "bin-000", "bin-1F", "bin-+1", "bin", "bind-00"] {
        assert_eq!(top.role(role(name)), None, "{name}");
    }
    let names = top.names(32).unwrap();
    assert_eq!((names.len(), names[0], names[31]), (32, role("bin-00"), role("bin-1f")));
    assert!(matches!(top.names(31), Err(Error::Limit { .. })));
}
