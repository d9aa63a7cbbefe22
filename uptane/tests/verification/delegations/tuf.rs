//! What a TUF client does otherwise (TUF 1.0.34 §5.6.7; ADR 0005).

use uptane::testing::{Draft, Repo};
use uptane::verify::{Keep, Refresh, Refreshed, Step, Wanted};
use uptane::{Error, Image, Role};

use super::{NAME, NOT_FOUND, hardware, lies, role, to};

/// Drives a refresh to its end; what it stored on the way.
fn drive(mut refresh: Refresh<Image>, repo: &Repo) -> Result<(Refreshed<Image>, Vec<String>), Error> {
    let mut stored = Vec::new();
    loop {
        match refresh.next() {
            Step::Fetch { file, .. } => {
                refresh.supply(repo.image().get(file).map(Into::into))?;
                stored.extend(refresh.keep().into_iter().filter_map(|keep| match keep {
                    Keep::Store { file, .. } => Some(file.file_name()),
                    Keep::Forget => None,
                }));
            }
            Step::Done => return Ok((refresh.finish().unwrap(), stored)),
            Step::Refused(error) => return Err(error),
        }
    }
}

/// How long a TUF client finds the first image to be.
fn length(change: impl FnOnce(&mut Draft)) -> Result<u64, Error> {
    let (repo, vehicle) = super::changed(change);
    let refresh = Refresh::tuf(vehicle.image, repo.now()).looking_for(vec![Wanted::file(NAME)]);
    let (refreshed, _) = drive(refresh, &repo)?;
    let found = refreshed.find(&Wanted::file(NAME))?;
    Ok(found.view().file(NAME)?.unwrap().length().get())
}

const LENGTH: u64 = 992;

#[test]
fn each_delegated_file_is_stored_as_it_is_verified() {
    let (repo, vehicle) = super::changed(|image| {
        image.delegate("targets", to("first"));
        image.delegate("first", to("second"));
        image.supply("second", &[0]);
    });
    let refresh = Refresh::tuf(vehicle.image, repo.now()).looking_for(vec![Wanted::file(NAME)]);
    let (refreshed, stored) = drive(refresh, &repo).unwrap();
    assert_eq!(stored, ["timestamp.json", "2.snapshot.json", "2.targets.json", "2.first.json", "2.second.json"]);
    assert!(refreshed.commit().is_empty());
    let held: Vec<_> = refreshed.into_trusted().delegated().map(|(role, _)| role).collect();
    assert_eq!(held, [role("first"), role("second")]);
}

#[test]
fn a_look_up_can_follow_a_refresh() {
    let (repo, vehicle) = super::changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0, 1]);
    });
    let (refreshed, _) = drive(Refresh::tuf(vehicle.image, repo.now()), &repo).unwrap();
    assert!(refreshed.find(&Wanted::file(NAME)).is_err());
    let (refreshed, stored) = drive(refreshed.search(vec![Wanted::file(NAME)]), &repo).unwrap();
    assert_eq!(stored, ["2.brakes.json"]);
    assert!(refreshed.find(&Wanted::file(NAME)).is_ok());
    let other = Wanted::file(super::OTHER_NAME);
    let (refreshed, stored) = drive(refreshed.search(vec![other.clone()]), &repo).unwrap();
    assert_eq!(stored, [""; 0]);
    assert!(refreshed.find(&other).is_ok());
    assert!(refreshed.find(&Wanted::file(NAME)).is_ok());
}

// T9.
#[test]
fn a_role_reached_by_a_terminating_delegation_is_searched_below_and_nobody_after_it() {
    let terminating = |image: &mut Draft| {
        image.delegate("targets", to("first").terminating());
        image.delegate("targets", to("last"));
        image.delegate("first", to("second"));
        image.supply("second", &[0]);
        image.supply("last", &[0]);
        lies(image, "last");
    };
    assert_eq!(length(terminating), Ok(LENGTH));
    let nobody = |image: &mut Draft| {
        terminating(image);
        image.supply("second", &[]);
    };
    assert_eq!(length(nobody), Err(NOT_FOUND));
}

