//! The whole system inside the guest: both repositories on its loopback, a Primary on one CAN interface, Secondaries on
//! another, and between the two a relay that loses frames.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use host::can::Interest;
use primary_ecu::status::EcuStatus;
use proto::can::{Format, Id};
use simulator::live::{Connection, Ecu, Framing, Launcher, System, Wiring};

use super::relay::{self, Counts};
use super::{error_frame, ip};

/// The word for it on the command line.
pub const NAME: &str = "update";

/// Interfaces it takes.
pub const INTERFACES: u32 = 2;
/// Frames of a thousand that are lost.
pub const LOST_PER_THOUSAND: u64 = 10;
/// Bytes of the image.
pub const IMAGE: usize = 32 * 1024;
/// How long the update may take.
pub const LIMIT: Duration = Duration::from_secs(480);

/// Ids of the Secondaries: one on classical CAN, one on FD.
pub const SECONDARIES: [&str; 2] = ["brakes", "battery"];
/// Name of the image.
const NEW: &str = "firmware/new.bin";
/// The interfaces that the relay joins.
const SIDES: [&str; 2] = ["vcan0", "vcan1"];

const VEHICLE: [Ecu; 3] = [
    Ecu { id: "gateway", hardware: "gateway-hw", connection: Connection::Primary },
    Ecu {
        id: "brakes",
        hardware: "brakes-hw",
        connection: Connection::Can { framing: Framing::Classical, request: 0x7e0, response: 0x7e8 },
    },
    Ecu {
        id: "battery",
        hardware: "battery-hw",
        connection: Connection::Can { framing: Framing::Fd, request: 0x7e1, response: 0x7e9 },
    },
];

/// Makes the system in `folder`, updates it, and prints what it took.
pub(super) fn run(folder: &Path, seed: &str) -> Result<()> {
    let seed: u64 = seed.parse()?;
    let counts = start_relay(seed)?;
    let [primary, secondaries] = SIDES.map(str::to_owned);
    let wiring = Wiring { primary, secondaries };
    let mut system = System::create_on(Launcher::current()?, folder, &VEHICLE, &image(seed), &wiring)?;
    system.start_primary()?;
    let path = folder.join("new.bin");
    let new = image(seed ^ u64::MAX);
    std::fs::write(&path, &new)?;
    system.publish(NEW, &path, 2)?;
    let watch = host::clock::stopwatch();
    system.assign(NEW)?;

    // In the middle of it the controller leaves the bus, and then the interface goes down.
    wait_for_bytes(&mut system, IMAGE / 4)?;
    error_frame(SIDES[0], BUS_OFF, 0)?;
    std::thread::sleep(Duration::from_millis(500));
    error_frame(SIDES[0], RESTARTED, 0)?;
    wait_for_bytes(&mut system, IMAGE / 2)?;
    ip(&format!("link set {} down", SIDES[0]))?;
    std::thread::sleep(Duration::from_millis(500));
    ip(&format!("link set {} up", SIDES[0]))?;

    let ecus = system.wait("all ECUs to run the new image", LIMIT, |status| {
        simulator::live::all_run(status, NEW).then(|| status.ecus.clone())
    })?;
    println!("seconds {:.1}", watch.elapsed().as_secs_f64());
    print_counts(&counts);
    print_ecus(&ecus)?;
    let (running, digest) = (system.running()?, uptane::Sha256::of(&new).to_string());
    ensure!(running.iter().all(|(_, sha256)| *sha256 == digest), "an ECU says otherwise: {running:?}");
    Ok(())
}

/// Waits until the Secondary on classical CAN, the slower one, holds so many bytes of its image.
fn wait_for_bytes(system: &mut System, bytes: usize) -> Result<()> {
    let bytes = u64::try_from(bytes)?;
    let holds = |ecu: &EcuStatus| ecu.update.as_ref().is_some_and(|update| update.done >= bytes);
    let ready = |status: &primary_ecu::status::Status| {
        status.ecus.iter().find(|ecu| ecu.ecu == SECONDARIES[0]).filter(|ecu| holds(ecu)).map(drop)
    };
    Ok(system.wait("an image to be on its way", LIMIT, ready)?)
}

/// A thread of its own, for as long as the process lives.
fn start_relay(seed: u64) -> Result<Arc<Counts>> {
    let counts = Arc::new(Counts::default());
    let identifiers = [0x7e0, 0x7e8, 0x7e1, 0x7e9].into_iter().map(Id::standard).collect::<Result<_, _>>()?;
    let interest = Interest { identifiers, format: Format::Fd };
    let (relay_counts, runtime) = (Arc::clone(&counts), host::serve::runtime()?);
    std::thread::spawn(move || {
        let ended = runtime.block_on(relay::carry(SIDES, &interest, LOST_PER_THOUSAND, seed, relay_counts));
        eprintln!("the relay ended: {ended:?}");
    });
    Ok(counts)
}

fn print_counts(counts: &Counts) {
    let all = [
        ("frames", &counts.frames),
        ("lost", &counts.lost),
        ("bytes", &counts.bytes),
        ("overflown", &counts.overflown),
    ];
    for (name, count) in all {
        println!("{name} {}", count.load(Ordering::Relaxed));
    }
}

fn print_ecus(ecus: &[EcuStatus]) -> Result<()> {
    for id in SECONDARIES {
        let ecu = ecus.iter().find(|ecu| ecu.ecu == id).with_context(|| format!("no {id}"))?;
        let update = ecu.update.as_ref().with_context(|| format!("no update of {id}"))?;
        println!("{id}-bytes {}", update.bytes_sent);
        println!("{id}-retries {}", update.repeated);
        println!("{id}-seconds {:.1}", update.wall_seconds);
        println!("{id}-bus-seconds {:.2}", Duration::from_nanos(update.bus_time_ns.unwrap_or(0)).as_secs_f64());
    }
    Ok(())
}

/// Bytes without a pattern.
fn image(seed: u64) -> Vec<u8> {
    let words = (0..u64::try_from(IMAGE / 8).unwrap_or_default()).map(|index| seed.wrapping_add(index));
    words.flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).to_le_bytes()).collect()
}

/// Classes of error frames (`linux/can/error.h`).
const BUS_OFF: u32 = 0x040;
const RESTARTED: u32 = 0x100;
