use std::mem::discriminant;

use host::Error;
use host::disk::{Access, Bulk, Disk, Folder, UNFINISHED};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 4] = ["a", "b", "state/a", "state/deep/b"];

#[derive(Clone, Debug)]
enum Step {
    Append(&'static str, Vec<u8>),
    Create(&'static str, Vec<u8>),
    Remove(&'static str),
    Rename(&'static str, &'static str),
    Replace(&'static str, Vec<u8>),
    Sync(&'static str),
}

fn disk() -> VirtualDisk {
    VirtualDisk::new(1 << 20, Chance::seeded(1))
}

fn name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&NAMES[..])
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..20), vec(any::<u8>(), 500..1_600)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (name(), bytes()).prop_map(|(name, bytes)| Step::Append(name, bytes)),
        (name(), bytes()).prop_map(|(name, bytes)| Step::Create(name, bytes)),
        name().prop_map(Step::Remove),
        (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        (name(), bytes()).prop_map(|(name, bytes)| Step::Replace(name, bytes)),
        name().prop_map(Step::Sync),
    ]
}

fn whole_step() -> impl Strategy<Value = Step> {
    step().prop_filter("appending is not durable", |step| !matches!(step, Step::Append(..) | Step::Rename(..)))
}

impl Step {
    fn take(&self, disk: &mut impl Bulk) -> Result<(), Error> {
        match self {
            Self::Append(name, bytes) => disk.append(name, bytes),
            Self::Create(name, bytes) => disk.create(name, bytes),
            Self::Remove(name) => disk.remove(name),
            Self::Rename(from, to) => disk.rename(from, to),
            Self::Replace(name, bytes) => disk.replace(name, bytes),
            Self::Sync(name) => disk.sync(name),
        }
    }
}

fn contents(disk: &impl Disk) -> Vec<Option<Vec<u8>>> {
    NAMES.map(|name| disk.read(name, u64::MAX).unwrap()).into()
}

/// Takes `steps` on a disk with this `device` and cuts power at its operation `at`. What the files were before the step
/// that failed, what they would have become, and what they are when power is back; `None` if power never failed.
fn cut(steps: &[Step], device: Device, at: u64, cut: Cut) -> Option<[Vec<Option<Vec<u8>>>; 3]> {
    let mut disk = disk();
    disk.replace_device(device);
    disk.cut_power_at(at, cut);
    for step in steps {
        let before = disk.snapshot();
        let result = step.take(&mut disk);
        if !disk.is_dark() {
            continue;
        }
        assert!(result.is_err());
        let [old, mut new] = [&before, &before].map(|snapshot| VirtualDisk(Rc::new(RefCell::new(snapshot.0.clone()))));
        new.0.borrow_mut().mishaps.clear();
        let _ = step.take(&mut new);
        disk.restore_power();
        return Some([contents(&old), contents(&new), contents(&disk)]);
    }
    None
}

proptest! {
    // A real file system takes its time to synchronise.
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_same_steps_do_the_same_as_on_a_real_file_system(steps in vec(step(), 0..12)) {
        let place = tempfile::tempdir().unwrap();
        let mut real = Folder::create(place.path(), Access::Private).unwrap();
        let mut disk = disk();
        for step in steps {
            let (got, expected) = (step.take(&mut disk), step.take(&mut real));
            let causes = [got, expected].map(|result| result.err().map(|error| discriminant(&error)));
            prop_assert_eq!(causes[0], causes[1], "{:?}", step);
        }
        prop_assert_eq!(contents(&disk), contents(&real));
        for name in NAMES {
            prop_assert_eq!(disk.length(name).unwrap(), real.length(name).unwrap());
            let (mut got, mut expected) = ([0; 600], [0; 600]);
            let read = disk.read_at(name, 300, &mut got).ok();
            prop_assert_eq!(read, real.read_at(name, 300, &mut expected).ok());
            prop_assert_eq!(got, expected);
        }
        for folder in ["", "state", "state/deep", "none"] {
            prop_assert_eq!(disk.list(folder).unwrap(), real.list(folder).unwrap());
        }
    }
}

proptest! {
    #[test]
    fn after_a_power_cut_every_file_is_the_old_or_the_new_one(
        steps in vec(whole_step(), 1..8), at in 0_u64..40, way in proptest::sample::select(&Cut::ALL[..]),
    ) {
        if let Some([old, new, left]) = cut(&steps, Device::default(), at, way) {
            for ((old, new), left) in old.iter().zip(&new).zip(&left) {
                prop_assert!(left == old || left == new, "{:?}", left);
            }
        }
    }

    #[test]
    fn a_run_is_the_same_however_often_it_is_repeated_from_a_snapshot(
        steps in vec(step(), 1..10), more in vec(step(), 1..10), at in 0_u64..20,
    ) {
        let mut disk = disk();
        steps.iter().for_each(|step| drop(step.take(&mut disk)));
        let snapshot = disk.snapshot();
        let runs = [(); 2].map(|()| {
            disk.restore(&snapshot);
            disk.cut_power_at(at, Cut { point: Point::Inside, unsynced: Unsynced::Mixed });
            more.iter().for_each(|step| drop(step.take(&mut disk)));
            disk.restore_power();
            (contents(&disk), disk.operations(), disk.used())
        });
        prop_assert_eq!(&runs[0], &runs[1]);
    }
}

/// Over every operation of a replacement and every way of cutting it: whether some cut leaves neither old nor new.
fn can_lose_data(device: Device) -> bool {
    let steps = [Step::Replace("state/a", vec![1; 1_500]), Step::Replace("state/a", vec![2; 1_500])];
    let after = Step::Replace("b", vec![3; 10]);
    let steps = [steps.as_slice(), &[after]].concat();
    let mut lost = false;
    let mut at = 0;
    while cut(&steps, device, at, Cut::ALL[0]).is_some() {
        for way in Cut::ALL {
            let [old, new, left] = cut(&steps, device, at, way).unwrap();
            lost |= old.iter().zip(&new).zip(&left).any(|((old, new), left)| left != old && left != new);
        }
        at += 1;
    }
    assert!(at > 10);
    lost
}

#[test]
fn replacing_loses_nothing_on_a_device_that_keeps_its_word() {
    assert!(!can_lose_data(Device::default()));
}

#[test]
fn dropping_the_synchronisation_of_files_loses_data() {
    assert!(can_lose_data(Device { files: Word::Broken, folders: Word::Kept }));
}

#[test]
fn dropping_the_synchronisation_of_folders_loses_data() {
    assert!(can_lose_data(Device { files: Word::Kept, folders: Word::Broken }));
}

#[test]
fn a_device_that_cannot_synchronise_leaves_the_old_file() {
    let mut disk = disk();
    disk.replace("a", b"old").unwrap();
    disk.replace_device(Device { files: Word::Refused, folders: Word::Kept });
    assert!(matches!(disk.replace("a", b"new"), Err(Error::Io { action: "write", .. })));
    assert_eq!(disk.read("a", 9).unwrap().unwrap(), b"old");
    assert_eq!(disk.used(), 2 * SECTOR);
}

#[test]
fn what_is_appended_may_be_lost_or_torn_until_it_is_synchronised() {
    let left: Vec<_> = (0..400)
        .map(|seed| {
            let mut disk = VirtualDisk::new(1 << 20, Chance::seeded(seed));
            disk.append("image", &[1; 700]).unwrap();
            disk.sync("image").unwrap();
            disk.append("image", &[2; 1_500]).unwrap();
            disk.cut_power(Unsynced::Mixed);
            disk.restore_power();
            disk.read("image", 9_999).unwrap().unwrap()
        })
        .collect();
    assert!(left.iter().all(|bytes| bytes.len() >= 700 && bytes[..700] == [1; 700]));
    assert!(left.iter().any(|bytes| bytes.len() == 700));
    assert!(left.iter().any(|bytes| bytes.len() == 2_200 && bytes[700..] == [2; 1_500]));
    assert!(left.iter().any(|bytes| bytes.len() == 2_200 && bytes.contains(&0)));
}

#[test]
fn a_file_in_a_folder_that_was_not_synchronised_goes_with_it() {
    let mut disk = disk();
    disk.replace_device(Device { files: Word::Kept, folders: Word::Broken });
    disk.replace("state/a", b"new").unwrap();
    disk.cut_power(Unsynced::Lost);
    disk.restore_power();
    assert_eq!(disk.read("state/a", 9).unwrap(), None);
    assert_eq!(disk.used(), 0);
}

#[test]
fn without_power_nothing_works_until_it_is_back() {
    let mut disk = disk();
    disk.replace("a", b"kept").unwrap();
    disk.cut_power_at(0, Cut { point: Point::After, unsynced: Unsynced::Kept });
    assert!(disk.replace("a", b"lost").is_err());
    assert!(disk.is_dark());
    assert!(disk.read("a", 9).is_err() && disk.list("").is_err() && disk.remove("none").is_err());
    disk.restore_power();
    assert_eq!(disk.read("a", 9).unwrap().unwrap(), b"kept");
    assert_eq!(disk.take_fired().len(), 1);
}

#[test]
fn what_a_crash_left_beside_is_not_listed_but_takes_room() {
    let mut disk = disk();
    disk.cut_power_at(1, Cut { point: Point::After, unsynced: Unsynced::Kept });
    assert!(disk.replace("a", &[1; 600]).is_err());
    disk.restore_power();
    assert!(disk.list("").unwrap().is_empty());
    assert_eq!(disk.0.borrow().medium.list("").unwrap(), [format!("{UNFINISHED}{:016x}", 0)]);
    assert_eq!(disk.used(), 3 * SECTOR);
}

#[test]
fn a_full_disk_refuses_and_keeps_what_it_has() {
    let mut disk = VirtualDisk::new(5 * SECTOR, Chance::seeded(1));
    disk.replace("a", &[1; 600]).unwrap();
    let full = disk.replace("a", &[2; 600]).unwrap_err();
    assert!(matches!(&full, Error::Io { source, .. } if source.kind() == ErrorKind::StorageFull), "{full}");
    assert_eq!(disk.read("a", 600).unwrap().unwrap(), [1; 600]);
    assert_eq!(disk.used(), 3 * SECTOR);
    disk.set_capacity(6 * SECTOR);
    disk.replace("a", &[2; 600]).unwrap();
    assert!(disk.append("b", &[3; 9_999]).is_err());
    assert_eq!(disk.length("b").unwrap(), Some(2 * SECTOR));
}

#[test]
fn an_operation_that_is_refused_is_not_done_and_the_next_one_is() {
    let mut disk = disk();
    disk.plan(3, Mishap::Refused);
    assert!(matches!(disk.replace("a", b"1"), Err(Error::Io { action: "replace", .. })));
    assert_eq!(disk.read("a", 9).unwrap(), None);
    disk.replace("a", b"2").unwrap();
    assert_eq!(disk.take_fired(), [Mishap::Refused]);
}

#[test]
fn rot_flips_one_bit_of_one_file() {
    let mut disk = disk();
    disk.rot(7, 0);
    disk.replace("a", &[0; 3]).unwrap();
    disk.replace("b", &[0; 3]).unwrap();
    disk.rot(6 + 4, 1);
    assert_eq!(disk.read("a", 3).unwrap().unwrap(), [0; 3]);
    assert_eq!(disk.read("b", 3).unwrap().unwrap(), [0, 2, 0]);
}

#[test]
fn names_stay_in_the_folder_and_files_under_their_limit() {
    let mut disk = disk();
    for name in ["", "../out", "/etc/passwd", "a/../../b", "./a/..", "a//b", "a/"] {
        assert!(matches!(disk.replace(name, b""), Err(Error::BadName { .. })), "{name}");
    }
    disk.replace("a", b"1234").unwrap();
    assert!(matches!(disk.read("a", 3), Err(Error::TooLong { limit: 3, .. })));
    assert!(disk.replace("a/b", b"").is_err());
}
