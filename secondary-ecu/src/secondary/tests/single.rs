//! An ECU whose flash has room for one image.

use alloc::format;

use embedded_storage::nor_flash::ReadNorFlash as _;
use proto::secondary::{File, Phase, Refusal, Reply, Request};
use uptane::metadata::{Envelope, Report};
use uptane::testing::{Next, Repo, TestEcu};
use uptane::{Action, Error, Length, Role, Sha256, TransactionId};

use super::bench::*;
use crate::Secondary;
use crate::flash::ram::RamFlash;
use crate::flash::{Bank, Banks, Layout};
use crate::state::Ending;
use crate::verifier::PartialPlus;

/// Small enough for an image of two.
const UNIT: u32 = 576;
const SINGLE: Layout = Layout { state_pages: 2, slot_size: 16 * UNIT, bank_size: 4 * UNIT, banks: Banks::Single };

type Nor = RamFlash<8, { UNIT as usize }>;
type Ecu<'f> = Secondary<PartialPlus, &'f mut Nor, Key>;

/// What is told where nothing runs.
const NOTHING: Sha256 = Sha256([0; 32]);

/// Release 2 is assigned to an ECU that runs release 1; of the fallback the Director says this.
fn assigned(fallback: impl FnOnce(&mut Next, &TestEcu)) -> (Repo, Nor) {
    let mut repo = Repo::seeded(4);
    let (flash, InFlash) = crate::bench::provisioned(&repo, SINGLE);
    let ecu = me(&repo);
    repo.publish(|next| {
        next.release();
        fallback(next, &ecu);
    });
    (repo, flash)
}

fn next_release() -> (Repo, Nor) {
    assigned(|next, ecu| name_fallback(next, ecu, 2))
}

fn booted<'f>(repo: &Repo, flash: &'f mut Nor) -> Ecu<'f> {
    Ecu::boot(profile(repo), SINGLE, flash, PartialPlus::default(), Key(me(repo).signer())).unwrap()
}

fn stage(ecu: &mut Ecu<'_>, repo: &Repo) -> Result<(), Refusal> {
    begin(ecu, repo, OPEN)?;
    send_time(ecu, repo)?;
    send_targets(ecu, repo)?;
    send_image(ecu, repo)
}

/// One whose gate is open.
fn armed<'f>(repo: &Repo, flash: &'f mut Nor) -> Ecu<'f> {
    let mut ecu = booted(repo, flash);
    stage(&mut ecu, repo).unwrap();
    send_command(&mut ecu, repo, Action::Activate).unwrap();
    ecu
}

/// One whose new image never voted, and is gone.
fn returned<'f>(repo: &Repo, flash: &'f mut Nor) -> Ecu<'f> {
    let mut ecu = armed(repo, flash);
    send_image(&mut ecu, repo).unwrap();
    ecu.reset().unwrap();
    ecu.reset().unwrap();
    ecu
}

fn send_old(ecu: &mut Ecu<'_>, repo: &Repo) -> Result<(), Refusal> {
    send(ecu, repo.now(), File::Image, &me(repo).image(1))
}

fn offered(ecu: &mut Ecu<'_>, repo: &Repo, image: &[u8]) -> Result<Length, Refusal> {
    let reply = ecu.handle(Request::Offer(File::Image, length(image)), repo.now());
    if let Reply::Ready(from, _) = reply {
        return Ok(from);
    }
    Err(refusal(reply).unwrap_err())
}

/// Sends so much of an image that one erase unit of it is known to be durable.
fn send_part(ecu: &mut Ecu<'_>, repo: &Repo, image: &[u8]) {
    assert_eq!(offered(ecu, repo, image), Ok(Length::ZERO));
    for (at, piece) in (0..).step_by(512).zip(image[..600].chunks(512)) {
        let reply = ecu.handle(Request::Chunk(Length::new(at).unwrap(), piece), repo.now());
        assert!(matches!(reply, Reply::Taken(_)), "{reply:?}");
    }
}

/// Where the only image lies: at the end.
fn image_at(flash: &Nor) -> usize {
    flash.capacity() - SINGLE.bank_size as usize
}

