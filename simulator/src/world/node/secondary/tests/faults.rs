//! Power that fails, images that do not work.

use std::time::Duration;

use host::disk::Disk as _;
use proto::secondary::Phase;

use super::rig::{CLASSICAL, ETHERNET, FD, Rig};
use super::{FAST, SMALL, USUAL, WIDE};
use crate::world::chance::Chance;
use crate::world::disk::{self, Cut, Device, Word};
use crate::world::flash::{self, Torn};
use crate::world::scenario::Sickness;
use crate::world::time::Moment;

type Make = fn(&str, &str, &str, u64) -> Rig;

const BANKS: [Make; 2] = [Rig::updated, Rig::of_single_bank];

const KINDS: [(&str, &str, &str); 4] = [
    ("full", ETHERNET, FAST),
    ("partial-plus", CLASSICAL, SMALL),
    ("partial-plus", FD, WIDE),
    ("partial", CLASSICAL, USUAL),
];

fn kinds() -> impl Iterator<Item = (Make, (&'static str, &'static str, &'static str))> {
    BANKS.into_iter().flat_map(|make| KINDS.map(|kind| (make, kind)))
}

#[test]
fn power_cuts_at_any_moment_of_an_update_are_survived() {
    for (make, (verification, transport, flash)) in kinds() {
        let mut clean = make(verification, transport, flash, 1);
        clean.converge();
        let mut chance = Chance::seeded(7).split(verification);
        let mut torn = 0;
        for _ in 0..12 {
            let at = Moment::from_nanos(chance.below(clean.now.nanos()));
            let mut rig = make(verification, transport, flash, 1);
            rig.cut = Some((at, at + Duration::from_millis(chance.between(1..=2_000))));
            rig.converge();
            assert_eq!((rig.cut, rig.node.broken()), (None, None), "{verification} {transport} cut at {at}");
            // One that falls when it was about to reset starts no more often than without.
            assert!(rig.node.starts() >= 2, "{verification} {transport} cut at {at}: it never fell");
            torn += u32::from(rig.now > clean.now);
        }
        assert!(torn > 0, "no cut cost anything");
    }
}

#[test]
fn a_torn_flash_operation_is_survived_and_told() {
    for (make, (verification, transport, flash)) in kinds() {
        let mut clean = make(verification, transport, flash, 1);
        let first = clean.node.flash_operations();
        clean.converge();
        let operations = clean.node.flash_operations() - first;
        for (number, torn) in (0..operations).step_by(usize::try_from(operations / 6).unwrap().max(1)).zip(Torn::ALL) {
            let mut rig = make(verification, transport, flash, 1);
            rig.node.cut_flash_at(number, torn);
            rig.converge();
            let fired = rig.node.take_fired();
            assert_eq!(fired, (vec![flash::Mishap::Cut(torn)], vec![]), "{verification} {transport} {number} {torn:?}");
        }
    }
}

#[test]
fn a_device_that_breaks_its_word_keeps_no_ecu_from_coming_back() {
    let mut clean = Rig::updated("full", ETHERNET, FAST, 1);
    clean.converge();
    let mut chance = Chance::seeded(11);
    let mut lost = 0;
    for seed in 1..=24 {
        let mut rig = Rig::updated("full", ETHERNET, FAST, seed);
        let at = Moment::from_nanos(chance.below(clean.now.nanos()));
        rig.node.disk().replace_device(Device { files: Word::Broken, folders: Word::Broken });
        rig.cut = Some((at, at + Duration::from_secs(1)));
        while rig.cut.is_some() {
            let _ = rig.cycle();
            rig.pass(Duration::from_millis(100));
        }
        rig.node.disk().replace_device(Device::default());
        lost += u32::from(rig.node.disk().list("metadata").unwrap().len() < 6);
        assert_eq!(rig.node.broken(), None, "seed {seed}, cut at {at}");
        rig.converge();
    }
    assert!(lost > 0, "nothing that was called durable was lost");
}

#[test]
fn of_a_torn_root_the_one_before_is_trusted() {
    for repository in ["director", "image"] {
        for torn in [b"".as_slice(), b"{\"signed\":", &[0; 512]] {
            let mut rig = Rig::updated("full", ETHERNET, FAST, 1);
            rig.node.disk().clone().replace(&format!("metadata/{repository}.root.json"), torn).unwrap();
            rig.cut = Some((rig.now, rig.now + Duration::from_secs(1)));
            rig.pass(Duration::from_secs(2));
            assert_eq!(rig.node.broken(), None, "{repository}");
            rig.converge();
        }
    }
}

#[test]
fn a_disk_that_loses_power_takes_its_ecu_down_and_the_update_still_ends() {
    let mut clean = Rig::updated("full", ETHERNET, FAST, 1);
    let first = clean.node.disk().operations();
    clean.converge();
    let operations = clean.node.disk().operations() - first;
    for (number, cut) in (0..operations).step_by(usize::try_from(operations / 9).unwrap()).zip(Cut::ALL) {
        let mut rig = Rig::updated("full", ETHERNET, FAST, 1);
        let first = rig.node.disk().operations();
        rig.node.plan_disk(first + number, disk::Mishap::Cut(cut));
        rig.converge();
        assert_eq!(rig.node.take_fired(), (vec![], vec![disk::Mishap::Cut(cut)]), "{number} {cut:?}");
        assert!(rig.node.starts() >= 2);
    }
}

#[test]
fn a_sick_image_is_left_again() {
    for sickness in [Sickness::Crashes, Sickness::VotesSick] {
        for (make, (verification, transport, flash)) in kinds() {
            let mut rig = make(verification, transport, flash, 1);
            let new = rig.new_image();
            rig.node.sicken(new, sickness);
            // One of a single bank has its turn after its Primary.
            let failed = (0..3).any(|_| {
                rig.pass(Duration::from_secs(5));
                rig.cycle().is_err()
            });
            assert!(failed, "{sickness:?} {verification}");
            let running = rig.node.running().unwrap();
            assert_eq!((running.authorised, running.sha256), (true, rig.old_image()), "{sickness:?} {verification}");
            assert!(matches!(rig.node.phase(), Some(Phase::RolledBack(_))), "{sickness:?} {verification}");
        }
    }
}

#[test]
fn nothing_answers_without_power_and_everything_is_forgotten() {
    let mut rig = Rig::updated("partial-plus", ETHERNET, USUAL, 1);
    assert!(rig.node.deadline() == Moment::NEVER && rig.node.running().is_some());
    rig.node.power_off(rig.now);
    assert!(rig.ask(proto::secondary::Request::Identify).is_err());
    assert_eq!((rig.node.running(), rig.node.phase(), rig.node.lost_power()), (None, None, None));
    rig.node.reset(rig.now);
    assert_eq!(rig.node.starts(), 1, "a reset gives no power");
    rig.node.power_on(rig.now);
    rig.node.power_on(rig.now);
    assert_eq!(rig.node.starts(), 2);
    assert!(rig.ask(proto::secondary::Request::Identify).is_err(), "it is starting");
    assert!(rig.ask(proto::secondary::Request::Identify).is_ok());
    rig.node.reset(rig.now);
    assert_eq!(rig.node.starts(), 3);
}
