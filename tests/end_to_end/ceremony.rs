//! The page that people follow who hold keys.

use std::fs;
use std::path::Path;

use tests::walkthrough::{Reader, blocks};

use crate::getting_started::programs;

#[test]
fn the_ceremony_page_ends_with_a_root_that_all_who_must_have_signed() {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let home = tempfile::tempdir().unwrap();
    let programs = programs(home.path());
    let mut reader = Reader::new(clone, home.path()).with_preamble(&format!("PATH='{}':$PATH\n", programs.display()));
    for block in blocks(&fs::read_to_string(clone.join("docs/ceremony.md")).unwrap()).unwrap() {
        reader.follow(&block).unwrap();
    }
    let root = reader.ask("image-repo show ~/server/repository/published/metadata/4.root.json --json").unwrap();
    let root: serde_json::Value = serde_json::from_str(&root).unwrap();
    assert_eq!((&root["complete"], &root["version"]), (&true.into(), &4.into()));
    assert_eq!(root["says"]["roles"]["root"]["threshold"], 2);
}