#[test]
fn an_image_is_announced_before_the_gate_opens_and_the_old_one_runs_on() {
    let (repo, mut flash) = next_release();
    let mut ecu = booted(&repo, &mut flash);
    begin(&mut ecu, &repo, OPEN).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    let image = me(&repo).image(2);
    assert_eq!(offered(&mut ecu, &repo, &image), Ok(length(&image)));
    refusal(ecu.handle(Request::Close, repo.now())).unwrap();
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
    ecu.reset().unwrap();
    assert!(ecu.running().authorised && !ecu.wants_reset());
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(1)));
}

#[test]
fn an_update_goes_through_the_boot_loader_and_commits() {
    let (repo, mut flash) = next_release();
    let mut ecu = armed(&repo, &mut flash);
    assert_eq!((phase(&ecu), ecu.identity().running), (Phase::Trial(OPEN), NOTHING));
    send_image(&mut ecu, &repo).unwrap();
    assert!(ecu.wants_reset());
    settle(&mut ecu);
    assert_eq!((phase(&ecu), ecu.identity().running), (Phase::Healthy(OPEN), Sha256::of(&me(&repo).image(2))));
    send_command(&mut ecu, &repo, Action::Commit).unwrap();
    assert_eq!(phase(&ecu), Phase::Committed(OPEN));
    assert_eq!((ecu.state().home, ecu.state().floors.of(me(&repo).line).get()), (Bank::B, 2));
    ecu.reset().unwrap();
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(2)));
}

#[test]
fn without_a_way_back_nothing_is_staged() {
    let (repo, mut flash) = assigned(|_, _| {});
    let mut ecu = booted(&repo, &mut flash);
    let missing = Error::Schema { field: "fallback" };
    assert_eq!(stage(&mut ecu, &repo), Err(Refusal::Check(missing.code())));
    assert_eq!(phase(&ecu), Phase::Staging(OPEN));
}

#[test]
fn a_way_back_to_another_image_than_the_last_committed_is_refused() {
    let (repo, mut flash) = assigned(|next, ecu| {
        let name = ecu.image_name(2);
        let path = ["targets", &name, "custom", "uptane", "ecus", ecu.ecu.as_str(), "fallback"];
        next.director.set(Role::Targets, &path, format!("\"{name}\""));
    });
    let mut ecu = booted(&repo, &mut flash);
    let other = Error::Mismatch { what: "fallback" };
    assert_eq!(stage(&mut ecu, &repo), Err(Refusal::Check(other.code())));
}

#[test]
fn an_image_on_its_way_goes_on_after_a_reset() {
    let (repo, mut flash) = next_release();
    let mut ecu = armed(&repo, &mut flash);
    let image = me(&repo).image(2);
    send_part(&mut ecu, &repo, &image);
    ecu.reset().unwrap();
    assert_eq!((phase(&ecu), ecu.identity().running), (Phase::Trial(OPEN), NOTHING));
    assert_eq!(offered(&mut ecu, &repo, &image), Ok(Length::new(UNIT.into()).unwrap()));
    send_image(&mut ecu, &repo).unwrap();
    settle(&mut ecu);
    assert_eq!(phase(&ecu), Phase::Healthy(OPEN));
}

#[test]
fn an_image_with_one_bit_flipped_is_refused_and_the_right_one_still_gets_in() {
    let (repo, mut flash) = next_release();
    let mut ecu = armed(&repo, &mut flash);
    let mut image = me(&repo).image(2);
    // In what is known to be durable by then.
    image[3] ^= 1;
    let refused = send(&mut ecu, repo.now(), File::Image, &image);
    assert_eq!(refused, Err(Refusal::Check(Error::ImageDigest.code())));
    assert!(!ecu.wants_reset());
    send_image(&mut ecu, &repo).unwrap();
    settle(&mut ecu);
    assert_eq!(phase(&ecu), Phase::Healthy(OPEN));
}

#[test]
fn an_image_that_is_damaged_before_it_boots_is_taken_again() {
    let (repo, mut flash) = next_release();
    let mut ecu = armed(&repo, &mut flash);
    send_image(&mut ecu, &repo).unwrap();
    let (_, flash, ..) = ecu.into_parts();
    flash.flip(image_at(flash) + 700);
    let mut ecu = booted(&repo, flash);
    assert_eq!((phase(&ecu), ecu.wants_reset()), (Phase::Trial(OPEN), false));
    send_image(&mut ecu, &repo).unwrap();
    settle(&mut ecu);
    assert_eq!(phase(&ecu), Phase::Healthy(OPEN));
}

