//! The Root that rotates the time keys, and the time that the new ones attest (design D14): in one cycle, and with power
//! failing at every flash operation.

use core::time::Duration;

use host::disk::{Access, Folder};
use host::provisioning::Repositories;
use proto::secondary::{File, Refusal, Repo as Which};
use uptane::testing::Repo;
use uptane::verify::time::MAX_JUMP;
use uptane::{Error, Role, Version};

use super::bench::*;
use crate::Secondary;
use crate::flash::ram::Tear;
use crate::linux::Full;
use crate::verifier::{PartialPlus, Verifier};

/// Boots the ECU after a time was attested, with a stolen key, as far ahead as one attestation can say; cuts the power at
/// this operation while the next Root arrives; and sees that the ECU is back at the real time. Whether there was no cut.
fn recovers<V: for<'f> Verifier<&'f mut Nor>>(operation: u64, tear: Tear, verifier: impl Fn() -> V) -> bool {
    let mut repo = Repo::seeded(2);
    let mut flash = provisioned(&repo);
    let stolen = repo.now().saturating_add(MAX_JUMP);
    send_time_of(&mut boot(&repo, &mut flash, verifier()).unwrap(), &repo, stolen).unwrap();
    repo.publish(|next| next.director.rotate(Role::Time));

    flash.cut_power_at(operation, tear);
    let sent = boot(&repo, &mut flash, verifier()).is_some_and(|mut ecu| send_root(&mut ecu, &repo, 2).is_ok());
    flash.restore_power();

    let mut ecu = boot(&repo, &mut flash, verifier()).unwrap();
    if ecu.identity().director_root == Version::FIRST {
        send_root(&mut ecu, &repo, 2).unwrap();
    }
    assert_eq!(ecu.state().time, repo.now(), "{tear:?} {operation}");
    send_time(&mut ecu, &repo).unwrap();
    sent
}

fn boot<'f, V: Verifier<&'f mut Nor>>(repo: &Repo, flash: &'f mut Nor, verifier: V) -> Option<Ecu<'f, V>> {
    Secondary::boot(profile(repo), LAYOUT, flash, verifier, Key(me(repo).signer())).ok()
}

/// A full verifier that trusts the first Roots, in a folder of its own.
struct Data(tempfile::TempDir);

impl Data {
    fn provisioned(repo: &Repo) -> Self {
        let data = Self(tempfile::tempdir().unwrap());
        let images = [repo.image().first_root().to_vec()];
        Full::provision(&data.folder(), &Repositories::basic(), repo.director().first_root(), &images).unwrap();
        data
    }

    fn folder(&self) -> Folder {
        Folder::open(self.0.path(), Access::Private).unwrap()
    }

    fn verifier(&self) -> Full<Folder> {
        Full::open(&self.folder()).unwrap()
    }
}

#[test]
fn a_rotated_time_key_ends_a_time_that_was_moved_forward_in_full_verification() {
    for tear in [Tear::Before, Tear::Half, Tear::After] {
        let mut operations = 0..;
        assert!(operations.any(|operation| {
            let data = Data::provisioned(&Repo::seeded(2));
            recovers(operation, tear, || data.verifier())
        }));
    }
}

#[test]
fn what_follows_a_root_that_rotated_the_time_key_is_judged_at_the_time_it_sets() {
    let mut repo = Repo::seeded(2);
    let (mut flash, data) = (provisioned(&repo), Data::provisioned(&repo));
    let mut ecu = boot(&repo, &mut flash, data.verifier()).unwrap();
    send_time_of(&mut ecu, &repo, repo.now().saturating_add(MAX_JUMP)).unwrap();
    repo.publish(|next| next.director.rotate(Role::Time));
    send_root(&mut ecu, &repo, 2).unwrap();
    send(&mut ecu, repo.now(), File::Timestamp(Which::Director), repo.director().timestamp()).unwrap();
}

#[test]
fn a_rotated_time_key_ends_a_time_that_was_moved_forward_in_partial_verification() {
    for tear in [Tear::Before, Tear::Half, Tear::After] {
        let mut operations = 0..;
        assert!(operations.any(|operation| recovers(operation, tear, PartialPlus::default)));
    }
}

/// Whether a Secondary that is given Roots, then the time, takes a time that the newest Root's keys attest.
fn takes_the_new_time<V: for<'f> Verifier<&'f mut Nor>>(verifier: V) {
    let mut repo = Repo::seeded(2);
    let mut flash = provisioned(&repo);
    repo.publish(|next| next.director.rotate(Role::Time));
    let mut ecu = boot(&repo, &mut flash, verifier).unwrap();
    let later = repo.now().saturating_add(HOUR);
    send_root(&mut ecu, &repo, 2).unwrap();
    send_time_of(&mut ecu, &repo, later).unwrap();
    assert_eq!(ecu.state().time, later);
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_rotated_time_key_and_the_time_it_attests_are_taken_in_one_cycle_in_full_verification() {
    let data = Data::provisioned(&Repo::seeded(2));
    takes_the_new_time(data.verifier());
}

#[test]
fn a_rotated_time_key_and_the_time_it_attests_are_taken_in_one_cycle_in_partial_verification() {
    takes_the_new_time(PartialPlus::default());
}

#[test]
fn roles_are_judged_at_the_time_that_came_after_the_roots() {
    let mut repo = Repo::seeded(2);
    let (mut flash, data) = (provisioned(&repo), Data::provisioned(&repo));
    let expires = repo.now().saturating_add(HOUR);
    repo.publish(|next| {
        next.director.renew_root();
        next.director.expires(Role::Timestamp, expires);
    });
    let mut ecu = boot(&repo, &mut flash, data.verifier()).unwrap();
    send_root(&mut ecu, &repo, 2).unwrap();
    send_time_of(&mut ecu, &repo, expires).unwrap();
    let refused = Error::Expired { role: Role::Timestamp, expires, now: expires };
    let sent = send(&mut ecu, expires, File::Timestamp(Which::Director), repo.director().timestamp());
    assert_eq!(sent, Err(Refusal::Check(refused.code())));
}
