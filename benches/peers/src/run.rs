//! Runs the comparison: generates the repositories and gives every client its turns, each in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::cases::{Client, Measurement, Repository};
use crate::generate::generate;
use crate::machine;
use crate::measure::Samples;
use crate::plan::{self, Task};
use crate::report::{Cell, Report, Row};

/// What a run is asked to do.
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// A Python that has python-tuf; without one there is no python-tuf in the comparison.
    pub(crate) python: Option<PathBuf>,
    /// Only rows whose name contains one of these; none means all.
    pub(crate) only: Vec<String>,
}

const SCRIPT: &str = include_str!("../python/refresh.py");

/// Measures every row, and shows each when it is complete.
pub(crate) fn run(settings: &Settings, show: impl Fn(&Row)) -> Result<Report> {
    let folder = tempfile::tempdir_in(machine::folder_in_memory())?;
    let runner = Runner { folder, core: machine::last_core()?, python: settings.python.clone() };
    let mut report = Report { seed: settings.seed, core: runner.core, rows: Vec::new() };
    for task in plan::all() {
        let name = format!("{} {}", task.measurement, task.repository);
        if settings.only.is_empty() || settings.only.iter().any(|word| name.contains(word)) {
            let row = runner.row(task, settings.seed)?;
            show(&row);
            report.rows.push(row);
        }
    }
    Ok(report)
}

struct Runner {
    folder: TempDir,
    core: usize,
    python: Option<PathBuf>,
}

impl Runner {
    fn row(&self, task: Task, seed: u64) -> Result<Row> {
        let metadata = self.folder.path().join(task.repository.to_string());
        if !metadata.exists() {
            generate(task.repository, seed, &metadata)?;
        }
        let clients = Client::ALL.into_iter().filter(|client| client.takes_part(task.measurement));
        let mut taken: Vec<(Client, Samples)> = Vec::new();
        let mut row = Row::new(task, fs::metadata(metadata.join("1.targets.json"))?.len());
        for client in clients {
            match self.cannot(client, task.repository) {
                Some(why) => row.lacks(client, why),
                None => taken.push((client, Samples::default())),
            }
        }
        for _ in 0..task.rounds {
            for (client, samples) in &mut taken {
                let turn = self.turn(*client, task, &metadata);
                let turn = turn.with_context(|| format!("{client}: {} {}", task.measurement, task.repository))?;
                samples.wall.extend(turn.wall);
                samples.cpu.extend(turn.cpu);
                samples.peak_kib = samples.peak_kib.max(turn.peak_kib);
            }
        }
        row.cells = taken.into_iter().map(|(client, samples)| Cell::of(client, samples)).collect();
        Ok(row)
    }

    fn cannot(&self, client: Client, repository: Repository) -> Option<&'static str> {
        if client == Client::PythonTuf && self.python.is_none() {
            return Some("no --python was given");
        }
        client.cannot(repository)
    }

    /// One round of one client.
    fn turn(&self, client: Client, task: Task, metadata: &Path) -> Result<Samples> {
        let scratch = self.folder.path().join("scratch");
        fs::create_dir(&scratch)?;
        let samples = match task.measurement {
            Measurement::Restart => self.restarts(client, task, metadata, &scratch),
            Measurement::Cold | Measurement::Stored | Measurement::LookUp | Measurement::Warm | Measurement::Memory => {
                self.process("measure", client, task, metadata, &scratch)
            }
        };
        fs::remove_dir_all(&scratch)?;
        samples
    }

    /// As many processes as the effort asks for, on what one before them stored.
    fn restarts(&self, client: Client, task: Task, metadata: &Path, scratch: &Path) -> Result<Samples> {
        self.start("prepare", client, task, metadata, scratch)?;
        let mut samples = Samples::default();
        let begun = Instant::now();
        while samples.wall.len() < task.effort.runs || begun.elapsed() < task.effort.at_least {
            let one = self.process("measure", client, task, metadata, scratch)?;
            samples.wall.extend(one.wall);
            samples.cpu.extend(one.cpu);
            samples.peak_kib = samples.peak_kib.max(one.peak_kib);
        }
        Ok(samples)
    }

    fn process(&self, verb: &str, client: Client, task: Task, metadata: &Path, scratch: &Path) -> Result<Samples> {
        let said = self.start(verb, client, task, metadata, scratch)?;
        Ok(serde_json::from_slice(&said)?)
    }

    fn start(&self, verb: &str, client: Client, task: Task, metadata: &Path, scratch: &Path) -> Result<Vec<u8>> {
        let mut command = match (client, &self.python) {
            (Client::PythonTuf, Some(python)) => {
                let mut command = Command::new(python);
                command.args(["-c", SCRIPT, verb]);
                command
            }
            (client, _) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args([verb, &client.to_string()]);
                command
            }
        };
        command.arg(task.measurement.to_string()).args([metadata, scratch]).arg(self.core.to_string());
        command.arg(task.effort.at_least.as_millis().to_string()).arg(task.effort.runs.to_string());
        // Clients that make temporary folders make them in memory, too.
        command.env("TMPDIR", self.folder.path()).env("RUST_BACKTRACE", "0");
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(output.stdout)
    }
}
