//! How fast metadata is answered. Nothing depends on it: the client is the slower end.

use anyhow::{Context, Result};

use super::client::{Clients, Protocol};
use super::repository::Trust;
use super::servers::Server;
use crate::record::{Limit, Record};

/// Requests for a file that changes and for one that never does, as gzip.
pub(super) async fn measure(record: &mut Record, servers: [&dyn Server; 2], trust: &Trust) -> Result<()> {
    for path in ["metadata/timestamp.json", "metadata/1.root.json"] {
        for server in servers {
            let clients = Clients::connect(server, trust, Protocol::Http1, CLIENTS)?;
            // Connections first.
            clients.ask(path, 1).await?;
            let (watch, before) = (host::clock::stopwatch(), server.cpu_seconds()?);
            let mut took = clients.ask(path, REQUESTS).await?;
            let (seconds, used) = (watch.elapsed().as_secs_f64(), server.cpu_seconds()? - before);
            took.sort_by(f64::total_cmp);
            let number = f64::from(CLIENTS * REQUESTS);
            let p99 = took.get(took.len() * 99 / 100).context("no request")? * 1e3;
            let what = format!("{}, {path}, {CLIENTS} at a time", server.name());
            record.figure(format!("{what}, requests"), number / seconds, "per second", Limit::Shown);
            record.figure(format!("{what}, slowest of a hundred"), p99, "ms", Limit::Shown);
            record.figure(format!("{what}, cost"), used / number * 1e6, "CPU µs", Limit::Shown);
        }
    }
    Ok(())
}

const CLIENTS: u32 = 16;
const REQUESTS: u32 = 1_000;
