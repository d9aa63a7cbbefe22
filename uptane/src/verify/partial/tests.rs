use alloc::format;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::metadata::{Delta, Envelope, Root, RootRole};
use crate::testing::{Next, Repo, TestEcu};
use crate::verify::image::ImageCheck;
use crate::verify::time::TimeCheck;
#[cfg(not(feature = "ecdsa"))]
use crate::verify::time::TimeStream;
use crate::verify::{MetadataFile, Refresh, Step, Trusted};
use crate::{Director, EcuId, Error, HardwareId, Length, ReleaseCounter, Role, Sha256, Time, Version};

mod root;
mod targets;
mod time_and_commands;
mod together;

fn learn(file: &[u8], size: usize) -> Result<Candidate, Error> {
    let mut stream = RootStream::learn();
    file.chunks(size).try_for_each(|piece| stream.feed(piece))?;
    stream.finish()
}

fn last_pass(mut check: RootCheck<Itself<'_>>, file: &[u8], size: usize) -> Result<TrustedRoot, Error> {
    check.read(|pass| file.chunks(size).try_for_each(|piece| pass.feed(piece)))?.verify().cloned()
}

fn provision(file: &[u8]) -> Result<TrustedRoot, Error> {
    last_pass(learn(file, 61)?.verify_as_provisioned(), file, 67)
}

fn follow(trusted: &TrustedRoot, file: &[u8]) -> Result<TrustedRoot, Error> {
    let candidate = learn(file, 61)?;
    let mut check = trusted.check_successor();
    let closed = check.read(|pass| file.chunks(59).try_for_each(|piece| pass.feed(piece)))?;
    last_pass(closed.verify(&candidate)?.verify_own(), file, 67)
}

fn root(repo: &Repo) -> TrustedRoot {
    provision(repo.director().first_root()).unwrap()
}

fn own(repo: &Repo, ecu: &TestEcu) -> Own {
    Own { ecu: ecu.ecu, hardware_id: ecu.hardware, previous: None, now: repo.now() }
}

fn plus(repo: &Repo, own: Own, size: usize) -> Result<OwnTargets<Plus>, Error> {
    plus_file(repo, own, repo.director().targets(), size)
}

fn plus_file(repo: &Repo, own: Own, file: &[u8], size: usize) -> Result<OwnTargets<Plus>, Error> {
    let root = root(repo);
    let mut check = TargetsRules::partial_plus(root.fresh(own.now)?, repo.vehicle()).check(own);
    check.read(|stream| file.chunks(size).try_for_each(|piece| stream.feed(piece)))?.verify()
}

/// What PV+ says of a repository in which one thing is wrong.
fn refusal(change: impl FnOnce(&mut Next)) -> Error {
    let mut repo = Repo::seeded(3);
    repo.publish(change);
    let ecu = repo.ecus()[1];
    plus(&repo, own(&repo, &ecu), 64).unwrap_err()
}

// Firmware is built without the longer keys of these.
#[cfg(not(feature = "ecdsa"))]
#[test]
fn everything_a_secondary_holds_while_it_verifies_fits() {
    let targets = size_of::<TargetsCheck<Plus>>() + size_of::<TargetsStream<'_>>();
    let root = size_of::<RootCheck<Itself<'_>>>() + size_of::<RootPass<'_>>();
    assert!(targets <= 9 * 1024, "{targets}");
    assert!(root <= 6 * 1024, "{root}");
    assert!(size_of::<RootStream>() <= 8 * 1024);
    assert!(size_of::<TimeCheck>() + size_of::<TimeStream<'_>>() <= 5 * 1024);
    assert!(size_of::<CommandStream>() <= 4 * 1024);
}

/// What an ECU that accepted this file compares the next with.
fn previous(file: &[u8], size: usize) -> Previous {
    let mut stream = ContentStream::targets();
    file.chunks(size).for_each(|piece| stream.feed(piece).unwrap());
    let content = stream.finish().unwrap();
    assert_eq!(content.file, Sha256::of(file));
    Previous { version: Version::FIRST, signed: Some(content.signed) }
}
