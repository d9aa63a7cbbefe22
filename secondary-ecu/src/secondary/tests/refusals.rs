//! One fault each, and what is left of the ECU afterwards.

use proto::secondary::{File, ImageNumber, Phase, Refusal, Reply, Repo as Which, Request};
use uptane::testing::signer;
use uptane::{Action, Error, Length, Role, Sha256, TransactionId, Version};

use super::bench::*;

fn check(error: Error) -> Result<(), Refusal> {
    Err(Refusal::Check(error.code()))
}

#[test]
fn an_image_with_one_bit_flipped_is_refused_and_the_old_one_runs() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    begin(&mut ecu, &repo, OPEN).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    let mut image = me(&repo).image(2);
    image[700] ^= 1;
    assert_eq!(send(&mut ecu, repo.now(), File::Image, &image), check(Error::ImageDigest));
    assert_eq!(phase(&ecu), Phase::Staging(OPEN));
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(1)));
    // The right one still gets through.
    send_image(&mut ecu, &repo).unwrap();
}

#[test]
fn a_wrong_byte_that_was_durable_already_does_not_keep_the_right_image_out() {
    let (mut repo, mut flash) = next_release();
    let (name, image) = (me(&repo).image_name(3), me(&repo).image(3).repeat(4));
    repo.publish(|next| {
        next.release();
        let digest = Sha256::of(&image);
        next.director.set(Role::Targets, &["targets", &name, "length"], image.len());
        next.director.set(Role::Targets, &["targets", &name, "hashes"], format_args!("{{\"sha256\":\"{digest}\"}}"));
    });
    let mut ecu = booted(&repo, &mut flash).unwrap();
    begin(&mut ecu, &repo, OPEN).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    let mut wrong = image.clone();
    wrong[3] ^= 1;
    assert_eq!(send(&mut ecu, repo.now(), File::Image, &wrong), check(Error::ImageDigest));
    send(&mut ecu, repo.now(), File::Image, &image).unwrap();
}

#[test]
fn what_the_bank_holds_is_checked_not_what_was_sent() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    // The image stands in bank B, behind its header.
    let unit = ecu.store.erase_unit();
    let bank_b = LAYOUT.needed(unit) as usize - LAYOUT.bank_size as usize;
    flash.flip(bank_b + 700);
    let mut ecu = booted(&repo, &mut flash).unwrap();
    send_command(&mut ecu, &repo, Action::Activate).unwrap();
    assert_eq!(phase(&ecu), Phase::RolledBack(OPEN));
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(1)));
}

#[test]
fn an_image_longer_or_shorter_than_listed_is_refused_before_a_byte_is_written() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    begin(&mut ecu, &repo, OPEN).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    let image = me(&repo).image(2);
    for wrong in [image.len() + 1, image.len() - 1] {
        let wrong = Length::new(wrong as u64).unwrap();
        let reply = ecu.handle(Request::Offer(File::Image, wrong), repo.now());
        let expected = Error::ImageLength { listed: length(&image), got: wrong };
        assert_eq!(reply, Reply::Refused(Refusal::Check(expected.code())));
    }
}

#[test]
fn older_targets_are_a_rollback_and_the_newer_stay() {
    let (mut repo, mut flash) = next_release();
    let old = repo.clone();
    repo.publish(|next| next.release());
    let mut ecu = booted(&repo, &mut flash).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    let (trusted, offered) = (Version::new(3).unwrap(), Version::new(2).unwrap());
    assert_eq!(send_targets(&mut ecu, &old), check(Error::Rollback { role: Role::Targets, trusted, offered }));
    assert_eq!(ecu.state().targets.unwrap().version, trusted);
    assert_eq!(ecu.state().outcome.attack, Some(uptane::Attack::Rollback));
}

