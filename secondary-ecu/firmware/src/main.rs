//! A Secondary with PV+ on a microcontroller: the machine of `secondary-ecu`, ISO-TP and UDS, on a bare Cortex-M4.
//!
//! This is the part of an ECU that no update touches, its boot loader; `docs/writing-a-secondary.md` walks through it.
//! It runs on QEMU's board `mps2-an386`: what is in `board.rs`, `bus.rs` and `nor.rs` has to be written for another board,
//! the rest has not.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod application;
mod board;
mod bus;
mod ecu;
mod identity;
mod meter;
mod nor;

use core::mem::MaybeUninit;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use proto::can::Id;
use proto::isotp::{Config, Framing};
use secondary_ecu::MAX_REPORT;
use secondary_ecu::channel::Channel;

use crate::board::Board;
use crate::bus::Bus;
use crate::ecu::{Ecu, Machine};
use crate::meter::Meter;
use crate::nor::Nor;

/// Bytes of the longest message from the Primary: a chunk, after its service and counter.
const RX: usize = 1_026;
/// Bytes of the longest response: a report, after its service and identifier.
const TX: usize = MAX_REPORT + 3;

#[entry]
fn main() -> ! {
    // `entry` makes references of these: places in RAM that the linker counts, and nothing in flash.
    static mut MACHINE: MaybeUninit<Machine> = MaybeUninit::uninit();
    static mut CHANNEL: MaybeUninit<Bound> = MaybeUninit::uninit();

    match start(MACHINE) {
        Some((ecu, bus)) => match open(CHANNEL) {
            Some(channel) => serve(ecu, channel, bus),
            None => halt(),
        },
        // Nobody provisioned this ECU, or its flash is lost: there is nobody it could believe.
        None => halt(),
    }
}

/// UDS over ISO-TP, with room for the longest messages.
type Bound = Channel<RX, TX>;

/// Not a part of `main`: what it leaves on the stack is gone when it returns, and `main` never does.
#[inline(never)]
fn start(place: &'static mut MaybeUninit<Machine>) -> Option<(Ecu, Bus)> {
    let board = Board::take()?;
    let (flash, page) = board.nor.split_at_mut_checked(board.nor.len() - identity::PAGE)?;
    let (profile, key) = identity::read(page)?;
    let meter = Meter {
        #[cfg(feature = "measure")]
        port: board.trace,
    };
    let ecu = Ecu::boot(place, profile, Nor(flash), key, board.counter, meter).ok()?;
    Some((ecu, Bus::new(board.bus)))
}

#[inline(never)]
fn open(place: &'static mut MaybeUninit<Bound>) -> Option<&'static mut Bound> {
    let (send, receive) = (Id::standard(0x7e8).ok()?, Id::standard(0x7e0).ok()?);
    Some(place.write(Channel::new(Config::new(Framing::CLASSICAL, send, receive))))
}

fn halt() -> ! {
    loop {
        board::sleep();
    }
}

/// Answers until an answer asks for a reset.
fn serve(mut ecu: Ecu, channel: &mut Bound, mut bus: Bus) -> ! {
    let ecu = &mut ecu;
    let mut has_voted = false;
    loop {
        let now = ecu.elapsed();
        let heard = bus.receive(now).is_some_and(|frame| channel.hear(&frame, now, ecu));
        flush(ecu, channel, &mut bus);
        while channel.is_pending() {
            let now = ecu.elapsed();
            channel.work(now, ecu);
            flush(ecu, channel, &mut bus);
        }
        // An application that works, in an ECU that can be sent the next update: that is the test it has to pass.
        if heard && !has_voted && ecu.application_works() {
            has_voted = ecu.vote_healthy().is_ok();
        }
        // The answer has left.
        if channel.is_quiet() && ecu.wants_reset() {
            board::reset();
        }
        if !heard {
            board::sleep();
        }
    }
}

/// Sends what is due.
fn flush(ecu: &mut Ecu, channel: &mut Bound, bus: &mut Bus) {
    loop {
        let now = ecu.elapsed();
        match channel.poll(now) {
            Ok(Some(frame)) => bus.send(&frame),
            Ok(None) => return,
            // The Primary repeats what was lost.
            Err(_) => {}
        }
    }
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    board::reset()
}
