//! What a run found: as a table for people, as JSON for programs.

use std::fmt;

use serde::Serialize;

use crate::cases::{Client, Measurement};
use crate::measure::Samples;
use crate::plan::Task;

/// Every row.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// The core everything ran on.
    pub(crate) core: usize,
    pub(crate) rows: Vec<Row>,
}

/// All clients at one task.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    measurement: String,
    repository: String,
    /// Length of the Targets file.
    targets_bytes: u64,
    pub(crate) cells: Vec<Cell>,
    absent: Vec<Absent>,
    #[serde(skip)]
    memory: bool,
}

/// One client at one task.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    client: String,
    #[serde(skip)]
    ours: bool,
    runs: usize,
    min_ms: f64,
    median_ms: f64,
    /// Median of the time its threads ran.
    cpu_ms: f64,
    peak_mib: f64,
}

/// A client that has no figure.
#[derive(Debug, Serialize)]
struct Absent {
    client: String,
    why: &'static str,
}

impl Row {
    pub(crate) fn new(task: Task, targets_bytes: u64) -> Self {
        Self {
            measurement: task.measurement.to_string(),
            repository: task.repository.to_string(),
            targets_bytes,
            cells: Vec::new(),
            absent: Vec::new(),
            memory: task.measurement == Measurement::Memory,
        }
    }

    pub(crate) fn lacks(&mut self, client: Client, why: &'static str) {
        self.absent.push(Absent { client: client.to_string(), why });
    }

    /// What clients are compared by.
    fn figure(&self, cell: &Cell) -> f64 {
        if self.memory { cell.peak_mib } else { cell.min_ms }
    }

    fn ours(&self) -> Option<f64> {
        self.cells.iter().find(|cell| cell.ours).map(|cell| self.figure(cell))
    }
}

impl Cell {
    pub(crate) fn of(client: Client, samples: Samples) -> Self {
        let Samples { mut wall, mut cpu, peak_kib } = samples;
        wall.sort_unstable();
        cpu.sort_unstable();
        let at = |sorted: &[u64], index: usize| sorted.get(index).copied().map_or(0.0, milliseconds);
        Self {
            client: client.to_string(),
            ours: client == Client::Ours,
            runs: wall.len(),
            min_ms: at(&wall, 0),
            median_ms: at(&wall, wall.len() / 2),
            cpu_ms: at(&cpu, cpu.len() / 2),
            peak_mib: number(peak_kib) / 1_024.0,
        }
    }
}

/// The names of the columns of a [`Row`].
pub(crate) fn heading() -> String {
    let names = ["min ms", "median ms", "CPU ms", "peak MiB", "runs", "/ ours"];
    let names: String = names.iter().map(|name| format!("{name:>11}")).collect();
    format!("{:<24}{names}", "")
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { measurement, repository, targets_bytes, cells, absent, memory: _ } = self;
        writeln!(f, "{measurement} {repository} ({targets_bytes} bytes of Targets)")?;
        for cell in cells {
            let Cell { client, ours: _, runs, min_ms, median_ms, cpu_ms, peak_mib } = cell;
            write!(f, "    {client:<20}{min_ms:>11.4}{median_ms:>11.4}{cpu_ms:>11.4}{peak_mib:>11.1}{runs:>11}")?;
            match self.ours() {
                Some(ours) => writeln!(f, "{:>11.2}", self.figure(cell) / ours)?,
                None => writeln!(f)?,
            }
        }
        for Absent { client, why } in absent {
            writeln!(f, "    {client:<20}{why}")?;
        }
        Ok(())
    }
}

fn milliseconds(nanoseconds: u64) -> f64 {
    number(nanoseconds) / 1e6
}

/// Exact up to 2^53, which is far above what is measured here.
#[expect(clippy::as_conversions, reason = "the standard library has no other conversion from u64 to f64")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_sorted_samples() {
        let samples = Samples { wall: vec![3_000_000, 1_000_000, 2_000_000], cpu: vec![9, 7, 8], peak_kib: 2_048 };
        let cell = Cell::of(Client::Tough, samples);
        assert_eq!((cell.min_ms, cell.median_ms, cell.cpu_ms, cell.peak_mib), (1.0, 2.0, 8e-6, 2.0));
    }
}
