//! Files that are written of a run.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Error;
use crate::runs::Made;
use crate::world::can::log::{Entry, candump, pcapng};
use crate::world::report::{junit, page};
use crate::world::time::Moment;

/// What is written of a run.
#[derive(Args, Debug)]
pub struct Outputs {
    /// The log, a JSON object a line: what `simulator replay` repeats.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// What must hold, as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// A report as one HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A candump log of every bus, `NAME.log`.
    #[arg(long, value_name = "FOLDER")]
    candump: Option<PathBuf>,
    /// A pcapng file of every bus, `NAME.pcapng`.
    #[arg(long, value_name = "FOLDER")]
    pcapng: Option<PathBuf>,
}

impl Outputs {
    /// Whether what happens on the buses must be kept.
    pub(super) fn wants_buses(&self) -> bool {
        self.candump.is_some() || self.pcapng.is_some()
    }

    /// Writes what is wanted.
    pub(super) fn write(&self, made: &Made) -> Result<(), Error> {
        let run = &made.ended.run;
        if let Some(path) = &self.trace {
            write(path, &made.log)?;
        }
        if let Some(path) = &self.junit {
            write(path, junit(std::slice::from_ref(run)).as_bytes())?;
        }
        if let Some(path) = &self.html {
            write(path, page(run).as_bytes())?;
        }
        for (bus, entries) in &made.ended.bus_logs {
            if let Some(folder) = &self.candump {
                write(&folder.join(format!("{bus}.log")), as_candump(bus, entries).as_bytes())?;
            }
            if let Some(folder) = &self.pcapng {
                write(&folder.join(format!("{bus}.pcapng")), as_pcapng(bus, entries).bytes())?;
            }
        }
        Ok(())
    }
}

fn as_candump(bus: &str, entries: &[(Moment, Entry)]) -> String {
    let mut log = String::new();
    for (at, entry) in entries {
        candump::write(&mut log, *at, bus, entry);
    }
    log
}

fn as_pcapng(bus: &str, entries: &[(Moment, Entry)]) -> pcapng::Capture {
    let mut capture = pcapng::Capture::new(&[bus]);
    for (at, entry) in entries {
        capture.add(0, *at, entry);
    }
    capture
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, bytes))
        .map_err(|source| Error::Unwritable { path: path.to_owned(), source })
}
