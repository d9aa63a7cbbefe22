//! Patches from the command line.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use uptane::Sha256;

use crate::place::{Place, everything, one_line};

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_image-repo")).current_dir(folder).arg("delta").args(args).output().unwrap()
}

fn said(folder: &Path, args: &[&str]) -> String {
    let done = run(folder, args);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A folder with two images, and how to make the patch between them.
fn images() -> (tempfile::TempDir, [&'static str; 7]) {
    let folder = tempfile::tempdir().unwrap();
    let old: Vec<u8> = (0..20_000_u32).flat_map(|n| (n * n).to_be_bytes()).collect();
    let (first, second) = old.split_at(9_000);
    fs::write(folder.path().join("old.bin"), &old).unwrap();
    fs::write(folder.path().join("new.bin"), [first, b"something new", second].concat()).unwrap();
    (folder, ["make", "--from", "old.bin", "--to", "new.bin", "--out", "patch"])
}

#[test]
fn what_is_made_makes_the_new_image_and_says_what_metadata_needs() {
    let (folder, make) = images();
    let json: serde_json::Value =
        serde_json::from_str(&said(folder.path(), &[&make[..], &["--json"]].concat())).unwrap();
    let [old, new, patch] = ["old.bin", "new.bin", "patch"].map(|name| fs::read(folder.path().join(name)).unwrap());
    assert_eq!(image_repo::delta::apply(&old, &patch, new.len()).unwrap(), new);
    assert!(patch.len() < 400, "{}", patch.len());
    assert_eq!(json["base"], Sha256::of(&old).to_string());
    assert_eq!(json["sha256"], Sha256::of(&patch).to_string());
    assert_eq!(json["length"], patch.len());
    assert_eq!(json["new_sha256"], Sha256::of(&new).to_string());
    assert_eq!(everything(folder.path()).len(), 3);
}

#[test]
fn a_patch_says_what_it_is_for() {
    let (folder, make) = images();
    assert!(said(folder.path(), &make).starts_with("made patch: "));
    let base = Sha256::of(&fs::read(folder.path().join("old.bin")).unwrap());
    assert!(said(folder.path(), &["show", "patch"]).contains(&format!("base:  80000 bytes, sha256 {base}")));
    let json: serde_json::Value = serde_json::from_str(&said(folder.path(), &["show", "patch", "--json"])).unwrap();
    assert_eq!((&json["old_length"], &json["new_length"]), (&80_000.into(), &80_013.into()));
}

#[test]
fn what_is_no_patch_and_what_is_not_there_is_answered_with_one_line() {
    let (folder, _) = images();
    assert!(one_line(4, &run(folder.path(), &["show", "old.bin"])).contains("the bytes are not a patch"));
    assert!(one_line(4, &run(folder.path(), &["show", "nowhere"])).contains("nowhere does not exist"));
    let missing = ["make", "--from", "nowhere", "--to", "new.bin", "--out", "patch"];
    assert!(one_line(4, &run(folder.path(), &missing)).contains("nowhere does not exist"));
    one_line(2, &run(folder.path(), &["make", "--from", "old.bin"]));
    assert!(!folder.path().join("patch").exists());
}

#[test]
fn a_published_patch_lies_where_an_image_of_its_name_and_digest_would_and_outlives_a_publication() {
    let (folder, make) = images();
    said(folder.path(), &make);
    let [patch, old] = ["patch", "old.bin"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let place = Place::published();
    let args = ["--name", "brake/1-to-2.patch", &patch, "--json"];
    let json: serde_json::Value = serde_json::from_str(&place.ok("delta publish", &args)).unwrap();
    let bytes = fs::read(&patch).unwrap();
    let path = format!("targets/brake/{}.1-to-2.patch", Sha256::of(&bytes));
    assert_eq!((&json["path"], &json["length"]), (&path.as_str().into(), &bytes.len().into()));
    assert_eq!(json["base"], Sha256::of(&fs::read(&old).unwrap()).to_string());
    // Nothing was signed for it, and nothing that is signed removes it.
    place.ok("publish", &[]);
    assert_eq!(fs::read(place.at("published").join(&path)).unwrap(), bytes);
    place.ok("verify", &[]);
    place.refused(4, "delta publish", &["--name", "brake/1-to-2.patch", &old]);
    place.refused(2, "delta publish", &["--name", "../patch", &patch]);
}
