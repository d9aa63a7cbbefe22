//! What the machine tells of this process.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Takes the time of what this process does.
#[derive(Clone, Copy)]
pub(crate) struct Watch {
    wall: Instant,
    cpu: Duration,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self { cpu: cpu_time(), wall: Instant::now() }
    }

    /// Time that passed, and time all threads ran, in nanoseconds.
    pub(crate) fn read(self) -> (u64, u64) {
        let wall = self.wall.elapsed();
        let cpu = cpu_time().saturating_sub(self.cpu);
        (nanoseconds(wall), nanoseconds(cpu))
    }
}

/// The last core this process may run on: the first ones serve interrupts.
pub(crate) fn last_core() -> Result<usize> {
    let allowed = sched_getaffinity(None)?;
    (0..CpuSet::MAX_CPU).rev().find(|core| allowed.is_set(*core)).context("this process may run on no core")
}

/// Keeps this process, with every thread it starts, on one core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("this process may not run on core {core}"))
}

/// The most memory this process ever had, in KiB.
pub(crate) fn peak_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// A folder in memory, where the machine has one: the disk is not what is measured.
pub(crate) fn folder_in_memory() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    if shared.is_dir() { shared } else { std::env::temp_dir() }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
