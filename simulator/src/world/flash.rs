//! NOR flash of a Secondary that takes its time, wears out, and loses power between two nanoseconds.
//!
//! The rules of NOR flash and cuts at the n-th operation are those of [`RamFlash`]. Added here: how long each operation
//! takes in virtual time, how often each erase unit has been erased and how often it can be, and a power failure at any
//! [`Moment`], also one that lies inside operations whose code has already run. A node runs its code at one moment and the
//! flash adds up how long that would have taken; the world lets what the node says leave it at [`Chip::free_at`]. Should
//! power fail before, [`Chip::cut_power`] undoes the operations that had not begun by then, does the one under way in part,
//! and leaves its write or erase unit in doubt.
//!
//! **Modelled**: units in order, one after the other, within an operation; a unit in doubt that is as before, half done,
//! done, noise, or erased but too weak to be written; wear per erase unit, and erases refused beyond its endurance.
//! **Not modelled**: suspended erases, cells that lose their charge with time or neighbours that disturb them other than
//! by [`Chip::flip`], and reads that fail.

mod operations;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use embedded_storage::nor_flash::{NorFlashError, NorFlashErrorKind, ReadNorFlash as _};
use operations::Inside;
use secondary_ecu::flash::ram::{RamFlash, RamFlashError, Tear};
use serde::{Deserialize, Serialize};

use super::chance::Chance;
use super::time::Moment;

/// A flash chip with a write unit of `WRITE` and an erase unit of `ERASE` bytes. A clone is another handle on it.
#[derive(Clone, Debug)]
pub struct Chip<const WRITE: usize, const ERASE: usize>(Rc<RefCell<Inside<WRITE, ERASE>>>);

/// All there is to a chip, to go back to.
#[derive(Clone, Debug)]
pub struct Snapshot<const WRITE: usize, const ERASE: usize>(Inside<WRITE, ERASE>);

/// How long operations take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Erasing one erase unit.
    pub erase: Duration,
    /// Programming one write unit.
    pub program: Duration,
    /// Reading one kibibyte.
    pub read: Duration,
}

impl Timings {
    /// No time at all.
    pub const NONE: Self = Self { erase: Duration::ZERO, program: Duration::ZERO, read: Duration::ZERO };
}

/// How often an erase unit can be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endurance(pub u32);

impl Endurance {
    /// As often as anybody likes.
    pub const ENDLESS: Self = Self(u32::MAX);
}

/// What goes wrong at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mishap {
    /// Power fails.
    Cut(Torn),
    /// The operation is refused, and what it was to touch cannot be written.
    WornOut,
}

/// What the operation during which power fails leaves behind. This flash has no cache, so nothing else is lost with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Torn {
    /// Nothing of it happened.
    Before,
    /// Half of it happened.
    Half,
    /// What it touched holds noise.
    Noise,
    /// What it touched reads as erased, but is too weak to be written.
    Weak,
    /// It happened as a whole, but nobody learnt of it.
    After,
}

impl Torn {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::Before, Self::Half, Self::Noise, Self::Weak, Self::After];

    fn tear(self) -> Tear {
        match self {
            Self::Before => Tear::Before,
            Self::Half => Tear::Half,
            Self::Noise => Tear::Noise,
            Self::Weak => Tear::Weak,
            Self::After => Tear::After,
        }
    }
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChipError {
    /// A rule of NOR flash was broken, or there is no power.
    #[error("{0:?}")]
    Flash(RamFlashError),
    /// The erase unit has been erased as often as it can be.
    #[error("the erase unit is worn out")]
    WornOut,
}

impl NorFlashError for ChipError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Flash(error) => error.kind(),
            Self::WornOut => NorFlashErrorKind::Other,
        }
    }
}

impl<const WRITE: usize, const ERASE: usize> Chip<WRITE, ERASE> {
    /// A chip of `capacity` bytes that holds noise.
    pub fn new(capacity: usize, timings: Timings, endurance: Endurance, chance: Chance) -> Self {
        Self::holding(RamFlash::new(capacity), timings, endurance, chance)
    }

    /// A new chip with this content, as from a programming station.
    pub fn holding(flash: RamFlash<WRITE, ERASE>, timings: Timings, endurance: Endurance, chance: Chance) -> Self {
        let wear = vec![0; flash.capacity().div_ceil(ERASE.max(1))];
        Self(Rc::new(RefCell::new(Inside::new(flash, timings, endurance, chance, wear))))
    }

    /// The node begins to run code at `now`: its operations begin then, or when those before have ended.
    pub fn begin(&self, now: Moment) {
        self.0.borrow_mut().begin(now);
    }

    /// When the last operation so far ends.
    pub fn free_at(&self) -> Moment {
        self.0.borrow().free
    }

    /// Power fails at `at`: later operations have not happened, the one under way has in part.
    pub fn cut_power(&self, at: Moment) {
        self.0.borrow_mut().cut_power(at);
    }

    /// Power is back at `now`. What is planned for later stays planned.
    pub fn restore_power(&self, now: Moment) {
        self.0.borrow_mut().restore_power(now);
    }

    /// Lets `mishap` happen at the operation of this number, counted from the chip's first, which is 0. One that is past
    /// never happens.
    pub fn plan(&self, operation: u64, mishap: Mishap) {
        self.0.borrow_mut().mishaps.insert(operation, mishap);
    }

    /// Cuts power at the operation of this number, counted from now: 0 is the next erase, write or sync.
    pub fn cut_power_at(&self, operation: u64, torn: Torn) {
        self.plan(self.operations().saturating_add(operation), Mishap::Cut(torn));
    }

    /// Flips one bit, as worn flash does.
    pub fn flip(&self, at: usize) {
        self.0.borrow_mut().flash.flip(at);
    }

    /// The mishaps that have happened since this was last asked.
    pub fn take_fired(&self) -> Vec<Mishap> {
        std::mem::take(&mut self.0.borrow_mut().fired)
    }

    /// Erases, writes and syncs so far.
    pub fn operations(&self) -> u64 {
        self.0.borrow().flash.operations()
    }

    /// Since when there is no power; `None` if there is.
    pub fn dark_since(&self) -> Option<Moment> {
        self.0.borrow().dark_since
    }

    /// How often each erase unit has been erased, in their order.
    pub fn wear(&self) -> Vec<u32> {
        self.0.borrow().wear.clone()
    }

    /// The chip as it is, planned mishaps and chance to come included. Copies every cell.
    pub fn snapshot(&self) -> Snapshot<WRITE, ERASE> {
        Snapshot(self.0.borrow().clone())
    }

    /// Makes the chip what it was.
    pub fn restore(&self, snapshot: &Snapshot<WRITE, ERASE>) {
        self.0.borrow_mut().clone_from(&snapshot.0);
    }
}
