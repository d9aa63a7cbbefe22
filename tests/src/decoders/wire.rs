//! What crosses a wire unsigned: frames, transport, diagnostics, messages.
//!
//! An input of a machine is a script: an operation, a length, so many bytes, and again.

use std::time::Duration;

use prost::Message as _;
use proto::can::{Frame, Id};
use proto::grpc::secondary as grpc;
use proto::isotp::{Addressing, Config, Framing, Link, Priority, Separation};
use proto::secondary::{File, Identity, ImageNumber, Phase, Refusal, Reply, Repo, Request, Verification};
use proto::uds::{Client, Server};
use uptane::{EcuId, Error, HardwareId, Length, Nonce, Sha256, TransactionId, Version};

use super::{Decoder, Run};

/// The operations of a script and their bytes.
fn script(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let ([operation, length], rest) = input.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]));
        input = rest;
        Some((*operation, bytes))
    })
}

/// An operation of a script.
fn operation(operation: u8, bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.get(..bytes.len().min(255)).unwrap_or_default();
    [&[operation, u8::try_from(bytes.len()).unwrap_or(255)], bytes].concat()
}

pub(super) const ISOTP: Decoder = Decoder {
    name: "isotp",
    run: isotp,
    bound: (0, 0),
    is_signed: false,
    sources: &[
        "isotp.rs",
        "isotp/addressing.rs",
        "isotp/control.rs",
        "isotp/link.rs",
        "isotp/receiver.rs",
        "isotp/sender.rs",
    ],
    seeds: isotp_seeds,
};

/// The longest message either way.
const ROOM: usize = 300;

fn isotp(run: &mut Run, input: &[u8]) {
    let Some((kind, input)) = input.split_first() else { return };
    let Ok([config, _]) = ends(*kind) else { return };
    let [sent, received] = [config.addressing.send(), config.addressing.receive()];
    run.decode(|| {
        let (mut link, mut now) = (Link::<ROOM, ROOM>::new(config), Duration::ZERO);
        for (operation, bytes) in script(input) {
            match operation % 4 {
                0 => {
                    let format = if kind % 3 == 0 { proto::can::Format::Classical } else { proto::can::Format::Fd };
                    let frame = Frame::new(received.id(), format, bytes);
                    let taken =
                        frame.ok().map(|frame| link.handle(&frame, now).map(|message| message.map(<[u8]>::len)));
                    assert!(
                        !matches!(taken, Some(Ok(Some(length))) if length > ROOM),
                        "a message longer than its buffer"
                    );
                }
                1 => drop(link.send(bytes, now)),
                2 => now += Duration::from_millis(10 * u64::try_from(bytes.len()).unwrap_or_default()),
                _ => drop(Separation::from_byte(bytes.first().copied().unwrap_or_default()).time()),
            }
            while let Ok(Some(frame)) = link.poll(now) {
                assert_eq!(frame.id(), sent.id(), "a frame with another identifier");
            }
            let _state = (link.deadline(), link.is_sending(), link.is_receiving());
        }
    });
    run.accepted = true;
}

/// How the two ends of a script of this kind talk: three framings, five addressing formats, eighteen block sizes.
fn ends(kind: u8) -> Result<[Config; 2], proto::Error> {
    let framing = match kind % 3 {
        0 => Framing::CLASSICAL,
        1 => Framing::FD,
        _ => Framing::fd(16)?,
    };
    let (there, back) = (Id::standard(0x7e0)?, Id::standard(0x7e8)?);
    let end = |send, receive, own, peer| {
        let (priority, extension) = (Priority::DEFAULT, 0x99);
        let addressing = match kind / 3 % 5 {
            0 => Addressing::Normal { send, receive },
            1 => Addressing::NormalFixed { priority, own, peer },
            2 => Addressing::Extended { send, receive, own, peer },
            3 => Addressing::Mixed11 { send, receive, extension },
            _ => Addressing::Mixed29 { priority, own, peer, extension },
        };
        Config { block_size: kind / 15, ..Config::with(framing, addressing) }
    };
    Ok([end(there, back, 0x10, 0xf1), end(back, there, 0xf1, 0x10)])
}

