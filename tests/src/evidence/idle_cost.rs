//! `idle-cost`: what a vehicle costs that has nothing to do.
//!
//! The Director moves to another port and a tap takes its place, so that bytes are counted above TLS. Then the vehicle
//! checks in every second, and after it has settled a number of check-ins is measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use simulator::live::{DEMO_VEHICLE, Launcher, System};

use super::Item;
use crate::record::{Limit, Record};
use crate::tap;

pub(super) const ITEM: Item = Item {
    name: "idle-cost",
    promise: "an idle check-in is at most 1,500 bytes, one connection, one SQL read; an idle Primary at most 12 MiB",
    show,
};

/// Check-ins to measure.
const CHECK_INS: f64 = 20.0;

fn show(record: &mut Record) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let programs = std::env::current_exe()?.parent().context("the folder of programs")?.to_owned();
    let image = vec![0x5a; 64 * 1024];
    let mut system = System::create(Launcher::Binaries(programs), folder.path(), &DEMO_VEHICLE, &image)?;
    let passed = insert_tap(&mut system)?;
    system.start_primary()?;
    let metrics =
        system.director_metrics().context("the Director's metrics address")?.trim_start_matches("http://").parse()?;

    let before = settle(metrics)?;
    let bytes_before = passed.read();
    let after = wait_for(metrics, before.idle + CHECK_INS)?;
    let bytes_after = passed.read();

    let idle = after.idle - before.idle;
    let per_check_in = |index: usize| -> Result<f64> {
        let before = bytes_before.get(index).context("a count")?;
        let after = bytes_after.get(index).context("a count")?;
        Ok(f64::from(u32::try_from(after - before)?) / idle)
    };
    let (up, down) = (per_check_in(1)?, per_check_in(2)?);
    record.figure("idle check-ins measured", idle, "", Limit::AtLeast(CHECK_INS));
    record.figure("bytes up above TLS, per idle check-in", up, "B", Limit::Shown);
    record.figure("bytes down above TLS, per idle check-in", down, "B", Limit::Shown);
    record.figure("bytes in all, per idle check-in", up + down, "B", Limit::AtMost(1_500.0));
    let [connections, ..] = bytes_after;
    record.figure("connections", f64::from(u32::try_from(connections)?), "in all", Limit::Exactly(1.0));
    record.figure(
        "SQL reads per idle check-in",
        (after.reads - before.reads) / idle,
        "statements",
        Limit::Exactly(1.0),
    );
    record.figure("SQL writes while idle", after.writes - before.writes, "statements", Limit::Exactly(0.0));
    let primary = system.process_id("gateway").context("a running Primary")?;
    record.figure("Primary's resident memory", resident_mebibytes(primary)?, "MiB", Limit::AtMost(12.0));
    Ok(())
}

/// Puts the tap where the Director was, and the Director elsewhere.
fn insert_tap(system: &mut System) -> Result<std::sync::Arc<tap::Passed>> {
    let at: SocketAddr = system.stop_director()?.trim_start_matches("https://").parse()?;
    let to: SocketAddr = system.start_director_at("127.0.0.1:0")?.trim_start_matches("https://").parse()?;
    let certificates = tap::certificates(&system.director_data(), &system.ecu_data("gateway"))?;
    tap::start(&certificates, at, to)
}

/// The Director's own counts.
struct Counts {
    idle: f64,
    reads: f64,
    writes: f64,
}

impl Counts {
    fn read(metrics: SocketAddr) -> Result<Self> {
        let page = page(metrics)?;
        let value = |name: &str| -> f64 {
            let line = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            line.unwrap_or(0.0)
        };
        Ok(Self {
            idle: value("director_check_ins_total{outcome=\"idle\"}"),
            reads: value("director_sql_statements_total{kind=\"read\"}"),
            writes: value("director_sql_statements_total{kind=\"write\"}"),
        })
    }
}

/// Waits until the first manifest is accepted and everything it set off is over: three idle check-ins.
fn settle(metrics: SocketAddr) -> Result<Counts> {
    wait_for(metrics, 3.0)
}

fn wait_for(metrics: SocketAddr, idle: f64) -> Result<Counts> {
    let watch = host::clock::stopwatch();
    while watch.elapsed() < LIMIT {
        let counts = Counts::read(metrics)?;
        if counts.idle >= idle {
            return Ok(counts);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("fewer than {idle} idle check-ins within {} s", LIMIT.as_secs())
}

fn page(metrics: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(metrics)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {metrics}\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

fn resident_mebibytes(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kibibytes: u32 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(f64::from(kibibytes) / 1024.0)
}

const LIMIT: Duration = Duration::from_secs(120);
