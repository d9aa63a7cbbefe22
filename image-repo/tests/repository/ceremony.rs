//! Root, signed by people who never meet in one place.

use std::fs;

use serde_json::json;

use crate::machine::Table;

/// Three machines whose keys are on the table, and the first Root, drafted by the first of them.
fn three() -> Table {
    let table = Table::new();
    for name in ["alice", "bob", "carol"] {
        table.key(name, name);
    }
    table.key("alice", "targets");
    for role in ["snapshot", "timestamp"] {
        table.ok(&format!("key generate --repo server --name {role} --online"));
        table.ok(&format!("key export-public --repo server {role} --out {role}.pub"));
    }
    table.ok(
        "root new --repo alice --root alice.pub --root bob.pub --root carol.pub --root-threshold 2 --targets targets.pub \
         --snapshot snapshot.pub --timestamp timestamp.pub",
    );
    table
}

/// Carries the staged Root of one machine to another.
fn carry(table: &Table, from: &str, to: &str) -> String {
    fs::copy(table.at(&format!("{from}/staged/root.json")), table.at("root.json")).unwrap();
    table.ok(&format!("pull --repo {to} root.json"))
}

fn signed() -> Table {
    let table = three();
    table.secret("root sign --repo alice --key alice");
    carry(&table, "alice", "bob");
    table.secret("root sign --repo bob --key bob");
    carry(&table, "bob", "alice");
    table
}

fn lacks(table: &Table, machine: &str) -> Vec<u64> {
    let shown = table.json(&format!("root show --repo {machine}"));
    let asked = shown.get("asked").unwrap().as_array().unwrap();
    let lacks = |asked: &serde_json::Value| {
        asked["needed"].as_u64().unwrap().saturating_sub(asked["signed"].as_array().unwrap().len().try_into().unwrap())
    };
    asked.iter().map(lacks).collect()
}

#[test]
fn root_is_complete_when_two_of_three_machines_have_signed_it() {
    let table = three();
    assert_eq!(lacks(&table, "alice"), [2]);
    table.secret("root sign --repo alice --key alice");
    assert_eq!(lacks(&table, "alice"), [1]);
    assert!(carry(&table, "alice", "bob").contains("first Root here"));
    table.secret("root sign --repo bob --key bob");
    assert!(carry(&table, "bob", "alice").contains("root 1: signatures added"));
    assert_eq!(lacks(&table, "alice"), [0]);
    assert_eq!(table.json("root show --repo alice")["complete"], json!(true));
}

#[test]
fn a_carried_file_is_signed_where_it_lies() {
    let table = three();
    fs::copy(table.at("alice/staged/root.json"), table.at("root.json")).unwrap();
    for name in ["alice", "bob"] {
        table.secret(&format!("root sign --repo {name} --key {name} root.json"));
    }
    let shown = table.json("show root.json");
    assert_eq!((&shown["complete"], &shown["role"]), (&json!(true), &json!("root")));
}

#[test]
fn a_rotated_root_is_signed_by_the_keys_of_before_and_after() {
    let table = signed();
    table.key("dora", "dora");
    table.ok("root rotate --repo alice --role root --remove carol.pub --add dora.pub");
    assert_eq!(lacks(&table, "alice"), [2, 2]);
    table.secret("root sign --repo alice --key alice");
    assert_eq!(lacks(&table, "alice"), [1, 1]);
    carry(&table, "alice", "dora");
    // Dora's folder does not know the Root before, so it cannot say whose signature it needs.
    assert!(table.refused(4, "root show --repo dora").contains("must sign too, and it is not here"));
    table.ok("pull --repo dora alice/staged/roots/1.json --role root");
    table.secret("root sign --repo dora --key dora");
    carry(&table, "dora", "alice");
    assert_eq!(lacks(&table, "alice"), [1, 0]);
    carry(&table, "alice", "bob");
    table.secret("root sign --repo bob --key bob");
    carry(&table, "bob", "alice");
    assert_eq!(lacks(&table, "alice"), [0, 0]);
}

#[test]
fn a_key_that_goes_is_meant_by_its_id_or_the_beginning_of_that() {
    let table = signed();
    let keys = table.json("key list --repo carol");
    let id = keys[0]["key_id"].as_str().unwrap().to_owned();
    let (start, _) = id.split_at(8);
    table.ok(&format!("root rotate --repo alice --role root --remove {start}"));
    let shown = table.json("root show --repo alice");
    assert_eq!(shown["says"]["roles"]["root"]["keys"].as_array().unwrap().len(), 2);
    assert!(table.refused(2, "root rotate --repo alice --role root --remove 0123456789").contains("is no key of root"));
}

#[test]
fn a_threshold_that_no_keys_can_reach_is_refused_and_nothing_changes() {
    let table = signed();
    let before = table.everything("alice");
    assert!(table.refused(1, "root threshold --repo alice --role targets 2").contains("impossible with 1 keys"));
    assert!(table.refused(1, "root rotate --repo alice --role targets --remove targets.pub").contains("impossible"));
    assert_eq!(table.everything("alice"), before);
    table.ok("root threshold --repo alice --role root 3");
    assert_eq!(lacks(&table, "alice"), [2, 3]);
}

#[test]
fn a_root_that_is_signed_in_part_is_neither_edited_nor_replaced() {
    let table = three();
    table.secret("root sign --repo alice --key alice");
    let before = table.everything("alice");
    assert!(table.refused(1, "root renew --repo alice").contains("signed in part"));
    assert!(table.refused(1, "root rotate --repo alice --role root --remove carol.pub").contains("signed in part"));
    assert_eq!(table.everything("alice"), before);
    assert!(table.ok("discard --repo alice --role root").contains("discarded root 1"));
}

#[test]
fn a_folder_that_signed_one_root_refuses_another_of_its_version() {
    let table = three();
    table.secret("root sign --repo alice --key alice");
    table.ok(
        "root new --repo mallory --root alice.pub --targets bob.pub --snapshot snapshot.pub --timestamp timestamp.pub",
    );
    fs::copy(table.at("mallory/staged/root.json"), table.at("root.json")).unwrap();
    let before = table.everything("alice");
    let said = table.refused(3, "root sign --repo alice --key alice root.json --passphrase-file passphrase");
    assert!(said.contains("two contents"), "{said}");
    assert_eq!(table.everything("alice"), before);
}

#[test]
fn a_key_that_is_not_of_root_does_not_sign_it() {
    let table = three();
    table.key("mallory", "mallory");
    carry(&table, "alice", "mallory");
    let said = table.refused(1, "root sign --repo mallory --key mallory --passphrase-file passphrase");
    assert!(said.contains("is not a key of Root"), "{said}");
}

#[test]
fn a_second_first_root_is_refused() {
    let table = three();
    let again =
        "root new --repo alice --root bob.pub --targets bob.pub --snapshot snapshot.pub --timestamp timestamp.pub";
    assert!(table.refused(1, again).contains("there is a root already"));
}

#[test]
fn root_is_shown_with_its_keys_who_signed_and_its_expiry_in_words() {
    let table = three();
    table.secret("root sign --repo alice --key alice");
    let said = table.ok("root show --repo alice");
    for part in [
        "root 1, which expires in 36",
        "2 of 3",
        "signed by 1 of the keys of Root 1: 1 signature to come",
        "unsigned  ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
