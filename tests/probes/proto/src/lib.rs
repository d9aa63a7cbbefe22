//! Firmware that exchanges ISO-TP messages with two peers and a group, takes a patch and hears a broadcast, with `proto`
//! without features: no heap, no standard library.
#![no_std]

use core::hint::black_box;
use core::panic::PanicInfo;
use core::time::Duration;

use proto::Error;
use proto::broadcast::{Join, Receiver, Session};
use proto::can::{Frame, Id};
use proto::delta::{Decoder, Expected, Failure, Images};
use proto::isotp::{Address, Addressing, Config, Framing, Functional, Port, Priority};
use proto::secondary::{Refusal, Reply, Request};
use uptane::{Length, Sha256};

/// The first and only thing this firmware does.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> i32 {
    match (talk(black_box(b"datagram")), patch(black_box(b"patch"))) {
        (Ok(frames), Ok(())) => frames,
        (_, _) => -1,
    }
}

fn talk(datagram: &[u8]) -> Result<i32, Error> {
    let priority = Priority::DEFAULT;
    let peers = [0x10, 0x11].map(|peer| Addressing::NormalFixed { priority, own: black_box(0xf1), peer });
    let group = Functional::new(Framing::CLASSICAL, Address::functional_fixed(priority, 0x33, 0xf1)).confirmed();
    let config = |addressing| Config { confirms: true, adaptive: true, ..Config::with(Framing::FD, addressing) };
    let mut port: Port<2, 4096, 256> = Port::new(peers.map(config), Some(group))?;
    let now = black_box(Duration::ZERO);
    black_box(port.handle(&Frame::decode(datagram)?, now).map_err(|lost| lost.error)?);
    for number in 0..2 {
        if let Some(link) = port.link_mut(number) {
            link.set_ready(black_box(false));
            link.send(datagram, now)?;
        }
    }
    port.overrun();
    let mut frames = 0;
    while let Some(frame) = port.poll(now).map_err(|lost| lost.error)? {
        port.confirm(black_box(&frame), now);
        frames += 1;
    }
    Ok(frames + hear(datagram, now)?)
}

fn hear(datagram: &[u8], now: Duration) -> Result<i32, Error> {
    let session = Session { number: 1, framing: Framing::FD, id: Id::standard(black_box(0x6a5))? };
    let (answer, length) = (Id::standard(black_box(0x6b0))?, Length::new(black_box(100)).unwrap_or(Length::ZERO));
    let mut receiver: Receiver<4096> =
        Receiver::new(Join { session, answer, from: Length::ZERO, length, chunk: 64 }, now)?;
    receiver.handle(&Frame::decode(datagram)?, now);
    while receiver.hand_over(&mut |request: Request<'_>| {
        black_box(request);
        Reply::Refused(Refusal::Storage)
    }) {}
    let mut frames = 0;
    while let Some(frame) = receiver.poll() {
        black_box(frame);
        frames += 1;
    }
    Ok(frames)
}

fn patch(bytes: &[u8]) -> Result<(), Failure<()>> {
    let expected = black_box(Expected { old_length: 64, base: Sha256([7; 32]), new_length: 64 });
    let mut decoder = Decoder::new(expected);
    decoder.feed(bytes, &mut Banks)?;
    black_box(decoder.point_within(black_box(32)));
    Ok(decoder.finish()?)
}

struct Banks;

impl Images for Banks {
    type Error = ();

    fn read_old(&mut self, at: u32, into: &mut [u8]) -> Result<(), ()> {
        into.fill(black_box(at.to_le_bytes()[0]));
        Ok(())
    }

    fn write_new(&mut self, bytes: &[u8]) -> Result<(), ()> {
        black_box(bytes);
        Ok(())
    }
}

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {}
}
