//! PV+ over CAN, classical and FD.

use host::can::{Arrival, FramePort as _, UnixBus};
use proto::broadcast::{Outcome, Sender, Session};
use proto::can::Id;
use proto::isotp::{Config, Framing, Link};
use proto::secondary::{File, Reply, Request};
use proto::uds::{Client, Control, Reset};
use uptane::sign::prove;
use uptane::verify::proof::Challenge;
use uptane::{Length, Nonce};

use super::bundle::Bench;
use super::primary::{Carrier, identity, update};
use super::process::Running;

const ROOM: usize = 4_095;

struct Can {
    bus: UnixBus,
    link: Link<ROOM, ROOM>,
    client: Client<ROOM>,
    start: std::time::Instant,
}

impl Can {
    fn join(bus: &str, framing: Framing) -> Self {
        let (send, receive) = (Id::standard(0x7e0).unwrap(), Id::standard(0x7e8).unwrap());
        let link = Link::new(Config::new(framing, send, receive));
        let start = host::clock::stopwatch();
        Self { bus: UnixBus::join(bus.as_ref()).unwrap(), link, client: Client::new(), start }
    }

    async fn flush(&mut self) {
        loop {
            match self.link.poll(self.start.elapsed()) {
                Ok(Some(frame)) => self.bus.send(&frame).await.unwrap(),
                Ok(None) => return,
                Err(_) => self.client.lost(),
            }
        }
    }
}

impl Can {
    /// Has the ECU reset, as the Primary of this bench if the client proves that.
    async fn reset(&mut self, bench: &Bench) -> Result<(), proto::Error> {
        self.client.control(Control::Reset(Reset::Hard)).unwrap();
        let prove = |nonce| {
            let challenge = Challenge { vehicle: bench.repo.vehicle(), ecu: bench.me().ecu, nonce };
            prove(&challenge, &bench.repo.ecus().first().unwrap().signer()).unwrap()
        };
        self.conclude(prove, |reply| assert_eq!(reply, Reply::Done)).await
    }

    /// Goes on until the client has its reply.
    async fn conclude<T>(
        &mut self,
        prove: impl Fn(Nonce) -> [u8; 64],
        hear: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, proto::Error> {
        loop {
            let now = self.start.elapsed();
            if let Some(challenge) = self.client.challenge() {
                self.client.prove(Some(&prove(challenge)))?;
            }
            if !self.link.is_sending()
                && let Some(message) = self.client.poll(now)?
            {
                self.link.send(message, now).unwrap();
            }
            self.flush().await;
            let deadline = [self.link.deadline(), self.client.deadline()].into_iter().flatten().min().unwrap();
            let wait = deadline.saturating_sub(self.start.elapsed());
            let Ok(arrival) = tokio::time::timeout(wait, self.bus.receive()).await else { continue };
            let Arrival::Frame(frame) = arrival.unwrap() else { continue };
            let now = self.start.elapsed();
            self.client.moving(now);
            match self.link.handle(&frame, now) {
                Ok(Some(message)) => {
                    if let Some(reply) = self.client.handle(message, now)? {
                        return Ok(hear(reply));
                    }
                }
                Ok(None) => {}
                Err(_) => self.client.lost(),
            }
        }
    }
}

impl Carrier for Can {
    async fn ask<T>(&mut self, request: Request<'_>, hear: impl FnOnce(Reply<'_>) -> T) -> T {
        self.client.start(request).unwrap();
        self.conclude(|challenge| panic!("asked to prove {challenge}"), hear).await.unwrap()
    }
}

/// The same, but the image is said to all.
struct Said {
    can: Can,
    framing: Framing,
    image: Vec<u8>,
    is_image: bool,
}

