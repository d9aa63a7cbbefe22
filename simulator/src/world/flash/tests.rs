use std::ops::Range;

use embedded_storage::nor_flash::{NorFlash as _, ReadNorFlash as _};
use proptest::collection::vec;
use proptest::prelude::*;
use secondary_ecu::bank::Descriptor;
use secondary_ecu::flash::{Bank, Banks, Layout, Store};
use uptane::{ImageLine, Length, ReleaseCounter, Sha256, TargetName};

use super::*;

type Small = Chip<4, 16>;

const TIMINGS: Timings = Timings {
    erase: Duration::from_nanos(1_000),
    program: Duration::from_nanos(10),
    read: Duration::from_nanos(1_024),
};
const SIZE: usize = 64;

fn chip(seed: u64) -> Small {
    Small::new(SIZE, TIMINGS, Endurance::ENDLESS, Chance::seeded(seed))
}

fn at(nanos: u64) -> Moment {
    Moment::from_nanos(nanos)
}

fn cells(chip: &Small) -> Vec<u8> {
    let mut bytes = vec![0; SIZE];
    chip.clone().read(0, &mut bytes).unwrap();
    bytes
}

#[derive(Clone, Debug)]
enum Step {
    Erase(u32, u32),
    Write(u32, u8),
}

impl Step {
    fn take(&self, chip: &mut Small) -> Result<(), ChipError> {
        match *self {
            Self::Erase(from, units) => chip.erase(from * 16, (from + units).min(4) * 16),
            Self::Write(at, byte) => chip.write(at * 4, &[byte; 4]),
        }
    }

    /// Does the units that end within `nanos`, and tells which bytes are in doubt then.
    fn take_for(&self, nanos: u64, chip: &mut Small) -> Range<usize> {
        let (from, unit) = match *self {
            Self::Erase(from, _) => {
                let whole = u32::try_from(nanos / 1_000).unwrap();
                chip.erase(from * 16, (from + whole) * 16).unwrap();
                (from + whole, 16)
            }
            Self::Write(at, _) => (at, 4),
        };
        let from = usize::try_from(from).unwrap() * unit;
        from..from + unit
    }

