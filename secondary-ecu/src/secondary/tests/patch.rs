//! An image that is told by a patch of the one that runs.

use alloc::format;
use alloc::vec::Vec;

use proto::delta::HEADER;
use proto::secondary::{File, Phase, Refusal, Reply, Request};
use uptane::testing::{Next, Repo, TestEcu};
use uptane::{Action, Error, Length, Role, Sha256};

use super::bench::*;
use crate::flash::{Banks, Layout};

/// What the patch makes.
fn image(repo: &Repo) -> Vec<u8> {
    me(repo).image(2).into_iter().cycle().take(5_000).collect()
}

/// Assigns what the patch makes to an ECU that runs release 1; of the patch the Director says this.
fn assigned(delta: impl FnOnce(&mut Next, &TestEcu)) -> (Repo, Nor) {
    let mut repo = Repo::seeded(4);
    let flash = provisioned(&repo);
    let (ecu, image) = (me(&repo), image(&repo));
    repo.publish(|next| {
        next.release();
        let (name, digest) = (ecu.image_name(2), Sha256::of(&image));
        next.director.set(Role::Targets, &["targets", &name, "length"], image.len());
        next.director.set(Role::Targets, &["targets", &name, "hashes"], format!(r#"{{"sha256":"{digest}"}}"#));
        delta(next, &ecu);
    });
    (repo, flash)
}

fn patchable() -> (Repo, Nor) {
    assigned(|next, ecu| name_patch(next, ecu, 2, Sha256::of(&ecu.image(1)), &patch()))
}

/// An ECU that may be sent its image.
fn staging<'f>(repo: &Repo, flash: &'f mut Nor) -> Ecu<'f> {
    let mut ecu = booted(repo, flash).unwrap();
    begin(&mut ecu, repo, OPEN).unwrap();
    send_time(&mut ecu, repo).unwrap();
    send_targets(&mut ecu, repo).unwrap();
    ecu
}

/// Offers the patch, and sends it byte by byte until so many bytes of the image are durable. How many of it were sent.
fn send_until(ecu: &mut Ecu<'_>, repo: &Repo, durable: u32) -> Length {
    let patch = patch();
    let offer = Request::Offer(File::Patch, length(&patch));
    assert_eq!(ecu.handle(offer, repo.now()), Reply::Ready(Length::ZERO, 512));
    let (mut bytes, mut sent) = (patch.chunks(1), Length::ZERO);
    while ecu.state().received < durable {
        let chunk = Request::Chunk(sent, bytes.next().unwrap());
        let Reply::Taken(taken) = ecu.handle(chunk, repo.now()) else { panic!("not taken") };
        sent = taken;
    }
    sent
}

#[test]
fn a_patch_makes_the_image_which_runs_and_is_committed() {
    let (repo, mut flash) = patchable();
    let mut ecu = staging(&repo, &mut flash);
    send(&mut ecu, repo.now(), File::Patch, &patch()).unwrap();
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
    send_command(&mut ecu, &repo, Action::Activate).unwrap();
    assert_eq!(ecu.identity().running, Sha256::of(&image(&repo)));
    send_command(&mut ecu, &repo, Action::Commit).unwrap();
    assert_eq!(phase(&ecu), Phase::Committed(OPEN));
}

#[test]
fn after_a_reset_a_patch_comes_once_more_and_what_it_made_is_kept() {
    let (repo, mut flash) = patchable();
    let mut ecu = staging(&repo, &mut flash);
    send_until(&mut ecu, &repo, 1_024);
    ecu.reset().unwrap();
    let received = ecu.state().received;
    assert!(received >= 1_024);
    send_until(&mut ecu, &repo, received + 1_024);
    send(&mut ecu, repo.now(), File::Patch, &patch()).unwrap();
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
}

#[test]
fn the_whole_image_goes_on_where_a_patch_stopped_and_the_other_way_round() {
    let (repo, mut flash) = patchable();
    let image = image(&repo);
    let mut ecu = staging(&repo, &mut flash);
    send_until(&mut ecu, &repo, 1_024);
    let Reply::Ready(at, _) = ecu.handle(Request::Offer(File::Image, length(&image)), repo.now()) else { panic!() };
    assert_eq!(at.get(), u64::from(ecu.state().received));
    let from = usize::try_from(at.get()).unwrap();
    assert!(matches!(ecu.handle(Request::Chunk(at, &image[from..from + 512]), repo.now()), Reply::Taken(_)));
    send(&mut ecu, repo.now(), File::Patch, &patch()).unwrap();
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
}

#[test]
fn a_report_ends_a_patch_on_its_way_which_begins_again() {
    let (repo, mut flash) = patchable();
    let mut ecu = staging(&repo, &mut flash);
    let sent = send_until(&mut ecu, &repo, 1_024);
    report(&mut ecu, repo.now()).unwrap();
    let next = Request::Chunk(sent, &[0]);
    assert_eq!(ecu.handle(next, repo.now()), Reply::Refused(Refusal::Offset(Length::ZERO)));
    send(&mut ecu, repo.now(), File::Patch, &patch()).unwrap();
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
}

