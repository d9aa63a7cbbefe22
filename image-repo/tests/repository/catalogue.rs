//! What a release says of an image besides what vehicles verify.

use std::fs;

use serde_json::json;
use uptane::Sha256;

use crate::machine::Table;
use crate::place::one_line;

const SPDX: &[u8] = br#"{"spdxVersion":"SPDX-2.3","name":"brake"}"#;

#[test]
fn what_the_director_plans_with_is_listed_with_the_image() {
    let table = Table::with_one_signer();
    fs::write(table.at("notes"), "Neue Warnlampe\n").unwrap();
    fs::write(table.at("report"), "all tests pass").unwrap();
    table.add(
        "alice",
        "brake/fw-2.bin",
        2,
        "--requires base/fw-1.bin --conflicts brake/old.bin --order 3 --notes en=Lamp --notes de=@notes --test-evidence report",
    );
    let shown = table.json("show alice/staged/targets.json");
    let image =
        shown["says"]["images"].as_array().unwrap().iter().find(|image| image["name"] == "brake/fw-2.bin").unwrap();
    assert_eq!(image["requires"], json!(["base/fw-1.bin"]));
    assert_eq!(image["conflicts"], json!(["brake/old.bin"]));
    assert_eq!(image["order"], 3);
    assert_eq!(image["notes"], json!({ "en": "Lamp", "de": "Neue Warnlampe\n" }));
    assert_eq!(image["test_evidence_sha256"], Sha256::of(b"all tests pass").to_string());
}

#[test]
fn a_bill_of_materials_is_listed_beside_its_image_for_no_ecu() {
    let table = Table::with_one_signer();
    fs::write(table.at("sbom.json"), SPDX).unwrap();
    table.add("alice", "brake/fw-2.bin", 2, "--sbom sbom.json");
    let shown = table.json("show alice/staged/targets.json");
    let images = shown["says"]["images"].as_array().unwrap();
    let named = |name: &str| images.iter().find(|image| image["name"] == name).unwrap();
    let (image, bill) = (named("brake/fw-2.bin"), named("brake/fw-2.bin.spdx.json"));
    let digest = Sha256::of(SPDX).to_string();
    assert_eq!(image["sbom"], json!({ "format": "spdx", "sha256": digest, "target": "brake/fw-2.bin.spdx.json" }));
    assert_eq!((&bill["hardware_ids"], &bill["sha256"]), (&json!(["sbom"]), &json!(digest)));
    assert_eq!(fs::read(table.at(&format!("alice/staged/images/{digest}"))).unwrap(), SPDX);
}

#[test]
fn a_bill_of_materials_goes_with_its_image() {
    let table = Table::with_one_signer();
    fs::write(table.at("sbom.json"), SPDX).unwrap();
    table.add("alice", "brake/fw-2.bin", 2, "--sbom sbom.json");
    table.ok("targets remove --repo alice brake/fw-2.bin");
    let shown = table.json("show alice/staged/targets.json");
    assert_eq!(shown["says"]["images"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_malformed_is_refused_and_nothing_changes() {
    let table = Table::with_one_signer();
    fs::write(table.at("other.json"), "{}").unwrap();
    let before = table.everything("alice");
    for (status, more) in [
        (4, "--sbom other.json"),
        (4, "--sbom nowhere"),
        (2, "--requires ../evil"),
        (2, "--conflicts a//b"),
        (2, "--notes d_e=x"),
        (2, "--test-evidence sha256:00"),
        (2, "--order x"),
    ] {
        one_line(status, &table.try_add("alice", "brake/fw-2.bin", 2, more));
    }
    assert_eq!(table.everything("alice"), before);
}
