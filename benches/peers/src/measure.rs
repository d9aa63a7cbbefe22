//! Takes the time of one client in this process.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::cases::{Client, Measurement, Repository};
use crate::clients::{self, Session};
use crate::generate::target_name;
use crate::machine::{self, Watch};
use crate::source::Source;

/// What one process measured.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Samples {
    /// Each run, in nanoseconds.
    pub(crate) wall: Vec<u64>,
    /// The time all threads of the process ran in each run.
    pub(crate) cpu: Vec<u64>,
    /// The most memory the process had.
    pub(crate) peak_kib: u64,
}

/// How often to repeat: until both are reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) at_least: Duration,
    pub(crate) runs: usize,
}

/// What is to be measured, and with what.
pub(crate) struct Order<'a> {
    pub(crate) client: Client,
    pub(crate) measurement: Measurement,
    /// The repository's metadata.
    pub(crate) metadata: &'a Path,
    /// A folder for what clients store. [`Measurement::Restart`] finds there what [`prepare`] left.
    pub(crate) scratch: &'a Path,
    pub(crate) effort: Effort,
}

/// Lets a client store what it needs to start again.
pub(crate) fn prepare(order: &Order<'_>) -> Result<()> {
    on_demand(order)?.cold(Some(order.scratch))
}

/// Measures; `process` was started when the process began.
pub(crate) fn measure(order: &Order<'_>, process: Watch) -> Result<Samples> {
    match order.measurement {
        Measurement::Restart => restart(order, process),
        Measurement::Memory => memory(order),
        Measurement::Cold | Measurement::Stored | Measurement::LookUp | Measurement::Warm => repeat(order),
    }
}

fn on_demand(order: &Order<'_>) -> Result<Box<dyn Session>> {
    clients::session(order.client, Arc::new(Source::Folder(order.metadata.to_owned())))
}

fn restart(order: &Order<'_>, process: Watch) -> Result<Samples> {
    let mut session = on_demand(order)?;
    session.restart(order.scratch)?;
    let (wall, cpu) = process.read();
    check(session.as_mut())?;
    Ok(Samples { wall: vec![wall], cpu: vec![cpu], peak_kib: machine::peak_kib()? })
}

fn memory(order: &Order<'_>) -> Result<Samples> {
    let mut session = on_demand(order)?;
    session.cold(None)?;
    let peak_kib = machine::peak_kib()?;
    check(session.as_mut())?;
    Ok(Samples { peak_kib, ..Samples::default() })
}

fn repeat(order: &Order<'_>) -> Result<Samples> {
    let source = Arc::new(Source::in_memory(order.metadata)?);
    let mut session = clients::session(order.client, source)?;
    if order.measurement == Measurement::Warm {
        let store = order.client.always_stores().then_some(order.scratch);
        session.cold(store)?;
    }
    let mut samples = Samples::default();
    let begun = Instant::now();
    while samples.wall.len() < order.effort.runs || begun.elapsed() < order.effort.at_least {
        let (wall, cpu) = run(order, session.as_mut())?;
        samples.wall.push(wall);
        samples.cpu.push(cpu);
    }
    check(session.as_mut())?;
    samples.peak_kib = machine::peak_kib()?;
    Ok(samples)
}

fn run(order: &Order<'_>, session: &mut dyn Session) -> Result<(u64, u64)> {
    match order.measurement {
        Measurement::Stored => run_stored(session, &order.scratch.join("store")),
        Measurement::LookUp => {
            let watch = Watch::start();
            session.cold(None)?;
            check(session)?;
            Ok(watch.read())
        }
        Measurement::Warm => {
            let watch = Watch::start();
            session.warm()?;
            Ok(watch.read())
        }
        Measurement::Cold | Measurement::Restart | Measurement::Memory => {
            let watch = Watch::start();
            session.cold(None)?;
            Ok(watch.read())
        }
    }
}

/// Making the folder and removing it is not the client's work.
fn run_stored(session: &mut dyn Session, store: &Path) -> Result<(u64, u64)> {
    fs::create_dir(store)?;
    let watch = Watch::start();
    session.cold(Some(store))?;
    let taken = watch.read();
    fs::remove_dir_all(store)?;
    Ok(taken)
}

/// A client that did not read Targets did not refresh.
fn check(session: &mut dyn Session) -> Result<()> {
    let length = session.look_up(&target_name(Repository::WANTED))?;
    ensure!(length == 10_000 + u64::from(Repository::WANTED), "the target has a length of {length}");
    Ok(())
}
