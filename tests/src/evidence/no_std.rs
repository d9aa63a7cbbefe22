//! Firmware in miniature links without the standard library, a heap or the C library, and a Secondary's whole state
//! is small.

use std::process::Command;

use anyhow::{Context, Result};

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "no-std",
    promise: "uptane, proto and the Secondary library are firmware without std, heap or C library, in 16 KiB of state",
    show,
};

/// Bytes all of a Secondary's state may take, whatever the size of the vehicle.
const STATE: f64 = 16.0 * 1024.0;

fn show(record: &mut Record) -> Result<()> {
    programs::need_package("gcc")?;
    programs::need_package("binutils")?;
    let printed = programs::build_probes()?;
    let mut linked = 0;
    for (name, code) in printed.lines().filter_map(probe) {
        record.figure(format!("{name} links; its code"), code, "bytes", Limit::Shown);
        linked += 1;
    }
    record.figure("probes linked", f64::from(linked), "", Limit::Exactly(3.0));

    let parts = programs::output(&mut Command::new(programs::probe("probe-memory")?))?;
    let mut sum = 0.0;
    for line in parts.lines() {
        let (bytes, name) = line.split_once(' ').context("probe-memory prints bytes and name")?;
        let bytes: f64 = bytes.parse()?;
        record.figure(format!("state, {name}"), bytes, "bytes", Limit::Shown);
        sum += bytes;
    }
    record.figure("state in all, for Director Targets of 100 ECUs as for one", sum, "bytes", Limit::AtMost(STATE));
    Ok(())
}

/// Reads `probe-uptane: linked without …; 1601 bytes of code`.
fn probe(line: &str) -> Option<(&str, f64)> {
    let (name, rest) = line.split_once(": linked without ")?;
    let code = rest.split("; ").nth(1)?.strip_suffix(" bytes of code")?;
    Some((name, code.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_names_itself_and_its_size() {
        let line = "probe-uptane: linked without std, alloc and the C library; 1601 bytes of code";
        assert_eq!(probe(line), Some(("probe-uptane", 1601.0)));
        assert_eq!(probe("$ cargo build"), None);
    }
}
