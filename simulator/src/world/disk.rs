//! A disk that forgets what was not synchronised, under the very [`Disk`](host::disk::Disk) and [`Bulk`](host::disk::Bulk)
//! that ship.
//!
//! **Modelled**, one level below what the traits promise: a file is replaced by writing beside it, synchronising, renaming
//! and synchronising the folder, each a counted operation. Between a step and the synchronisation that covers it stands a
//! page cache: at a power failure every sector of [`SECTOR`] bytes and every change of a folder's entries gets to the
//! device or does not, in any order, and a file may have any length on the way. Power fails before, inside or after a
//! chosen operation ([`Cut`]); an operation may be refused; the disk may be full; bits may rot; and a device may say that
//! it has synchronised when it has not, or refuse to ([`Device`]). Folders are made and synchronised like files. A second
//! file system could not be told from it by what survives: `host::disk::Folder` is run against it in the tests.
//!
//! **Not modelled**: time that operations take; pages that a failed synchronisation drops from the cache; damage to what
//! had been synchronised, other than by [`VirtualDisk::rot`]; access rights; other processes.
//!
//! What had not been synchronised is drawn from the disk's own [`Chance`], so the same operations leave the same bytes.

mod content;
mod medium;
mod steps;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::chance::Chance;
use medium::{Extent, Medium};

pub use content::SECTOR;

/// Why a step was not done.
type Refusal = ErrorKind;

/// A disk. A clone is another handle on the same one.
#[derive(Clone, Debug)]
pub struct VirtualDisk(Rc<RefCell<Inside>>);

/// All there is to a disk, to go back to.
#[derive(Clone, Debug)]
pub struct Snapshot(Inside);

#[derive(Clone, Debug)]
struct Inside {
    medium: Medium,
    chance: Chance,
    device: Device,
    operations: u64,
    /// What is to happen at which operation.
    mishaps: BTreeMap<u64, Mishap>,
    fired: Vec<Mishap>,
    dark: bool,
    unfinished: u64,
}

/// What goes wrong at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mishap {
    /// Power fails.
    Cut(Cut),
    /// The operation is refused as by a worn device; the next one is not.
    Refused,
}

/// How power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cut {
    /// When in the operation.
    pub point: Point,
    /// What becomes of the unsynchronised.
    pub unsynced: Unsynced,
}

/// A point of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Nothing of it happened.
    Before,
    /// Half of it happened.
    Inside,
    /// It happened as a whole, but nobody learnt of it.
    After,
}

/// What a power failure makes of what was not synchronised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsynced {
    /// None of it got to the device.
    Lost,
    /// All of it happened to get there.
    Kept,
    /// Each part of it got there or did not, as chance has it.
    Mixed,
}

/// How a device keeps its word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// When a file is to be synchronised.
    pub files: Word,
    /// When the entries of a folder are.
    pub folders: Word,
}

/// What a device does when it is asked to synchronise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// It does, and says so.
    #[default]
    Kept,
    /// It says so.
    Broken,
    /// It says that it cannot.
    Refused,
}

impl Cut {
    /// Every way.
    pub const ALL: [Self; 9] = {
        const fn cut(point: Point, unsynced: Unsynced) -> Cut {
            Cut { point, unsynced }
        }
        [
            cut(Point::Before, Unsynced::Lost),
            cut(Point::Before, Unsynced::Kept),
            cut(Point::Before, Unsynced::Mixed),
            cut(Point::Inside, Unsynced::Lost),
            cut(Point::Inside, Unsynced::Kept),
            cut(Point::Inside, Unsynced::Mixed),
            cut(Point::After, Unsynced::Lost),
            cut(Point::After, Unsynced::Kept),
            cut(Point::After, Unsynced::Mixed),
        ]
    };
}

