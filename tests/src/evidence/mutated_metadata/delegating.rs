//! Changes to what a Targets file delegates, and to whom.

use super::chance::Chance;
use super::tree::Tree;

/// Changes the delegations of `signed`, if it has some; the name of what was done.
pub(super) fn mutate(signed: &mut Tree, chance: &mut Chance) -> Option<&'static str> {
    let delegations = signed.at(&["delegations"])?;
    Some(match (chance.below(4), delegations.at(&["succinct_roles"]).is_some()) {
        (0, _) => keys(delegations, chance),
        (1, _) => form(delegations, chance),
        (_, true) => bins(delegations, chance),
        (_, false) => one(delegations, chance)?,
    })
}

fn keys(delegations: &mut Tree, chance: &mut Chance) -> &'static str {
    let ids = delegations.at(&["keys"]).map(|keys| keys.names()).unwrap_or_default();
    let id = chance.one(&ids).cloned().unwrap_or_default();
    match chance.below(4) {
        0 => {
            delegations.remove(&["keys"], &id);
            "delegations: a key withdrawn"
        }
        1 => {
            let key = delegations.at(&["keys", &id]).cloned().unwrap_or(Tree::raw("{}"));
            delegations.set(&["keys"], chance.word(&["other", "zz", "a b"]), key);
            "delegations: a key under two ids"
        }
        2 => {
            let word = chance.word(&["ed25519", "ecdsa", "ecdsa-sha2-nistp256", "ed448", ""]);
            delegations.set(&["keys", &id], chance.word(&["keytype", "scheme"]), Tree::text(word));
            "delegations: another algorithm"
        }
        _ => {
            let public = chance.word(&["00", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", ""]);
            delegations.set(&["keys", &id, "keyval"], "public", Tree::text(public));
            "delegations: keys that are none"
        }
    }
}

/// The list as a whole.
fn form(delegations: &mut Tree, chance: &mut Chance) -> &'static str {
    let bins = r#"{"bit_length":1,"keyids":[],"name_prefix":"bins","threshold":1}"#;
    match chance.below(6) {
        0 => delegations.set(&[], "roles", Tree::List(Vec::new())),
        1 => delegations.set(&[], "succinct_roles", Tree::raw(bins)),
        2 => delegations.remove(&[], chance.word(&["roles", "succinct_roles", "keys"])),
        other => {
            let Some(roles) = delegations.at(&["roles"]).and_then(Tree::elements) else {
                return "delegations: nothing";
            };
            let at = chance.below(roles.len());
            let twice = roles.get(at).cloned();
            match other {
                3 => roles.reverse(),
                4 if at < roles.len() => drop(roles.remove(at)),
                _ => roles.extend(twice),
            }
        }
    }
    "delegations: the list of them"
}

fn bins(delegations: &mut Tree, chance: &mut Chance) -> &'static str {
    let of = ["succinct_roles"];
    match chance.below(5) {
        0 | 1 => {
            let bits = chance.word(&["0", "1", "2", "3", "4", "5", "8", "32", "33"]);
            delegations.set(&of, "bit_length", Tree::raw(bits));
        }
        2 => delegations.set(&of, "name_prefix", Tree::text(chance.word(&["bins", "bin", "", "../x", "\u{85}"]))),
        3 => delegations.set(&of, chance.word(&["paths", "terminating", "uptane", "name", "z"]), Tree::raw("[]")),
        _ => {
            let bins = delegations.at(&of);
            bins.into_iter().for_each(|bins| speakers(bins, chance));
        }
    }
    "delegations: bins"
}

