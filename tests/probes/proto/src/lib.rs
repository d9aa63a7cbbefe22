//! Firmware that exchanges ISO-TP messages, with `proto` without features: no heap, no standard library.
#![no_std]

use core::hint::black_box;
use core::panic::PanicInfo;
use core::time::Duration;

use proto::Error;
use proto::can::{Frame, Id};
use proto::isotp::{Config, Framing, Link};

/// The first and only thing this firmware does.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> i32 {
    match talk(black_box(b"datagram")) {
        Ok(frames) => frames,
        Err(_) => -1,
    }
}

fn talk(datagram: &[u8]) -> Result<i32, Error> {
    let config = Config::new(Framing::FD, Id::standard(black_box(0x7e8))?, Id::standard(black_box(0x7e0))?);
    let mut link: Link<4096, 256> = Link::new(config);
    let now = black_box(Duration::ZERO);
    black_box(link.handle(&Frame::decode(datagram)?, now)?);
    link.send(datagram, now)?;
    let mut frames = 0;
    while let Some(frame) = link.poll(now)? {
        black_box(frame);
        frames += 1;
    }
    Ok(frames)
}

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {}
}
