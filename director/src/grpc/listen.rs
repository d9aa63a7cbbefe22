//! Connections: TLS 1.3 with a client certificate of our authority, or none at all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The connections whose handshake succeeded. Handshakes run beside one another, so a slow one holds nobody up.
pub fn accept(
    listener: TcpListener,
    config: Arc<ServerConfig>,
) -> impl Stream<Item = io::Result<TlsStream<TcpStream>>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(run(listener, TlsAcceptor::from(config), sender));
    futures_util::stream::unfold(receiver, async |mut receiver| Some((Ok(receiver.recv().await?), receiver)))
}

async fn run(listener: TcpListener, acceptor: TlsAcceptor, connections: mpsc::Sender<TlsStream<TcpStream>>) {
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = handshakes.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The server stops: close the port.
            () = connections.closed() => return,
        };
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let (acceptor, connections) = (acceptor.clone(), connections.clone());
        tokio::spawn(async move {
            // Small messages, one round trip: waiting for more to send only costs time.
            drop(stream.set_nodelay(true));
            match timeout(HANDSHAKE, acceptor.accept(stream)).await {
                // Nobody takes connections any more once the server stops.
                Ok(Ok(connection)) => drop(connections.send(connection).await),
                Ok(Err(error)) => tracing::info!("a TLS handshake failed: {error}"),
                Err(_) => tracing::info!("a TLS handshake took too long"),
            }
            drop(permit);
        });
    }
}

/// Handshakes at a time.
const MAX_HANDSHAKES: usize = 256;
/// How long one may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);
