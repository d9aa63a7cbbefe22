//! Power fails at every flash operation of an update, in every way it can; afterwards the ECU boots an authorised
//! image, no counter has fallen, and the update goes through. `cargo xtask evidence power-cut-secondary` does the same with
//! other flash, and oftener.

use super::bench::patch;
#[cfg(feature = "linux")]
use crate::bench::InFiles;
use crate::bench::{Bench, Course, InFlash, Kept, Shape};
use crate::flash::ram::Tear;
use crate::flash::{Banks, Layout};

/// A state page holds several records.
const ERASE: usize = 4_096;

fn bench<K: Kept<8, ERASE>>(banks: Banks, course: Course) -> Bench<K, 8, ERASE> {
    let layout = Layout { state_pages: 2, slot_size: 8 * 1_024, bank_size: 8 * 1_024, banks };
    Bench::new(Shape { layout, max_chunk: 512, progress: 1, image: 5_000 }).with(course)
}

/// One whose image comes as a patch, a few bytes at a time.
fn patched<K: Kept<8, ERASE>>() -> Bench<K, 8, ERASE> {
    let layout = Layout { state_pages: 2, slot_size: 8 * 1_024, bank_size: 8 * 1_024, banks: Banks::Two };
    Bench::patched(Shape { layout, max_chunk: 16, progress: 1, image: 5_000 }, patch())
}

/// Cuts the power at every `step`th operation of an update.
fn survives_a_cut<K: Kept<8, ERASE>>(bench: &Bench<K, 8, ERASE>, step: usize) {
    let operations = bench.unit().finish().unwrap();
    assert!(operations > 50, "{operations}");
    for (operation, tear) in (0..operations).step_by(step).flat_map(|at| Tear::ALL.map(|tear| (at, tear))) {
        let mut unit = bench.unit();
        assert!(unit.cut(operation, tear).unwrap());
        unit.finish().unwrap_or_else(|broken| panic!("{tear:?} at {operation}: {broken}"));
    }
}

/// As above, with a second cut while the ECU recovers.
fn survives_a_second_cut<K: Kept<8, ERASE>>(bench: &Bench<K, 8, ERASE>, step: usize) {
    let operations = bench.unit().finish().unwrap();
    let cuts = (0..operations).step_by(step).flat_map(|first| (0..12).step_by(2).map(move |second| (first, second)));
    for ((first, second), tear) in cuts.zip(Tear::ALL.into_iter().cycle()) {
        let mut unit = bench.unit();
        unit.cut(first, tear).unwrap();
        unit.cut(second, tear).unwrap_or_else(|broken| panic!("{tear:?} at {first} and {second}: {broken}"));
        unit.finish().unwrap_or_else(|broken| panic!("{tear:?} at {first} and {second}: {broken}"));
    }
}

#[test]
fn an_update_survives_a_power_cut_at_every_flash_operation() {
    survives_a_cut::<InFlash>(&bench(Banks::Two, Course::Commits), 1);
}

#[test]
fn an_update_survives_a_second_cut_while_it_recovers() {
    survives_a_second_cut::<InFlash>(&bench(Banks::Two, Course::Commits), 3);
}

#[test]
fn an_update_that_is_taken_back_survives_a_power_cut() {
    survives_a_cut::<InFlash>(&bench(Banks::Two, Course::Returns), 3);
}

#[test]
fn an_update_by_patch_survives_a_power_cut_at_every_flash_operation() {
    survives_a_cut::<InFlash>(&patched(), 1);
}

#[test]
fn an_update_by_patch_survives_a_second_cut_while_it_recovers() {
    survives_a_second_cut::<InFlash>(&patched(), 7);
}

#[cfg(feature = "linux")]
#[test]
fn an_update_by_patch_with_full_verification_survives_a_power_cut() {
    survives_a_cut::<InFiles>(&patched(), 4);
}

#[test]
fn an_update_of_a_single_bank_survives_a_power_cut_at_every_flash_operation() {
    survives_a_cut::<InFlash>(&bench(Banks::Single, Course::Commits), 1);
}

#[test]
fn an_update_of_a_single_bank_survives_a_second_cut_while_it_recovers() {
    survives_a_second_cut::<InFlash>(&bench(Banks::Single, Course::Commits), 7);
}

#[test]
fn a_single_bank_gets_its_old_image_back_after_a_power_cut_at_every_flash_operation() {
    survives_a_cut::<InFlash>(&bench(Banks::Single, Course::Returns), 1);
}

#[test]
fn a_single_bank_gets_its_old_image_back_after_a_second_cut() {
    survives_a_second_cut::<InFlash>(&bench(Banks::Single, Course::Returns), 7);
}

#[cfg(feature = "linux")]
#[test]
fn an_update_with_full_verification_survives_a_power_cut_between_flash_and_files() {
    survives_a_cut::<InFiles>(&bench(Banks::Two, Course::Commits), 4);
    survives_a_second_cut::<InFiles>(&bench(Banks::Two, Course::Commits), 12);
}

#[cfg(feature = "linux")]
#[test]
fn a_single_bank_with_full_verification_survives_a_power_cut_between_flash_and_files() {
    survives_a_cut::<InFiles>(&bench(Banks::Single, Course::Commits), 4);
    survives_a_cut::<InFiles>(&bench(Banks::Single, Course::Returns), 4);
}