#[test]
fn a_roll_back_before_anything_was_erased_boots_the_old_image_at_once() {
    let (repo, mut flash) = next_release();
    let mut ecu = armed(&repo, &mut flash);
    send_command(&mut ecu, &repo, Action::Rollback).unwrap();
    assert_eq!((phase(&ecu), ecu.identity().running), (Phase::RolledBack(OPEN), Sha256::of(&me(&repo).image(1))));
    assert_eq!(send_old(&mut ecu, &repo), Err(Refusal::Phase));
}

#[test]
fn a_roll_back_of_an_image_on_its_way_asks_for_the_old_one() {
    let (repo, mut flash) = next_release();
    let mut ecu = armed(&repo, &mut flash);
    send_part(&mut ecu, &repo, &me(&repo).image(2));
    send_command(&mut ecu, &repo, Action::Rollback).unwrap();
    assert_eq!((phase(&ecu), ecu.identity().running), (Phase::RolledBack(OPEN), NOTHING));
    send_old(&mut ecu, &repo).unwrap();
    settle(&mut ecu);
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(1)));
}

#[test]
fn a_trial_that_fails_waits_for_the_old_image_and_goes_on_with_it_after_a_reset() {
    let (repo, mut flash) = next_release();
    let mut ecu = returned(&repo, &mut flash);
    assert_eq!((phase(&ecu), ecu.identity().running), (Phase::RolledBack(OPEN), NOTHING));
    assert_eq!(ecu.state().outcome.ending, Ending::ActivationFailed);
    let old = me(&repo).image(1);
    send_part(&mut ecu, &repo, &old);
    // The command that led here, once more.
    send_command(&mut ecu, &repo, Action::Rollback).unwrap();
    ecu.reset().unwrap();
    assert_eq!(offered(&mut ecu, &repo, &old), Ok(Length::new(UNIT.into()).unwrap()));
    send_old(&mut ecu, &repo).unwrap();
    assert!(ecu.wants_reset());
    settle(&mut ecu);
    assert_eq!((phase(&ecu), ecu.identity().running), (Phase::RolledBack(OPEN), Sha256::of(&old)));
    assert_eq!(ecu.state().outcome.ending, Ending::ActivationFailed);
}

#[test]
fn another_image_than_the_last_committed_is_no_way_back() {
    let (repo, mut flash) = next_release();
    let mut ecu = returned(&repo, &mut flash);
    let new = me(&repo).image(2);
    let mut wrong = me(&repo).image(1);
    wrong[3] ^= 1;
    for image in [&new, &wrong] {
        let refused = send(&mut ecu, repo.now(), File::Image, image);
        assert_eq!(refused, Err(Refusal::Check(Error::ImageDigest.code())));
        assert!(!ecu.wants_reset());
    }
    send_old(&mut ecu, &repo).unwrap();
    settle(&mut ecu);
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(1)));
}

#[test]
fn the_next_transaction_may_follow_without_the_old_image() {
    let (repo, mut flash) = next_release();
    let mut ecu = returned(&repo, &mut flash);
    let next = TransactionId([2; 16]);
    begin(&mut ecu, &repo, next).unwrap();
    send_image(&mut ecu, &repo).unwrap();
    send_command(&mut ecu, &repo, Action::Activate).unwrap();
    send_image(&mut ecu, &repo).unwrap();
    settle(&mut ecu);
    assert_eq!(phase(&ecu), Phase::Healthy(next));
}

#[test]
fn an_only_image_that_is_damaged_is_taken_again() {
    let (repo, mut flash) = next_release();
    flash.flip(image_at(&flash) + 700);
    let mut ecu = booted(&repo, &mut flash);
    assert_eq!((phase(&ecu), ecu.identity().running), (Phase::Idle, NOTHING));
    send_old(&mut ecu, &repo).unwrap();
    settle(&mut ecu);
    assert_eq!(ecu.identity().running, Sha256::of(&me(&repo).image(1)));
}

#[test]
fn a_report_from_the_boot_loader_names_what_was_committed_last() {
    let (repo, mut flash) = next_release();
    let mut ecu = armed(&repo, &mut flash);
    send_part(&mut ecu, &repo, &me(&repo).image(2));
    let file = report(&mut ecu, repo.now()).unwrap();
    let report = Report::decode(Envelope::decode(&file).unwrap().signed()).unwrap();
    assert_eq!(report.image.hashes.sha256(), Some(Sha256::of(&me(&repo).image(1))));
}
