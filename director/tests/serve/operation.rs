//! What an operator does: keys, stops, backups, and mistakes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use uptane::VehicleId;

use super::{Site, stderr};

/// A store is its file and, unless everything in it has been taken over, the write-ahead log beside it.
fn copy_store(from: &str, to: &str) {
    for part in ["-shm", "-wal"] {
        std::fs::remove_file(format!("{to}{part}")).ok();
    }
    std::fs::copy(from, to).unwrap();
    if Path::new(&format!("{from}-wal")).exists() {
        std::fs::copy(format!("{from}-wal"), format!("{to}-wal")).unwrap();
    }
}

fn is_one_line_with_advice(output: &Output) -> bool {
    let text = stderr(output);
    !output.status.success() && text.lines().count() == 1 && text.starts_with("error: ") && text.contains("; do: ")
}

#[tokio::test]
async fn a_rotated_key_reaches_server_and_vehicle_without_a_restart() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    let reply = vehicle.report_all().await.unwrap();
    vehicle.verify(&reply);

    for (version, role) in (2..).zip(["targets", "time", "root", "timestamp"]) {
        let rotated = site.run(&["root", "rotate", "--passphrase-file", &site.path("pass"), "--role", role]);
        assert!(rotated.status.success(), "{role}: {}", stderr(&rotated));
        let reply = vehicle.idle().await.unwrap();
        assert_eq!((reply.newest_root, reply.roots.len()), (version, 1), "{role}");
        assert_eq!(vehicle.verify(&reply), [], "{role}");
    }
    let renewed = site.run(&["root", "renew", "--passphrase-file", &site.path("pass")]);
    assert!(renewed.status.success(), "{}", stderr(&renewed));
    let reply = vehicle.idle().await.unwrap();
    assert_eq!(vehicle.verify(&reply), []);
}

#[tokio::test]
async fn a_server_that_stops_writes_down_who_checked_in() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    vehicle.report_all().await.unwrap();
    vehicle.idle().await.unwrap();
    assert_eq!(site.show()["last_idle"], Value::Null);
    server.stop().await;
    assert!(site.show()["last_idle"].is_string());
}

#[tokio::test]
async fn a_vehicle_goes_on_after_the_store_was_restored_from_a_backup() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    vehicle.report_all().await.unwrap();
    server.stop().await;
    let (store, backup) = (site.path("director/director.db"), site.path("backup.db"));
    copy_store(&store, &backup);

    let server = site.serve();
    let mut vehicle = vehicle.reconnected(&server.url, &site.bundle(), &site.tls_key).await;
    site.assign("brake=brake/fw-2.bin");
    let reply = vehicle.report_all().await.unwrap();
    assert_eq!(vehicle.verify(&reply).len(), 1);
    server.stop().await;
    copy_store(&backup, &store);

    let server = site.serve();
    let mut vehicle = vehicle.reconnected(&server.url, &site.bundle(), &site.tls_key).await;
    assert!(vehicle.idle().await.unwrap().manifest_wanted);
    let reply = vehicle.report_all().await.unwrap();
    // The assignment is lost, but what says so is newer than anything the vehicle holds.
    assert_eq!(vehicle.verify(&reply), []);
    assert_eq!(site.show()["content_seq"], 2);
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let site = Site::new();
    let wrong = [
        site.init(),
        site.assign("brake=brake/unknown.bin"),
        site.assign("primary=brake/fw-2.bin"),
        site.assign("stranger=brake/fw-2.bin"),
        site.run(&["root", "renew", "--passphrase-file", &site.path("image-root.json")]),
        site.run(&["vehicle", "show", "--vehicle", &VehicleId([7; 16]).to_string()]),
        site.run(&["vehicle", "add", "--out", &site.path("bundle"), "--enrolment", &site.path("primary.toml")]),
        site.run(&["vehicle", "add", "--out", &site.path("b2"), "--enrolment", &site.path("brake.toml")]),
        site.run(&[
            "vehicle",
            "add",
            "--out",
            &site.path("b2"),
            "--vin",
            "VIN1",
            "--enrolment",
            &site.path("primary.toml"),
        ]),
        Command::new(env!("CARGO_BIN_EXE_director")).args(["serve", "--data", "/nowhere"]).output().unwrap(),
    ];
    for (number, output) in wrong.iter().enumerate() {
        assert!(is_one_line_with_advice(output), "{number}: {}", stderr(output));
    }
    assert!(!Path::new(&site.path("b2")).exists(), "a refused registration left a bundle");
}

#[test]
fn the_bundle_holds_what_every_ecu_is_provisioned_with() {
    let site = Site::new();
    for name in [
        "vehicle.toml",
        "director-root.json",
        "1.root.json",
        "image-root.json",
        "time.json",
        "ca.pem",
        "primary.pem",
        "brake.pem",
    ] {
        assert!(site.bundle().join(name).is_file(), "{name}");
    }
    let listed = site.run(&["vehicle", "list"]);
    assert!(String::from_utf8(listed.stdout).unwrap().contains(&site.id.to_string()));
}
