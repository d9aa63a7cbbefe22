//! Verifies Director Targets as firmware does, with `uptane` without features, on a thread that gets no memory.
//!
//! usage: probe-stream ROOT NEWER-ROOT TARGETS VEHICLE NOW ECU=HARDWARE…
//!
//! For every piece size from 1 byte to that of the one buffer, and one ECU after the other, prints what was verified:
//! `size ecu version file-sha256 image sha256 length line counter order`, and `size refused` for the same file with one
//! bit flipped. Code that asks for memory aborts this process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::error::Error as StdError;
use std::fs;

use uptane::verify::image::Permits as _;
use uptane::verify::partial::{
    Own, OwnTargets, Plus, RootStream, TargetsCheck, TargetsRules, TargetsStream, TrustedRoot,
};
use uptane::{EcuId, Error, ReleaseCounter, Time, VehicleId};

/// The one buffer through which everything arrives; its size is the largest piece.
const BUFFER: usize = 2_048;

fn main() -> Result<(), Box<dyn StdError>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, newer, targets, vehicle, now, ecus @ ..] = arguments.as_slice() else {
        return Err("usage: probe-stream ROOT NEWER-ROOT TARGETS VEHICLE NOW ECU=HARDWARE…".into());
    };
    if without_heap(|| Vec::<u8>::new().try_reserve(64).is_ok()) {
        return Err("the heap cannot be locked".into());
    }
    let case = Case {
        roots: [fs::read(root)?, fs::read(newer)?],
        vehicle: VehicleId::parse(vehicle)?,
        now: Time::parse(now)?,
    };
    let targets = fs::read(targets)?;
    println!("state {}", size_of::<TargetsCheck<Plus>>() + size_of::<TargetsStream<'_>>());
    let sizes = 1..=BUFFER;
    for (size, ecu) in sizes.zip(ecus.iter().cycle()) {
        let (ecu, hardware) = ecu.split_once('=').ok_or("an ECU is ECU=HARDWARE")?;
        let own = Own { ecu: ecu.parse()?, hardware_id: hardware.parse()?, previous: None, now: case.now };
        print(size, own.ecu, &without_heap(|| case.verify(own, &targets, size))?)?;
        let flipped = flipped(&targets, size);
        if without_heap(|| case.verify(own, &flipped, size)).is_err() {
            println!("{size} refused");
        }
    }
    Ok(())
}

fn print(size: usize, ecu: EcuId, own: &OwnTargets<Plus>) -> Result<(), Error> {
    let image = own.image(|_| ReleaseCounter::default())?;
    let listed = image.image();
    println!(
        "{size} {ecu} {} {} {} {} {} {} {} {}",
        own.version().get(),
        own.sha256(),
        listed.name.borrowed().as_str(),
        listed.hashes.sha256().map(|sha256| sha256.to_string()).unwrap_or_default(),
        listed.length.get(),
        listed.line,
        listed.release_counter.get(),
        image.order().map_or("none".to_owned(), |order| order.to_string()),
    );
    Ok(())
}

/// What is the same for all ECUs of the vehicle.
struct Case {
    roots: [Vec<u8>; 2],
    vehicle: VehicleId,
    now: Time,
}

impl Case {
    fn verify(&self, own: Own, file: &[u8], size: usize) -> Result<OwnTargets<Plus>, Error> {
        let root = self.root(size)?;
        let mut check = TargetsRules::partial_plus(root.fresh(own.now)?, self.vehicle).check(own);
        check.read(|stream| in_pieces(file, size, |piece| stream.feed(piece)))?.verify()
    }

    /// The provisioned Root, and the one that follows it, each read again and again.
    fn root(&self, size: usize) -> Result<TrustedRoot, Error> {
        let [provisioned, newer] = &self.roots;
        let learn = |file: &[u8]| {
            let mut stream = RootStream::learn();
            in_pieces(file, size, |piece| stream.feed(piece))?;
            stream.finish()
        };
        let candidate = learn(provisioned)?;
        let mut check = candidate.verify_as_provisioned();
        let first = check.read(|pass| in_pieces(provisioned, size, |piece| pass.feed(piece)))?.verify()?;
        let candidate = learn(newer)?;
        let mut check = first.check_successor();
        let closed = check.read(|pass| in_pieces(newer, size, |piece| pass.feed(piece)))?;
        let mut check = closed.verify(&candidate)?.verify_own();
        check.read(|pass| in_pieces(newer, size, |piece| pass.feed(piece)))?.verify().cloned()
    }
}

/// Hands `file` on through one small buffer, `size` bytes at a time.
fn in_pieces(file: &[u8], size: usize, mut feed: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    let mut buffer = [0; BUFFER];
    for piece in file.chunks(size) {
        let place = &mut buffer[..piece.len()];
        place.copy_from_slice(piece);
        feed(place)?;
    }
    Ok(())
}

/// `file` with one bit of what is signed flipped, another one for each size.
fn flipped(file: &[u8], size: usize) -> Vec<u8> {
    let signed = file.windows(9).position(|window| window == b"\"signed\":").map_or(0, |start| start + 9);
    let mut flipped = file.to_vec();
    flipped[signed + (size * 31) % (file.len() - signed - 1)] ^= 1;
    flipped
}

thread_local! {
    static LOCKED: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator, which gives nothing to a thread that runs [`without_heap`].
struct LockableHeap;

#[global_allocator]
static HEAP: LockableHeap = LockableHeap;

// SAFETY: what is given out comes from `System` with the same layout, and returning null is always allowed.
unsafe impl GlobalAlloc for LockableHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match LOCKED.get() {
            true => std::ptr::null_mut(),
            false => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Does `work` while this thread gets no memory.
fn without_heap<T>(work: impl FnOnce() -> T) -> T {
    LOCKED.set(true);
    let result = work();
    LOCKED.set(false);
    result
}
