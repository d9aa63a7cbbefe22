//! Wrong commands: one line, an exit status, nothing overwritten.

use std::fs;

use super::bundle::Bench;
use super::process::{Running, command};

fn one_line(failure: &(String, i32)) {
    assert_eq!(failure.0.trim_end().lines().count(), 1, "{failure:?}");
    assert!(failure.0.contains("; do: "), "{failure:?}");
}

#[test]
fn an_ecu_is_made_once() {
    let bench = Bench::new("partial-plus");
    let flash = fs::read(format!("{}/flash.img", bench.data())).unwrap();
    let again = ["init", "--data", bench.data(), "--ecu", "x", "--hardware-id", "x", "--verification", "full"];
    let failure = command(&again).unwrap_err();
    one_line(&failure);
    assert_eq!(fs::read(format!("{}/flash.img", bench.data())).unwrap(), flash);
}

#[test]
fn an_ecu_that_was_not_provisioned_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("ecu");
    let data = data.to_str().unwrap();
    command(&["init", "--data", data, "--ecu", "x", "--hardware-id", "x", "--verification", "full"]).unwrap();
    let failure = command(&["run", "--data", data, "--listen", "127.0.0.1:0"]).unwrap_err();
    one_line(&failure);
    assert_eq!(failure.1, 4);
}

#[test]
fn flash_that_is_lost_is_said_in_one_line() {
    let bench = Bench::new("partial-plus");
    let flash = format!("{}/flash.img", bench.data());
    let length = fs::metadata(&flash).unwrap().len();
    fs::write(&flash, vec![0; usize::try_from(length).unwrap()]).unwrap();
    for args in [&["status", "--data", bench.data()][..], &["run", "--data", bench.data(), "--listen", "127.0.0.1:0"]] {
        let failure = command(args).unwrap_err();
        one_line(&failure);
        assert_eq!(failure.1, 4);
    }
}

#[test]
fn two_processes_do_not_share_an_ecu_and_status_may_look() {
    let bench = Bench::new("full");
    let run = ["run", "--data", bench.data(), "--listen", "127.0.0.1:0"];
    let _running = Running::start(&run);
    let failure = command(&run).unwrap_err();
    one_line(&failure);
    assert_eq!(failure.1, 5);
    assert!(command(&["status", "--data", bench.data()]).unwrap().contains("idle"));
}

#[test]
fn a_transport_must_be_chosen() {
    let failure = command(&["run", "--data", "/nowhere"]).unwrap_err();
    one_line(&failure);
    assert_eq!(failure.1, 2);
}
