//! A bus whose port is a script: what a controller tells cannot be had from one without hardware.

mod group;

use host::can::{Arrival, Event};
use proto::isotp::{Config, Link};
use proto::secondary::Request;
use tokio::sync::mpsc::{Receiver, Sender};
use uptane::Nonce;

use super::*;
use crate::driver::transport::Transport as _;
use crate::node::{Answer, Silent};

/// A port that brings what the test says, and shows the test what was sent.
struct Script {
    arrivals: Receiver<Arrival>,
    sent: Sender<Frame>,
}

impl FramePort for Script {
    async fn send(&mut self, frame: &Frame) -> Result<(), host::Error> {
        self.sent.send(*frame).await.unwrap();
        Ok(())
    }

    async fn receive(&mut self) -> Result<Arrival, host::Error> {
        Ok(self.arrivals.recv().await.unwrap())
    }
}

/// A running bus with one link, and both ends of its port.
struct Bench {
    link: CanLink,
    arrivals: Sender<Arrival>,
    sent: Receiver<Frame>,
}

impl Bench {
    fn start() -> Self {
        let mut bus = Bus::new(None);
        let link = bus.link(false, 0x7e0, 0x7e8).unwrap();
        let (arrivals, script) = mpsc::channel(1);
        let (shown, sent) = mpsc::channel(64);
        tokio::spawn(bus.run(Script { arrivals: script, sent: shown }));
        Self { link, arrivals, sent }
    }

    async fn tell(&self, event: Event) {
        self.arrivals.send(Arrival::Event(event)).await.unwrap();
    }
}

fn in_runtime(test: impl Future<Output = ()>) {
    host::serve::runtime().unwrap().block_on(test);
}

/// The Secondary answers the nonce it is asked for, over flow control and all.
async fn answer(arrivals: &Sender<Arrival>, sent: &mut Receiver<Frame>, nonce: Nonce) {
    let id = |id| Id::standard(id).unwrap();
    let mut peer: Link<64, 64> = Link::new(Config::new(Framing::CLASSICAL, id(0x7e8), id(0x7e0)));
    let message = [&[0x62, 0xfd, 0x01][..], &nonce.0[..]].concat();
    peer.send(&message, Duration::ZERO).unwrap();
    while peer.is_sending() {
        while let Some(frame) = peer.poll(Duration::ZERO).unwrap() {
            arrivals.send(Arrival::Frame(frame)).await.unwrap();
        }
        if peer.is_sending() {
            peer.handle(&sent.recv().await.unwrap(), Duration::ZERO).unwrap();
        }
    }
}

#[test]
fn what_was_asked_before_a_bus_off_is_asked_again_after_it_and_answered() {
    in_runtime(async {
        let Bench { mut link, arrivals, mut sent } = Bench::start();
        let nonce = Nonce([7; 16]);
        let tester = async {
            let asked = sent.recv().await.unwrap();
            for event in [Event::BusOff, Event::Restarted] {
                arrivals.send(Arrival::Event(event)).await.unwrap();
            }
            assert_eq!(sent.recv().await.unwrap(), asked);
            answer(&arrivals, &mut sent, nonce).await;
        };
        let (got, ()) = tokio::join!(link.ask(Request::TimeNonce), tester);
        assert_eq!(got, Ok(Answer::TimeNonce(nonce)));
    });
}

#[test]
fn nothing_is_sent_while_the_controller_is_off_the_bus() {
    in_runtime(async {
        let mut bench = Bench::start();
        bench.tell(Event::BusOff).await;
        bench.link.usable.wait_for(|usable| !*usable).await.unwrap();
        // The one place is free again when the port has looked at it; then the frame under test had its chance.
        let others = async {
            for _ in 0..100 {
                bench.arrivals.send(Arrival::Event(Event::Passive)).await.unwrap();
            }
            assert!(bench.sent.try_recv().is_err());
            bench.arrivals.send(Arrival::Event(Event::Restarted)).await.unwrap();
            bench.sent.recv().await.unwrap()
        };
        tokio::select! {
            answer = bench.link.ask(Request::Identify) => panic!("{answer:?}"),
            frame = others => assert_eq!(frame.data().get(..4), Some(&[3, 0x22, 0xfd, 0][..])),
        }
    });
}

#[test]
fn a_link_takes_the_next_request_after_one_that_failed() {
    in_runtime(async {
        let Bench { mut link, arrivals, mut sent } = Bench::start();
        let nonce = Nonce([9; 16]);
        link.conversation.ask(Request::Identify).unwrap();
        assert!(matches!(link.ask(Request::TimeNonce).await, Err(Silent(_))), "one is under way");
        let tester = async {
            sent.recv().await.unwrap();
            answer(&arrivals, &mut sent, nonce).await;
        };
        let (got, ()) = tokio::join!(link.ask(Request::TimeNonce), tester);
        assert_eq!(got, Ok(Answer::TimeNonce(nonce)));
    });
}

#[test]
fn the_port_is_asked_for_the_responses_of_all_links_in_the_longest_format_of_any() {
    in_runtime(async {
        let mut bus = Bus::new(None);
        bus.link(true, 0x7e0, 0x7e8).unwrap();
        bus.link(false, 0x18da_10f1, 0x18da_f110).unwrap();
        let identifiers = vec![Id::standard(0x7e8).unwrap(), Id::extended(0x18da_f110).unwrap()];
        assert_eq!(bus.interest(), Interest { identifiers, format: Format::Fd });
    });
}
