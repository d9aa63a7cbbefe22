//! How much memory the server has at most, for a short image and for a long one.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::client::{Clients, Protocol};
use super::repository::{Repository, Size, Trust};
use super::servers::Ours;
use super::{LONG, MEASURED};
use crate::record::{Limit, Record};

/// A server of its own for each image, so that neither shows in the other's figure.
pub(super) async fn measure(record: &mut Record, repository: &Repository, trust: &Trust) -> Result<()> {
    for protocol in Protocol::ALL {
        let short = peak(repository, trust, protocol, &MEASURED).await?;
        let long = peak(repository, trust, protocol, &LONG).await?;
        for (size, peak) in [(MEASURED, short), (LONG, long)] {
            let what =
                format!("peak memory, {CLIENTS} images of {} MiB at a time, {}", size.mebibytes, protocol.name());
            record.figure(what, peak, "MiB", Limit::Shown);
        }
        let what = format!("memory that an image ten times as long costs more, {}", protocol.name());
        record.figure(what, long - short, "MiB", Limit::AtMost(8.0));
        let what = format!("peak memory, {STALLED} clients that take nothing of 1024 MiB, {}", protocol.name());
        record.figure(what, stalled(repository, trust, protocol).await?, "MiB", Limit::AtMost(96.0));
    }
    Ok(())
}

/// Clients ask for the long image, and then leave what comes where it is.
async fn stalled(repository: &Repository, trust: &Trust, protocol: Protocol) -> Result<f64> {
    let server = Ours::start(repository, trust)?;
    let clients = Clients::connect(&server, trust, protocol, STALLED)?;
    let answers = clients.begin(&repository.image(&LONG)?.path).await?;
    sleep(SETTLING).await;
    let peak = server.peak_mebibytes()?;
    drop(answers);
    Ok(peak)
}

async fn peak(repository: &Repository, trust: &Trust, protocol: Protocol, size: &Size) -> Result<f64> {
    let server = Ours::start(repository, trust)?;
    let clients = Clients::connect(&server, trust, protocol, CLIENTS)?;
    clients.download(&repository.image(size)?.path, 1).await?;
    server.peak_mebibytes()
}

const CLIENTS: u32 = 8;
/// More than the large pieces of the server would serve if each held two.
const STALLED: u32 = 192;
/// Long enough to send all that anybody will hold.
const SETTLING: Duration = Duration::from_secs(2);
