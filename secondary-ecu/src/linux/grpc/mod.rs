//! gRPC over mutual TLS: the Primary of this vehicle asks, nobody else.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use proto::grpc::secondary as wire;
use proto::secondary::Request;
use tokio::sync::mpsc;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Response, Status};
use wire::secondary_server::{Secondary, SecondaryServer};

use super::Error;
use super::driver::{Node, pem};
use super::files::{Data, Vehicle};
use super::flash::FileFlash;
use crate::verifier::Verifier;

/// Bytes of one chunk of a file.
pub(super) const MAX_CHUNK: u32 = 64 * 1024;

/// Serves until the process is asked to stop, or the ECU does not come back from a reset.
pub(super) async fn serve<V>(address: SocketAddr, data: &Data, vehicle: &Vehicle, node: Node<V>) -> Result<(), Error>
where
    V: Verifier<FileFlash> + Send + 'static,
{
    let identity = host::tls::Identity::open(&data.path("tls.pem"), &data.path("tls.key"))?;
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(identity.certificate(), identity.key()))
        .client_ca_root(Certificate::from_pem(pem(&data.path("ca.pem"))?));
    let (broken, mut breaks) = mpsc::channel(1);
    let primary = host::tls::server_name(vehicle.vehicle, vehicle.primary);
    let service = Service { node: Arc::new(Mutex::new(node)), primary, broken };
    let server = Server::builder().tls_config(tls)?.add_service(SecondaryServer::new(service));
    let listener = host::serve::listen(address).await?;
    let bound = listener.local_addr().map_err(|source| host::Error::Listen { address, source })?;
    host::cli::announce(format_args!("https://{bound}"));
    tokio::select! {
        served = server.serve_with_incoming_shutdown(TcpIncoming::from(listener), host::serve::stopped()) => Ok(served?),
        Some(error) = breaks.recv() => Err(error),
    }
}

struct Service<V> {
    node: Arc<Mutex<Node<V>>>,
    /// The name in the Primary's certificate.
    primary: String,
    /// Where an ECU that does not come back from a reset is reported.
    broken: mpsc::Sender<Error>,
}

#[tonic::async_trait]
impl<V: Verifier<FileFlash> + Send + 'static> Secondary for Service<V> {
    async fn ask(&self, request: tonic::Request<wire::Request>) -> Result<Response<wire::Reply>, Status> {
        self.check_peer(&request)?;
        let message = request.into_inner();
        let asked = Request::try_from(&message).map_err(|error| Status::invalid_argument(error.to_string()))?;
        // A panic while the lock was held would have lost nothing: the state that counts is in flash.
        let mut node = self.node.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = wire::Reply::from(node.reply(asked));
        if let Err(error) = node.settle() {
            // Full means another request has reported it already.
            let _ = self.broken.try_send(error);
        }
        Ok(Response::new(reply))
    }
}

impl<V> Service<V> {
    /// TLS has verified that the caller is of our authority; it must also be this vehicle's Primary.
    fn check_peer(&self, request: &tonic::Request<wire::Request>) -> Result<(), Status> {
        let certificates = request.peer_certs().ok_or_else(|| Status::unauthenticated("no certificate"))?;
        let leaf = certificates.first().ok_or_else(|| Status::unauthenticated("no certificate"))?;
        let named = host::tls::verify_name(leaf, &self.primary);
        named.map_err(|_| Status::permission_denied("not this vehicle's Primary"))
    }
}
