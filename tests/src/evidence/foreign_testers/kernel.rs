//! The ISO-TP of Debian's kernel, in QEMU, exchanges messages with ours.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::guest::chance::Chance;
use crate::guest::isotp::{CASES, Case, KERNELS, LEN, MESSAGES, OURS};
use crate::guest::{self, isotp};
use crate::record::{Limit, Record};
use crate::socketcan::{Guest, Kernel};

/// The program at the kernel's end.
const SCRIPT: &str = include_str!("../../../python/kernel_isotp.py");
/// How long the guest may run.
const SECONDS: u32 = 1_200;

/// Boots the kernel, and has every case exchange its messages one after the other.
pub(super) fn show(record: &mut Record, folder: &Path, python: &Path) -> Result<()> {
    let kernel = Kernel::fetch(folder)?;
    let place = folder.join("kernel-isotp");
    fs::create_dir(&place)?;
    fs::write(place.join("kernel_isotp.py"), SCRIPT)?;
    fs::write(place.join(OURS), Chance(record.seed()).bytes(MESSAGES * LEN))?;
    fs::write(place.join(KERNELS), Chance(!record.seed()).bytes(MESSAGES * LEN))?;
    let interfaces = u32::try_from(CASES.len())?;
    let said = Guest::new(&place, interfaces).in_qemu(&kernel).within(SECONDS).run(&script(python)?)?;
    let version = said.lines().find(|line| line.starts_with("Linux ")).context("the guest names no kernel")?;
    record.note(format!("in QEMU: {version}"));
    for (number, case) in CASES.iter().enumerate() {
        let said = said.split(&heading(number)).nth(1).with_context(|| format!("nothing was said of {number}"))?;
        judge(record, case, said)?;
    }
    Ok(())
}

/// Both ends of every case, each case on an interface of its own.
fn script(python: &Path) -> Result<String> {
    let mut script = format!(
        "uname -srv\n\
         python='{}' program='{}'\n\
         failed() {{ cat kernels$1 >&2; exit 1; }}\n\
         exchange() {{\n\
           $python kernel_isotp.py \"${{@:2}}\" vcan$1 . {MESSAGES} >kernels$1 2>&1 &\n\
           until grep -q ^listening kernels$1; do kill -0 $! || failed $1; sleep 0.1; done\n\
           $program {} {} vcan$1 . $1 || failed $1\n\
           wait $! || failed $1\n\
           cat kernels$1\n\
         }}\n",
        python.display(),
        std::env::current_exe()?.display(),
        guest::GUEST,
        isotp::NAME,
    );
    for (number, case) in CASES.iter().enumerate() {
        script += &format!("echo {}\nexchange {number} {}\n", heading(number), case.kernel);
    }
    Ok(script)
}

/// What is printed before what a case prints.
fn heading(number: usize) -> String {
    format!("case-{number}")
}

fn judge(record: &mut Record, Case { name, .. }: &Case, said: &str) -> Result<()> {
    let value = |name: &str| guest::value(said, name);
    let (messages, bytes) = (f64::from(u32::try_from(MESSAGES)?), f64::from(u32::try_from(MESSAGES * LEN)?));
    for (end, way) in [("kernels", "to the kernel"), ("ours", "from the kernel")] {
        let value = |what: &str| value(&format!("{end}-{what}"));
        record.figure(format!("{name}: messages {way}"), value("messages")?, "", Limit::Exactly(messages));
        record.figure(format!("{name}: bytes {way}"), value("bytes")?, "B", Limit::Exactly(bytes));
        record.figure(format!("{name}: unlike what was sent, {way}"), value("mismatches")?, "", Limit::Exactly(0.0));
    }
    record.figure(format!("{name}: both ways at once"), value("seconds")?, "s", Limit::Shown);
    Ok(())
}
