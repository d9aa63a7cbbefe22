//! Firmware that verifies partially, with `uptane` without features: no heap, no standard library.
//!
//! Every stream a Secondary has is driven once, so that the linker keeps all of it. What the streams are fed is not
//! metadata and is refused; the linker cannot know that.
#![no_std]

use core::hint::black_box;
use core::panic::PanicInfo;

use uptane::verify::image::ImageCheck;
use uptane::verify::partial::{CommandStream, Own, RootStream, TargetsRules, TrustedRoot};
use uptane::verify::time::TimeCheck;
use uptane::{EcuId, Error, HardwareId, ImageLine, Nonce, PublicKey, ReleaseCounter, Time, VehicleId};

/// The first and only thing this firmware does.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> i32 {
    match verify(black_box(b"{}")) {
        Ok(()) => 0,
        Err(error) => i32::from(error.code()),
    }
}

fn verify(file: &[u8]) -> Result<(), Error> {
    let root = root(file)?;
    let now = time(&root, file)?;
    let ecu = EcuId::parse(black_box("brake"))?;
    let vehicle = VehicleId::parse(black_box("00112233445566778899aabbccddeeff"))?;
    let own = Own { ecu, hardware_id: HardwareId::parse(black_box("brake-hw"))?, previous: None, now };
    let mut check = TargetsRules::partial_plus(root.fresh(own.now)?, vehicle).check(own);
    let targets = check.read(|targets| targets.feed(file))?.verify()?;
    let image = targets.image(accepted)?;
    let mut check = ImageCheck::new(&image);
    check.update(file)?;
    black_box(check.finish()?);
    command(file, ecu, vehicle)
}

fn root(file: &[u8]) -> Result<TrustedRoot, Error> {
    let mut learned = RootStream::learn();
    learned.feed(file)?;
    let candidate = learned.finish()?;
    let mut check = candidate.verify_as_provisioned();
    let trusted = check.read(|pass| pass.feed(file))?.verify()?;
    let mut check = trusted.check_successor();
    let mut check = check.read(|pass| pass.feed(file))?.verify(&candidate)?.verify_own();
    check.read(|pass| pass.feed(file))?.verify().cloned()
}

fn time(root: &TrustedRoot, file: &[u8]) -> Result<Time, Error> {
    let nonce = Nonce::parse(black_box("00112233445566778899aabbccddeeff"))?;
    let known = Time::parse(black_box("2026-11-22T20:00:00Z"))?;
    let Some(keys) = root.time_keys() else { return Ok(known) };
    let mut check = TimeCheck::new(keys, nonce, known);
    Ok(check.read(|attestation| attestation.feed(file))?.verify()?.time())
}

fn command(file: &[u8], ecu: EcuId, vehicle: VehicleId) -> Result<(), Error> {
    let primary =
        PublicKey::parse_ed25519(black_box("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"))?;
    let mut command = CommandStream::new(primary, ecu, vehicle);
    command.feed(file)?;
    black_box(command.finish()?.transaction());
    Ok(())
}

fn accepted(line: ImageLine) -> ReleaseCounter {
    black_box(line);
    black_box(ReleaseCounter::default())
}

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {}
}
