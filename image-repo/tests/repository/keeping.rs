//! Keeping a repository for years: its audit log, its backups, and what is cleared away.

use std::fs;

use uptane::Sha256;

use crate::place::{Place, one_line};

/// A copy of the keys and nothing else, as somebody who restores has it.
fn with_keys_of(place: &Place) -> Place {
    let other = Place::empty();
    fs::create_dir_all(other.at("keys")).unwrap();
    for name in ["snapshot", "timestamp"] {
        for ending in ["pem", "pub"] {
            let file = format!("keys/{name}.{ending}");
            fs::copy(place.at(&file), other.at(&file)).unwrap();
        }
    }
    other
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_audit_log_tells_who_published_which_file() {
    let place = Place::published();
    let said = place.ok("audit show", &[]);
    let digest = Sha256::of(&fs::read(place.at("published/metadata/2.targets.json")).unwrap());
    assert!(said.contains("init publish root 1 "), "{said}");
    assert!(said.contains(&format!("local publish targets 2 {digest}\n")), "{said}");
    assert!(place.ok("audit verify", &[]).contains("3 entries"));
}

#[test]
fn a_hash_that_was_written_down_is_found_again_and_another_is_not() {
    let place = Place::published();
    let head = json(&place.ok("audit verify", &["--json"]))["head"].as_str().unwrap().to_owned();
    place.add("brake/fw-2.bin", b"second firmware", 2);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.ok("publish", &[]);
    place.ok("audit verify", &["--head", &head]);
    let other = Sha256::of(b"another log").to_string();
    assert!(place.refused(3, "audit verify", &["--head", &other]).contains("no entry of the audit log"));
}

#[test]
fn a_young_repository_has_nothing_that_nobody_needs() {
    let place = Place::published();
    assert_eq!(json(&place.ok("gc", &["--dry-run", "--json"]))["files"], serde_json::json!([]));
    assert!(place.ok("gc", &[]).starts_with("removed 0 metadata files, 0 images and 0 uploads"));
    place.ok("verify", &[]);
}

#[test]
fn an_image_without_bytes_is_told_by_collection_and_put_back_from_a_backup() {
    let place = Place::published();
    place.ok("backup", &["--to", "backup", "--images"]);
    let image = place.at(&format!("published/targets/brake/{}.fw-1.bin", Sha256::of(b"first firmware")));
    fs::remove_file(&image).unwrap();
    fs::remove_file(place.at("published/metadata/1.root.json")).unwrap();
    assert!(place.ok("gc", &[]).contains("missing: "));
    place.ok("restore", &["--from", "backup", "--objects-only"]);
    assert_eq!(fs::read(&image).unwrap(), b"first firmware");
    place.ok("verify", &[]);
}

#[test]
fn a_repository_comes_back_from_its_backup_and_goes_on() {
    let place = Place::published();
    place.ok("backup", &["--to", "backup", "--images"]);
    let other = with_keys_of(&place);
    let backup = place.repo().with_file_name("backup");
    let restored = other.ok("restore", &["--from", backup.to_str().unwrap(), "--json"]);
    assert!(json(&restored)["timestamp"].as_u64().unwrap() > 1 << 20);
    assert!(other.ok("verify", &[]).contains("1 image\n"));
    assert!(other.ok("audit verify", &[]).contains("entries"));
    other.ok("publish", &[]);
}

#[test]
fn a_repository_that_is_there_is_not_restored_over() {
    let place = Place::published();
    place.ok("backup", &["--to", "backup"]);
    one_line(1, &place.run("restore", &["--from", "backup"]));
    place.ok("verify", &[]);
}

#[test]
fn what_was_signed_after_the_backup_may_come_with_the_restoration() {
    let place = Place::published();
    place.ok("backup", &["--to", "backup", "--images"]);
    place.add("brake/fw-2.bin", b"second firmware", 2);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.ok("publish", &[]);
    let other = with_keys_of(&place);
    let backup = place.repo().with_file_name("backup");
    let newer = place.at("published/metadata/3.targets.json");
    // Its image is in no backup, and nobody brought it.
    let args = [newer.to_str().unwrap(), "--from", backup.to_str().unwrap()];
    assert!(one_line(3, &other.run("restore", &args)).contains("are not here"));
}
