//! `director serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use host::health::Health;
use host::tls::Identity;

use super::Data;
use crate::Error;
use crate::driver::Server;
use crate::files::{self, Config};
use crate::instance::Director;
use crate::root_file;
use crate::store::{Sqlite, Store as _};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where to answer GET /metrics and /health
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
    /// Seconds between looks at the Image repository
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    image_refresh: u64,
}

pub(super) async fn run(args: &Args) -> Result<(), Error> {
    let folder: PathBuf = args.data.path().to_owned();
    let config: Config = host::config::read(&files::config(&folder))?;
    let store = args.data.open().await?;
    check_root(&store).await?;
    let (certificate, key) = files::server_paths(&folder);
    let identity = Identity::open(&certificate, &key)?;
    let tls = host::tls::server_config(&identity, files::authority(&folder)?.certificate())?;
    let server = Server {
        director: Arc::new(Director::open(store, folder)?),
        tls,
        image_url: config.image_url,
        image_refresh: Duration::from_secs(args.image_refresh),
        health: Health::default(),
    };
    server.run(args.listen, args.metrics_listen).await
}

/// A server whose Root has expired would be refused by every vehicle.
async fn check_root(store: &Sqlite) -> Result<(), Error> {
    let epoch = store.epoch().await?.ok_or(Error::NotInitialised)?;
    let newest = store.roots(epoch.root).await?.pop().ok_or(Error::CorruptStore { column: "root" })?;
    let (expires, now) = (root_file::expires(&newest)?, host::clock::now());
    if now >= expires {
        return Err(uptane::Error::Expired { role: uptane::Role::Root, expires, now }.into());
    }
    Ok(())
}
