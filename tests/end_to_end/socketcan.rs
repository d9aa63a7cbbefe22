//! The port on CAN interfaces, in a kernel of its own that is booted once for all checks.

use tests::guest::{GUEST, checks};
use tests::programs;
use tests::socketcan::{Guest, PACKAGES};

#[test]
fn every_check_of_the_port_holds_in_a_real_kernel() {
    for package in PACKAGES.into_iter().chain(["can-utils"]) {
        programs::need_package(package).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let script = format!("{} {GUEST} {}", env!("CARGO_BIN_EXE_evidence"), checks::NAME);
    let said = Guest::new(folder.path(), checks::INTERFACES).run(&script).unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), checks::names().collect::<Vec<_>>());
}
