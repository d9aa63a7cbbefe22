//! Firmware that reads ids and times with `uptane`, without features: no heap, no standard library.
#![no_std]

use core::hint::black_box;
use core::panic::PanicInfo;

use uptane::{Error, TargetName, Time};

/// The first and only thing this firmware does.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> i32 {
    match read(black_box("2026-11-22T20:00:00Z"), black_box("brake/fw-2.bin")) {
        Ok(()) => 0,
        Err(error) => i32::from(error.code()),
    }
}

fn read(time: &str, name: &str) -> Result<(), Error> {
    black_box(Time::parse(time)?);
    black_box(TargetName::parse(name)?);
    Ok(())
}

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {}
}
