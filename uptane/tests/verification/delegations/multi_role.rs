//! How to resolve multi-role delegations (§5.4.4.8).

use uptane::sign::DelegationBuilder;
use uptane::testing::{Draft, role_keys};
use uptane::{Error, Role};

use super::{LIE, NAME, NOT_FOUND, lies, paths, role, to};

/// A delegation of all firmware to these roles, of which so many must agree.
fn set(needed: usize, names: &[&str]) -> DelegationBuilder {
    let roles = names.iter().map(|name| (role(name), role_keys(name))).collect();
    DelegationBuilder::roles(role("set"), needed, roles, paths(&["fw/*"]))
}

/// What comes of a set of roles that each list the image, with a change to what they say.
fn of(needed: usize, names: &[&str], change: impl FnOnce(&mut Draft)) -> Result<(), Error> {
    let updated = super::update(|image| {
        image.delegate("targets", set(needed, names));
        names.iter().for_each(|name| image.supply(name, &[0]));
        change(image);
    });
    updated.map(|_| ())
}

/// Makes a role say something else that must match.
fn differs(image: &mut Draft, role: &str, unknown: u32) {
    image.set(role, &["targets", NAME, "custom", "uptane", "match", "unknown"], unknown);
}

#[test]
fn roles_that_agree_vouch_for_an_image() {
    assert_eq!(of(3, &["a", "b", "c"], |_| {}), Ok(()));
    assert_eq!(of(1, &["a"], |_| {}), Ok(()));
}

// §5.4.4.8 step 2.1.
#[test]
fn fewer_roles_than_the_threshold_vouch_for_nothing() {
    assert_eq!(of(3, &["a", "b", "c"], |image| lies(image, "b")), Err(NOT_FOUND));
    assert_eq!(of(2, &["a", "b", "c"], |image| lies(image, "b")), Ok(()));
    assert_eq!(of(2, &["a", "b", "c"], |image| lies(image, "a")), Ok(()));
    assert_eq!(of(2, &["a", "b"], |image| lies(image, "a")), Err(NOT_FOUND));
}

#[test]
fn roles_agree_only_if_all_that_must_match_is_the_same() {
    assert_eq!(of(2, &["a", "b"], |image| differs(image, "b", 1)), Err(NOT_FOUND));
    let zeros = format!("\"{}\"", "0".repeat(64));
    let another = |image: &mut Draft| image.set("b", &["targets", NAME, "hashes", "sha256"], zeros);
    assert_eq!(of(2, &["a", "b"], another), Err(NOT_FOUND));
    let more = |image: &mut Draft| {
        image.set("b", &["targets", NAME, "hashes", "sha512"], format_args!("\"{}\"", "0".repeat(128)));
    };
    assert_eq!(of(2, &["a", "b"], more), Err(NOT_FOUND));
}

