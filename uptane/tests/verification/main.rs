//! The Standard's verification procedures against whole repositories: one fault per test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on shall panic")]

mod agreement;
mod builders;
mod delegations;
mod ecu_files;
mod one_fault;
mod refresh;
mod root;
mod snapshot;
mod stored;
mod targets;
mod timestamp;
mod tuf;
mod vectors;

use uptane::testing::{Next, Repo, Vehicle};
use uptane::{Error, Role};

/// A vehicle of two ECUs that has just been updated.
fn updated() -> (Repo, Vehicle) {
    let repo = Repo::seeded(2);
    let mut vehicle = Vehicle::provisioned(&repo);
    vehicle.update(&repo).unwrap();
    (repo, vehicle)
}

/// How such a vehicle refuses the next publication.
fn refused(change: impl FnOnce(&mut Next)) -> Error {
    let (mut repo, mut vehicle) = updated();
    repo.publish(change);
    let refused = vehicle.update(&repo).unwrap_err();
    assert!(vehicle.update(&repo).is_err(), "what was refused once is refused again");
    refused
}

fn below(role: Role, valid: u8, needed: u8) -> Error {
    Error::BelowThreshold { role, valid, needed }
}

/// Doubles the only entry of `signatures`.
fn sign_twice(file: &mut Vec<u8>) {
    let text = String::from_utf8(file.clone()).unwrap();
    let (entry, signed) = text.strip_prefix("{\"signatures\":[").unwrap().split_once("],\"signed\"").unwrap();
    *file = format!("{{\"signatures\":[{entry},{entry}],\"signed\"{signed}").into_bytes();
}
