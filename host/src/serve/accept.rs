//! Taking connections: one loop for every server, plain or with TLS.
//!
//! Whatever a connection needs before it can be used (a TLS handshake) runs beside that of others, at most
//! [`MAX_HANDSHAKES`] at a time and for at most [`HANDSHAKE`] each, so that a slow one holds nobody up. What is ready waits
//! until the server takes it; a server that takes none leaves the rest in the system's own queue.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Connections that are ready to be used. Dropping this closes the port.
#[derive(Debug)]
pub struct Connections<T> {
    ready: mpsc::Receiver<T>,
}

impl<T> Connections<T> {
    /// The next connection. `None` only if the runtime is being taken down.
    pub async fn next(&mut self) -> Option<T> {
        self.ready.recv().await
    }
}

/// Takes connections as they come.
pub fn accept(listener: TcpListener) -> Connections<TcpStream> {
    spawn(listener, |stream| async { Ok(stream) })
}

/// Takes connections whose TLS handshake succeeds.
pub fn accept_tls(listener: TcpListener, config: Arc<ServerConfig>) -> Connections<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(config);
    spawn(listener, move |stream| acceptor.accept(stream))
}

fn spawn<T, P, F>(listener: TcpListener, prepare: P) -> Connections<T>
where
    T: Send + 'static,
    P: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let (sender, ready) = mpsc::channel(1);
    tokio::spawn(run(listener, prepare, sender));
    Connections { ready }
}

async fn run<T, P, F>(listener: TcpListener, prepare: P, ready: mpsc::Sender<T>)
where
    T: Send + 'static,
    P: Fn(TcpStream) -> F,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = handshakes.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The server stops: close the port.
            () = ready.closed() => return,
        };
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        // What is written is meant to leave at once: waiting for more only costs time.
        drop(stream.set_nodelay(true));
        let (prepared, ready) = (prepare(stream), ready.clone());
        tokio::spawn(async move {
            match timeout(HANDSHAKE, prepared).await {
                // Nobody takes connections any more once the server stops.
                Ok(Ok(connection)) => drop(ready.send(connection).await),
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::clock;
    use crate::serve::{listen, runtime};
    use crate::tls::{Authority, Clients, Identity, Purpose, public_config, request};

    const DAY: Duration = Duration::from_secs(86_400);

    fn config() -> Arc<ServerConfig> {
        let authority = Authority::create("test", clock::now(), DAY).unwrap();
        let (request, key) = request("server").unwrap();
        let names = ["server.test".to_owned()];
        let certificate = authority.issue(&request, "server", &names, Purpose::Server, clock::now(), DAY).unwrap();
        public_config(&Identity::new(certificate, key).unwrap(), Clients::Unasked).unwrap()
    }

    #[test]
    fn who_shakes_hands_slowly_holds_nobody_up() {
        runtime().unwrap().block_on(async {
            let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut connections = spawn(listener, |mut stream| async move {
                stream.read_u8().await?;
                Ok(stream)
            });
            let _silent = TcpStream::connect(address).await.unwrap();
            let mut other = TcpStream::connect(address).await.unwrap();
            other.write_u8(1).await.unwrap();
            let taken = connections.next().await.unwrap();
            assert_eq!(taken.peer_addr().unwrap(), other.local_addr().unwrap());
        });
    }

    #[test]
    fn a_connection_without_tls_never_reaches_a_server_that_has_it() {
        runtime().unwrap().block_on(async {
            let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut connections = accept_tls(listener, config());
            let mut plain = TcpStream::connect(address).await.unwrap();
            plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut answer = Vec::new();
            // An alert, and the end.
            drop(plain.read_to_end(&mut answer).await);
            assert!(timeout(PAUSE, connections.next()).await.is_err());
        });
    }

    #[test]
    fn the_port_is_closed_once_nobody_takes_connections() {
        runtime().unwrap().block_on(async {
            let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
            let address = listener.local_addr().unwrap();
            drop(accept(listener));
            while TcpStream::connect(address).await.is_ok() {
                sleep(Duration::from_millis(1)).await;
            }
        });
    }
}
