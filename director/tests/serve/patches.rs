//! Patches: added, told to vehicles, removed, and refused.

use std::fs;
use std::process::{Command, Output};

use proto::delta::Header;
use serde_json::Value;
use uptane::metadata::{Envelope, NamedDelta, Targets};
use uptane::{EcuId, Sha256};

use super::images::IMAGE_LENGTH;
use super::{NEW_BRAKE, OLD_BRAKE, Site, State, stderr, vehicle};

/// A site whose images stand in the Image repository, and a file that begins as a patch of the first one does.
fn site() -> (Site, String) {
    let mut site = Site::new();
    site.images.publish(&[OLD_BRAKE, NEW_BRAKE]);
    let file = site.path("1-to-2.patch");
    fs::write(&file, patch(OLD_BRAKE.name)).unwrap();
    (site, file)
}

fn patch(base: &str) -> Vec<u8> {
    let length = u32::try_from(IMAGE_LENGTH).unwrap();
    let header = Header { old_length: length, new_length: length, base: Sha256::of(base.as_bytes()) };
    [&header.encode()[..], b"what the Director does not read"].concat()
}

fn director(site: &Site, command: &str, args: &[&str]) -> Output {
    let mut director = Command::new(env!("CARGO_BIN_EXE_director"));
    director.args(["patch", command, "--data", &site.path("director")]).args(args).output().unwrap()
}

fn add(site: &Site, name: &str, makes: &str, file: &str) -> Output {
    director(site, "add", &["--name", name, "--makes", makes, file, "--json"])
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What Director Targets tell the brake of a patch.
fn told(targets: Option<Vec<u8>>) -> Option<NamedDelta> {
    let file = targets.expect("no new Targets");
    let targets = Targets::decode(Envelope::decode(&file).unwrap().signed()).unwrap();
    targets.targets().find_map(|target| target.unwrap().delta(EcuId::parse("brake").unwrap()))
}

#[tokio::test]
async fn a_patch_reaches_the_vehicle_that_runs_its_base_and_is_taken_back() {
    let (site, file) = site();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    assert!(site.assign("brake=brake/fw-2.bin").status.success());
    let reply = vehicle.report_all().await.unwrap();
    vehicle.verify(&reply);
    assert_eq!(told(reply.targets), None);

    let added = json(&add(&site, "brake/1-to-2.patch", "brake/fw-2.bin", &file));
    let reply = vehicle.idle().await.unwrap();
    vehicle.verify(&reply);
    let named = told(reply.targets).unwrap();
    assert_eq!((named.name.as_str(), named.delta.base), ("brake/1-to-2.patch", Sha256::of(b"brake/fw-1.bin")));
    assert_eq!(named.delta.sha256, Sha256::of(&fs::read(&file).unwrap()));
    assert_eq!(added["sha256"], named.delta.sha256.to_string());
    assert_eq!(site.show()["ecus"][0]["desired"]["delta"], "brake/1-to-2.patch");
    assert_eq!(site.show()["content_seq"], 2);

    // Once the brake runs the image nothing changes, and no new version is made.
    let mut draft = vehicle.draft();
    draft.brake.image = vehicle::installed("brake", 2);
    let manifest = vehicle.file(&draft);
    let reply = vehicle.send(State::Manifest(manifest.clone())).await.unwrap();
    vehicle.manifest = Some(Sha256::of(&manifest));
    assert_eq!((reply.targets, &site.show()["content_seq"]), (None, &2.into()));

    assert_eq!(json(&director(&site, "remove", &["brake/1-to-2.patch", "--json"]))["removed"], "brake/1-to-2.patch");
    let reply = vehicle.idle().await.unwrap();
    vehicle.verify(&reply);
    assert_eq!(told(reply.targets), None);
}

#[tokio::test]
async fn an_assignment_names_the_patch_that_is_known() {
    let (site, file) = site();
    json(&add(&site, "brake/1-to-2.patch", "brake/fw-2.bin", &file));
    assert!(site.assign("brake=brake/fw-2.bin").status.success());
    assert_eq!(site.show()["ecus"][0]["desired"]["delta"], "brake/1-to-2.patch");
    let shown = site.run(&["vehicle", "show", "--vehicle", &site.id.to_string()]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("brake/fw-2.bin (by brake/1-to-2.patch)"), "{shown}");
}

#[tokio::test]
async fn patches_are_listed_by_the_names_of_their_images() {
    let (mut site, file) = site();
    let list = |site: &Site, args: &[&str]| director(site, "list", args);
    assert_eq!(json(&list(&site, &["--json"])), Value::Array(vec![]));
    let added = json(&add(&site, "brake/1-to-2.patch", "brake/fw-2.bin", &file));
    assert_eq!(json(&list(&site, &["--json"])), Value::Array(vec![added]));
    let rows = |site: &Site| String::from_utf8(list(site, &[]).stdout).unwrap();
    assert!(rows(&site).contains("brake/1-to-2.patch  75     brake/fw-1.bin  brake/fw-2.bin"), "{}", rows(&site));

    // The image it is for leaves the Image repository, and its name with it.
    site.images.publish(&[NEW_BRAKE]);
    assert!(site.assign("brake=brake/fw-2.bin").status.success());
    let base = Sha256::of(b"brake/fw-1.bin");
    assert!(rows(&site).contains(&format!("sha256 {base}  brake/fw-2.bin")), "{}", rows(&site));
    assert_eq!(site.show()["ecus"][0]["desired"]["delta"], "brake/1-to-2.patch");
}

#[tokio::test]
async fn what_no_ecu_could_use_is_refused_in_one_line() {
    let (site, file) = site();
    let other = site.path("other.patch");
    fs::write(&other, patch("brake/fw-7.bin")).unwrap();
    json(&add(&site, "brake/1-to-2.patch", "brake/fw-2.bin", &file));
    let (new, absent) = ("brake/fw-2.bin", site.path("absent"));
    for (refused, code, says) in [
        (add(&site, "b.patch", new, &file), 1, "brake/1-to-2.patch is known already"),
        (add(&site, "b.patch", new, &other), 3, "lists no image with sha256"),
        (add(&site, "b.patch", "brake/fw-3.bin", &file), 3, "lists no target brake/fw-3.bin"),
        (add(&site, "b.patch", new, &site.path("pass")), 4, "the bytes are not a patch"),
        (add(&site, "b.patch", new, &absent), 4, "does not exist"),
        (add(&site, "../b.patch", new, &file), 2, "../b.patch"),
        (director(&site, "remove", &["b.patch"]), 1, "it is not known here"),
    ] {
        let text = stderr(&refused);
        assert_eq!(refused.status.code(), Some(code), "{text}");
        assert!(text.contains(says), "{text}");
        assert!(code == 2 || (text.lines().count() == 1 && text.contains("; do: ")), "{text}");
    }
}
