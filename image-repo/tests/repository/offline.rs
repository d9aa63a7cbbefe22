//! A signer's folder: keys, images, what was pulled, and what is said about all of it.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::machine::Table;
use crate::place::{Place, one_line};

#[test]
fn a_key_that_openssl_made_is_imported_and_exported_again() {
    let table = Table::new();
    let openssl = |args: &[&str]| {
        let done = Command::new("openssl").args(args).current_dir(table.at("")).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "made.pem"]);
    table.secret("key import --repo alice --name old made.pem");
    let public = table.ok("key export-public --repo alice old");
    assert_eq!(public, openssl(&["pkey", "-in", "made.pem", "-pubout"]));
    let list = table.json("key list --repo alice");
    assert_eq!((&list[0]["name"], &list[0]["algorithm"]), (&json!("old"), &json!("ecdsa-p256")));
}

#[test]
fn keys_are_listed_with_the_roles_root_gives_them() {
    let table = Table::with_one_signer();
    let list = table.json("key list --repo alice");
    let roles = |name: &str| list.as_array().unwrap().iter().find(|key| key["name"] == name).unwrap()["roles"].clone();
    assert_eq!(roles("alice"), json!(["root", "targets"]));
    assert_eq!(roles("snapshot"), json!(["snapshot"]));
}

#[test]
fn a_key_is_never_overwritten_and_its_name_stays_in_its_folder() {
    let table = Table::with_one_signer();
    let before = table.everything("alice");
    let generate = |name: &str| format!("key generate --repo alice --name {name} --passphrase-file passphrase");
    assert!(table.refused(1, &generate("alice")).contains("already exists"));
    for name in ["../evil", "a/b", ".hidden", "ü"] {
        assert!(table.refused(2, &generate(name)).contains("key name"), "{name}");
    }
    assert_eq!(table.everything("alice"), before);
}

#[test]
fn names_that_leave_their_folder_are_too_long_or_are_not_plain_are_refused() {
    let table = Table::with_one_signer();
    let before = table.everything("alice");
    let long = "a".repeat(256);
    // The last but one is "é" as one character, the last as two, which is not in normal form C.
    for name in ["../evil", "/etc/passwd", "a//b", "a/./b", "a\\b", long.as_str(), "caf\u{e9}", "cafe\u{301}"] {
        assert!(one_line(2, &table.try_add("alice", name, 9, "")).contains("--name"), "{name}");
    }
    assert_eq!(table.everything("alice"), before);
}

#[test]
fn a_release_counter_that_does_not_rise_is_refused() {
    let table = Table::with_one_signer();
    table.add("alice", "brake/fw.bin", 5, "");
    let before = table.everything("alice");
    for (name, counter) in [("brake/other.bin", 4), ("brake/fw.bin", 4)] {
        let said = one_line(1, &table.try_add("alice", name, counter, ""));
        assert!(said.contains("is not newer than 5"), "{said}");
    }
    assert_eq!(table.everything("alice"), before);
}

#[test]
fn one_name_gets_another_image_with_a_higher_release_counter_alone() {
    let table = Table::with_one_signer();
    table.add("alice", "brake/fw.bin", 5, "");
    fs::write(table.at("other"), "another image").unwrap();
    let line =
        "targets add --repo alice other --name brake/fw.bin --hardware-id brake-hw --line brake --release-counter";
    assert!(table.refused(1, &format!("{line} 5")).contains("is not newer than 5"));
    table.ok(&format!("{line} 6"));
    let shown = table.json("show alice/staged/targets.json");
    assert_eq!(shown["says"]["images"].as_array().unwrap().len(), 2);
}

#[test]
fn listing_the_same_image_again_changes_nothing() {
    let table = Table::with_one_signer();
    let before = table.json("show alice/staged/targets.json");
    let said = String::from_utf8(table.try_add("alice", "base/fw-1.bin", 1, "--line base").stdout).unwrap();
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(table.json("show alice/staged/targets.json"), before);
}

#[test]
fn an_image_is_removed_by_its_name() {
    let table = Table::with_one_signer();
    table.ok("targets remove --repo alice base/fw-1.bin");
    let shown = table.json("show alice/staged/targets.json");
    assert_eq!((&shown["version"], &shown["says"]["images"]), (&json!(2), &json!([])));
    assert!(table.refused(2, "targets remove --repo alice base/fw-1.bin").contains("does not list"));
}

