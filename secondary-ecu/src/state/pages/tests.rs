use uptane::{Counter, Sha256, Time};

use super::*;
use crate::flash::ram::{RamFlash, Tear};
use crate::flash::{Bank, Banks, Layout};

const LAYOUT: Layout = Layout { state_pages: 2, slot_size: 2_048, bank_size: 2_048, banks: Banks::Two };

type Nor = RamFlash<8, 2_048>;

fn first() -> State {
    State::new(Bank::A, Sha256([1; 32]), Time::EPOCH)
}

fn counted(reports: u64) -> State {
    State { reports: Counter::new(reports).unwrap(), ..first() }
}

fn formatted() -> Nor {
    let mut store = Store::new(Nor::new(20 * 1_024), LAYOUT).unwrap();
    Pages::format(&mut store, &first()).unwrap();
    store.into_flash()
}

/// Appends states 1, 2, … until power fails or `count` are written; the last one that was acknowledged.
fn append_from(flash: &mut Nor, count: u64) -> u64 {
    let mut store = Store::new(flash, LAYOUT).unwrap();
    let (mut pages, state) = Pages::mount(&mut store).unwrap();
    let mut acknowledged = state.reports.get();
    for reports in acknowledged + 1..=count {
        if pages.append(&mut store, &counted(reports)).is_err() {
            break;
        }
        acknowledged = reports;
    }
    acknowledged
}

#[test]
fn flash_that_was_never_formatted_has_no_state() {
    let mut store = Store::new(Nor::new(20 * 1_024), LAYOUT).unwrap();
    assert_eq!(Pages::mount(&mut store).unwrap_err(), Fault::Storage);
}

#[test]
fn the_newest_of_many_records_counts() {
    let mut flash = formatted();
    assert_eq!(append_from(&mut flash, 50), 50);
    let mut store = Store::new(&mut flash, LAYOUT).unwrap();
    assert_eq!(Pages::mount(&mut store).unwrap().1, counted(50));
}

#[test]
fn a_power_cut_at_any_operation_leaves_the_old_state_or_the_new_one_even_when_cut_again() {
    for tear in Tear::ALL {
        for (first, second) in (0..30).flat_map(|first| (0..5).map(move |second| (first, second))) {
            let mut flash = formatted();
            let mut known = 0;
            for cut in [first, second] {
                flash.cut_power_at(cut, tear);
                known = append_from(&mut flash, 12).max(known);
                flash.restore_power();
                let mut store = Store::new(&mut flash, LAYOUT).unwrap();
                let found = Pages::mount(&mut store).unwrap().1.reports.get();
                assert!(found == known || found == known + 1, "{tear:?} {first} {second}: {found} after {known}");
                known = found;
            }
            assert_eq!(append_from(&mut flash, 12), 12);
        }
    }
}
