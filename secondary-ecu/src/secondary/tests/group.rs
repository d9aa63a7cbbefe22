//! Two ECUs on one bus that are asked to join a broadcast, hear it, and close it, all by the messages of a Primary.

use core::time::Duration;

use proto::broadcast::{Outcome, Sender, Session, Why};
use proto::can::{Frame, Id};
use proto::isotp::{Config, Framing, Link, Separation};
use proto::secondary::{File, Phase, Refusal, Reply, Request};
use proto::uds::{Client, Handler};
use uptane::testing::Repo;
use uptane::{Length, Time};

use super::bench::*;
use crate::channel::{Hearing, MAX_MESSAGE, MAX_RESPONSE};

type End = Link<MAX_MESSAGE, MAX_RESPONSE>;

/// An ECU, its end of the bus, and that of the Primary.
struct Line<'f> {
    ecu: Ecu<'f>,
    hearing: Hearing<MAX_MESSAGE, MAX_RESPONSE, 1_024>,
    link: End,
    client: Client<MAX_MESSAGE>,
    now: Duration,
    time: Time,
}

struct Asking<'e, 'f>(&'e mut Ecu<'f>, Time);

impl Handler for Asking<'_, '_> {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self.0.handle(request, self.1)
    }
}

impl<'f> Line<'f> {
    fn new(number: u16, repo: &Repo, flash: &'f mut Nor) -> Self {
        let mut ecu = booted(repo, flash).unwrap();
        begin(&mut ecu, repo, OPEN).unwrap();
        send_time(&mut ecu, repo).unwrap();
        send_targets(&mut ecu, repo).unwrap();
        let [request, response] = [0x700, 0x708].map(|base| Id::standard(base + number).unwrap());
        let config = |send, receive| Config::new(Framing::CLASSICAL, send, receive);
        let hearing = Hearing::new(config(response, request), Separation::NONE);
        let (link, client) = (End::new(config(request, response)), Client::new());
        Self { ecu, hearing, link, client, now: Duration::ZERO, time: repo.now() }
    }

    /// What the ECU says to a request, as `judge` reads it.
    fn ask<T>(&mut self, begin: impl FnOnce(&mut Client<MAX_MESSAGE>), judge: impl Fn(Reply<'_>) -> T) -> T {
        begin(&mut self.client);
        for _ in 0..1_000 {
            if let Some(message) = self.client.poll(self.now).unwrap() {
                self.link.send(message, self.now).unwrap();
            }
            while let Some(frame) = self.link.poll(self.now).unwrap() {
                self.hear(&frame);
            }
            if self.hearing.is_pending() {
                self.hearing.work(self.now, &mut Asking(&mut self.ecu, self.time));
            }
            while let Some(frame) = self.hearing.poll(self.now).unwrap() {
                let message = self.link.handle(&frame, self.now).unwrap();
                if let Some(reply) = message.and_then(|message| self.client.handle(message, self.now).unwrap()) {
                    return judge(reply);
                }
            }
        }
        panic!("there is no reply");
    }

    fn hear(&mut self, frame: &Frame) {
        self.hearing.hear(frame, self.now, &mut Asking(&mut self.ecu, self.time));
    }

    fn close(&mut self) -> Result<(), Refusal> {
        self.ask(|client| client.start(Request::Close).unwrap(), refusal)
    }
}

fn session() -> Session {
    Session { number: 9, framing: Framing::CLASSICAL, id: Id::standard(0x6a5).unwrap() }
}

/// Offers the image to both and asks them to join; a sender to both.
fn joined(lines: &mut [Line<'_>; 2], image: &[u8]) -> Sender<2, 1_024> {
    let mut sender = Sender::new(session(), length(image)).unwrap();
    for (number, line) in (0..).zip(lines) {
        let offer = Request::Offer(File::Image, length(image));
        line.ask(|client| client.start(offer).unwrap(), |reply| assert!(matches!(reply, Reply::Ready(..))));
        let answer = Id::standard(0x6b0 + number).unwrap();
        let reply = line.ask(|client| client.join(session(), answer).unwrap(), refusal);
        assert_eq!(reply, Ok(()));
        sender.add(line.client.member().unwrap()).unwrap();
    }
    sender
}

/// One turn of the sender: its frame to both, and their answers.
fn turn(sender: &mut Sender<2, 1_024>, lines: &mut [Line<'_>; 2], image: &[u8]) {
    let now = lines[0].now;
    if let Some((offset, len)) = sender.wants() {
        sender.supply(&image[offset.get() as usize..][..len], now).unwrap();
    }
    let frame = sender.poll(now);
    let later = sender.deadline().filter(|_| frame.is_none()).unwrap_or(now).max(now);
    for line in lines {
        line.now = later;
        frame.iter().for_each(|frame| line.hear(frame));
        while let Some(answer) = line.hearing.poll(later).unwrap() {
            sender.handle(&answer, later);
        }
        while line.hearing.is_pending() {
            line.hearing.work(later, &mut Asking(&mut line.ecu, line.time));
        }
    }
}

#[test]
fn two_ecus_stage_the_image_that_both_heard() {
    let (repo, mut first) = next_release();
    let mut second = provisioned(&Repo::seeded(4));
    let image = me(&repo).image(repo.release());
    let mut lines = [Line::new(0, &repo, &mut first), Line::new(1, &repo, &mut second)];
    let mut sender = joined(&mut lines, &image);
    while !sender.is_over() {
        turn(&mut sender, &mut lines, &image);
    }
    assert!(sender.outcomes().all(|(_, outcome)| outcome == Outcome::Complete));
    for line in &mut lines {
        assert_eq!(line.close(), Ok(()));
        assert_eq!(phase(&line.ecu), Phase::Staged(OPEN));
    }
}

#[test]
fn blocks_of_its_own_end_the_broadcast_for_an_ecu_and_the_others_go_on() {
    let (repo, mut first) = next_release();
    let mut second = provisioned(&Repo::seeded(4));
    let image = me(&repo).image(repo.release());
    let mut lines = [Line::new(0, &repo, &mut first), Line::new(1, &repo, &mut second)];
    let mut sender = joined(&mut lines, &image);
    // Open, data, and amid them.
    (0..5).for_each(|_| turn(&mut sender, &mut lines, &image));
    for (at, chunk) in (0..).step_by(512).zip(image.chunks(512)) {
        let offset = length(&image[..at]);
        let chunk = |client: &mut Client<MAX_MESSAGE>| client.start(Request::Chunk(offset, chunk)).unwrap();
        lines[1].ask(chunk, |reply| assert!(matches!(reply, Reply::Taken(_)), "{reply:?}"));
    }
    while !sender.is_over() {
        turn(&mut sender, &mut lines, &image);
    }
    let dropped = Outcome::Dropped { at: Length::ZERO, why: Why::Silent };
    assert!(sender.outcomes().map(|(_, outcome)| outcome).eq([Outcome::Complete, dropped]));
    for line in &mut lines {
        assert_eq!(line.close(), Ok(()));
        assert_eq!(phase(&line.ecu), Phase::Staged(OPEN));
    }
}
