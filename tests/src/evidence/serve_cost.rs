//! `serve-cost`: what it costs a server to hand out images over TLS, beside nginx.
//!
//! Both serve one published folder with one certificate, on as many threads as the machine has processors, to one client
//! program, in turns, over HTTP/1.1 and over HTTP/2. Counted is the processor time of the servers alone, as the kernel
//! accounts it: the client costs the same whoever answers it. Metadata and memory are measured on the way.

mod client;
mod memory;
mod metadata;
mod repository;
mod servers;

use anyhow::{Context, Result, ensure};
use host::serve::processors;

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};
use client::{Clients, Protocol};
use repository::{Image, Repository, Trust};
use servers::{Nginx, Ours, Server};

pub(super) const ITEM: Item = Item {
    name: "serve-cost",
    promise: "an image costs at most 1.5 times nginx's processor time over TLS, and memory that its length does not change",
    show,
};

fn show(record: &mut Record) -> Result<()> {
    programs::need_package("nginx-light")?;
    let folder = tempfile::tempdir()?;
    let trust = Trust::create(folder.path())?;
    let repository = Repository::publish(folder.path(), &[MEASURED, LONG], record.seed())?;
    let runtime = host::serve::runtime_of(processors())?;
    runtime.block_on(async {
        let ours = Ours::start(&repository, &trust)?;
        let nginx = Nginx::start(folder.path(), &repository, &trust)?;
        record.note(format!("{}, {} threads each", nginx.version()?, processors()));
        let servers: [&dyn Server; 2] = [&ours, &nginx];
        let image = repository.image(&MEASURED)?;
        agree(record, servers, &trust, image).await?;
        for protocol in Protocol::ALL {
            for clients in [1, 64] {
                compare(record, servers, &trust, image, protocol, clients).await?;
            }
        }
        metadata::measure(record, servers, &trust).await?;
        memory::measure(record, &repository, &trust).await
    })
}

/// Both negotiate the same, and hand out what was published.
async fn agree(record: &mut Record, servers: [&dyn Server; 2], trust: &Trust, image: &Image) -> Result<()> {
    let [ours, theirs] = servers;
    for protocol in Protocol::ALL {
        let negotiated = client::negotiate(ours, trust, protocol).await?;
        record.note(format!("{}: {negotiated}", protocol.name()));
        let same = negotiated == client::negotiate(theirs, trust, protocol).await?;
        record.claim(format!("both negotiate this over {}", protocol.name()), same);
        for server in servers {
            let digest = Clients::connect(server, trust, protocol, 1)?.digest(&image.path).await?;
            ensure!(digest == image.sha256, "{} hands out another image", server.name());
        }
    }
    Ok(())
}

/// Processor seconds for a GiB, of both, in turns.
async fn compare(
    record: &mut Record,
    servers: [&dyn Server; 2],
    trust: &Trust,
    image: &Image,
    protocol: Protocol,
    clients: u32,
) -> Result<()> {
    let downloads = clients.max(LEAST);
    let gibibytes = f64::from(downloads) * image.mebibytes() / 1024.0;
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (server, costs) in servers.iter().zip(&mut costs) {
            let connected = Clients::connect(*server, trust, protocol, clients)?;
            let before = server.cpu_seconds()?;
            connected.download(&image.path, downloads / clients).await?;
            costs.push((server.cpu_seconds()? - before) / gibibytes);
        }
    }
    let what = format!("{}, {clients} at a time", protocol.name());
    for (server, costs) in servers.iter().zip(&costs) {
        let series = format!("{}, {what}", server.name());
        costs.iter().for_each(|cost| record.sample(&series, *cost));
        record.figure(series, median(costs)?, "CPU s/GiB", Limit::Shown);
    }
    let [ours, theirs] = &costs;
    record.figure(format!("ours beside nginx, {what}"), median(ours)? / median(theirs)?, "times", Limit::AtMost(1.5));
    Ok(())
}

fn median(samples: &[f64]) -> Result<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().context("nothing was measured")
}

/// The image whose cost is measured.
const MEASURED: repository::Size = repository::Size { name: "measured", mebibytes: 100 };
/// An image ten times as long, of which memory must show nothing.
const LONG: repository::Size = repository::Size { name: "long", mebibytes: 1024 };
/// Downloads in a round, at least: enough for the kernel's clock of 10 ms.
const LEAST: u32 = 16;
/// Rounds of each server.
const ROUNDS: usize = 5;
