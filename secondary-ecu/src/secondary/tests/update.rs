//! An update as it should be.

use proto::secondary::{Phase, Reply, Request};
use uptane::metadata::{Envelope, Report};
use uptane::{Action, Attack, ResultCode, Sha256, TransactionId};

use super::bench::*;
use crate::flash::Bank;

#[test]
fn an_update_goes_through_every_phase_and_commits() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
    send_command(&mut ecu, &repo, Action::Activate).unwrap();
    assert_eq!(phase(&ecu), Phase::Healthy(OPEN));
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(2)));
    assert_eq!(ecu.state().floors.of(me(&repo).line).get(), 1);
    send_command(&mut ecu, &repo, Action::Commit).unwrap();
    assert_eq!(phase(&ecu), Phase::Committed(OPEN));
    assert_eq!(ecu.state().floors.of(me(&repo).line).get(), 2);
    assert_eq!(ecu.state().bootable(Bank::A), None);
}

#[test]
fn commands_repeated_are_done_again() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    for action in [Action::Activate, Action::Activate, Action::Commit, Action::Commit] {
        send_command(&mut ecu, &repo, action).unwrap();
    }
    assert_eq!(phase(&ecu), Phase::Committed(OPEN));
}

#[test]
fn a_trial_that_is_reset_before_the_vote_returns_to_the_old_image() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    let activate = command(&repo, Action::Activate, OPEN);
    send(&mut ecu, repo.now(), proto::secondary::File::Command, &activate).unwrap();
    ecu.reset().unwrap();
    assert_eq!(phase(&ecu), Phase::Trial(OPEN));
    ecu.reset().unwrap();
    assert_eq!(phase(&ecu), Phase::RolledBack(OPEN));
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(1)));
}

#[test]
fn after_the_vote_resets_change_nothing_and_a_signed_roll_back_does() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    send_command(&mut ecu, &repo, Action::Activate).unwrap();
    for _ in 0..3 {
        ecu.reset().unwrap();
        assert_eq!(phase(&ecu), Phase::Healthy(OPEN));
    }
    send_command(&mut ecu, &repo, Action::Rollback).unwrap();
    assert_eq!(phase(&ecu), Phase::RolledBack(OPEN));
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(1)));
}

#[test]
fn an_image_that_was_rolled_back_is_staged_again_without_being_sent_again() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    send_command(&mut ecu, &repo, Action::Rollback).unwrap();
    begin(&mut ecu, &repo, TransactionId([2; 16])).unwrap();
    let image = me(&repo).image(2);
    let offer = Request::Offer(proto::secondary::File::Image, length(&image));
    assert_eq!(ecu.handle(offer, repo.now()), Reply::Ready(length(&image), 512));
    refusal(ecu.handle(Request::Close, repo.now())).unwrap();
    assert_eq!(phase(&ecu), Phase::Staged(TransactionId([2; 16])));
}

#[test]
fn the_chain_of_roots_is_followed_and_survives_a_reset() {
    let (mut repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    repo.publish(|next| next.director.rotate(uptane::Role::Targets));
    send_root(&mut ecu, &repo, 2).unwrap();
    send_root(&mut ecu, &repo, 2).unwrap();
    ecu.reset().unwrap();
    assert_eq!(ecu.identity().director_root.get(), 2);
    stage(&mut ecu, &repo).unwrap();
}

#[test]
fn a_report_tells_what_runs_and_counts() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    stage(&mut ecu, &repo).unwrap();
    send_command(&mut ecu, &repo, Action::Activate).unwrap();
    send_command(&mut ecu, &repo, Action::Commit).unwrap();
    let first = report(&mut ecu, repo.now()).unwrap();
    ecu.reset().unwrap();
    let second = report(&mut ecu, repo.now()).unwrap();
    let [first, second] = [&first, &second].map(|file| {
        let envelope = Envelope::decode(file).unwrap();
        Report::decode(envelope.signed()).unwrap()
    });
    assert!(second.counter > first.counter);
    assert_eq!(first.image.hashes.sha256().unwrap(), Sha256::of(&me(&repo).image(2)));
    assert_eq!((first.result, first.attack), (ResultCode::Installed, None::<Attack>));
}