#[test]
fn roles_may_differ_in_what_no_ecu_looks_at() {
    let info = |image: &mut Draft| image.set("b", &["targets", NAME, "custom", "uptane", "info"], r#"{"build":"7"}"#);
    assert_eq!(of(2, &["a", "b"], info), Ok(()));
    let other = |image: &mut Draft| image.set("b", &["targets", NAME, "custom", "other"], "1");
    assert_eq!(of(2, &["a", "b"], other), Ok(()));
}

// §5.4.4.8 step 2.2.
#[test]
fn of_several_groups_the_one_of_the_earliest_role_decides() {
    let liars = |first: &'static str, second: &'static str| {
        of(2, &["a", "b", "c", "d"], |image| {
            lies(image, first);
            lies(image, second);
        })
    };
    assert_eq!(liars("c", "d"), Ok(()));
    assert_eq!(liars("b", "d"), Ok(()));
    assert_eq!(liars("a", "d"), Err(LIE));
    assert_eq!(liars("a", "b"), Err(LIE));
}

#[test]
fn the_earliest_role_decides_nothing_if_its_group_is_too_small() {
    let one_liar = of(2, &["a", "b", "c"], |image| {
        differs(image, "a", 1);
        differs(image, "b", 2);
    });
    assert_eq!(one_liar, Err(NOT_FOUND));
    assert_eq!(of(3, &["a", "b", "c", "d"], |image| lies(image, "a")), Ok(()));
}

// T10: D1 would have one bad role end the search, and the threshold would be worth nothing.
#[test]
fn a_role_whose_file_is_missing_or_bad_has_no_vote() {
    let bad: [fn(&mut Draft); 5] = [
        |image| image.withhold("b"),
        |image| image.signed_by("b", &["image a 0"]),
        |image| image.remove(Role::Snapshot, &["meta", "b.json"]),
        |image| image.set("b", &["expires"], "\"2026-01-01T00:00:00Z\""),
        |image| image.remove("b", &["targets", NAME, "hashes"]),
    ];
    for bad in bad {
        assert_eq!(of(2, &["a", "b", "c"], bad), Ok(()));
        assert_eq!(of(2, &["a", "b"], bad), Err(NOT_FOUND));
    }
}

#[test]
fn a_role_without_the_image_has_no_vote() {
    assert_eq!(of(2, &["a", "b", "c"], |image| image.supply("b", &[])), Ok(()));
    assert_eq!(of(2, &["a", "b"], |image| image.supply("b", &[])), Err(NOT_FOUND));
}

// §5.4.4.8 step 1.
#[test]
fn a_role_votes_with_what_its_own_delegations_say() {
    let below = |image: &mut Draft| {
        image.supply("b", &[]);
        image.delegate("b", to("deep"));
        image.supply("deep", &[0]);
    };
    assert_eq!(of(2, &["a", "b"], below), Ok(()));
    let lying = |image: &mut Draft| {
        below(image);
        lies(image, "deep");
    };
    assert_eq!(of(2, &["a", "b"], lying), Err(NOT_FOUND));
    let ending = |image: &mut Draft| {
        image.supply("b", &[]);
        image.delegate("b", to("deep").terminating());
        image.supply("deep", &[]);
    };
    assert_eq!(of(1, &["b", "a"], ending), Ok(()), "where a role's search ends, only its vote is lost");
}

#[test]
fn two_roles_may_vote_with_what_they_both_delegate() {
    let shared = of(2, &["a", "b"], |image| {
        for name in ["a", "b"] {
            image.supply(name, &[]);
            image.delegate(name, to("shared"));
        }
        image.supply("shared", &[0]);
    });
    assert_eq!(shared, Ok(()));
}

// §5.4.4.7 step 4.2.
#[test]
fn a_set_that_does_not_agree_leaves_the_image_to_the_next_delegation_unless_it_is_terminating() {
    let then = |set: DelegationBuilder| {
        let updated = super::update(|image| {
            image.delegate("targets", set);
            image.delegate("targets", to("next"));
            ["a", "b", "next"].iter().for_each(|name| image.supply(name, &[0]));
            lies(image, "a");
        });
        updated.map(|_| ())
    };
    assert_eq!(then(set(2, &["a", "b"])), Ok(()));
    assert_eq!(then(set(2, &["a", "b"]).terminating()), Err(NOT_FOUND));
}

#[test]
fn a_terminating_set_that_agrees_is_the_answer() {
    let agreed = super::update(|image| {
        image.delegate("targets", set(2, &["a", "b"]).terminating());
        ["a", "b"].iter().for_each(|name| image.supply(name, &[0]));
    });
    assert_eq!(agreed.map(|_| ()), Ok(()));
}

#[test]
fn a_set_applies_only_to_its_hardware_and_names() {
    let with = |set: DelegationBuilder| {
        let updated = super::update(|image| {
            image.delegate("targets", set);
            ["a", "b"].iter().for_each(|name| image.supply(name, &[0]));
        });
        updated.map(|_| ())
    };
    assert_eq!(with(set(2, &["a", "b"]).for_hardware([super::hardware("hw-0")])), Ok(()));
    assert_eq!(with(set(2, &["a", "b"]).for_hardware([super::hardware("hw-1")])), Err(NOT_FOUND));
    let roles = ["a", "b"].map(|name| (role(name), role_keys(name))).into();
    assert_eq!(with(DelegationBuilder::roles(role("set"), 2, roles, paths(&["maps/*"]))), Err(NOT_FOUND));
}

#[test]
fn sets_in_a_circle_come_to_an_end() {
    let circle = of(1, &["a", "b"], |image| {
        image.supply("elsewhere", &[0]);
        image.supply("a", &[]);
        image.delegate("a", set(1, &["b", "a"]));
        image.supply("b", &[]);
        image.delegate("b", set(2, &["a", "b"]));
    });
    assert_eq!(circle, Err(NOT_FOUND));
}

#[test]
fn a_set_whose_roles_never_end_is_bounded() {
    let mut names = Vec::new();
    for index in 0..16 {
        names.push(format!("role-{index:02}"));
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let endless = of(16, &names, |image| {
        image.supply("elsewhere", &[0]);
        for name in &names {
            image.supply(name, &[]);
            image.delegate(name, set(16, &names));
        }
    });
    assert_eq!(endless, Err(Error::Limit { what: "delegated roles of one look-up" }));
}
