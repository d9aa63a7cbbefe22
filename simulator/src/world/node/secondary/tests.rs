//! Secondaries that are updated by the Primary that ships, without a world.

mod faults;
mod rig;
mod timing;

use proto::secondary::Phase;
use uptane::ImageLine;

use super::*;
use rig::{CLASSICAL, ETHERNET, FD, Rig};

const FAST: &str =
    "size = \"1 MiB\", write_unit = \"32 B\", write_time = \"2 us\", erase_unit = \"4 KiB\", erase_time = \"400 us\"";
const WIDE: &str =
    "size = \"1 MiB\", write_unit = \"32 B\", write_time = \"120 us\", erase_unit = \"8 KiB\", erase_time = \"12 ms\"";
const USUAL: &str =
    "size = \"1 MiB\", write_unit = \"8 B\", write_time = \"40 us\", erase_unit = \"4 KiB\", erase_time = \"20 ms\"";
const SMALL: &str =
    "size = \"1 MiB\", write_unit = \"8 B\", write_time = \"60 us\", erase_unit = \"2 KiB\", erase_time = \"22 ms\"";
const FINE: &str =
    "size = \"1 MiB\", write_unit = \"4 B\", write_time = \"50 us\", erase_unit = \"1 KiB\", erase_time = \"25 ms\"";

/// Runs until the ECU is updated, which takes that many starts.
fn update(rig: &mut Rig, kind: &str, starts: u64) {
    let cycles = rig.converge();
    let case = format!("{kind} after {cycles} cycles and {}", rig.now);
    assert!(matches!(rig.node.phase(), Some(Phase::Committed(_))), "{case}: {:?}", rig.node.phase());
    let line = ImageLine::parse(rig.ecu().as_str()).unwrap();
    assert_eq!(rig.node.floor(line).map(ReleaseCounter::get), Some(2), "{case}");
    // A time that nobody asked for is not taken; that is no failed check.
    assert_eq!(rig.node.take_refusals(), [], "{case}");
    assert_eq!(rig.node.starts(), starts, "{case}");
}

#[test]
fn every_verification_on_every_transport_and_flash_is_updated() {
    let cases = [
        ("full", ETHERNET, FAST),
        ("full", FD, WIDE),
        ("full", CLASSICAL, USUAL),
        ("partial-plus", ETHERNET, FAST),
        ("partial-plus", FD, WIDE),
        ("partial-plus", CLASSICAL, SMALL),
        ("partial", ETHERNET, USUAL),
        ("partial", FD, WIDE),
        ("partial", CLASSICAL, FINE),
    ];
    for (verification, transport, flash) in cases {
        let mut rig = Rig::updated(verification, transport, flash, 1);
        update(&mut rig, &format!("{verification} {transport}"), 2);
    }
}

#[test]
fn an_only_bank_is_written_once_nothing_runs_and_its_image_starts_then() {
    for (verification, transport, flash) in [
        ("full", ETHERNET, FAST),
        ("partial-plus", FD, WIDE),
        ("partial-plus", CLASSICAL, SMALL),
        ("partial", CLASSICAL, FINE),
    ] {
        let mut rig = Rig::of_single_bank(verification, transport, flash, 1);
        // Out of the old image, and into the new one.
        update(&mut rig, &format!("{verification} {transport}"), 3);
    }
}

#[test]
fn the_same_seed_gives_the_same_update_to_the_nanosecond() {
    let run = |seed| {
        let mut rig = Rig::updated("partial-plus", CLASSICAL, USUAL, seed);
        rig.converge();
        (rig.now, rig.node.flash_operations(), rig.said)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
