//! Firmware in miniature links without the standard library, a heap or the C library.

use anyhow::Result;

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "no-std",
    promise: "uptane, proto and the Secondary library link into firmware without std, heap or C library",
    show,
};

fn show(record: &mut Record) -> Result<()> {
    programs::need_package("gcc")?;
    programs::need_package("binutils")?;
    let printed = programs::build_probes()?;
    let probes: Vec<(&str, f64)> = printed.lines().filter_map(probe).collect();
    for (name, code) in &probes {
        record.claim(format!("{name} links"), true);
        record.figure(format!("{name}, code"), *code, "bytes", Limit::Shown);
    }
    record.figure("probes", f64::from(u32::try_from(probes.len())?), "", Limit::Exactly(3.0));
    Ok(())
}

/// Reads `probe-uptane: linked without …; 1601 bytes of code`.
fn probe(line: &str) -> Option<(&str, f64)> {
    let (name, rest) = line.split_once(": linked without ")?;
    let code = rest.split("; ").nth(1)?.strip_suffix(" bytes of code")?;
    Some((name, code.parse().ok()?))
}
