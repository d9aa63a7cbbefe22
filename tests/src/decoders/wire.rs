//! What crosses a wire unsigned: diagnostics, messages.
//!
//! An input of a machine is a script: an operation, a length, so many bytes, and again.

use std::time::Duration;

use prost::Message as _;
use proto::grpc::secondary as grpc;
use proto::secondary::{File, Identity, ImageNumber, Phase, Refusal, Reply, Repo, Request, Verification};
use proto::uds::{Client, Server};
use uptane::{EcuId, Error, HardwareId, Length, Nonce, Sha256, TransactionId, Version};

use super::diagnostics::{CONTROLS, SERVER_SOURCES, Vehicle, heard_by_primary, prepare, said_by_primary};
use super::{Decoder, Run};

/// The operations of a script and their bytes.
pub(super) fn script(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let ([operation, length], rest) = input.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]));
        input = rest;
        Some((*operation, bytes))
    })
}

/// An operation of a script.
pub(super) fn operation(operation: u8, bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.get(..bytes.len().min(255)).unwrap_or_default();
    [&[operation, u8::try_from(bytes.len()).unwrap_or(255)], bytes].concat()
}

pub(super) const UDS_SERVER: Decoder = Decoder {
    name: "uds-server",
    run: uds_server,
    // Nothing but the error of a refused proof, which `ed25519-dalek` boxes where there is a heap.
    bound: (64, 0),
    is_signed: false,
    sources: &SERVER_SOURCES,
    seeds: || {
        let said = conversations(4).into_iter().chain(said_by_primary());
        dialogues().into_iter().map(|(asked, _)| asked).chain(said).collect()
    },
};

fn uds_server(run: &mut Run, input: &[u8]) {
    let requests = requests();
    prepare();
    run.decode(|| {
        let (mut server, mut now, mut out) = (Server::new(200), Duration::ZERO, [0; 256]);
        let (mut answers, mut refuses) = (Vehicle(answer), Vehicle(refuse));
        for (operation, bytes) in script(input) {
            match operation % 5 {
                4 => converse(&mut Client::new(), &mut server, &requests, bytes, now),
                0 => assert!(server.handle(bytes, now, &mut answers, &mut out) <= out.len()),
                1 => assert!(server.handle_functional(bytes, now, &mut answers, &mut out) <= out.len()),
                2 => drop(server.handle(bytes, now, &mut refuses, out.get_mut(..8).unwrap_or_default())),
                _ => now += Duration::from_millis(100 * u64::try_from(bytes.len()).unwrap_or_default()),
            }
            while server.is_pending() {
                server.poll(now, &mut answers, &mut out);
            }
            let _due = server.deadline();
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
        File::Patch,
    ];
    for file in files {
        requests.extend([Request::Offer(file, length(20)), Request::Chunk(length(8), b"0123456789ab"), Request::Close]);
    }
    requests
}

pub(super) const UDS_CLIENT: Decoder = Decoder {
    name: "uds-client",
    run: uds_client,
    bound: (0, 0),
    is_signed: false,
    sources: &["uds/client.rs", "uds/client/answers.rs", "uds/step.rs", "uds/codec.rs"],
    seeds: || {
        let heard = conversations(8).into_iter().chain([heard_by_primary()]);
        dialogues().into_iter().map(|(_, answered)| answered).chain(heard).collect()
    },
};

fn uds_client(run: &mut Run, input: &[u8]) {
    let requests = requests();
    run.decode(|| {
        let (mut client, mut now) = (Client::<64>::proving(), Duration::ZERO);
        for (operation, bytes) in script(input) {
            match operation % 9 {
                8 => converse(&mut client, &mut Server::new(200), &requests, bytes, now),
                0..4 => drop(client.handle(bytes, now).map(|reply| reply.is_some())),
                4 => client.lost(),
                5 => client.moving(now),
                6 => now += Duration::from_millis(50 * u64::try_from(bytes.len()).unwrap_or_default()),
                _ => {
                    let index = usize::from(bytes.first().copied().unwrap_or_default());
                    let control = bytes.get(1).and_then(|choice| CONTROLS.get(usize::from(*choice)));
                    match control {
                        Some(control) => client.control(*control).ok(),
                        None => requests.get(index % requests.len()).and_then(|request| client.start(*request).ok()),
                    };
                }
            }
            client.prove(Some(&[7; 64]).filter(|_| operation > 9)).ok();
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