impl Said {
    /// Says the image; the ECU must have heard all of it.
    async fn say(&mut self) {
        let (id, answer) = (Id::standard(0x7a5).unwrap(), Id::standard(0x7b0).unwrap());
        let session = Session { number: 1, framing: self.framing, id };
        let can = &mut self.can;
        can.client.join(session, answer).unwrap();
        let no_proof = |challenge| panic!("asked to prove {challenge}");
        can.conclude(no_proof, |reply| assert_eq!(reply, Reply::Done)).await.unwrap();
        let mut sender = Sender::<1, 15_120>::new(session, length(&self.image)).unwrap();
        sender.add(can.client.member().unwrap()).unwrap();
        while !sender.is_over() {
            let now = can.start.elapsed();
            if let Some((offset, length)) = sender.wants() {
                let from = usize::try_from(offset.get()).unwrap();
                sender.supply(self.image.get(from..from + length).unwrap(), now).unwrap();
            }
            if let Some(frame) = sender.poll(now) {
                can.bus.send(&frame).await.unwrap();
                continue;
            }
            let wait = sender.deadline().unwrap_or_default().saturating_sub(now);
            if let Ok(Ok(Arrival::Frame(frame))) = tokio::time::timeout(wait, can.bus.receive()).await {
                sender.handle(&frame, can.start.elapsed());
            }
        }
        assert_eq!(sender.outcomes().next(), Some((answer, Outcome::Complete)));
    }
}

impl Carrier for Said {
    async fn ask<T>(&mut self, request: Request<'_>, hear: impl FnOnce(Reply<'_>) -> T) -> T {
        match request {
            Request::Chunk(..) if self.is_image => {
                self.say().await;
                return hear(Reply::Taken(length(&self.image)));
            }
            Request::Offer(file, _) => self.is_image = file == File::Image,
            _ => {}
        }
        self.can.ask(request, hear).await
    }
}

fn length(image: &[u8]) -> Length {
    Length::new(image.len().try_into().unwrap()).unwrap()
}

#[test]
fn an_ecu_that_hears_with_others_takes_an_image_that_is_said_to_all() {
    for (flag, framing) in [("--classical", Framing::CLASSICAL), ("--fd", Framing::FD)] {
        let mut bench = Bench::new("partial-plus");
        bench.repo.publish(|next| next.release());
        let image = bench.me().image(2);
        let bus = bench.folder.path().join("bus");
        let bus = bus.to_str().unwrap();
        let ids = ["--request-id", "0x7e0", "--response-id", "0x7e8", "--broadcast-id", "0x7a5"];
        host::serve::runtime().unwrap().block_on(async {
            let _running = Running::start(&[&["run", "--data", bench.data(), "--can", bus, flag][..], &ids].concat());
            let can = Can::join(bus, framing);
            let mut said = Said { can, framing, image: image.clone(), is_image: false };
            update(&mut said, &bench, &image).await.unwrap();
        });
    }
}

#[test]
fn an_ecu_resets_for_its_primary_alone_and_has_forgotten_it_then() {
    let bench = Bench::new("partial-plus");
    let bus = bench.folder.path().join("bus");
    let bus = bus.to_str().unwrap();
    let ids = ["--request-id", "0x7e0", "--response-id", "0x7e8"];
    let refused = Err(proto::Error::Negative { service: 0x11, code: 0x34 });
    host::serve::runtime().unwrap().block_on(async {
        let run = ["run", "--data", bench.data(), "--can", bus, "--classical"];
        let _running = Running::start(&[&run[..], &ids].concat());
        let mut can = Can::join(bus, Framing::CLASSICAL);
        let before = identity(&mut can).await;
        assert_eq!(can.reset(&bench).await, refused);
        can.client = Client::proving();
        assert_eq!(can.reset(&bench).await, Ok(()));
        can.client = Client::new();
        assert_eq!(can.reset(&bench).await, refused);
        assert_eq!(identity(&mut can).await, before);
    });
}

fn updates_over(flag: &str, framing: Framing) {
    let mut bench = Bench::new("partial-plus");
    bench.repo.publish(|next| next.release());
    let image = bench.me().image(2);
    let bus = bench.folder.path().join("bus");
    let bus = bus.to_str().unwrap();
    let ids = ["--request-id", "0x7e0", "--response-id", "0x7e8"];
    host::serve::runtime().unwrap().block_on(async {
        let _running = Running::start(&[&["run", "--data", bench.data(), "--can", bus, flag][..], &ids].concat());
        update(&mut Can::join(bus, framing), &bench, &image).await.unwrap();
    });
}

#[test]
fn an_update_with_partial_verification_goes_through_on_classical_can() {
    updates_over("--classical", Framing::CLASSICAL);
}

#[test]
fn an_update_with_partial_verification_goes_through_on_can_fd() {
    updates_over("--fd", Framing::FD);
}