#[test]
fn of_an_image_that_is_there_no_patch_is_wanted_any_more() {
    let (repo, mut flash) = patchable();
    let mut ecu = staging(&repo, &mut flash);
    send(&mut ecu, repo.now(), File::Patch, &patch()).unwrap();
    let whole = length(&patch());
    assert_eq!(ecu.handle(Request::Offer(File::Patch, whole), repo.now()), Reply::Ready(whole, 512));
    refusal(ecu.handle(Request::Close, repo.now())).unwrap();
}

#[test]
fn a_patch_of_another_image_is_refused_and_the_whole_one_is_taken() {
    let (repo, mut flash) = assigned(|next, ecu| name_patch(next, ecu, 2, Sha256::of(b"another"), &patch()));
    let mut ecu = staging(&repo, &mut flash);
    assert_eq!(send(&mut ecu, repo.now(), File::Patch, &patch()), Err(Refusal::NotForMe));
    send(&mut ecu, repo.now(), File::Image, &image(&repo)).unwrap();
}

#[test]
fn a_patch_that_says_it_is_of_another_image_leaves_what_was_received() {
    let mut wrong = patch();
    wrong[20] ^= 1;
    let (repo, mut flash) = patchable();
    let mut ecu = staging(&repo, &mut flash);
    send_until(&mut ecu, &repo, 1_024);
    let received = ecu.state().received;
    assert_eq!(send(&mut ecu, repo.now(), File::Patch, &wrong), Err(Refusal::NotForMe));
    assert_eq!(ecu.state().received, received);
    send(&mut ecu, repo.now(), File::Patch, &patch()).unwrap();
}

#[test]
fn a_patch_that_nobody_described_is_refused() {
    let (repo, mut flash) = assigned(|_, _| ());
    let mut ecu = staging(&repo, &mut flash);
    assert_eq!(send(&mut ecu, repo.now(), File::Patch, &patch()), Err(Refusal::NotForMe));
}

#[test]
fn a_patch_of_another_length_is_refused() {
    let (repo, mut flash) = patchable();
    let mut ecu = staging(&repo, &mut flash);
    let longer = [patch().as_slice(), &[0]].concat();
    let listed = length(&patch());
    let check = Refusal::Check(Error::ImageLength { listed, got: length(&longer) }.code());
    assert_eq!(send(&mut ecu, repo.now(), File::Patch, &longer), Err(check));
}

#[test]
fn outside_a_transaction_no_patch_is_taken() {
    let (repo, mut flash) = patchable();
    let mut ecu = booted(&repo, &mut flash).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    assert_eq!(send(&mut ecu, repo.now(), File::Patch, &patch()), Err(Refusal::Phase));
}

#[test]
fn a_single_bank_takes_no_patch() {
    let mut repo = Repo::seeded(4);
    let single = Layout { banks: Banks::Single, ..LAYOUT };
    let (mut flash, InFlash) = crate::bench::provisioned(&repo, single);
    let ecu = me(&repo);
    repo.publish(|next| {
        next.release();
        name_fallback(next, &ecu, 2);
        name_patch(next, &ecu, 2, Sha256::of(&ecu.image(1)), &patch());
    });
    let nor: &mut Nor = &mut flash;
    let key = Key(me(&repo).signer());
    let mut ecu = Ecu::boot(profile(&repo), single, nor, crate::verifier::PartialPlus::default(), key).unwrap();
    begin(&mut ecu, &repo, OPEN).unwrap();
    send_time(&mut ecu, &repo).unwrap();
    send_targets(&mut ecu, &repo).unwrap();
    assert_eq!(send(&mut ecu, repo.now(), File::Patch, &patch()), Err(Refusal::NotForMe));
    send_image(&mut ecu, &repo).unwrap();
}

/// Whatever byte is wrong behind the header: nothing but the listed image is staged, and the whole one still gets in.
#[test]
fn a_damaged_patch_stages_no_other_image_and_keeps_the_whole_one_from_nothing() {
    let (repo, provisioned) = patchable();
    let right = image(&repo);
    let mut refused = 0;
    for place in (HEADER..patch().len()).step_by(5) {
        let mut flash = provisioned.clone();
        let mut ecu = staging(&repo, &mut flash);
        let mut wrong = patch();
        wrong[place] ^= 0x10;
        if let Err(refusal) = send(&mut ecu, repo.now(), File::Patch, &wrong) {
            assert_eq!(refusal, Refusal::Check(Error::ImageDigest.code()), "{place}");
            assert_eq!((ecu.state().received, phase(&ecu)), (0, Phase::Staging(OPEN)), "{place}");
            send(&mut ecu, repo.now(), File::Image, &right).unwrap();
            refused += 1;
        }
        assert_eq!(phase(&ecu), Phase::Staged(OPEN), "{place}");
    }
    assert!(refused > 0);
}
