//! gRPC with mutual TLS: to the Director, and to Secondaries on Ethernet. A connection is made when it is needed, kept,
//! and made again when it broke.

use std::time::Duration;

use host::tls::Identity;
use proto::grpc::director::check_in_request::State;
use proto::grpc::director::director_client::DirectorClient;
use proto::grpc::director::{CheckInReply, CheckInRequest as Message};
use proto::grpc::secondary::secondary_client::SecondaryClient;
use proto::secondary::{Reply, Request};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::Error;
use crate::driver::transport::Transport;
use crate::machine;
use crate::node::{Answer, CheckInRequest, Silent, Statement};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long the Director may take for one check-in.
const CHECK_IN: Duration = Duration::from_secs(30);
/// How long a Secondary may take for one request; verifying a large image is the longest.
const ASK: Duration = Duration::from_secs(20);
/// Bytes of one answer of the Director: Roots, Snapshot and Targets together.
const MAX_CHECK_IN: usize = 32 * 1024 * 1024;
/// Bytes of one reply of a Secondary.
const MAX_REPLY: usize = 64 * 1024;
/// Flow-control window. Small: this process waits more than it works.
const WINDOW: u32 = 256 * 1024;

/// What one end shows, and whom it trusts.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    /// Our certificate and its key.
    pub(crate) identity: Identity,
    /// The authority's certificate, PEM.
    pub(crate) authority: String,
}

/// The Director.
#[derive(Clone, Debug)]
pub(crate) struct Director(DirectorClient<Channel>);

impl Director {
    /// The Director at `url`. Must be called inside a runtime; connects later.
    pub(crate) fn at(url: &str, trust: &Trust) -> Result<Self, Error> {
        let channel = channel(url, trust, None).map_err(|reason| Error::Director { reason })?;
        Ok(Self(DirectorClient::new(channel).max_decoding_message_size(MAX_CHECK_IN)))
    }

    /// One check-in.
    pub(crate) async fn check_in(&mut self, request: CheckInRequest) -> Result<machine::Answer, Error> {
        let answer = tokio::time::timeout(CHECK_IN, self.0.check_in(message(request))).await;
        let answer = answer.map_err(|_| Error::Director { reason: "no answer in time".to_owned() })?;
        let reply = answer.map_err(|status| refused(&status))?.into_inner();
        let CheckInReply { time, newest_root, roots, timestamp, snapshot, targets, manifest_wanted } = reply;
        Ok(machine::Answer { time, newest_root, roots, timestamp, snapshot, targets, manifest_wanted })
    }
}

/// One Secondary on Ethernet.
#[derive(Clone, Debug)]
pub(crate) struct Ethernet(SecondaryClient<Channel>);

impl Ethernet {
    /// The Secondary at `url`, whose certificate must be for `name`. Must be called inside a runtime; connects later.
    pub(crate) fn at(url: &str, name: &str, trust: &Trust) -> Result<Self, Error> {
        let bad = |_| Error::BadSecondary { text: url.to_owned() };
        let channel = channel(url, trust, Some(name)).map_err(bad)?;
        Ok(Self(SecondaryClient::new(channel).max_decoding_message_size(MAX_REPLY)))
    }
}

impl Transport for Ethernet {
    async fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        let answer = tokio::time::timeout(ASK, self.0.ask(tonic::Request::new(request.into()))).await;
        let reply = answer.map_err(|_| Silent::new("no answer in time"))?.map_err(Silent::new)?.into_inner();
        Reply::try_from(&reply).map(Answer::from).map_err(Silent::new)
    }
}

fn message(request: CheckInRequest) -> Message {
    let CheckInRequest { versions: [root, timestamp, snapshot, targets], nonces, statement } = request;
    let nonces = nonces.iter().map(|nonce| nonce.0.to_vec()).collect();
    let state = match statement {
        Statement::Idle(file) => State::Idle(file),
        Statement::Manifest(file) => State::Manifest(file),
    };
    Message { root, timestamp, snapshot, targets, nonces, state: Some(state) }
}

fn channel(url: &str, trust: &Trust, name: Option<&str>) -> Result<Channel, String> {
    let Trust { identity, authority } = trust;
    let own = tonic::transport::Identity::from_pem(identity.certificate(), identity.key());
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)).identity(own);
    let tls = name.map_or(tls.clone(), |name| tls.domain_name(name));
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| error.to_string())?;
    let endpoint = endpoint.connect_timeout(CONNECT).tcp_nodelay(true);
    let endpoint = endpoint.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW).buffer_size(8);
    Ok(endpoint.tls_config(tls).map_err(|error| error.to_string())?.connect_lazy())
}

/// What a failed check-in means: the Director that says no was reached.
fn refused(status: &tonic::Status) -> Error {
    let reason = host::cli::one_line(status.message());
    let code = status.code();
    let rejects = [tonic::Code::InvalidArgument, tonic::Code::PermissionDenied, tonic::Code::FailedPrecondition];
    match () {
        () if code == tonic::Code::OutOfRange => Error::Behind { reason },
        () if rejects.contains(&code) => Error::Rejected { reason },
        () => Error::Director { reason },
    }
}
