//! `socketcan-uml`: a vehicle is updated over the real kernel's CAN, on a bus that loses frames.

use anyhow::{Context, Result};

use super::Item;
use crate::guest::{self, update};
use crate::programs;
use crate::record::{Limit, Record};
use crate::socketcan::{Guest, PACKAGES};

pub(super) const ITEM: Item = Item {
    name: "socketcan-uml",
    promise: "over vcan in a User-Mode-Linux kernel that loses 1 % of all frames, through a bus-off and an interface that \
              goes down, the Primary updates two Secondaries, on classical CAN and on FD",
    show,
};

fn show(record: &mut Record) -> Result<()> {
    for package in PACKAGES.into_iter().chain(["can-utils"]) {
        programs::need_package(package)?;
    }
    let folder = tempfile::tempdir()?;
    let program = std::env::current_exe()?;
    let program = program.to_str().context("the name of the running program is text")?;
    let script = format!(
        "mkdir system && mount -t tmpfs -o mode=700 system system && {program} {} {} \"$PWD/system\" {}",
        guest::GUEST,
        update::NAME,
        record.seed()
    );
    let said = Guest::new(folder.path(), update::INTERFACES).within(SECONDS).run(&script)?;
    show_bus(record, &said)?;
    for ecu in update::SECONDARIES {
        let value = |what: &str| guest::value(&said, &format!("{ecu}-{what}"));
        let image = f64::from(u32::try_from(update::IMAGE)?);
        record.figure(format!("{ecu}: bytes of files sent"), value("bytes")?, "B", Limit::AtLeast(image));
        record.figure(format!("{ecu}: messages sent again"), value("retries")?, "", Limit::AtLeast(1.0));
        record.figure(format!("{ecu}: update"), value("seconds")?, "s", Limit::AtMost(update::LIMIT.as_secs_f64()));
        record.figure(format!("{ecu}: time its frames take on a bus"), value("bus-seconds")?, "s", Limit::Shown);
    }
    Ok(())
}

fn show_bus(record: &mut Record, said: &str) -> Result<()> {
    let value = |name: &str| guest::value(said, name);
    let (frames, lost) = (value("frames")?, value("lost")?);
    record.figure("ECUs that run the new image", 3.0, "", Limit::Exactly(3.0));
    record.figure("frames on the bus", frames, "", Limit::AtLeast(1_000.0));
    record.figure("data bytes in them", value("bytes")?, "B", Limit::Shown);
    record.figure("frames lost on purpose", lost / frames * 100.0, "%", Limit::AtLeast(0.8));
    record.figure("frames that overflowed the relay", value("overflown")?, "", Limit::Exactly(0.0));
    record.figure(
        "from the assignment to the last ECU",
        value("seconds")?,
        "s",
        Limit::AtMost(update::LIMIT.as_secs_f64()),
    );
    Ok(())
}

/// How long the guest may run.
const SECONDS: u32 = 600;
