//! The command line: what it makes, and what it refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use uptane::metadata::{Envelope, Targets};
use uptane::{Sha256, TargetName};

use crate::place::{Place, everything, one_line};

#[test]
fn what_init_makes_verifies_and_keeps_its_keys_private() {
    let place = Place::initialised();
    assert!(place.ok("verify", &[]).contains("4 roles, 0 images"));
    for name in ["root", "targets", "snapshot", "timestamp"] {
        let path = place.at(&format!("keys/{name}.pem"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let encrypted = fs::read_to_string(&path).unwrap().contains("ENCRYPTED PRIVATE KEY");
        assert_eq!(encrypted, matches!(name, "root" | "targets"), "{name}");
    }
}

#[test]
fn an_image_is_visible_when_it_is_published_and_not_before() {
    let place = Place::initialised();
    place.add("brake/fw-1.bin", b"first firmware", 1);
    let stored = place.at(&format!("published/targets/brake/{}.fw-1.bin", Sha256::of(b"first firmware")));
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    assert!(!stored.exists());
    assert!(place.ok("show", &[]).contains("no images"));
    place.ok("publish", &[]);
    assert!(place.ok("show", &[]).contains("brake/fw-1.bin"));
    assert_eq!(fs::read(stored).unwrap(), b"first firmware");
    assert!(place.ok("verify", &[]).contains("1 image\n"));
    assert_eq!(fs::read_dir(place.at("staged/images")).unwrap().count(), 0);
}

#[test]
fn published_targets_says_of_an_image_what_was_given() {
    let place = Place::published();
    let file = fs::read(place.at("published/metadata/2.targets.json")).unwrap();
    let envelope = Envelope::decode(&file).unwrap();
    let targets = Targets::decode(envelope.signed()).unwrap();
    let target = targets.target(TargetName::parse("brake/fw-1.bin").unwrap()).unwrap().unwrap();
    assert_eq!(target.length().get(), 14);
    assert_eq!(target.hashes().sha256(), Some(Sha256::of(b"first firmware")));
    assert_eq!((target.matching().line().as_str(), target.matching().release_counter().get()), ("brake", 1));
    assert_eq!(target.matching().hardware_ids().map(|id| id.to_string()).collect::<Vec<_>>(), ["brake-hw"]);
}

#[test]
fn a_newer_image_of_a_name_lives_beside_the_old_one() {
    let place = Place::published();
    one_line(1, &place.try_add("brake/fw-1.bin", b"other firmware", 1));
    place.add("brake/fw-1.bin", b"other firmware", 2);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.ok("publish", &[]);
    assert_eq!(fs::read_dir(place.at("published/targets/brake")).unwrap().count(), 2);
    one_line(1, &place.try_add("brake/fw-2.bin", b"older firmware", 1));
    assert!(place.ok("verify", &[]).contains("1 image\n"));
}

#[test]
fn what_is_changed_after_it_was_signed_is_signed_anew() {
    let place = Place::initialised();
    place.add("brake/fw.bin", b"first firmware", 1);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.add("brake/fw.bin", b"second firmware", 2);
    assert!(place.ok("publish", &[]).contains("targets 3 lacks signatures"));
    assert!(place.ok("verify", &[]).contains("0 images"));
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.ok("publish", &[]);
    assert!(place.ok("verify", &[]).contains("1 image\n"));
}

#[test]
fn adding_the_same_image_again_changes_nothing() {
    let place = Place::published();
    let said = String::from_utf8(place.try_add("brake/fw-1.bin", b"first firmware", 1).stdout).unwrap();
    assert!(said.contains("there already"), "{said}");
    assert!(place.ok("sign", &["--passphrase-file", "passphrase"]).contains("nothing was signed"));
}

#[test]
fn every_key_can_be_rotated_and_a_client_of_the_first_root_follows() {
    let place = Place::published();
    for role in ["timestamp", "snapshot", "targets", "root"] {
        place.ok("root rotate", &["--role", role, "--passphrase-file", "passphrase"]);
        assert!(place.ok("verify", &[]).contains("1 image\n"), "{role}");
    }
    place.ok("root renew", &["--passphrase-file", "passphrase"]);
    place.add("brake/fw-2.bin", b"second firmware", 2);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.ok("publish", &[]);
    let shown: serde_json::Value = serde_json::from_str(&place.ok("verify", &["--json"])).unwrap();
    assert_eq!(shown["images"], 2);
    assert_eq!(shown["roles"][0]["version"], 6);
}

#[test]
fn a_repository_is_never_made_over_something() {
    let place = Place::published();
    let before = everything(&place.at("published"));
    assert!(place.refused(1, "init", &["--passphrase-file", "passphrase"]).contains("already exists"));
    assert_eq!(everything(&place.at("published")), before);
}

#[test]
fn passphrases_and_keys_that_do_not_fit_are_refused() {
    let place = Place::initialised();
    place.add("brake/fw-1.bin", b"firmware", 1);
    assert!(place.refused(4, "sign", &["--passphrase-file", "wrong"]).contains("passphrase does not open"));
    assert!(place.refused(4, "sign", &["--passphrase-file", "nowhere"]).contains("nowhere does not exist"));
    assert!(place.refused(4, "sign", &[]).contains("--passphrase-file"));

    for half in ["pem", "pub"] {
        fs::copy(place.at(&format!("keys/root.{half}")), place.at(&format!("keys/targets.{half}"))).unwrap();
    }
    let swapped = place.refused(4, "sign", &["--passphrase-file", "passphrase"]);
    assert!(swapped.contains("no key of the folder may sign targets 2"), "{swapped}");

    let place = Place::initialised();
    place.add("brake/fw-1.bin", b"firmware", 1);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    fs::remove_file(place.at("keys/timestamp.pem")).unwrap();
    assert!(place.refused(4, "publish", &[]).contains("0 of the 1 keys that must sign Timestamp are here"));
}

#[test]
fn names_that_leave_their_folder_are_refused() {
    let place = Place::initialised();
    for name in ["../evil", "/etc/passwd", "a//b", "a/./b"] {
        assert!(one_line(2, &place.try_add(name, b"x", 1)).contains("--name"), "{name}");
    }
}

#[test]
fn a_folder_without_a_repository_and_a_damaged_database_are_refused() {
    let place = Place::empty();
    for command in ["publish", "verify", "serve"] {
        assert!(place.refused(4, command, &[]).contains("run `image-repo init`"), "{command}");
    }
    let place = Place::published();
    let database = place.at("state.sqlite");
    fs::write(&database, vec![7; 8192]).unwrap();
    for name in ["state.sqlite-wal", "state.sqlite-shm"] {
        let _ = fs::remove_file(place.at(name));
    }
    assert!(place.refused(4, "publish", &[]).contains("database"));
    assert_eq!(fs::read(&database).unwrap(), vec![7; 8192]);
}

#[test]
fn what_was_changed_after_publication_does_not_verify() {
    let place = Place::published();
    let image = place.at(&format!("published/targets/brake/{}.fw-1.bin", Sha256::of(b"first firmware")));
    fs::write(&image, b"First firmware").unwrap();
    assert!(place.refused(3, "verify", &[]).contains("does not verify"));
    fs::remove_file(&image).unwrap();
    assert!(place.refused(3, "verify", &[]).contains("is not published"));

    let place = Place::published();
    let file = place.at("published/metadata/timestamp.json");
    let text = fs::read_to_string(&file).unwrap().replace("\"version\":2", "\"version\":3");
    fs::write(&file, text).unwrap();
    assert!(place.refused(3, "verify", &[]).contains("does not verify"));
    // Publishing again heals it.
    place.ok("publish", &[]);
    place.ok("verify", &[]);
}

#[test]
fn a_command_line_that_makes_no_sense_is_answered_with_one_line() {
    let place = Place::empty();
    place.refused(2, "sing", &[]);
    place.refused(2, "targets add", &["image"]);
    place.refused(2, "init", &["--root-days", "0"]);
}
