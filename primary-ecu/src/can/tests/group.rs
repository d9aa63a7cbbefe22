//! Two Secondaries that hear an image together, on a bus between tasks, with the halves of the protocols that ship.

use std::collections::BTreeMap;

use host::disk::{Access, Disk as _};
use proto::broadcast::Receiver as Hearer;
use proto::isotp::Separation;
use proto::secondary::{File, Reply};
use proto::uds::{Capacity, Server};
use uptane::{EcuId, Length, Sha256};

use super::*;
use crate::node::{Call, Shared};

/// A Secondary that takes an image.
struct Door {
    link: Link<4_095, 512>,
    server: Server<true>,
    hearer: Option<Hearer<3_360>>,
    held: Vec<u8>,
}

impl Door {
    /// One that takes part in broadcasts, or knows of none.
    fn new(request: u16, response: u16, joins: bool) -> Self {
        let id = |id| Id::standard(id).unwrap();
        let link = Link::new(Config::new(Framing::CLASSICAL, id(response), id(request)));
        let capacity = joins.then_some(Capacity { window: 1_680, separation: Separation::NONE });
        let server = Server::in_group(4_095, capacity);
        Self { link, server, hearer: None, held: Vec::new() }
    }

    /// Takes a frame; what it says then.
    fn hear(&mut self, frame: &Frame, now: Duration) -> Vec<Frame> {
        let Self { link, server, hearer, held, .. } = self;
        let mut take = |request: Request<'_>| match request {
            Request::Offer(..) => Reply::Ready(Length::ZERO, 4_000),
            Request::Chunk(offset, data) => {
                assert_eq!(offset.get(), u64::try_from(held.len()).unwrap());
                held.extend_from_slice(data);
                Reply::Taken(Length::new(held.len().try_into().unwrap()).unwrap())
            }
            Request::Identify | Request::TimeNonce | Request::Begin(_) | Request::Close | Request::Report(_) => {
                Reply::Done
            }
        };
        let mut said = Vec::new();
        if let Some(hearer) = hearer {
            hearer.handle(frame, now);
            said.extend(std::iter::from_fn(|| hearer.poll()));
            while hearer.hand_over(&mut take) {}
            server.heard(hearer.held(), now);
        }
        let mut out = [0; 512];
        let message = link.handle(frame, now).ok().flatten().map(<[u8]>::to_vec);
        let mut say = |answer: &[u8]| {
            if !answer.is_empty() {
                link.send(answer, now).unwrap();
            }
            said.extend(std::iter::from_fn(|| link.poll(now).unwrap()));
        };
        if let Some(message) = message {
            let length = server.handle(&message, now, &mut take, &mut out);
            say(&out[..length]);
            if let Some(length) = server.poll(now, &mut take, &mut out) {
                say(&out[..length]);
            }
        }
        say(&[]);
        if let Some(join) = server.joins() {
            *hearer = Some(Hearer::new(join, now).unwrap());
        }
        said
    }
}

/// Carries frames between the port and the doors until nobody listens any more.
async fn carry(mut doors: Vec<Door>, arrivals: Sender<Arrival>, mut sent: Receiver<Frame>) -> Vec<Door> {
    let begun = Instant::now();
    while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_millis(300), sent.recv()).await {
        for door in &mut doors {
            for answer in door.hear(&frame, begun.elapsed()) {
                arrivals.send(Arrival::Frame(answer)).await.unwrap();
            }
        }
    }
    doors
}

/// What the driver does for one errand from the image on; how it ends.
async fn take(mut link: CanLink, seat: Seat, length: Length) -> Call {
    let called = seat.arrive().await;
    assert_eq!(called.call, Call::Together);
    let ready = link.ask(Request::Offer(File::Image, length)).await;
    assert!(matches!(ready, Ok(Answer::Ready(Length::ZERO, _))), "{ready:?}");
    let (session, answer) = called.invitation.unwrap();
    let member = link.join(session, answer).await;
    seat.joined(member).await.call
}

#[test]
fn secondaries_that_join_hear_the_image_and_one_that_cannot_is_told_to_go_on_by_itself() {
    in_runtime(async {
        let image: Vec<u8> = (0..9_000).map(|at: u32| at.to_be_bytes()[3] ^ at.to_be_bytes()[2]).collect();
        let length = Length::new(image.len().try_into().unwrap()).unwrap();
        let shared = Shared { group: 0, image: Sha256::of(&image), length };
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Folder::create(folder.path(), Access::Private).unwrap();
        disk.replace(&shared.file(), &image).unwrap();

        let mut bus = Bus::new(None);
        let ecus = ["left", "right", "rear"].map(|name| EcuId::parse(name).unwrap());
        let links = [0x720, 0x721, 0x722].map(|request| bus.link(false, request, request + 8).unwrap());
        let answers: BTreeMap<_, _> = ecus.into_iter().zip((0x7b0..).map(|id| Id::standard(id).unwrap())).collect();
        let id = Id::standard(0x7a5).unwrap();
        let group = bus.group(Group { framing: Framing::CLASSICAL, id, answers }, disk);
        let (arrivals, script) = mpsc::channel(64);
        let (shown, sent) = mpsc::channel(64);
        tokio::spawn(bus.run(Script { arrivals: script, sent: shown }));

        let doors = [(0x720, true), (0x721, true), (0x722, false)];
        let doors = doors.map(|(request, joins)| Door::new(request, request + 8, joins)).into();
        let seats = ecus.map(|ecu| group.expect(ecu, shared));
        let [a, b, c] = links;
        let [left, right, rear] = seats;
        let taken = async { tokio::join!(take(a, left, length), take(b, right, length), take(c, rear, length)) };
        let (calls, doors) = tokio::join!(taken, carry(doors, arrivals, sent));
        assert_eq!(calls, (Call::Complete, Call::Complete, Call::Dropped));
        let held: Vec<_> = doors.iter().map(|door| door.held == image).collect();
        assert_eq!(held, [true, true, false]);
    });
}

#[test]
fn an_errand_that_is_dropped_is_not_waited_for() {
    in_runtime(async {
        let folder = tempfile::tempdir().unwrap();
        let disk = Folder::create(folder.path(), Access::Private).unwrap();
        let mut bus = Bus::new(None);
        let ecus = ["left", "right"].map(|name| EcuId::parse(name).unwrap());
        let answers: BTreeMap<_, _> = ecus.into_iter().zip((0x7b0..).map(|id| Id::standard(id).unwrap())).collect();
        let id = Id::standard(0x7a5).unwrap();
        let group = bus.group(Group { framing: Framing::CLASSICAL, id, answers }, disk);
        let shared = Shared { group: 0, image: Sha256([2; 32]), length: Length::new(9).unwrap() };
        let [left, right] = ecus.map(|ecu| group.expect(ecu, shared));
        let (called, ()) = tokio::join!(left.arrive(), async { drop(right) });
        assert_eq!(called.call, Call::Alone);
    });
}