/// One delegation, or one role of a set.
fn one(delegations: &mut Tree, chance: &mut Chance) -> Option<&'static str> {
    let ids = delegations.at(&["keys"]).map(|keys| keys.names()).unwrap_or_default();
    let roles = delegations.at(&["roles"])?.elements()?;
    let at = chance.below(roles.len());
    let delegation = roles.get_mut(at)?;
    Some(match chance.below(9) {
        0 | 1 => {
            delegation.set(&[], "terminating", Tree::raw(chance.word(&["true", "true", "false", "null"])));
            "delegations: terminating"
        }
        2 => {
            covers(delegation, chance);
            "delegations: paths"
        }
        3 => {
            let ids = chance.word(&[r#"["hw-0"]"#, r#"["hw-1","hw-2"]"#, r#"["hw-9"]"#, "[]", r#"[".hw"]"#]);
            match chance.percent(30) {
                true => delegation.remove(&[], "uptane"),
                false => delegation.set(&[], "uptane", Tree::object([("hardware_ids", Tree::raw(ids))])),
            }
            "delegations: hardware"
        }
        4 => {
            delegation.set(&[], "name", Tree::text(chance.word(NAMES)));
            "delegations: another role"
        }
        5 => {
            speakers(delegation, chance);
            "delegations: who speaks for a role"
        }
        6 => {
            let other = chance.one(&ids).map(|id| Tree::text(id));
            let list = delegation.at(&["keyids"]).and_then(Tree::elements);
            list.into_iter().for_each(|list| list.extend(other.clone()));
            "delegations: another key of a role"
        }
        _ => {
            agreement(delegation, chance);
            "delegations: roles that agree"
        }
    })
}

fn covers(delegation: &mut Tree, chance: &mut Chance) {
    let lists = [
        r#"["fw/*"]"#,
        r#"["*"]"#,
        r#"["*/*"]"#,
        r#"["fw/ecu-00?-*.bin"]"#,
        r#"["fw/**1.bin","x"]"#,
        r#"["fw?ecu-000-1.bin"]"#,
        "[]",
    ];
    let prefixes =
        [r#"["0","1","2","3","4","5","6","7"]"#, r#"["8","9","a","b","c","d","e","f"]"#, r#"["A"]"#, r#"[""]"#];
    let (other, name, list) = match chance.percent(60) {
        true => ("path_hash_prefixes", "paths", chance.word(&lists)),
        false => ("paths", "path_hash_prefixes", chance.word(&prefixes)),
    };
    if chance.percent(85) {
        delegation.remove(&[], other);
    }
    delegation.set(&[], name, Tree::raw(list));
}

/// Who speaks for a role, and how many must.
fn speakers(role: &mut Tree, chance: &mut Chance) {
    match chance.below(4) {
        0 => role.set(&[], "threshold", Tree::raw(chance.word(&["0", "1", "2", "255", "256"]))),
        1 => role.set(&[], "keyids", Tree::raw(chance.word(&["[]", r#"["unheard-of"]"#, r#"[""]"#]))),
        2 => role.remove(&[], chance.word(&["keyids", "threshold", "name"])),
        _ => {
            let ids = role.at(&["keyids"]).and_then(Tree::elements);
            ids.into_iter().for_each(|ids| ids.extend_from_within(..1.min(ids.len())));
        }
    }
}

fn agreement(delegation: &mut Tree, chance: &mut Chance) {
    let at = chance.below(3);
    match chance.below(5) {
        0 | 1 => {
            let needed = chance.word(&["0", "1", "1", "2", "3", "3", "4"]);
            delegation.set(&[], "min_roles_in_agreement", Tree::raw(needed));
        }
        2 => delegation.at(&["roles"]).and_then(Tree::elements).into_iter().for_each(|roles| roles.reverse()),
        3 => {
            let roles = delegation.at(&["roles"]).and_then(Tree::elements);
            let role = roles.and_then(|roles| roles.get_mut(at));
            role.into_iter().for_each(|role| speakers(role, chance));
        }
        _ => {
            let roles = delegation.at(&["roles"]).and_then(Tree::elements);
            let name = Tree::text(chance.word(NAMES));
            let role = roles.and_then(|roles| roles.get_mut(at));
            role.into_iter().for_each(|role| role.set(&[], "name", name.clone()));
        }
    }
}

/// Roles that have a file in one world or another, and names that no role has.
const NAMES: &[&str] = &[
    "brakes", "pads", "doors", "rest", "one", "two", "three", "any", "nobody", "targets", "root", "../x", "", "\u{7f}",
];