/// One link sends to another; what it sends, and what is answered, are the scripts.
fn isotp_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for kind in (0..30).chain([45, 46]) {
        let Ok([listening, sending]) = ends(kind) else { return Vec::new() };
        for length in [5_usize, 60, 200] {
            seeds.extend(exchange(kind, listening, sending, &vec![7; length]));
        }
    }
    seeds
}

/// The script of the end that hears a message, and of the one that sends it.
fn exchange(kind: u8, listening: Config, sending: Config, message: &[u8]) -> [Vec<u8>; 2] {
    let (mut one, mut other) = (Link::<ROOM, ROOM>::new(sending), Link::<ROOM, ROOM>::new(listening));
    let (mut heard, mut sent) = (vec![kind], [&[kind][..], &operation(1, message)].concat());
    one.send(message, Duration::ZERO).ok();
    for step in 0..80 {
        let now = Duration::from_millis(step);
        while let Ok(Some(frame)) = one.poll(now) {
            heard.extend(operation(0, frame.data()));
            other.handle(&frame, now).ok();
        }
        while let Ok(Some(frame)) = other.poll(now) {
            sent.extend(operation(0, frame.data()));
            one.handle(&frame, now).ok();
        }
    }
    [heard, sent]
}

pub(super) const UDS_SERVER: Decoder = Decoder {
    name: "uds-server",
    run: uds_server,
    bound: (0, 0),
    is_signed: false,
    sources: &["uds/server.rs", "uds/codec.rs", "uds/answer.rs"],
    seeds: || dialogues().into_iter().map(|(asked, _)| asked).chain(conversations(4)).collect(),
};

fn uds_server(run: &mut Run, input: &[u8]) {
    let requests = requests();
    run.decode(|| {
        let (mut server, mut now, mut out) = (Server::new(200), Duration::ZERO, [0; 256]);
        let mut answers = answer;
        for (operation, bytes) in script(input) {
            match operation % 5 {
                4 => converse(&mut Client::new(), &mut server, &requests, bytes, now),
                0..2 => assert!(server.handle(bytes, now, &mut answers, &mut out) <= out.len()),
                2 => drop(server.handle(bytes, now, &mut refuse, out.get_mut(..8).unwrap_or_default())),
                _ => now += Duration::from_millis(100 * u64::try_from(bytes.len()).unwrap_or_default()),
            }
            while server.is_pending() {
                server.poll(now, &mut answers, &mut out);
            }
        }
    });
    run.accepted = true;
}

/// One asks and the other answers, in good order: what either writes, the other reads.
fn converse(client: &mut Client<64>, server: &mut Server, requests: &[Request<'static>], chosen: &[u8], now: Duration) {
    let number = |place: usize| usize::from(chosen.get(place).copied().unwrap_or_default());
    let Some(request) = requests.get(number(0) % requests.len().max(1)) else { return };
    if client.start(*request).is_err() {
        return;
    }
    let mut answers = |request: Request<'_>| match (number(1) % 4, identity(), PHASES.get(number(2) % PHASES.len())) {
        (0, Ok(identity), Some(phase)) if request == Request::Identify => {
            let verification = match number(3) % 3 {
                0 => Verification::Full,
                1 => Verification::Partial,
                _ => Verification::PartialPlus,
            };
            let image_root = Some(Version::FIRST).filter(|_| number(3) % 2 == 0);
            Reply::Identity(Identity { phase: *phase, verification, image_root, ..identity })
        }
        (1, ..) => REFUSALS.get(number(2) % REFUSALS.len()).map_or(Reply::Done, |refusal| Reply::Refused(*refusal)),
        _ => answer(request),
    };
    let (mut out, mut asked) = ([0; 256], [0; 256]);
    // An exchange of several messages ends after a few.
    for _ in 0..4 {
        let Ok(Some(message)) = client.poll(now) else { return };
        let Some(message) = asked.get_mut(..message.len()).map(|room| {
            room.copy_from_slice(message);
            &*room
        }) else {
            return;
        };
        let mut length = server.handle(message, now, &mut answers, &mut out);
        while client.handle(out.get(..length).unwrap_or_default(), now).is_ok() {
            let Some(next) = server.poll(now, &mut answers, &mut out) else { break };
            length = next;
        }
    }
}

