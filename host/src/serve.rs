//! Starting and stopping a server: the listening socket, connections from it, and the signals that end it.

mod accept;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::Error;

pub use accept::{Connections, accept, accept_tls};

/// Listens on `address`; port 0 takes a free one, which `local_addr` tells.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| {
        let in_use = source.kind() == io::ErrorKind::AddrInUse;
        if in_use { Error::AddressInUse { address } } else { Error::Listen { address, source } }
    })
}

/// A runtime for a process that waits more than it works: one thread.
pub fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build();
    built.map_err(|source| Error::io("start", "the runtime".as_ref(), source))
}

/// A runtime for a process that works as much as it waits, such as one that encrypts what it sends: so many threads, and
/// at most [`MAX_BLOCKING`] more that wait for disks.
pub fn runtime_of(threads: NonZeroUsize) -> Result<tokio::runtime::Runtime, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let built = builder.worker_threads(threads.get()).max_blocking_threads(MAX_BLOCKING).enable_all().build();
    built.map_err(|source| Error::io("start", "the runtime".as_ref(), source))
}

/// How many threads can run at once, as far as the system tells.
pub fn processors() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Ends when the process is asked to end (SIGTERM or SIGINT). Without signal handling it never ends.
pub async fn stopped() {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Threads that wait for disks, in a process that serves.
const MAX_BLOCKING: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named() {
        runtime().unwrap().block_on(async {
            let first = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            let address = first.local_addr().unwrap();
            let error = listen(address).await.unwrap_err();
            assert_eq!(error.to_string(), format!("{address} is in use"));
        });
    }
}