    fn takes(&self) -> u64 {
        match *self {
            Self::Erase(from, units) => u64::from((from + units).min(4) - from) * 1_000,
            Self::Write(..) => 10,
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let erase = (0_u32..4, 1_u32..3).prop_map(|(from, units)| Step::Erase(from, units));
    prop_oneof![erase, (0_u32..16, any::<u8>()).prop_map(|(at, byte)| Step::Write(at, byte))]
}

proptest! {
    #[test]
    fn power_that_fails_at_any_moment_leaves_what_was_done_by_then_and_one_unit_in_doubt(
        steps in vec(step(), 1..8), cut in 0_u64..9_000, seed: u64,
    ) {
        let (mut chip, mut reference) = (chip(seed), chip(seed));
        let mut doubtful = 0..0;
        for step in &steps {
            let start = chip.free_at();
            if step.take(&mut chip).is_err() {
                continue; // Written twice: nothing happened, and no time went by.
            }
            prop_assert_eq!(chip.free_at(), start + Duration::from_nanos(step.takes()));
            if chip.free_at() <= at(cut) {
                step.take(&mut reference).unwrap();
            } else if start < at(cut) {
                doubtful = step.take_for(cut - start.nanos(), &mut reference);
            }
        }
        let wear = reference.wear();
        chip.cut_power(at(cut));
        prop_assert!(chip.clone().read(0, &mut [0]).is_err());
        chip.restore_power(at(cut));
        let (got, expected) = (cells(&chip), cells(&reference));
        for cell in (0..SIZE).filter(|cell| !doubtful.contains(cell)) {
            prop_assert_eq!(got[cell], expected[cell], "cell {}", cell);
        }
        for (unit, (got, expected)) in chip.wear().into_iter().zip(wear).enumerate() {
            let begun = doubtful.start == unit * 16 && doubtful.len() == 16;
            prop_assert_eq!(got, expected + u32::from(begun));
        }
    }
}

#[test]
fn a_unit_in_doubt_is_found_in_every_state() {
    let mut found: Vec<_> = (0..100)
        .map(|seed| {
            let mut chip = chip(seed);
            chip.erase(0, 16).unwrap();
            chip.begin(at(5_000));
            chip.write(0, &[7; 8]).unwrap();
            chip.cut_power(at(5_015));
            chip.restore_power(at(9_000));
            let bytes = cells(&chip);
            assert_eq!(bytes[..4], [7; 4]);
            let writable = chip.write(4, &[7; 4]).is_ok();
            match (&bytes[4..8], writable) {
                ([0xff, 0xff, 0xff, 0xff], true) => "before",
                ([0xff, 0xff, 0xff, 0xff], false) => "weak",
                ([7, 7, 0xff, 0xff], false) => "half",
                ([7, 7, 7, 7], false) => "after",
                (_, false) => "noise",
                (_, true) => "written but writable",
            }
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, ["after", "before", "half", "noise", "weak"]);
}

#[test]
fn operations_wait_for_those_before_and_for_the_node_to_begin() {
    let mut chip = chip(1);
    chip.begin(at(100));
    chip.erase(0, 32).unwrap();
    chip.write(0, &[1; 8]).unwrap();
    assert_eq!(chip.free_at(), at(2_120));
    chip.begin(at(2_000));
    chip.read(0, &mut [0; 32]).unwrap();
    assert_eq!(chip.free_at(), at(2_152));
    chip.begin(at(3_000));
    assert_eq!(chip.free_at(), at(3_000));
}

#[test]
fn a_cut_at_the_nth_operation_says_when_power_failed() {
    for (torn, since) in [(Torn::Before, 1_000), (Torn::Half, 1_500), (Torn::After, 2_000)] {
        let mut chip = chip(1);
        chip.cut_power_at(1, torn);
        chip.erase(0, 16).unwrap();
        assert_eq!(chip.erase(16, 32), Err(ChipError::Flash(RamFlashError::PowerCut)));
        assert_eq!(chip.dark_since(), Some(at(since)));
        assert_eq!(chip.take_fired(), [Mishap::Cut(torn)]);
        chip.restore_power(at(5_000));
        chip.erase(16, 32).unwrap();
        assert_eq!((chip.dark_since(), chip.free_at()), (None, at(6_000)));
    }
}

#[test]
fn an_operation_that_breaks_a_rule_leaves_a_planned_mishap_to_the_next() {
    let mut chip = chip(1);
    chip.cut_power_at(0, Torn::Before);
    assert_eq!(chip.write(0, &[1; 4]), Err(ChipError::Flash(RamFlashError::WrittenTwice)));
    assert_eq!((chip.dark_since(), chip.free_at()), (None, Moment::START));
    assert_eq!(chip.erase(0, 16), Err(ChipError::Flash(RamFlashError::PowerCut)));
}

#[test]
fn a_unit_wears_out_after_its_endurance_and_its_neighbour_does_not() {
    let mut chip = Small::new(SIZE, TIMINGS, Endurance(2), Chance::seeded(1));
    chip.erase(0, 16).unwrap();
    chip.erase(0, 32).unwrap();
    assert_eq!(chip.erase(0, 16), Err(ChipError::WornOut));
    assert!(chip.write(0, &[1; 4]).is_err());
    chip.erase(16, 32).unwrap();
    assert_eq!(chip.wear(), [3, 2, 0, 0]);
}

#[test]
fn a_planned_failure_spoils_what_it_touches() {
    let mut chip = chip(1);
    chip.plan(1, Mishap::WornOut);
    chip.erase(0, 16).unwrap();
    assert_eq!(chip.write(0, &[1; 4]), Err(ChipError::WornOut));
    assert!(chip.write(0, &[1; 4]).is_err());
    chip.write(4, &[1; 4]).unwrap();
}

#[test]
fn a_chip_goes_back_to_a_snapshot() {
    let mut chip = chip(1);
    chip.erase(0, 16).unwrap();
    let snapshot = chip.snapshot();
    let runs = [(); 2].map(|()| {
        chip.restore(&snapshot);
        chip.write(0, &[1; 16]).unwrap();
        chip.cut_power(at(1_025));
        chip.restore_power(at(2_000));
        (cells(&chip), chip.wear(), chip.operations())
    });
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn an_ecu_divides_a_chip_like_any_other_flash() {
    let chip = Chip::<8, 4_096>::new(256 * 1_024, TIMINGS, Endurance::ENDLESS, Chance::seeded(1));
    let layout = Layout { state_pages: 2, slot_size: 8 * 1_024, bank_size: 40 * 1_024, banks: Banks::Two };
    let mut store = Store::new(chip.clone(), layout).unwrap();
    let descriptor = Descriptor {
        name: TargetName::parse("brake/fw.bin").unwrap().to_buf(),
        length: Length::new(3).unwrap(),
        sha256: Sha256::of(b"new"),
        line: ImageLine::parse("brake").unwrap(),
        counter: ReleaseCounter::new(1).unwrap(),
    };
    store.describe(Bank::B, &descriptor).unwrap();
    assert_eq!(store.descriptor(Bank::B).unwrap(), Some(descriptor));
    assert_eq!(chip.operations(), 2);
    assert!(chip.free_at() > at(1_000));
}
