//! An image that vehicles need stays listed, unless it must go all the same.

use std::fs;

use uptane::{Sha256, Time};

use crate::machine::Table;
use crate::place::{Place, everything};

/// A table with an image of one signer, and a report of a Director on it.
fn reported(desired: u32, installed: u32) -> Table {
    let table = Table::with_one_signer();
    let sha256 = Sha256::of(b"base/fw-1.bin 1");
    let image = format!(
        r#"{{"name":"base/fw-1.bin","sha256":"{sha256}","desired":{desired},"installed":{installed},"fallback":0}}"#
    );
    fs::write(table.at("in-use.json"), report(host::clock::now(), &image)).unwrap();
    table
}

fn report(at: Time, image: &str) -> String {
    format!(r#"{{"at":"{at}","vehicles":7,"images":[{image}]}}"#)
}

const REMOVE: &str = "targets remove --repo alice base/fw-1.bin";

fn is_listed(table: &Table) -> bool {
    table.run(REMOVE).status.success()
}

#[test]
fn an_image_that_vehicles_need_is_not_unlisted() {
    let table = reported(3, 4);
    let before = table.everything("alice");
    let said = table.refused(3, &format!("{REMOVE} --director in-use.json"));
    assert!(said.contains("3 vehicles shall run base/fw-1.bin, 4 run it"), "{said}");
    assert_eq!(table.everything("alice"), before);
}

#[test]
fn an_image_that_must_go_goes_and_what_is_lost_is_told() {
    let table = reported(3, 4);
    let done = table.run(&format!("{REMOVE} --director in-use.json --withdraw"));
    assert!(done.status.success());
    assert!(String::from_utf8(done.stderr).unwrap().contains("4 run it"));
    assert!(!is_listed(&table));
}

#[test]
fn an_image_that_nobody_needs_is_unlisted() {
    let table = reported(0, 0);
    table.ok(&format!("{REMOVE} --director in-use.json"));
    assert!(!is_listed(&table));
}

#[test]
fn without_a_report_it_is_told_that_nobody_looked() {
    let table = reported(3, 4);
    let done = table.run(REMOVE);
    assert!(done.status.success());
    assert!(String::from_utf8(done.stderr).unwrap().contains("nobody looked whether vehicles need"));
}

#[test]
fn what_is_no_report_lets_nothing_go() {
    let table = reported(0, 0);
    fs::write(table.at("in-use.json"), "{}").unwrap();
    let said = table.refused(2, &format!("{REMOVE} --director in-use.json"));
    assert!(said.contains("is no report of a Director"), "{said}");
    assert!(is_listed(&table));
}

/// A repository whose configuration names a report, in which its one image has these numbers.
fn guarded(desired: u32) -> Place {
    let place = Place::published();
    let sha256 = Sha256::of(b"first firmware");
    let image =
        format!(r#"{{"name":"brake/fw-1.bin","sha256":"{sha256}","desired":{desired},"installed":0,"fallback":0}}"#);
    fs::write(place.at("in-use.json"), report(host::clock::now(), &image)).unwrap();
    fs::write(place.at("image-repo.toml"), "[director]\nreport = \"in-use.json\"\n").unwrap();
    place.ok("targets remove", &["brake/fw-1.bin"]);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place
}

#[test]
fn a_release_that_takes_out_what_vehicles_need_is_refused_and_changes_nothing() {
    let place = guarded(1);
    let before = everything(&place.at("published"));
    assert!(place.refused(3, "publish", &[]).contains("1 vehicles shall run brake/fw-1.bin"));
    assert_eq!(everything(&place.at("published")), before);
}

#[test]
fn a_release_may_say_that_it_takes_out_what_vehicles_need() {
    let place = guarded(1);
    place.ok("publish", &["--withdraw"]);
    assert!(place.ok("verify", &[]).contains("0 images"));
}

#[test]
fn a_release_may_take_out_what_nobody_needs() {
    let place = guarded(0);
    place.ok("publish", &[]);
    assert!(place.ok("verify", &[]).contains("0 images"));
}

#[test]
fn without_the_report_that_is_configured_nothing_is_taken_out() {
    let place = guarded(0);
    fs::remove_file(place.at("in-use.json")).unwrap();
    assert!(place.refused(4, "publish", &[]).contains("in-use.json"));
    assert!(place.ok("verify", &[]).contains("1 image\n"));
}

#[test]
fn an_old_report_lets_nothing_go() {
    let table = reported(0, 0);
    let old = Time::parse("2026-11-01T12:00:00Z").unwrap();
    fs::write(table.at("in-use.json"), report(old, "")).unwrap();
    let said = table.refused(3, &format!("{REMOVE} --director in-use.json"));
    assert!(said.contains("too old to say what vehicles need"), "{said}");
    assert!(is_listed(&table));
}