impl VirtualDisk {
    /// An empty disk of `capacity` bytes, rounded down to sectors; each file takes one sector more than its bytes.
    pub fn new(capacity: u64, chance: Chance) -> Self {
        Self(Rc::new(RefCell::new(Inside {
            medium: Medium::new(capacity / SECTOR),
            chance,
            device: Device::default(),
            operations: 0,
            mishaps: BTreeMap::new(),
            fired: Vec::new(),
            dark: false,
            unfinished: 0,
        })))
    }

    /// Lets `mishap` happen at the operation of this number, counted from the disk's first, which is 0. One that is past
    /// never happens.
    pub fn plan(&self, operation: u64, mishap: Mishap) {
        self.0.borrow_mut().mishaps.insert(operation, mishap);
    }

    /// Cuts power at the operation of this number, counted from now: 0 is the next.
    pub fn cut_power_at(&self, operation: u64, cut: Cut) {
        self.plan(self.operations().saturating_add(operation), Mishap::Cut(cut));
    }

    /// Cuts power now, between two operations.
    pub fn cut_power(&self, unsynced: Unsynced) {
        self.0.borrow_mut().lose_power(unsynced);
    }

    /// Power is back. What is planned for later stays planned.
    pub fn restore_power(&self) {
        self.0.borrow_mut().dark = false;
    }

    /// Puts another device behind the disk; what is on it stays.
    pub fn replace_device(&self, device: Device) {
        self.0.borrow_mut().device = device;
    }

    /// Changes how much fits. What is there stays, even if it is more.
    pub fn set_capacity(&self, bytes: u64) {
        self.0.borrow_mut().medium.set_capacity(bytes / SECTOR);
    }

    /// Flips a bit of the byte `place` of all bytes of files, counted on from the first again behind the last.
    pub fn rot(&self, place: u64, bit: u8) {
        self.0.borrow_mut().medium.rot(place, bit);
    }

    /// The mishaps that have happened since this was last asked.
    pub fn take_fired(&self) -> Vec<Mishap> {
        std::mem::take(&mut self.0.borrow_mut().fired)
    }

    /// Operations so far: steps that change something or make it durable. Reading is none.
    pub fn operations(&self) -> u64 {
        self.0.borrow().operations
    }

    /// Whether there is no power.
    pub fn is_dark(&self) -> bool {
        self.0.borrow().dark
    }

    /// Bytes in use, whole sectors of them.
    pub fn used(&self) -> u64 {
        self.0.borrow().medium.used().saturating_mul(SECTOR)
    }

    /// The disk as it is, planned mishaps and chance to come included. Costs a few words for each file and name.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.borrow().clone())
    }

    /// Makes the disk what it was.
    pub fn restore(&self, snapshot: &Snapshot) {
        *self.0.borrow_mut() = snapshot.0.clone();
    }
}

impl Inside {
    /// Counts an operation and does as much of it as power and luck allow.
    fn operate(&mut self, act: impl Fn(&mut Medium, Extent) -> Result<(), Refusal>) -> Result<(), Refusal> {
        self.check_power()?;
        let number = self.operations;
        self.operations = number.saturating_add(1);
        let Some(mishap) = self.mishaps.remove(&number) else {
            return act(&mut self.medium, Extent::Whole);
        };
        self.fired.push(mishap);
        let Mishap::Cut(Cut { point, unsynced }) = mishap else {
            return Err(ErrorKind::Other);
        };
        // Whether the step would have been refused, nobody is there to hear.
        let _ = match point {
            Point::Before => Ok(()),
            Point::Inside => act(&mut self.medium, Extent::Half),
            Point::After => act(&mut self.medium, Extent::Whole),
        };
        self.lose_power(unsynced);
        Err(NO_POWER)
    }

    fn lose_power(&mut self, unsynced: Unsynced) {
        if !self.dark {
            self.medium.lose_power(unsynced, &mut self.chance);
        }
        self.dark = true;
    }

    fn check_power(&self) -> Result<(), Refusal> {
        if self.dark { Err(NO_POWER) } else { Ok(()) }
    }
}

/// What a process is told that has no power. It hears it, if at all, as one that is no more.
const NO_POWER: ErrorKind = ErrorKind::BrokenPipe;
