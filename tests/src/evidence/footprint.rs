//! `footprint`: what a Secondary costs on a microcontroller.
//!
//! The firmware of `secondary-ecu/firmware` is built as it ships, and once more with its meter. QEMU runs it on a
//! Cortex-M4 and executes one instruction in a nanosecond of the board's time, which the board's own counter tells;
//! the stack is painted before each step and looked at after it. The host is the Primary: files for a vehicle of 100 ECUs
//! go through the client that ships, frame by frame, over a serial port of the board. Flash is a file that QEMU maps, so
//! that a power cut is the end of its process.

mod board;
mod build;
mod chip;
mod costs;
mod line;
mod primary;
mod vehicle;

use anyhow::{Context, Result, bail};
use uptane::Sha256;

use self::board::Board;
use self::build::Built;
use self::costs::Costs;
use self::line::Line;
use self::primary::{Ending, Primary};
use self::vehicle::{Vehicle, Works};
use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "footprint",
    promise: "a PV+ Secondary for the metadata of 100 ECUs takes 64 KiB of a Cortex-M4's flash and 24 KiB of RAM, stack included",
    show,
};

const FLASH: f64 = 64.0 * 1024.0;
const RAM: f64 = 24.0 * 1024.0;
const ECUS: usize = 100;
const IMAGE: usize = 48 * 1024;
/// Debian packages the build takes, and the machine.
const PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "binutils-arm-none-eabi", "qemu-system-arm"];

fn show(record: &mut Record) -> Result<()> {
    PACKAGES.iter().try_for_each(|package| programs::need_package(package))?;
    let shipped = build::build(false)?;
    record.figure("flash: code, constants and first values", number(shipped.flash)?, "bytes", Limit::AtMost(FLASH));
    record.figure("static RAM", number(shipped.ram)?, "bytes", Limit::Shown);
    let costs = drive(record, &shipped)?;
    if !costs.is_empty() {
        bail!("the firmware that ships measures");
    }

    let measured = build::build(true)?;
    record.figure("flash with the meter", number(measured.flash)?, "bytes", Limit::Shown);
    let costs = drive(record, &measured)?;
    costs.show(record)?;
    let stack = costs.peak().context("nothing was measured")?;
    record.figure("peak stack", number(stack)?, "bytes", Limit::Shown);
    record.figure("RAM, stack included", number(measured.ram + stack)?, "bytes", Limit::AtMost(RAM));
    Ok(())
}

/// Updates a board of this firmware twice, cuts its power twice, and gives what it measured of that.
fn drive(record: &mut Record, built: &Built) -> Result<Costs> {
    let folder = tempfile::tempdir()?;
    let mut vehicle = Vehicle::new(ECUS, record.seed(), IMAGE);
    chip::provision(folder.path(), &vehicle)?;
    let mut primary = Primary::new(Line::new(Board::power_on(&built.program, folder.path())?)?);

    vehicle.release(Works::Well);
    record.figure("Director Targets", number(vehicle.targets().len().try_into()?)?, "bytes", Limit::Shown);
    primary.stage(&vehicle, Ending::PowerCut)?;
    primary.power_cycle(&built.program, folder.path())?;
    let resumed = primary.resume(&vehicle)?;
    record.claim("after a power cut the image goes on where the last mark stands", resumed > 0);
    primary.activate(&vehicle)?;
    record.claim("the new image runs, says that it works, and is committed", primary.commit(&vehicle)?);
    record.claim("its report verifies and names the new image", primary.report(&vehicle)?);

    let before = Sha256::of(vehicle.image());
    vehicle.release_as_patch(Works::Not)?;
    let patch = vehicle.patch().context("a patch was made")?.len();
    record.figure("patch of the next image", number(patch.try_into()?)?, "bytes", Limit::Shown);
    primary.stage(&vehicle, Ending::Whole)?;
    primary.activate(&vehicle)?;
    record.claim(
        "an image made by a patch runs, says that it does not work, and stays on trial",
        primary.is_on_trial(&vehicle)?,
    );
    primary.power_cycle(&built.program, folder.path())?;
    record.claim("after a power cut the image before runs again", primary.has_returned(before)?);
    Ok(primary.into_costs())
}

fn number(count: u64) -> Result<f64> {
    Ok(f64::from(u32::try_from(count)?))
}
