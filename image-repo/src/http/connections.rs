//! Connections, from the first byte to the last: HTTP/1.1 and 2, every one bounded in headers, time and memory.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use host::serve::Connections;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::figures::Open;
use super::patience::Patient;

/// How much clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at a time. More wait in the system's own queue.
    pub connections: usize,
    /// How long a client may take for a request's headers, or stay between two requests, HTTP/1.1.
    pub headers: Duration,
    /// How long nothing may move on a connection.
    pub idle: Duration,
    /// How long downloads have to end once the process is asked to stop.
    pub grace: Duration,
}

impl Limits {
    /// Those of a server on the open network.
    pub(super) const PUBLIC: Self = Self {
        connections: 4_096,
        headers: Duration::from_secs(20),
        idle: Duration::from_secs(60),
        grace: Duration::from_secs(20),
    };
}

/// Serves what connects until `stop` ends; then lets what is under way end, while it may.
pub(super) async fn run<T>(
    mut connections: Connections<T>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (protocol, places) = (Arc::new(protocol(limits)), Arc::new(Semaphore::new(limits.connections)));
    let ending = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let next = tokio::select! {
            next = next(&mut connections, &places) => next,
            () = &mut stop => None,
        };
        let Some((connection, place)) = next else { break };
        let (protocol, watcher) = (protocol.clone(), ending.watcher());
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let _open = (place, Open::new());
            let served = protocol.serve_connection(TokioIo::new(Patient::new(connection, limits.idle)), service);
            // Clients hang up, send nonsense or fall silent every day.
            if let Err(error) = watcher.watch(served).await {
                tracing::debug!("a connection ended: {error}");
            }
        });
    }
    // Closes the port.
    drop(connections);
    if timeout(limits.grace, ending.shutdown()).await.is_err() {
        tracing::warn!("downloads were cut off: they did not end within {} s", limits.grace.as_secs());
    }
}

/// The next connection, once there is a place for it.
async fn next<T>(connections: &mut Connections<T>, places: &Arc<Semaphore>) -> Option<(T, OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let place = places.clone().acquire_owned().await.ok()?;
    Some((connections.next().await?, place))
}

fn protocol(limits: Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(MAX_HEADERS)
        .half_close(false);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEADER_LIST);
    // Requests have no bodies worth speaking of.
    http2.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW).max_send_buf_size(SEND);
    builder
}

/// Requests at a time on one connection of HTTP/2.
const MAX_STREAMS: u32 = 16;
/// Bytes of a request's line and headers, HTTP/1.1.
const MAX_HEADERS: usize = 16 * 1024;
/// The same in HTTP/2, as RFC 9113 §6.5.2 counts them.
const MAX_HEADER_LIST: u32 = 16 * 1024;
/// Bytes of request bodies that may be under way, HTTP/2: the least that the protocol is used with.
const WINDOW: u32 = 65_535;
/// Bytes that wait to be sent on one stream.
const SEND: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;
    use tokio::time::sleep;

    use super::*;

    const SOON: Duration = Duration::from_millis(100);
    const LIMITS: Limits = Limits { connections: 1, headers: SOON, idle: Duration::from_secs(60), grace: SOON };

    struct Running {
        address: std::net::SocketAddr,
        stop: oneshot::Sender<()>,
        server: JoinHandle<()>,
    }

    /// A server that answers `/` at once, and `/slow` for as long as it lives.
    async fn start(limits: Limits) -> Running {
        let listener = host::serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let slow = async || Body::from_stream(futures_util::stream::pending::<std::io::Result<bytes::Bytes>>());
        let router = Router::new().route("/", get(async || "here")).route("/slow", get(slow));
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or(()) };
        let server = tokio::spawn(run(host::serve::accept(listener), router, limits, stopped));
        Running { address, stop, server }
    }

    async fn ask(address: std::net::SocketAddr, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        stream
    }

    async fn first_line(stream: &mut TcpStream) -> String {
        let mut head = [0; 15];
        stream.read_exact(&mut head).await.unwrap();
        String::from_utf8(head.to_vec()).unwrap()
    }

    #[test]
    fn one_connection_too_many_waits_until_there_is_a_place() {
        host::serve::runtime().unwrap().block_on(async {
            let Running { address, stop: _stop, .. } = start(LIMITS).await;
            let mut holding = ask(address, "/slow").await;
            assert_eq!(first_line(&mut holding).await, "HTTP/1.1 200 OK");
            let mut waiting = ask(address, "/").await;
            assert!(timeout(SOON, first_line(&mut waiting)).await.is_err());
            drop(holding);
            assert_eq!(first_line(&mut waiting).await, "HTTP/1.1 200 OK");
        });
    }

    #[test]
    fn who_never_finishes_a_request_is_hung_up_on() {
        host::serve::runtime().unwrap().block_on(async {
            let Running { address, stop: _stop, .. } = start(LIMITS).await;
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(!answer.contains("here"), "{answer}");
        });
    }

    #[test]
    fn headers_beyond_the_limit_are_refused() {
        host::serve::runtime().unwrap().block_on(async {
            let Running { address, stop: _stop, .. } = start(LIMITS).await;
            let mut stream = TcpStream::connect(address).await.unwrap();
            let long = "a".repeat(MAX_HEADERS);
            stream.write_all(format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n").as_bytes()).await.unwrap();
            assert_eq!(first_line(&mut stream).await, "HTTP/1.1 431 Re");
        });
    }

    #[test]
    fn a_download_that_does_not_end_is_cut_off_when_the_server_must_stop() {
        host::serve::runtime().unwrap().block_on(async {
            let Running { address, stop, server } = start(LIMITS).await;
            let mut slow = ask(address, "/slow").await;
            first_line(&mut slow).await;
            stop.send(()).unwrap();
            server.await.unwrap();
            assert!(TcpStream::connect(address).await.is_err());
        });
    }

    #[test]
    fn a_server_without_requests_stops_at_once() {
        host::serve::runtime().unwrap().block_on(async {
            let patient = Limits { headers: Limits::PUBLIC.headers, grace: Limits::PUBLIC.grace, ..LIMITS };
            let Running { address, stop, server } = start(patient).await;
            let mut idle = ask(address, "/").await;
            first_line(&mut idle).await;
            sleep(SOON).await;
            stop.send(()).unwrap();
            timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
        });
    }
}
