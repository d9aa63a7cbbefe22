//! Counts what a vehicle and its Director say to each other above TLS.
//!
//! The tap has the Director's certificate towards the vehicle and the vehicle's towards the Director, so both ends see
//! whom they expect, and every byte in between passes in the clear.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use host::tls::{self, Identity};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What passed so far.
#[derive(Debug, Default)]
pub struct Passed {
    /// Connections the vehicle opened.
    pub connections: AtomicU64,
    /// Bytes from the vehicle.
    pub up: AtomicU64,
    /// Bytes to the vehicle.
    pub down: AtomicU64,
}

impl Passed {
    /// Connections, bytes up, bytes down.
    pub fn read(&self) -> [u64; 3] {
        [&self.connections, &self.up, &self.down].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Both certificates a tap needs, and the authority both ends trust.
#[derive(Debug)]
pub struct Certificates {
    /// The Director's.
    pub director: Identity,
    /// The Primary's.
    pub primary: Identity,
    /// The authority's certificate, PEM.
    pub authority: String,
}

/// Listens at `at` and passes on to `to` until the process ends.
///
/// # Errors
/// The certificates are unusable or the address is taken.
pub fn start(certificates: &Certificates, at: SocketAddr, to: SocketAddr) -> Result<Arc<Passed>> {
    let acceptor = TlsAcceptor::from(tls::server_config(&certificates.director, &certificates.authority)?);
    let connector = TlsConnector::from(tls::client_config(&certificates.primary, &certificates.authority)?);
    let passed = Arc::new(Passed::default());
    let counted = Arc::clone(&passed);
    let listener = std::net::TcpListener::bind(at).with_context(|| format!("listening at {at}"))?;
    listener.set_nonblocking(true)?;
    std::thread::spawn(move || -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { accept(TcpListener::from_std(listener)?, acceptor, connector, to, counted).await })
    });
    Ok(passed)
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    to: SocketAddr,
    passed: Arc<Passed>,
) -> Result<()> {
    let tasks = tokio::task::LocalSet::new();
    tasks
        .run_until(async {
            loop {
                let (stream, _) = listener.accept().await?;
                let (acceptor, connector, passed) = (acceptor.clone(), connector.clone(), Arc::clone(&passed));
                tokio::task::spawn_local(async move {
                    // A connection that breaks is the vehicle's to notice.
                    let _broken = pass(stream, &acceptor, &connector, to, &passed).await;
                });
            }
        })
        .await
}

async fn pass(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    connector: &TlsConnector,
    to: SocketAddr,
    passed: &Passed,
) -> Result<()> {
    stream.set_nodelay(true)?;
    let vehicle = acceptor.accept(stream).await?;
    passed.connections.fetch_add(1, Ordering::Relaxed);
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let director = connector.connect(to.ip().into(), stream).await?;
    let (from_vehicle, to_vehicle) = tokio::io::split(vehicle);
    let (from_director, to_director) = tokio::io::split(director);
    let up = copy(from_vehicle, to_director, &passed.up);
    let down = copy(from_director, to_vehicle, &passed.down);
    tokio::try_join!(up, down)?;
    Ok(())
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, count: &AtomicU64) -> Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(to.shutdown().await?);
        }
        count.fetch_add(u64::try_from(read)?, Ordering::Relaxed);
        to.write_all(buffer.get(..read).context("the bytes just read")?).await?;
        to.flush().await?;
    }
}

/// Reads the certificates out of the Director's and the Primary's data folders.
///
/// # Errors
/// One of the files is missing or unusable.
pub fn certificates(director: &Path, primary: &Path) -> Result<Certificates> {
    let authority = std::fs::read_to_string(director.join("ca/ca.pem"))?;
    let director = Identity::open(&director.join("tls/server.pem"), &director.join("tls/key.pem"))?;
    let primary = Identity::open(&primary.join("trust/tls.pem"), &primary.join("keys/tls.pem"))?;
    Ok(Certificates { director, primary, authority })
}
