//! Patches as `image-repo` makes them, for Secondaries whose power fails.

use secondary_ecu::bench::{Bench, InFiles, InFlash, Kept, Shape, me};
use secondary_ecu::flash::ram::Tear;
use secondary_ecu::flash::{Banks, Layout};
use uptane::testing::Repo;

const LAYOUT: Layout = Layout { state_pages: 2, slot_size: 8 * 1_024, bank_size: 16 * 1_024, banks: Banks::Two };

/// An update by patch, with power that fails at every `step`th operation.
fn survives_cuts<K: Kept<8, 2_048>>(shape: Shape, step: usize) {
    let ecu = me(&Repo::seeded(2));
    let new: Vec<u8> = ecu.image(2).into_iter().cycle().take(shape.image).collect();
    let patch = image_repo::delta::make(&ecu.image(1), &new).unwrap();
    assert!(patch.len() * 10 < new.len(), "{}", patch.len());
    let bench = Bench::<K, 8, 2_048>::patched(shape, patch);
    let operations = bench.unit().finish().unwrap();
    for (operation, tear) in (0..operations).step_by(step).zip(Tear::ALL.into_iter().cycle()) {
        let mut unit = bench.unit();
        assert!(unit.cut(operation, tear).unwrap(), "{operation}");
        unit.finish().unwrap_or_else(|broken| panic!("{tear:?} at {operation}: {broken}"));
    }
}

#[test]
fn a_patch_that_was_made_is_taken_wherever_the_power_fails() {
    for max_chunk in [1, 60, 512] {
        survives_cuts::<InFlash>(Shape { layout: LAYOUT, max_chunk, progress: 2_048, image: 12_000 }, 3);
    }
    survives_cuts::<InFiles>(Shape { layout: LAYOUT, max_chunk: 60, progress: 2_048, image: 12_000 }, 11);
}
