//! `bench-peers`: our TUF client beside the others, on the same repositories, in one run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "bench-peers",
    promise: "our TUF client is faster than every other, and needs little more memory than the file it reads",
    show,
};

/// How many times faster than the fastest peer we have to be, by the least time of Ed25519 and canonical files.
const LIMITS: [(&str, &str, f64); 13] = [
    ("cold", "ed25519-canonical-10", 1.05),
    ("cold", "ed25519-canonical-1000", 2.5),
    ("cold", "ed25519-canonical-10000", 5.0),
    ("cold", "ed25519-canonical-100000", 6.0),
    ("cold", "ed25519-canonical-r100", 1.05),
    ("warm", "ed25519-canonical-10", 25.0),
    ("warm", "ed25519-canonical-1000", 25.0),
    ("warm", "ed25519-canonical-10000", 25.0),
    ("warm", "ed25519-canonical-100000", 25.0),
    ("warm", "ed25519-canonical-r100", 25.0),
    ("restart", "ed25519-canonical-1000", 10.0),
    ("restart", "ed25519-canonical-10000", 10.0),
    ("restart", "ed25519-canonical-100000", 10.0),
];

/// The row whose memory is limited: one and a half times the file, and this many MiB.
const MEMORY: (&str, &str, f64) = ("memory", "ed25519-canonical-100000", 8.0);

fn show(record: &mut Record) -> Result<()> {
    programs::need_package("python3-venv")?;
    let folder = tempfile::tempdir()?;
    let (python, version) = programs::python_tuf(folder.path())?;
    record.note(format!("python-tuf {version}"));
    let report = compare(&build()?, &python, record)?;
    for row in &report.rows {
        row.record(record)?;
    }
    let measured = |(measurement, repository): (&str, &str)| {
        report.rows.iter().any(|row| row.measurement == measurement && row.repository == repository)
    };
    let all = LIMITS.iter().all(|(measurement, repository, _)| measured((measurement, repository)));
    record.claim("every row with a limit was measured", all && measured((MEMORY.0, MEMORY.1)));
    Ok(())
}

/// The program of `benches/peers`, built.
fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in the workspace")?;
    let built = std::env::current_exe()?;
    let target = built.ancestors().nth(2).context("programs lie in the target folder")?.join("peers");
    let mut cargo = Command::new("cargo");
    // Not `--locked`: another crate below `uptane` is no other peer, and those are of exact versions.
    cargo.args(["build", "--release", "--target-dir"]).arg(&target);
    programs::output(cargo.current_dir(root.join("benches/peers")))?;
    Ok(target.join("release/peers"))
}

fn compare(program: &Path, python: &Path, record: &Record) -> Result<Report> {
    let mut command = Command::new(program);
    command.args(["run", "--json", "--seed", &record.seed().to_string(), "--python"]).arg(python);
    if record.is_aloud() {
        command.stderr(Stdio::inherit());
    }
    Ok(serde_json::from_str(&programs::output(&mut command)?)?)
}

/// What the program prints.
#[derive(Deserialize)]
struct Report {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    measurement: String,
    repository: String,
    targets_bytes: u32,
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    client: String,
    min_ms: f64,
    median_ms: f64,
    cpu_ms: f64,
    peak_mib: f64,
}

impl Row {
    fn record(&self, record: &mut Record) -> Result<()> {
        let Self { measurement, repository, targets_bytes, cells } = self;
        let name = format!("{measurement} {repository}");
        for Cell { client, min_ms, median_ms, cpu_ms, peak_mib } in cells {
            let figures = [("min ms", min_ms), ("median ms", median_ms), ("CPU ms", cpu_ms), ("peak MiB", peak_mib)];
            for (what, value) in figures {
                record.sample(&format!("{name}: {client}, {what}"), *value);
            }
        }
        let ours =
            cells.iter().find(|cell| cell.client == "ours").with_context(|| format!("{name}: ours is missing"))?;
        if measurement == MEMORY.0 {
            let file = f64::from(*targets_bytes) / 1_048_576.0;
            let limit = match repository == MEMORY.1 {
                true => Limit::AtMost(1.5 * file + MEMORY.2),
                false => Limit::Shown,
            };
            record.figure(format!("{name}: peak memory of ours"), ours.peak_mib, "MiB", limit);
            return Ok(());
        }
        let peers = cells.iter().filter(|cell| !cell.client.starts_with("ours"));
        let fastest = peers.min_by(|a, b| a.min_ms.total_cmp(&b.min_ms)).context("there are no peers")?;
        let figure = format!("{name}: times as fast as {}", fastest.client);
        record.figure(figure, fastest.min_ms / ours.min_ms, "", self.limit());
        Ok(())
    }

    fn limit(&self) -> Limit {
        let same = |(measurement, repository, _): &&(&str, &str, f64)| {
            self.measurement == *measurement && self.repository == *repository
        };
        LIMITS.iter().find(same).map_or(Limit::Shown, |(_, _, limit)| Limit::AtLeast(*limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(measurement: &str, ours: f64, peer: f64) -> Row {
        let cell = |client: &str, min_ms| Cell {
            client: client.into(),
            min_ms,
            median_ms: min_ms,
            cpu_ms: min_ms,
            peak_mib: 33.0,
        };
        let cells = vec![cell("tough", 9.0 * peer), cell("ours", ours), cell("sigstore-tuf", peer)];
        let repository = "ed25519-canonical-100000".into();
        Row { measurement: measurement.into(), repository, targets_bytes: 16 << 20, cells }
    }

    fn holds(row: &Row) -> bool {
        let mut record = Record::new(false, 1);
        row.record(&mut record).unwrap();
        record.holds()
    }

    #[test]
    fn the_fastest_peer_counts() {
        assert!(holds(&row("cold", 1.0, 6.0)));
        assert!(!holds(&row("cold", 1.0, 5.9)));
    }

    #[test]
    fn memory_may_be_one_and_a_half_times_the_file_and_8_mib() {
        let mut at = row("memory", 0.0, 0.0);
        assert!(!holds(&at));
        at.cells[1].peak_mib = 32.0;
        assert!(holds(&at));
    }
}