const REFUSALS: [Refusal; 7] = [
    Refusal::Check(3),
    Refusal::NotForMe,
    Refusal::Offset(Length::ZERO),
    Refusal::Phase,
    Refusal::TooLong,
    Refusal::Storage,
    Refusal::Malformed,
];

const PHASES: [Phase; 7] = [
    Phase::Idle,
    Phase::Staging(TransactionId([6; 16])),
    Phase::Staged(TransactionId([6; 16])),
    Phase::Trial(TransactionId([6; 16])),
    Phase::Healthy(TransactionId([6; 16])),
    Phase::Committed(TransactionId([6; 16])),
    Phase::RolledBack(TransactionId([6; 16])),
];

/// Conversations about everything that can be asked, with every answer.
fn conversations(operation_of: u8) -> Vec<Vec<u8>> {
    let requests = u8::try_from(requests().len()).unwrap_or_default();
    let ask = |[request, kind, detail, form]: [u8; 4]| operation(operation_of, &[request, kind, detail, form]);
    let kinds = |kind: u8| (0..requests).flat_map(move |request| ask([request, kind, request, request])).collect();
    let identities = (0..7).flat_map(|detail| ask([0, 0, detail, detail])).collect();
    let refusals = (0..7).flat_map(|detail| ask([1, 1, detail, 0])).collect();
    vec![kinds(1), kinds(2), identities, refusals]
}

fn answer(request: Request<'_>) -> Reply<'static> {
    match request {
        Request::Identify => identity().map_or(Reply::Done, Reply::Identity),
        Request::TimeNonce => Reply::TimeNonce(Nonce([4; 16])),
        Request::Begin(_) => Reply::Done,
        Request::Offer(_, length) => Reply::Ready(length.min(Length::new(8).unwrap_or_default()), 64),
        Request::Chunk(offset, data) if data.len() % 7 != 6 => {
            let taken = u64::try_from(data.len()).unwrap_or_default() + offset.get();
            Length::new(taken).map_or(Reply::Refused(Refusal::TooLong), Reply::Taken)
        }
        Request::Chunk(..) => Reply::Refused(Refusal::Check(7)),
        Request::Close => Reply::Done,
        Request::Report(_) => Reply::Report(b"report"),
    }
}

fn refuse(request: Request<'_>) -> Reply<'static> {
    let refusals = [
        Refusal::NotForMe,
        Refusal::Offset(Length::ZERO),
        Refusal::Phase,
        Refusal::TooLong,
        Refusal::Storage,
        Refusal::Malformed,
    ];
    let index = match request {
        Request::Chunk(_, data) => data.len(),
        Request::Offer(_, length) => usize::try_from(length.get()).unwrap_or_default(),
        Request::Identify | Request::TimeNonce | Request::Begin(_) | Request::Close | Request::Report(_) => 0,
    };
    refusals.get(index % refusals.len()).map_or(Reply::Done, |refusal| Reply::Refused(*refusal))
}

fn identity() -> Result<Identity, Error> {
    Ok(Identity {
        ecu: EcuId::parse("brake")?,
        hardware: HardwareId::parse("brake-hw")?,
        verification: Verification::PartialPlus,
        director_root: Version::FIRST,
        image_root: Some(Version::FIRST),
        running: Sha256([5; 32]),
        phase: Phase::Healthy(TransactionId([6; 16])),
    })
}

fn requests() -> Vec<Request<'static>> {
    let length = |length| Length::new(length).unwrap_or_default();
    let mut requests = vec![
        Request::Identify,
        Request::TimeNonce,
        Request::Begin(TransactionId([3; 16])),
        Request::Report(Nonce([2; 16])),
    ];
    let files = [
        File::Time,
        File::Root(Repo::Director, Version::FIRST),
        File::Timestamp(Repo::Image(ImageNumber::FIRST)),
        File::Snapshot(Repo::Image(ImageNumber::FIRST)),
        File::Targets(Repo::Director),
        File::Image,
        File::Command,
        File::Delegated(ImageNumber::FIRST),
    ];
    for file in files {
        requests.extend([Request::Offer(file, length(20)), Request::Chunk(length(8), b"0123456789a"), Request::Close]);
    }
    requests
}

pub(super) const UDS_CLIENT: Decoder = Decoder {
    name: "uds-client",
    run: uds_client,
    bound: (0, 0),
    is_signed: false,
    sources: &["uds/client.rs", "uds/step.rs", "uds/codec.rs"],
    seeds: || dialogues().into_iter().map(|(_, answered)| answered).chain(conversations(8)).collect(),
};

fn uds_client(run: &mut Run, input: &[u8]) {
    let requests = requests();
    run.decode(|| {
        let (mut client, mut now) = (Client::<64>::new(), Duration::ZERO);
        for (operation, bytes) in script(input) {
            match operation % 9 {
                8 => converse(&mut client, &mut Server::new(200), &requests, bytes, now),
                0..4 => drop(client.handle(bytes, now).map(|reply| reply.is_some())),
                4 => client.lost(),
                5 => client.moving(now),
                6 => now += Duration::from_millis(50 * u64::try_from(bytes.len()).unwrap_or_default()),
                _ => {
                    let index = usize::from(bytes.first().copied().unwrap_or_default());
                    requests.get(index % requests.len()).map(|request| client.start(*request));
                }
            }
            let _polled = client.poll(now).map(|message| message.map(<[u8]>::len));
            let _state = (client.deadline(), client.is_idle());
        }
    });
    run.accepted = true;
}

/// What a client and a server say to each other, one request after the other: the script of each side.
fn dialogues() -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut client, mut server, mut out) = (Client::<64>::new(), Server::new(200), [0; 256]);
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    for (index, request) in requests().into_iter().enumerate() {
        answered.extend(operation(7, &[u8::try_from(index).unwrap_or_default()]));
        if client.start(request).is_err() {
            continue;
        }
        for step in 0..20_u64 {
            let now = Duration::from_millis(step);
            let Ok(Some(message)) = client.poll(now) else { continue };
            let message = message.to_vec();
            asked.extend(operation(0, &message));
            let mut length = server.handle(&message, now, &mut answer, &mut out);
            loop {
                let reply = out.get(..length).unwrap_or_default().to_vec();
                answered.extend(operation(0, &reply));
                client.handle(&reply, now).ok();
                match server.poll(now, &mut answer, &mut out) {
                    Some(next) => length = next,
                    None => break,
                }
            }
        }
    }
    vec![(asked, answered)]
}

