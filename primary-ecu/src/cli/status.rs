//! `status` and `history`: what the files for readers say. Works while `run` runs, and changes nothing.

use std::path::PathBuf;

use clap::Args;

use crate::status::{Board, EcuStatus, Entry, Status};
use crate::{Error, folder};

/// Which folder, and how.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn status(self) -> Result<(), Error> {
        let folder = folder::open(self.data)?;
        let path = folder.path().join("status.json");
        let status = Board::new(folder.path()).read().ok_or(host::Error::Missing { path: path.clone() })?;
        match self.json {
            true => host::cli::print(serde_json::to_string(&status).map_err(|error| Error::damaged(&path, error))?),
            false => print(&status),
        }
        Ok(())
    }

    pub(super) fn history(self) -> Result<(), Error> {
        let folder = folder::open(self.data)?;
        let entries = Board::new(folder.path()).history()?;
        match self.json {
            true => {
                let text = serde_json::to_string(&entries).map_err(|error| Error::damaged(folder.path(), error))?;
                host::cli::print(text);
            }
            false => {
                let row = |entry: Entry| [entry.at, entry.event, entry.transaction.unwrap_or_default(), entry.text];
                let rows: Vec<_> = entries.into_iter().map(row).collect();
                host::cli::print(host::cli::table(["at", "event", "transaction", "what"], &rows));
            }
        }
        Ok(())
    }
}

fn print(status: &Status) {
    let rows: Vec<_> = status.ecus.iter().map(row).collect();
    let header = ["ecu", "transport", "verification", "banks", "phase", "runs", "release", "last update"];
    host::cli::print(host::cli::table(header, &rows));
    if let Some(transaction) = &status.transaction {
        host::cli::print(format_args!("transaction {}: {}", transaction.id, transaction.state));
    }
    if let Some(refusal) = &status.last_refusal {
        let attack = refusal.attack.as_deref().unwrap_or("none");
        let error = host::cli::one_line(&refusal.error);
        host::cli::print(format_args!("last refusal at {}: {error} ({}, attack: {attack})", refusal.at, refusal.check));
    }
}

fn row(ecu: &EcuStatus) -> [String; 8] {
    let running = ecu.running.clone().unwrap_or_default();
    let update = ecu.update.as_ref().map_or_else(String::new, |update| {
        let before = update.before.as_deref().unwrap_or("?");
        format!(
            "{before} -> {} ({} of {} bytes, {:.1} s)",
            update.after, update.done, update.total, update.wall_seconds
        )
    });
    let (name, counter) = (running.name, running.release_counter.to_string());
    let EcuStatus { ecu, transport, verification, banks, phase, .. } = ecu.clone();
    [ecu, transport, verification, banks, phase, name, counter, update]
}
