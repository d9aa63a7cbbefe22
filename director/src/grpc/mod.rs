//! `CheckIn` over gRPC (`proto/director.proto`): requests are inspected here, judged in [`crate::instance`].

use std::io;
use std::sync::Arc;

use futures_util::Stream;
use proto::grpc::director as wire;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tonic::{Request, Response, Status};
use uptane::Nonce;
use uptane::limits::{MAX_ECUS, MAX_MANIFEST};
use wire::director_server::{Director as DirectorRpc, DirectorServer};

use crate::Error;
use crate::answer::{self, State};
use crate::instance::{Director, Reply};
use crate::store::Store;

/// Connections as tonic takes them: TLS 1.3 with a client certificate of our authority, or none at all.
pub fn accept(
    listener: TcpListener,
    config: Arc<ServerConfig>,
) -> impl Stream<Item = io::Result<TlsStream<TcpStream>>> {
    let connections = host::serve::accept_tls(listener, config);
    futures_util::stream::unfold(connections, async |mut connections| {
        Some((Ok(connections.next().await?), connections))
    })
}

/// The service over one Director instance.
pub fn service<S: Store>(director: Arc<Director<S>>) -> DirectorServer<impl DirectorRpc> {
    DirectorServer::new(Service(director)).max_decoding_message_size(MAX_MESSAGE)
}

struct Service<S>(Arc<Director<S>>);

#[tonic::async_trait]
impl<S: Store> DirectorRpc for Service<S> {
    async fn check_in(&self, request: Request<wire::CheckInRequest>) -> Result<Response<wire::CheckInReply>, Status> {
        let certificates = request.peer_certs();
        let certificate = certificates.as_deref().and_then(|chain| chain.first());
        let certificate = certificate.ok_or_else(|| Status::unauthenticated("no client certificate was shown"))?;
        let fingerprint = host::tls::fingerprint(certificate);
        let asked = inspect(request.into_inner())?;
        match self.0.check_in(fingerprint, &asked, host::clock::now()).await {
            Ok(reply) => {
                metrics::counter!("director_check_ins_total", "outcome" => outcome(&asked, &reply)).increment(1);
                Ok(Response::new(encode(reply)))
            }
            Err(error) => {
                metrics::counter!("director_check_ins_total", "outcome" => "dropped").increment(1);
                tracing::warn!(certificate = %fingerprint, attack = error.attack().map(|attack| attack.word()), "check-in dropped: {error}");
                Err(status(&error))
            }
        }
    }
}

/// What an answered check-in was, for its counter.
fn outcome(asked: &answer::Request, reply: &Reply) -> &'static str {
    match (&asked.state, reply.manifest_wanted) {
        (_, true) => "manifest-wanted",
        (State::Idle(_), false) => "idle",
        (State::Manifest(_), false) => "manifest",
    }
}

/// The request as the core takes it: bounded, every nonce whole, a state given.
fn inspect(request: wire::CheckInRequest) -> Result<answer::Request, Status> {
    let malformed = Status::invalid_argument;
    if request.nonces.len() > MAX_ECUS {
        return Err(malformed("more nonces than a vehicle may have ECUs"));
    }
    let nonce = |bytes: Vec<u8>| bytes.try_into().map(Nonce).map_err(|_| malformed("a nonce is not of 16 bytes"));
    let state = match request.state.ok_or_else(|| malformed("neither a manifest nor a statement of idleness"))? {
        wire::check_in_request::State::Idle(file) => State::Idle(file),
        wire::check_in_request::State::Manifest(file) => State::Manifest(file),
    };
    Ok(answer::Request {
        root: request.root,
        timestamp: request.timestamp,
        snapshot: request.snapshot,
        targets: request.targets,
        nonces: request.nonces.into_iter().map(nonce).collect::<Result<_, _>>()?,
        state,
    })
}

fn encode(reply: Reply) -> wire::CheckInReply {
    let Reply { answer, roots, manifest_wanted } = reply;
    wire::CheckInReply {
        time: answer.time,
        newest_root: answer.newest.root.get(),
        roots,
        timestamp: answer.timestamp,
        snapshot: answer.snapshot,
        targets: answer.targets,
        manifest_wanted,
    }
}

/// What a vehicle is told: the check it failed, or nothing about our own side.
fn status(error: &Error) -> Status {
    match () {
        () if matches!(error, Error::UnknownVehicle) => Status::permission_denied(error.to_string()),
        () if matches!(error, Error::Conflict) => Status::aborted("the facts changed meanwhile; try again"),
        // A Primary whose disk lost what it had signed cannot know this by itself.
        () if matches!(error, Error::CounterBehind { .. }) => Status::out_of_range(error.to_string()),
        () if error.is_refusal() => Status::failed_precondition(error.to_string()),
        () => Status::unavailable("the Director cannot answer now"),
    }
}

/// A manifest and what stands around it.
const MAX_MESSAGE: usize = MAX_MANIFEST + 64 * 1024;