pub(super) const GRPC: Decoder = Decoder {
    name: "grpc",
    run: grpc,
    bound: (8_192, 64),
    is_signed: false,
    sources: &["grpc/convert.rs"],
    seeds: || {
        let mut seeds: Vec<Vec<u8>> = requests()
            .into_iter()
            .map(|request| [&[0][..], &grpc::Request::from(request).encode_to_vec()].concat())
            .collect();
        let mut replies: Vec<Reply<'_>> = requests().into_iter().map(answer).collect();
        replies.extend(REFUSALS.map(Reply::Refused));
        let stands = |phase| identity().map(|identity| Reply::Identity(Identity { phase, ..identity }));
        replies.extend(PHASES.into_iter().filter_map(|phase| stands(phase).ok()));
        seeds.extend(replies.into_iter().map(|reply| [&[1][..], &grpc::Reply::from(reply).encode_to_vec()].concat()));
        seeds
    },
};

/// The first byte says whether it is a request or a reply. What was read is written and read alike.
fn grpc(run: &mut Run, input: &[u8]) {
    match input.split_first() {
        Some((kind, bytes)) if kind % 2 == 0 => {
            let Ok(message) = run.decode(|| grpc::Request::decode(bytes)) else { return };
            let Ok(request) = Request::try_from(&message) else { return };
            assert_eq!(Request::try_from(&grpc::Request::from(request)), Ok(request), "a request became another");
        }
        Some((_, bytes)) => {
            let Ok(message) = run.decode(|| grpc::Reply::decode(bytes)) else { return };
            let Ok(reply) = Reply::try_from(&message) else { return };
            assert_eq!(Reply::try_from(&grpc::Reply::from(reply)), Ok(reply), "a reply became another");
        }
        None => return,
    }
    run.accepted = true;
}
