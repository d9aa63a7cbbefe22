//! Firmware that takes apart what a Primary says, with `proto`, without features: no heap, no standard library.
#![no_std]

use core::panic::PanicInfo;

/// The first and only thing this firmware does.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> i32 {
    0
}

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {}
}