#[test]
fn signed_files_are_shown_for_people_and_a_stranger_s_signature_is_told() {
    let table = Table::with_one_signer();
    let said = table.ok("show alice/staged/targets.json");
    for part in [
        "targets 1, which expires in 1",
        "base/fw-1.bin",
        "1 image",
        "signed by 1 of the keys that Root 1 gives targets",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let other = Table::with_one_signer();
    fs::copy(other.at("alice/staged/root.json"), table.at("other-root.json")).unwrap();
    let judged = table.json("show alice/staged/targets.json --root other-root.json");
    assert_eq!((&judged["complete"], judged["unknown"].as_array().unwrap().len()), (&json!(false), 1));
}

#[test]
fn every_published_file_is_shown_with_who_signed_it() {
    let place = Place::published();
    let table = Table::new();
    let published = place.at("published/metadata");
    for name in ["1.root.json", "2.targets.json", "2.snapshot.json", "timestamp.json"] {
        let shown = table.json(&format!("show {}", published.join(name).display()));
        assert_eq!(shown["complete"], json!(true), "{name}");
    }
    fs::write(table.at("notes.json"), "{}").unwrap();
    assert!(table.refused(4, "show notes.json").contains("is no metadata file"));
}

#[test]
fn what_was_published_is_pulled_and_worked_on() {
    let place = Place::published();
    place.ok("root rotate", &["--role", "targets", "--passphrase-file", "passphrase"]);
    let table = Table::new();
    let line = format!("pull --repo bob {}", place.at("published/metadata").display());
    let pulled = table.json(&line);
    let did: Vec<_> =
        pulled.as_array().unwrap().iter().map(|file| (file["role"].clone(), file["version"].clone())).collect();
    assert!(did.contains(&(json!("root"), json!(2))) && did.contains(&(json!("targets"), json!(3))), "{did:?}");
    assert_eq!(table.json("root show --repo bob")["complete"], json!(true));
    table.add("bob", "brake/fw-2.bin", 2, "");
    let shown = table.json("show bob/staged/targets.json");
    assert_eq!((&shown["version"], shown["says"]["images"].as_array().unwrap().len()), (&json!(4), 2));
}

#[test]
fn the_doctor_says_what_expires_what_lacks_signatures_and_what_a_vehicle_would_say() {
    let place = Place::published();
    let table = Table::with_one_signer();
    let doctor = |more: &str| table.ok(&format!("doctor --repo alice {more}"));
    assert!(doctor("").contains("nothing needs a hand"));
    assert!(doctor("--warn 200").contains("warning: targets 1 expires in 1"));
    table.ok("targets renew --repo alice");
    assert!(doctor("").contains("warning: targets 2 (draft) waits for 1 more of the Targets keys of Root 1"));
    fs::remove_file(table.at("alice/keys/snapshot.pem")).unwrap();
    assert!(doctor("").contains("warning: keys/snapshot.pub has no private key beside it"));
    let published = format!("--published {}", place.at("published").display());
    assert!(doctor(&published).contains("good: a vehicle takes what is published"));
    fs::remove_file(place.at("published/metadata/2.snapshot.json")).unwrap();
    assert!(doctor(&published).contains("wrong: a vehicle refuses"));
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    let table = Table::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(table.ok(&format!("completions {shell}")).contains("export-public"), "{shell}");
    }
    table.ok("man pages");
    for page in ["image-repo", "image-repo-root-rotate", "image-repo-delegate-bins"] {
        let page = fs::read_to_string(table.at(&format!("pages/{page}.1"))).unwrap();
        assert!(page.contains(".TH") && page.contains(".SH"), "{page}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_not_made_by_looking_at_it() {
    let table = Table::new();
    for line in [
        "root show --repo nowhere",
        "root renew --repo nowhere",
        "delegate list --repo nowhere",
        "doctor --repo nowhere",
    ] {
        assert!(table.refused(4, line).contains("nowhere does not exist"), "{line}");
    }
    assert!(!table.at("nowhere").exists());
}
