//! Starting and stopping a server: the listening socket, and the signals that end it.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::Error;

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