// TAP 15.
#[test]
fn nobody_after_bins_is_asked() {
    let refused = length(|image| {
        image.delegate("targets", to("first"));
        image.delegate("targets", to("last"));
        let keys = uptane::testing::role_keys("bin");
        image.delegate_to_bins("first", uptane::sign::BinsBuilder { name_prefix: "bin".into(), bit_length: 1, keys });
        for bin in ["bin-0", "bin-1"] {
            image.supply(bin, &[]);
            image.signed_by(bin, &["image bin 0"]);
        }
        image.supply("last", &[0]);
    });
    assert_eq!(refused, Err(NOT_FOUND));
}

#[test]
fn hardware_is_not_asked_for() {
    let found = length(|image| {
        image.delegate("targets", to("brakes").for_hardware([hardware("hw-7")]));
        image.supply("brakes", &[0]);
    });
    assert_eq!(found, Ok(LENGTH));
}

#[test]
fn what_uptane_asks_of_a_file_is_not_asked_for() {
    let found = length(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
        image.remove("brakes", &["uptane"]);
        image.remove("brakes", &["targets", NAME, "custom"]);
    });
    assert_eq!(found, Ok(LENGTH));
}

#[test]
fn a_missing_or_bad_file_ends_the_search_too() {
    let with = |fault: fn(&mut Draft)| {
        length(|image| {
            image.delegate("targets", to("brakes"));
            image.delegate("targets", to("spare"));
            image.supply("brakes", &[0]);
            image.supply("spare", &[0]);
            fault(image);
        })
    };
    assert_eq!(with(|image| image.withhold("brakes")), Err(Error::Absent { role: Role::Targets }));
    let unsigned = |image: &mut Draft| image.signed_by("brakes", &["image spare 0"]);
    assert_eq!(with(unsigned), Err(crate::below(Role::Targets, 0, 1)));
    assert_eq!(with(|image| image.remove(Role::Snapshot, &["meta", "brakes.json"])), Err(Error::Unlisted));
}

#[test]
fn a_role_that_was_visited_is_not_visited_again_whatever_keys_it_has_there() {
    let found = length(|image| {
        for name in ["first", "second", "last"] {
            image.delegate("targets", to(name));
        }
        image.delegate("first", to("shared"));
        let others = uptane::testing::role_keys("others");
        let again = uptane::sign::DelegationBuilder::role(role("shared"), others, super::paths(&["fw/*"]));
        image.delegate("second", again);
        image.supply("shared", &[]);
        image.supply("last", &[0]);
    });
    assert_eq!(found, Ok(LENGTH));
}

#[test]
fn files_of_roles_that_agree_need_not_match_in_what_is_custom() {
    let found = length(|image| {
        let roles = ["a", "b"].map(|name| (role(name), uptane::testing::role_keys(name))).into();
        let set = uptane::sign::DelegationBuilder::roles(role("set"), 2, roles, super::paths(&["fw/*"]));
        image.delegate("targets", set);
        ["a", "b"].iter().for_each(|name| image.supply(name, &[0]));
        image.remove("b", &["targets", NAME, "custom"]);
    });
    assert_eq!(found, Ok(LENGTH));
}

// TUF 1.0.34 §5.6.4: Snapshot alone says which version is the right one.
#[test]
fn the_version_of_a_file_is_not_compared_with_that_of_the_stored_one() {
    let (mut repo, vehicle) = super::changed(|image| {
        image.delegate("targets", to("brakes"));
        image.supply("brakes", &[0]);
        image.version("brakes", 9);
    });
    let stored = repo.image().delegated(role("brakes")).unwrap().to_vec();
    repo.publish(|_| {});
    let files = uptane::verify::StoredFiles {
        root: vehicle.image.root().bytes(),
        delegated: &[(role("brakes"), &stored)],
        ..Default::default()
    };
    let trusted = uptane::verify::Trusted::reload(files).unwrap().trusted;
    let refresh = Refresh::tuf(trusted, repo.now()).looking_for(vec![Wanted::file(NAME)]);
    let (refreshed, stored) = drive(refresh, &repo).unwrap();
    assert!(refreshed.find(&Wanted::file(NAME)).is_ok());
    assert_eq!(stored.last().map(String::as_str), Some("3.brakes.json"));
}
