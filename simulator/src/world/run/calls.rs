//! Questions over links, each with its response: what the connections of the daemon give it, in the little the world needs.
//!
//! A question that gets no response is asked again, as TCP would send it again, until the time the daemon has for it is
//! over. Whoever is asked takes a question once, however often it arrives; one that has lost power meanwhile says so, and
//! the call has failed, as a connection is reset.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use primary_ecu::Error;
use primary_ecu::machine::Answer;
use primary_ecu::node::{Answer as Reply, CheckInRequest, Statement};
use proto::grpc::secondary::Request;
use uptane::EcuId;

use crate::world::chance::{Chance, PerBillion};
use crate::world::engine::Ticket;
use crate::world::link::{Conditions, Link};
use crate::world::time::Moment;
use crate::world::vehicle;

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    /// The repositories.
    Cloud,
    /// A Secondary on Ethernet.
    Ecu(EcuId),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cloud => f.pad("cloud"),
            Self::Ecu(ecu) => ecu.fmt(f),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// The Director: a check-in.
    CheckIn(Box<CheckInRequest>),
    /// The Image repository: a file, from an offset on, at most so many bytes.
    Get { path: Rc<str>, from: usize, most: usize },
    /// A Secondary.
    Request(Box<Request>),
}

/// What comes back.
#[derive(Clone, Debug)]
pub(super) enum Response {
    /// Of the Director.
    CheckedIn(Rc<Result<Box<Answer>, Error>>),
    /// Of the Image repository: bytes, and how many the whole file has; nothing if there is no such file.
    Piece(Option<(Vec<u8>, usize)>),
    /// Of a Secondary.
    Reply(Box<Reply>),
    /// The connection is gone.
    Gone,
}

/// A question under way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) peer: Peer,
    pub(super) question: Question,
    /// How often whom it is asked had been started when it was asked first.
    pub(super) starts: u64,
    /// When it is given up.
    pub(super) until: Moment,
    /// How long the next response is waited for.
    pub(super) wait: Duration,
    pub(super) retry: Option<Ticket>,
}

/// Both directions to a peer, and what it answered last.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) there: Link,
    pub(super) back: Link,
    usual: Conditions,
    /// The newest question taken, and its response once that is ready.
    pub(super) taken: BTreeMap<u64, Option<Response>>,
}

impl Way {
    pub(super) fn new(link: &vehicle::Link, chance: &Chance) -> Self {
        let usual = Conditions {
            delay: link.delay(),
            jitter: link.jitter(),
            loss: link.loss(),
            duplication: link.duplicates(),
            rate: Some(link.rate().0.get().div_ceil(8)),
            ..Conditions::default()
        };
        Self {
            there: Link::new(usual, chance.split("there")),
            back: Link::new(usual, chance.split("back")),
            usual,
            taken: BTreeMap::new(),
        }
    }

    /// From now on the link is so much slower, loses so much more, and is cut or not.
    pub(super) fn impair(&mut self, slower: Duration, loss: PerBillion, is_cut: bool) {
        let loss = PerBillion::new(self.usual.loss.billionths().saturating_add(loss.billionths()));
        let conditions = Conditions { delay: self.usual.delay + slower, loss, ..self.usual };
        for link in [&mut self.there, &mut self.back] {
            link.set_conditions(conditions);
            match is_cut {
                true if link.is_connected() => link.cut(),
                true => {}
                false => link.join(),
            }
        }
    }

    /// Forgets the questions of a peer that has started anew.
    pub(super) fn forget(&mut self) {
        self.taken.clear();
    }

    /// Keeps the newest questions alone.
    pub(super) fn trim(&mut self) {
        while self.taken.len() > MOST_TAKEN {
            self.taken.pop_first();
        }
    }
}

impl Question {
    /// Bytes on the link, headers not counted.
    pub(super) fn size(&self) -> u64 {
        let bytes = match self {
            Self::CheckIn(request) => {
                let statement = match &request.statement {
                    Statement::Idle(file) | Statement::Manifest(file) => file,
                };
                statement.len().saturating_add(request.nonces.len().saturating_mul(NONCE))
            }
            Self::Get { path, .. } => path.len(),
            Self::Request(request) => request_size(request),
        };
        HEADERS.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    /// How long the daemon waits for the response.
    pub(super) fn patience(&self) -> Duration {
        match self {
            Self::CheckIn(_) => CHECK_IN,
            Self::Get { .. } => GET,
            Self::Request(_) => REQUEST,
        }
    }

    /// For the log.
    pub(super) fn what(&self) -> String {
        match self {
            Self::CheckIn(_) => "check-in".to_owned(),
            Self::Get { path, from, .. } => format!("{path} from {from}"),
            Self::Request(request) => match &request.request {
                None => "nothing".to_owned(),
                Some(request) => request_name(request).to_owned(),
            },
        }
    }
}

impl Response {
    /// Bytes on the link, headers not counted.
    pub(super) fn size(&self) -> u64 {
        let bytes = match self {
            Self::CheckedIn(answer) => match answer.as_ref() {
                Ok(answer) => {
                    let files = [&answer.timestamp, &answer.snapshot, &answer.targets].into_iter().flatten();
                    let files = files.chain(&answer.roots).chain([&answer.time]);
                    files.map(Vec::len).fold(0, usize::saturating_add)
                }
                Err(_) => 0,
            },
            Self::Piece(piece) => piece.as_ref().map_or(0, |(bytes, _)| bytes.len()),
            Self::Reply(reply) => reply_size(reply),
            Self::Gone => 0,
        };
        HEADERS.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

fn request_size(request: &Request) -> usize {
    use proto::grpc::secondary::request::Request as Ask;
    match &request.request {
        Some(Ask::Chunk(chunk)) => chunk.data.len(),
        Some(Ask::Begin(_) | Ask::Close(_) | Ask::Identify(_) | Ask::Offer(_) | Ask::Report(_) | Ask::TimeNonce(_))
        | None => NONCE,
    }
}

fn request_name(request: &proto::grpc::secondary::request::Request) -> &'static str {
    use proto::grpc::secondary::request::Request as Ask;
    match request {
        Ask::Begin(_) => "begin",
        Ask::Chunk(_) => "chunk",
        Ask::Close(_) => "close",
        Ask::Identify(_) => "identify",
        Ask::Offer(_) => "offer",
        Ask::Report(_) => "report",
        Ask::TimeNonce(_) => "time-nonce",
    }
}

fn reply_size(reply: &Reply) -> usize {
    match reply {
        Reply::Report(report) => report.len(),
        Reply::Done
        | Reply::Identity(_)
        | Reply::Ready(..)
        | Reply::Refused(_)
        | Reply::Taken(_)
        | Reply::TimeNonce(_) => IDENTITY,
    }
}

/// Questions of a peer that are remembered.
const MOST_TAKEN: usize = 64;
/// How long the first response is waited for before the question is sent again; then twice as long, and so on.
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Bytes of one piece of an image.
pub(super) const PIECE: usize = 16 * 1024;
/// What the daemon has for a check-in (`primary-ecu`, `grpc`).
const CHECK_IN: Duration = Duration::from_secs(30);
/// What a server has until bytes must have come (`host::fetch`).
const GET: Duration = Duration::from_secs(15);
/// What a Secondary has for one request (`primary-ecu`, `grpc`).
const REQUEST: Duration = Duration::from_secs(20);
/// Bytes of TCP, TLS and HTTP around a message.
pub(super) const HEADERS: u64 = 120;
/// Bytes of a nonce or an id.
const NONCE: usize = 16;
/// Bytes of a short reply.
const IDENTITY: usize = 96;
