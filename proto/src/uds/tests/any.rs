//! Requests and replies of every kind.

use alloc::vec::Vec;

use proptest::prelude::*;
use uptane::limits::MAX_REPOSITORIES;
use uptane::{EcuId, HardwareId, Length, Nonce, Sha256, TransactionId, Version};

use crate::secondary::{File, Identity, ImageNumber, Phase, Refusal, Reply, Repo, Request, Verification};
use crate::uds::tests::ROOM;

/// A request as it arrived, with a file of its own for its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    Chunk(Length, Vec<u8>),
    Other(Request<'static>),
}

pub(super) fn owned(request: Request<'_>) -> Asked {
    Asked::Other(match request {
        Request::Chunk(offset, data) => return Asked::Chunk(offset, data.to_vec()),
        Request::Identify => Request::Identify,
        Request::TimeNonce => Request::TimeNonce,
        Request::Begin(transaction) => Request::Begin(transaction),
        Request::Offer(file, length) => Request::Offer(file, length),
        Request::Close => Request::Close,
        Request::Report(nonce) => Request::Report(nonce),
    })
}

pub(super) fn length(n: u64) -> Length {
    Length::new(n).unwrap()
}

fn any_length() -> impl Strategy<Value = Length> {
    (0..1_u64 << 53).prop_map(length)
}

fn any_version() -> impl Strategy<Value = Version> {
    (1..1_u64 << 53).prop_map(|n| Version::new(n).unwrap())
}

fn any_file() -> impl Strategy<Value = File> {
    let number = || (0..MAX_REPOSITORIES - 1).prop_map(|place| ImageNumber::new(place).unwrap());
    let repo = || prop_oneof![Just(Repo::Director), number().prop_map(Repo::Image)];
    prop_oneof![
        Just(File::Time),
        (repo(), any_version()).prop_map(|(repo, version)| File::Root(repo, version)),
        repo().prop_map(File::Timestamp),
        repo().prop_map(File::Snapshot),
        repo().prop_map(File::Targets),
        number().prop_map(File::Delegated),
        Just(File::Image),
        Just(File::Patch),
        Just(File::Command),
    ]
}

fn any_refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        any::<u8>().prop_map(Refusal::Check),
        Just(Refusal::NotForMe),
        any_length().prop_map(Refusal::Offset),
        Just(Refusal::Phase),
        Just(Refusal::TooLong),
        Just(Refusal::Storage),
        Just(Refusal::Malformed),
    ]
}

fn any_identity() -> impl Strategy<Value = Identity> {
    let transaction = any::<[u8; 16]>().prop_map(TransactionId);
    let phase = (0..7, transaction).prop_map(|(phase, id)| match phase {
        0 => Phase::Idle,
        1 => Phase::Staging(id),
        2 => Phase::Staged(id),
        3 => Phase::Trial(id),
        4 => Phase::Healthy(id),
        5 => Phase::Committed(id),
        _ => Phase::RolledBack(id),
    });
    let verification =
        prop_oneof![Just(Verification::Full), Just(Verification::Partial), Just(Verification::PartialPlus)];
    let ids = ("[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", "[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}");
    let roots = (any_version(), proptest::option::of(any_version()));
    (ids, verification, roots, any::<[u8; 32]>(), phase).prop_map(|(ids, verification, roots, running, phase)| {
        let (ecu, hardware) = (EcuId::parse(&ids.0).unwrap(), HardwareId::parse(&ids.1).unwrap());
        let (director_root, image_root) = roots;
        Identity { ecu, hardware, verification, director_root, image_root, running: Sha256(running), phase }
    })
}

/// A request and a reply to it, with the bytes they carry.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    request: Asked,
    reply: Replied,
}

#[derive(Clone, Debug)]
pub(super) enum Replied {
    Report(Vec<u8>),
    Other(Reply<'static>),
}

impl Exchange {
    pub(super) fn request(&self) -> Request<'_> {
        match &self.request {
            Asked::Chunk(offset, data) => Request::Chunk(*offset, data),
            Asked::Other(request) => *request,
        }
    }

    pub(super) fn reply(&self) -> Reply<'_> {
        match &self.reply {
            Replied::Report(report) => Reply::Report(report),
            Replied::Other(reply) => *reply,
        }
    }
}

pub(super) fn any_exchange() -> impl Strategy<Value = Exchange> {
    let other = |request, reply| Exchange { request: Asked::Other(request), reply: Replied::Other(reply) };
    let bytes = || proptest::collection::vec(any::<u8>(), 1..=ROOM - 3);
    let id = || any::<[u8; 16]>();
    let positive = prop_oneof![
        any_identity().prop_map(move |identity| other(Request::Identify, Reply::Identity(identity))),
        id().prop_map(move |nonce| other(Request::TimeNonce, Reply::TimeNonce(Nonce(nonce)))),
        id().prop_map(move |id| other(Request::Begin(TransactionId(id)), Reply::Done)),
        (any_file(), any_length(), any_length(), 1..4_094_u32).prop_map(move |(file, length, offset, chunk)| {
            // Blocks of a patch are short.
            let chunk = if file == File::Patch { chunk.min(249) } else { chunk };
            other(Request::Offer(file, length), Reply::Ready(offset, chunk))
        }),
        (any_length(), bytes(), any_length()).prop_map(|(offset, data, taken)| Exchange {
            request: Asked::Chunk(offset, data),
            reply: Replied::Other(Reply::Taken(taken)),
        }),
        Just(other(Request::Close, Reply::Done)),
        (id(), bytes()).prop_map(|(nonce, report)| Exchange {
            request: Asked::Other(Request::Report(Nonce(nonce))),
            reply: Replied::Report(report),
        }),
    ];
    (positive, proptest::option::weighted(0.3, any_refusal())).prop_map(|(exchange, refusal)| match refusal {
        Some(refusal) => Exchange { reply: Replied::Other(Reply::Refused(refusal)), ..exchange },
        None => exchange,
    })
}
