//! Suppliers: who may list what, on machines of their own.

use std::fs;

use serde_json::json;

use crate::machine::Table;
use crate::place::one_line;

/// A repository that delegates `brake/*` for `brake-hw` to a supplier with a machine of its own.
fn supplied() -> Table {
    let table = Table::with_one_signer();
    table.key("brakes", "brakes");
    table.ok("delegate add --repo alice brakes --path brake/* --hardware-id brake-hw --key brakes.pub");
    table.secret("targets sign --repo alice --key alice");
    for file in ["root", "targets"] {
        table.ok(&format!("pull --repo brakes alice/staged/{file}.json"));
    }
    table
}

#[test]
fn a_supplier_lists_and_signs_what_is_its_own() {
    let table = supplied();
    table.add("brakes", "brake/fw-1.bin", 1, "--role brakes");
    table.secret("targets sign --repo brakes --role brakes --key brakes");
    let shown = table.json("show brakes/staged/brakes.json");
    assert_eq!((&shown["role"], &shown["version"], &shown["complete"]), (&json!("brakes"), &json!(1), &json!(true)));
    assert_eq!(shown["says"]["images"][0]["name"], "brake/fw-1.bin");
    let digest = shown["says"]["images"][0]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(fs::read(table.at(&format!("brakes/staged/images/{digest}"))).unwrap(), b"brake/fw-1.bin 1");
}

#[test]
fn a_name_that_no_pattern_covers_is_refused() {
    let table = supplied();
    let before = table.everything("brakes");
    for name in ["door/fw-1.bin", "brake/sub/fw-1.bin"] {
        let said = one_line(3, &table.try_add("brakes", name, 1, "--role brakes"));
        assert!(said.contains("no pattern of its delegation covers it"), "{said}");
    }
    assert_eq!(table.everything("brakes"), before);
}

#[test]
fn hardware_that_the_delegation_does_not_name_is_refused() {
    let table = supplied();
    let before = table.everything("brakes");
    let said = one_line(3, &table.try_add("brakes", "brake/a.bin", 1, "--role brakes --hardware-id door-hw"));
    assert!(said.contains("may not list images for the hardware door-hw"), "{said}");
    assert_eq!(table.everything("brakes"), before);
}

#[test]
fn a_key_that_the_delegation_does_not_name_does_not_sign() {
    let table = supplied();
    table.key("brakes", "mallory");
    table.add("brakes", "brake/fw-1.bin", 1, "--role brakes");
    let said = table.refused(1, "targets sign --repo brakes --role brakes --key mallory --passphrase-file passphrase");
    assert!(said.contains("is not a key of"), "{said}");
}

#[test]
fn a_supplier_without_the_file_that_delegates_to_it_can_sign_all_the_same() {
    let table = Table::new();
    table.key("brakes", "brakes");
    table.add("brakes", "brake/fw-1.bin", 1, "--role brakes");
    let said = table.secret("targets sign --repo brakes --role brakes --key brakes");
    assert!(said.contains("no file here says whose keys must sign it"), "{said}");
}

#[test]
fn a_new_delegation_is_not_terminating() {
    let list = supplied().json("delegate list --repo alice");
    assert_eq!((&list[0]["name"], &list[0]["terminating"]), (&json!("brakes"), &json!(false)));
}

#[test]
fn a_terminating_delegation_wants_a_reason_which_is_logged() {
    let table = supplied();
    let line = "delegate add --repo alice doors --path door/* --key brakes.pub --terminating";
    table.refused(2, line);
    table.ok(&format!("{line} --reason recalled"));
    let log = fs::read_to_string(table.at("alice/staged/log")).unwrap();
    assert!(log.contains("targets delegates to doors as terminating: recalled"), "{log}");
    let list = table.json("delegate list --repo alice");
    assert_eq!((&list[0]["terminating"], &list[1]["terminating"]), (&json!(false), &json!(true)));
}

#[test]
fn roles_that_must_agree_have_the_keys_they_have_alone() {
    let table = supplied();
    table.key("lab", "lab");
    table.ok("delegate add --repo alice lab --path lab/* --key lab.pub");
    table.ok("delegate add --repo alice both --roles brakes,lab --needed 2 --path brake/safe-* --first");
    let list = table.json("delegate list --repo alice");
    assert_eq!((&list[0]["name"], &list[0]["needed"]), (&json!("both"), &json!(2)));
    assert_eq!(list[0]["roles"], json!(["brakes", "lab"]));
    let said = table.refused(2, "delegate add --repo alice x --roles brakes,nobody --needed 2 --path a/*");
    assert!(said.contains("delegates to nothing called \"nobody\""), "{said}");
    // The laboratory may list what it must agree to, and nothing else of the supplier's.
    table.secret("targets sign --repo alice --key alice");
    table.ok("pull --repo lab alice/staged/root.json");
    table.ok("pull --repo lab alice/staged/targets.json");
    table.add("lab", "brake/safe-1.bin", 1, "--role lab");
    one_line(3, &table.try_add("lab", "brake/fw-1.bin", 1, "--role lab"));
}

#[test]
fn a_delegation_is_taken_back_once() {
    let table = supplied();
    table.ok("delegate remove --repo alice brakes");
    assert_eq!(table.json("delegate list --repo alice"), json!([]));
    assert!(table.refused(2, "delegate remove --repo alice brakes").contains("delegates to nothing called"));
}

#[test]
fn one_name_is_not_delegated_twice() {
    let table = supplied();
    let before = table.everything("alice");
    table.refused(1, "delegate add --repo alice brakes --path door/* --key brakes.pub");
    assert_eq!(table.everything("alice"), before);
}

#[test]
fn an_image_goes_into_the_bin_its_name_falls_into() {
    let table = Table::with_one_signer();
    table.key("alice", "bins");
    table.ok("delegate bins --repo alice --count 8 --prefix bin --key bins.pub");
    assert!(table.secret("targets sign --repo alice --all --key bins").contains("signed 8 files"));
    assert!(table.secret("targets sign --repo alice --all --key bins").contains("signed 0 files"));
    let listed = |name: &str| {
        table.add("alice", name, 1, "");
        let holds = |bin: &u32| {
            let shown = table.json(&format!("show alice/staged/bin-{bin}.json"));
            shown["says"]["images"].as_array().unwrap().iter().any(|image| image["name"] == name)
        };
        (0..8).filter(holds).collect::<Vec<_>>()
    };
    for name in ["a.bin", "b.bin", "c.bin"] {
        let first = uptane::Sha256::of(name.as_bytes()).0[0];
        assert_eq!(listed(name), [u32::from(first >> 5)], "{name}");
    }
    // Only the bins that were changed are signed again.
    let changed = ["a.bin", "b.bin", "c.bin"].map(|name| uptane::Sha256::of(name.as_bytes()).0[0] >> 5);
    let count = changed.iter().collect::<std::collections::BTreeSet<_>>().len();
    let said = table.secret("targets sign --repo alice --all --key bins");
    assert!(said.contains(&format!("signed {count} file")), "{said}");
}

#[test]
fn a_number_of_bins_that_digests_cannot_share_is_refused() {
    let table = Table::with_one_signer();
    for count in ["1", "1000", "131072"] {
        let said = table.refused(2, &format!("delegate bins --repo alice --count {count} --key alice.pub"));
        assert!(said.contains("power of two"), "{said}");
    }
}
