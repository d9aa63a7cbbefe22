//! `serve`: what is published, over HTTP, as a content network or object store would serve it.
//!
//! `GET` and `HEAD` of `/metadata/…` and `/targets/…`, over HTTP/1.1 and 2, plain or with TLS. Files are streamed; the
//! read side holds no signing key, opens no database and changes nothing. Health and figures have a port of their own.
//!
//! ```text
//! connections   from the first byte to the last; patience gives up on who is silent
//! figures       counts every request
//! metadata      -> shelf: tags and gzip forms, made once
//! image         -> body: a file in pieces
//! answer        conditions, ranges, heads; on top of tags, range and coding
//! readiness     whether clients can be served
//! ```

mod answer;
mod body;
mod coding;
mod connections;
mod figures;
mod image;
mod metadata;
mod patience;
mod pieces;
mod range;
mod readiness;
mod shelf;
mod tags;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use host::cli::{announce, print};
use host::health::Health;
use host::tls::{Clients, Identity, ServerConfig, public_config, read_pem};
use tokio::net::TcpListener;

use crate::args::{Serve, Tls};
use crate::error::Error;
use crate::objects::Objects;
use connections::Limits;

/// Serves until the process is asked to end.
pub(crate) async fn serve(args: &Serve, objects: Objects, health: Health) -> Result<(), Error> {
    let tls = tls(&args.tls)?;
    let (listener, address) = listen(args.listen).await?;
    readiness::look(&objects, &health, host::clock::now()).await;
    if let Some(address) = args.operations {
        operations(address, health.clone()).await?;
    }

    announce(format_args!("{}://{address}", if tls.is_some() { "https" } else { "http" }));
    let router = router(Reader::new(objects.clone()));
    let stop = stopped(&health);
    let serving = async {
        match tls {
            Some(config) => {
                connections::run(host::serve::accept_tls(listener, config), router, Limits::PUBLIC, stop).await
            }
            None => connections::run(host::serve::accept(listener), router, Limits::PUBLIC, stop).await,
        }
    };
    tokio::select! {
        () = serving => Ok(()),
        () = readiness::watch(&objects, &health) => Ok(()),
    }
}

/// What answers requests. Clones share what is kept.
#[derive(Clone, Debug)]
struct Reader {
    objects: Objects,
    shelf: Arc<shelf::Shelf>,
    pieces: Arc<pieces::Pieces>,
}

impl Reader {
    fn new(objects: Objects) -> Self {
        let pieces = pieces::Pieces::new();
        let shelf = Arc::new(shelf::Shelf::new(objects.clone(), pieces.clone()));
        Self { objects, shelf, pieces }
    }
}

/// The paths there are.
fn router(reader: Reader) -> Router {
    Router::new()
        .route("/metadata/{file}", get(metadata::metadata))
        .route("/targets/{*name}", get(image::image))
        .fallback(async || answer::absent())
        .layer(from_fn(figures::count))
        .with_state(reader)
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = host::serve::listen(address).await?;
    let address = listener.local_addr().map_err(|source| host::Error::Listen { address, source })?;
    Ok((listener, address))
}

/// Answers for health and figures, on a port of their own.
async fn operations(address: SocketAddr, health: Health) -> Result<(), Error> {
    let metrics = host::metrics::install_with_buckets("_seconds", &figures::SECONDS)?;
    let (listener, address) = listen(address).await?;
    print(format_args!("operations http://{address}"));
    tokio::spawn(metrics.serve(listener, health));
    Ok(())
}

/// Ends when the process is asked to end; from then on it wants no more clients.
async fn stopped(health: &Health) {
    host::serve::stopped().await;
    health.ill("process", "stopping");
}

/// What it shows clients and wants to know of them; `None` for plain HTTP.
fn tls(args: &Tls) -> Result<Option<Arc<ServerConfig>>, Error> {
    let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) else { return Ok(None) };
    let authority = args.client_ca.as_deref().map(read_pem).transpose()?;
    let clients = match (authority.as_deref(), args.require_client_certificate) {
        (None, _) => Clients::Unasked,
        (Some(authority), false) => Clients::Asked(authority),
        (Some(authority), true) => Clients::Required(authority),
    };
    Ok(Some(public_config(&Identity::open(certificate, key)?, clients)?))
}
