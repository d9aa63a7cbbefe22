//! The firmware of a CAN Secondary with PV+, whole but for its drivers: frames go through ISO-TP and UDS to the machine,
//! and its answers go back. No heap, no standard library.
#![no_std]

use core::convert::Infallible;
use core::hint::black_box;
use core::panic::PanicInfo;
use core::time::Duration;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use proto::can::{Frame, Id};
use proto::isotp::{Config, Framing, Link};
use proto::secondary::{Reply, Request};
use proto::uds::{Control, Ecu, Handler, Server};
use secondary_ecu::flash::{Banks, Flash, Layout};
use secondary_ecu::verifier::PartialPlus;
use secondary_ecu::{EcuKey, Profile, Secondary};
use uptane::verify::proof::ProvenPrimary;
use uptane::verify::signature::BadSignature;
use uptane::{EcuId, Error, HardwareId, KeyId, Nonce, PublicKey, Sha256, Time, VehicleId};

/// The first and only thing this firmware does: it boots, and answers until the bus has nothing more to say.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> i32 {
    let Ok(profile) = profile() else { return 1 };
    let layout = Layout { state_pages: 4, slot_size: 64 * 1024, bank_size: 512 * 1024, banks: Banks::Two };
    let Ok(machine) = Secondary::boot(profile, layout, Chip, PartialPlus::default(), Chip) else { return 2 };
    match serve(Brake { machine, time: black_box(Time::MAX), resets: false }) {
        Ok(()) => 0,
        Err(_) => 3,
    }
}

fn profile() -> Result<Profile, Error> {
    let key = black_box("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    Ok(Profile {
        ecu: EcuId::parse(black_box("brake"))?,
        hardware: HardwareId::parse(black_box("brake-hw"))?,
        vehicle: VehicleId::parse(black_box("00112233445566778899aabbccddeeff"))?,
        primary: PublicKey::parse_ed25519(key)?,
        max_chunk: 1_024,
        progress: 16 * 1024,
    })
}

// Here alone is the crate built as firmware has it, without the algorithms a whole workspace turns on.
const _: () = assert!(size_of::<Secondary<PartialPlus, Chip, Chip>>() <= secondary_ecu::memory::BUDGET);

struct Brake {
    machine: Secondary<PartialPlus, Chip, Chip>,
    time: Time,
    resets: bool,
}

impl Handler for Brake {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self.machine.handle(request, self.time)
    }

    fn ecu(&mut self) -> Option<&mut dyn Ecu> {
        Some(self)
    }
}

impl Ecu for Brake {
    fn challenge(&mut self) -> Option<Nonce> {
        self.machine.challenge().ok()
    }

    fn prove(&self, challenge: Nonce, proof: &[u8; 64]) -> Result<ProvenPrimary, BadSignature> {
        self.machine.prove(challenge, proof)
    }

    fn permits(&self, control: Control) -> bool {
        match control {
            Control::Reset(_) => self.machine.permits_reset(),
            // Whether the car stands still.
            Control::Communication(..) | Control::DtcSetting(_) => black_box(true),
        }
    }

    fn obey(&mut self, control: Control) {
        self.resets |= matches!(control, Control::Reset(_));
        black_box(control);
    }
}

fn serve(mut ecu: Brake) -> Result<(), proto::Error> {
    let config = Config::new(Framing::CLASSICAL, Id::standard(0x7e8)?, Id::standard(0x7e0)?);
    let mut link: Link<2_048, 2_048> = Link::new(config);
    let mut server = Server::new(2_048);
    let mut out = [0; 2_048];
    let now = black_box(Duration::ZERO);
    while let Some(frame) = receive() {
        if let Some(message) = link.handle(&frame, now)? {
            let length = server.handle(message, now, &mut ecu, &mut out);
            link.send(&out[..length], now)?;
        }
        if let Some(length) = server.poll(now, &mut ecu, &mut out) {
            link.send(&out[..length], now)?;
        }
        while let Some(frame) = link.poll(now)? {
            black_box(frame);
        }
        if ecu.machine.wants_reset() || core::mem::take(&mut ecu.resets) {
            black_box(ecu.machine.vote_healthy().is_ok() && ecu.machine.reset().is_ok());
        }
    }
    Ok(())
}

fn receive() -> Option<Frame> {
    Frame::decode(black_box(b"datagram")).ok()
}

/// A chip with flash and a key, of which the compiler knows nothing.
struct Chip;

impl ErrorType for Chip {
    type Error = Infallible;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Infallible> {
        black_box((offset, bytes));
        Ok(())
    }

    fn capacity(&self) -> usize {
        black_box(2 * 1024 * 1024)
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = 8;
    const ERASE_SIZE: usize = 4_096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        black_box((from, to));
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        black_box((offset, bytes));
        Ok(())
    }
}

impl Flash for Chip {}

impl EcuKey for Chip {
    fn key_id(&self) -> KeyId {
        black_box(Sha256([0; 32])).into()
    }

    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]> {
        black_box(digest);
        Some(black_box([0; 64]))
    }
}

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {}
}