// A24.
#[test]
fn two_truths_under_one_version_are_refused_and_the_first_stays() {
    let (mut repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    let (held, version) = (ecu.state().targets, Version::new(2).unwrap());
    repo.publish(|next| {
        next.release();
        next.director.version(Role::Targets, 2);
    });
    assert_eq!(send_targets(&mut ecu, &repo), check(Error::Equivocation { role: Role::Targets, version }));
    assert_eq!(ecu.state().targets, held);
}

#[test]
fn the_same_targets_signed_otherwise_are_taken() {
    let (mut repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    repo.publish(|next| {
        next.director.version(Role::Targets, 2);
        let at = br#"{"signatures":["#.len();
        let extra = br#"{"keyid":"stranger","sig":"00"},"#;
        next.director.mangle(Role::Targets, move |file| drop(file.splice(at..at, extra.iter().copied())));
    });
    send_targets(&mut ecu, &repo).unwrap();
    assert_eq!(ecu.state().targets.unwrap().sha256, Sha256::of(repo.director().targets()));
}

#[test]
fn a_damaged_slot_of_targets_is_made_good_by_the_same_file() {
    let (repo, mut flash) = next_release();
    send_targets(&mut booted(&repo, &mut flash).unwrap(), &repo).unwrap();
    // Behind the state pages and both slots of Root.
    flash.flip(2 * 1_024 + 2 * LAYOUT.slot_size as usize + 300);
    let mut ecu = booted(&repo, &mut flash).unwrap();
    begin(&mut ecu, &repo, OPEN).unwrap();
    assert_eq!(send_image(&mut ecu, &repo).map_err(|_| ()), Err(()));
    send_targets(&mut ecu, &repo).unwrap();
    send_image(&mut ecu, &repo).unwrap();
}

#[test]
fn targets_of_another_vehicle_are_refused() {
    let (repo, mut flash) = next_release();
    let mut other = repo.clone();
    other.publish(|next| {
        next.director.set(Role::Targets, &["uptane", "vehicle"], "\"00000000000000000000000000000000\"")
    });
    let mut ecu = booted(&repo, &mut flash).unwrap();
    assert_eq!(send_targets(&mut ecu, &other), check(Error::WrongVehicle { role: Role::Targets }));
    assert_eq!(ecu.state().targets, None);
}

#[test]
fn a_command_by_another_key_is_refused() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    let forged = command_by(&signer("somebody"), &repo, Action::Activate, OPEN);
    let refused = send(&mut ecu, repo.now(), File::Command, &forged).unwrap_err();
    assert!(matches!(refused, Refusal::Check(_)), "{refused:?}");
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
}

#[test]
fn a_command_without_its_open_transaction_is_refused() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    let activate = command(&repo, Action::Activate, OPEN);
    assert_eq!(send(&mut ecu, repo.now(), File::Command, &activate), Err(Refusal::Phase));
    stage(&mut ecu, &repo).unwrap();
    let other = command(&repo, Action::Activate, TransactionId([9; 16]));
    assert_eq!(send(&mut ecu, repo.now(), File::Command, &other), check(Error::WrongTransaction));
}

#[test]
fn a_transaction_that_is_over_cannot_be_played_back() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    send_command(&mut ecu, &repo, Action::Activate).unwrap();
    send_command(&mut ecu, &repo, Action::Rollback).unwrap();
    assert_eq!(begin(&mut ecu, &repo, OPEN), Err(Refusal::Phase));
    begin(&mut ecu, &repo, TransactionId([2; 16])).unwrap();
    assert_eq!(begin(&mut ecu, &repo, OPEN), Err(Refusal::Phase));
}

#[test]
fn chunks_come_in_order_and_a_repeated_one_is_answered_again() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    let targets = repo.director().targets();
    let now = repo.now();
    ecu.handle(Request::Offer(File::Targets(Which::Director), length(targets)), now);
    let (first, rest) = targets.split_at(100);
    for _ in 0..2 {
        assert_eq!(ecu.handle(Request::Chunk(Length::ZERO, first), now), Reply::Taken(length(first)));
    }
    let gap = ecu.handle(Request::Chunk(Length::new(101).unwrap(), &rest[1..]), now);
    assert_eq!(gap, Reply::Refused(Refusal::Offset(length(first))));
    assert_eq!(ecu.handle(Request::Close, now), Reply::Refused(Refusal::Offset(length(first))));
    assert_eq!(ecu.handle(Request::Chunk(length(first), rest), now), Reply::Taken(length(targets)));
    assert_eq!(refusal(ecu.handle(Request::Close, now)), Ok(()));
}

#[test]
fn files_of_full_verification_are_not_for_a_partial_verifier() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    for file in [
        File::Timestamp(Which::Director),
        File::Snapshot(Which::Director),
        File::Targets(Which::Image(ImageNumber::FIRST)),
    ] {
        assert_eq!(send(&mut ecu, repo.now(), file, b"{}"), Err(Refusal::NotForMe));
    }
}

#[test]
fn metadata_does_not_change_under_an_activated_image() {
    let (mut repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    send_command(&mut ecu, &repo, Action::Activate).unwrap();
    repo.publish(|next| next.release());
    assert_eq!(send_targets(&mut ecu, &repo), Err(Refusal::Phase));
    assert_eq!(begin(&mut ecu, &repo, TransactionId([2; 16])), Err(Refusal::Phase));
}

#[test]
fn new_targets_unstage_what_was_staged_for_the_old() {
    let (mut repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    repo.publish(|next| next.release());
    send_targets(&mut ecu, &repo).unwrap();
    assert_eq!(phase(&ecu), Phase::Staging(OPEN));
}

#[test]
fn an_attestation_answers_one_nonce_once() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    let Reply::TimeNonce(nonce) = ecu.handle(Request::TimeNonce, repo.now()) else { panic!("no nonce") };
    let attestation = repo.time(repo.now(), [nonce]);
    assert_eq!(send(&mut ecu, repo.now(), File::Time, &attestation), Ok(()));
    assert_eq!(send(&mut ecu, repo.now(), File::Time, &attestation), Err(Refusal::Phase));
    let Reply::TimeNonce(next) = ecu.handle(Request::TimeNonce, repo.now()) else { panic!("no nonce") };
    assert_ne!(next, nonce);
    assert_eq!(send(&mut ecu, repo.now(), File::Time, &attestation), check(Error::Replay));
}

#[test]
fn flash_that_was_never_provisioned_does_not_boot() {
    let repo = uptane::testing::Repo::seeded(2);
    assert_eq!(booted(&repo, &mut Nor::new(128 * 1_024)).err(), Some(crate::BootError::NoState));
}
