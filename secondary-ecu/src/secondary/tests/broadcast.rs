//! An image that comes by broadcast: what is heard may be anybody's, what is staged may not.

use core::time::Duration;

use proto::broadcast::{Join, Left, Member, Outcome, Receiver, Sender, Session};
use proto::can::Id;
use proto::isotp::Framing;
use proto::secondary::{File, Phase, Refusal, Reply, Request};
use uptane::testing::Repo;
use uptane::{Error, Length};

use super::bench::*;

/// An ECU that waits for the bytes of the image.
fn offered<'f>(repo: &Repo, flash: &'f mut Nor) -> (Ecu<'f>, Join) {
    let mut ecu = booted(repo, flash).unwrap();
    begin(&mut ecu, repo, OPEN).unwrap();
    send_time(&mut ecu, repo).unwrap();
    send_targets(&mut ecu, repo).unwrap();
    let session = Session { number: 3, framing: Framing::CLASSICAL, id: Id::standard(0x6a5).unwrap() };
    let length = length(&me(repo).image(repo.release()));
    let Reply::Ready(from, chunk) = ecu.handle(Request::Offer(File::Image, length), repo.now()) else {
        panic!("not ready");
    };
    (ecu, Join { session, answer: Id::standard(0x6b0).unwrap(), from, length, chunk })
}

/// Broadcasts `image` to it; what the sender says became of it, and the receiver.
fn hear(ecu: &mut Ecu<'_>, repo: &Repo, join: Join, image: &[u8]) -> (Outcome, Receiver<1_024>) {
    let mut now = Duration::ZERO;
    let mut receiver = Receiver::<1_024>::new(join, now).unwrap();
    let mut sender = Sender::<1, 1_024>::new(join.session, join.length).unwrap();
    let Join { answer, from, .. } = join;
    sender.add(Member { answer, from, window: 512, separation: Duration::ZERO }).unwrap();
    while !sender.is_over() {
        if let Some((offset, len)) = sender.wants() {
            sender.supply(&image[offset.get() as usize..][..len], now).unwrap();
        }
        match sender.poll(now) {
            Some(frame) => receiver.handle(&frame, now),
            None => now = sender.deadline().unwrap_or(now),
        }
        while let Some(answer) = receiver.poll() {
            sender.handle(&answer, now);
        }
        while receiver.hand_over(&mut |request: Request<'_>| match ecu.handle(request, repo.now()) {
            Reply::Taken(taken) => Reply::Taken(taken),
            Reply::Refused(refusal) => Reply::Refused(refusal),
            Reply::Identity(_) | Reply::TimeNonce(_) | Reply::Ready(..) | Reply::Done | Reply::Report(_) => {
                panic!("neither taken nor refused")
            }
        }) {}
    }
    let (_, outcome) = sender.outcomes().next().unwrap();
    (outcome, receiver)
}

#[test]
fn an_image_that_was_broadcast_is_staged() {
    let (repo, mut flash) = next_release();
    let (mut ecu, join) = offered(&repo, &mut flash);
    let image = me(&repo).image(repo.release());
    assert_eq!(hear(&mut ecu, &repo, join, &image).0, Outcome::Complete);
    assert_eq!(refusal(ecu.handle(Request::Close, repo.now())), Ok(()));
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
}

/// Whoever can write to the bus can say all that a sender says, checksums included.
#[test]
fn bytes_that_others_broadcast_are_refused_by_their_digest() {
    let (repo, mut flash) = next_release();
    let (mut ecu, join) = offered(&repo, &mut flash);
    let mut forged = me(&repo).image(repo.release());
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(hear(&mut ecu, &repo, join, &forged).0, Outcome::Complete);
    let refused = refusal(ecu.handle(Request::Close, repo.now()));
    assert_eq!(refused, Err(Refusal::Check(Error::ImageDigest.code())));
    assert_eq!(phase(&ecu), Phase::Staging(OPEN));
    // What is kept of a wrong image would be wrong again.
    send_image(&mut ecu, &repo).unwrap();
    assert_eq!(phase(&ecu), Phase::Staged(OPEN));
}

#[test]
fn an_ecu_that_forgot_the_offer_leaves_the_broadcast() {
    let (repo, mut flash) = next_release();
    let (mut ecu, join) = offered(&repo, &mut flash);
    ecu.reset().unwrap();
    let (outcome, receiver) = hear(&mut ecu, &repo, join, &me(&repo).image(repo.release()));
    assert!(matches!(outcome, Outcome::Dropped { at: Length::ZERO, .. }), "{outcome:?}");
    assert_eq!(receiver.left(), Some(Left::Refused(Refusal::Offset(Length::ZERO))));
}
