//! A Director as a server: it listens, and does what falls due.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use host::health::Health;
use tokio::time::{Instant, interval_at, sleep};
use tonic::service::Routes;

use crate::instance::Director;
use crate::store::Store;
use crate::{Error, grpc, http};

/// A server around an instance: it listens, and does what falls due.
#[derive(Debug)]
pub struct Server<S> {
    /// The instance.
    pub director: Arc<Director<S>>,
    /// What it shows vehicles, and whom it takes for one.
    pub tls: Arc<rustls::ServerConfig>,
    /// Where the Image repository is.
    pub image_url: String,
    /// How often to look there.
    pub image_refresh: Duration,
    /// How it is.
    pub health: Health,
}

impl<S: Store> Server<S> {
    /// Listens until the process is asked to stop.
    pub async fn run(self, listen: SocketAddr, metrics_listen: Option<SocketAddr>) -> Result<(), Error> {
        if let Some(address) = metrics_listen {
            let (metrics, listener) = (host::metrics::install(), host::serve::listen(address).await?);
            let address = listener.local_addr().map_err(|error| Error::Serve { reason: error.to_string() })?;
            host::cli::print(format_args!("metrics http://{address}"));
            tokio::spawn(metrics.serve(listener, self.health.clone()));
        }
        let listener = host::serve::listen(listen).await?;
        let address = listener.local_addr().map_err(|error| Error::Serve { reason: error.to_string() })?;
        // Before the first vehicle is answered, both are up to date.
        self.advance_epoch().await;
        self.refresh_images().await;
        host::cli::announce(format_args!("https://{address}"));

        let connections = grpc::accept(listener, self.tls.clone());
        let services = Routes::new(grpc::service(self.director.clone())).into_axum_router();
        let routes = services.merge(http::router(self.director.clone()));
        // Whoever GETs files may speak HTTP/1.1.
        let mut server = tonic::transport::Server::builder().accept_http1(true).max_concurrent_streams(MAX_STREAMS);
        let server = server.add_routes(routes.into());
        let served = tokio::select! {
            served = server.serve_with_incoming_shutdown(connections, host::serve::stopped()) => served,
            () = self.upkeep() => Ok(()),
            // A client that neither asks nor hangs up does not keep it alive.
            () = after_grace() => Ok(()),
        };
        self.director.flush().await?;
        served.map_err(|error| Error::Serve { reason: error.to_string() })
    }

    /// What falls due while it runs; never ends.
    async fn upkeep(&self) {
        let soon = |period| interval_at(Instant::now() + period, period);
        let (mut epoch, mut images, mut flush) = (soon(EPOCH), soon(self.image_refresh), soon(FLUSH));
        loop {
            tokio::select! {
                _ = epoch.tick() => self.advance_epoch().await,
                _ = images.tick() => self.refresh_images().await,
                _ = flush.tick() => self.note(self.director.flush().await, "check-ins"),
            }
        }
    }

    async fn advance_epoch(&self) {
        self.note(self.director.advance_epoch(host::clock::now()).await, "epoch");
    }

    async fn refresh_images(&self) {
        let refreshed = http::refresh(self.director.store(), &self.image_url, host::clock::now()).await;
        self.note(refreshed, "image repository");
    }

    /// A part that failed does not stop the server; the last verified state goes on.
    fn note(&self, done: Result<(), Error>, part: &'static str) {
        match done {
            Ok(()) => self.health.well(part),
            Err(error) => {
                tracing::warn!(part, attack = error.attack().map(|attack| attack.word()), "{error}");
                self.health.ill(part, error);
            }
        }
    }
}

async fn after_grace() {
    host::serve::stopped().await;
    sleep(GRACE).await;
}

/// How long requests under way have to end once the process is asked to stop.
const GRACE: Duration = Duration::from_secs(3);
/// How often check-ins are written down.
const FLUSH: Duration = Duration::from_secs(60);
/// How often to look whether the epoch is due.
const EPOCH: Duration = Duration::from_secs(60);
/// Requests at a time on one connection; a Primary has one.
const MAX_STREAMS: u32 = 8;
