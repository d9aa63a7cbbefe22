//! What happens inside a chip: erasing, programming, and undoing what power did not allow.

use std::collections::BTreeMap;
use std::time::Duration;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use secondary_ecu::flash::Flash;
use secondary_ecu::flash::ram::{RamFlash, RamFlashError, Saved};

use super::{Chip, ChipError, Endurance, Mishap, Timings, Torn};
use crate::world::chance::Chance;
use crate::world::time::Moment;

#[derive(Clone, Debug)]
pub(super) struct Inside<const WRITE: usize, const ERASE: usize> {
    pub(super) flash: RamFlash<WRITE, ERASE>,
    timings: Timings,
    endurance: Endurance,
    chance: Chance,
    /// When the last operation ends.
    pub(super) free: Moment,
    /// Operations that a power failure may still undo, in their order.
    undoable: Vec<Done>,
    /// Erases of each erase unit.
    pub(super) wear: Vec<u32>,
    /// What is to happen at which operation.
    pub(super) mishaps: BTreeMap<u64, Mishap>,
    pub(super) fired: Vec<Mishap>,
    pub(super) dark_since: Option<Moment>,
}

/// An operation, and what was there before.
#[derive(Clone, Debug)]
struct Done {
    act: Act,
    start: Moment,
    end: Moment,
    from: usize,
    length: usize,
    before: Saved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Erase,
    Program,
}

impl<const WRITE: usize, const ERASE: usize> Inside<WRITE, ERASE> {
    pub(super) fn new(
        flash: RamFlash<WRITE, ERASE>,
        timings: Timings,
        endurance: Endurance,
        chance: Chance,
        wear: Vec<u32>,
    ) -> Self {
        let (free, undoable, dark_since) = (Moment::START, Vec::new(), None);
        let (mishaps, fired) = (BTreeMap::new(), Vec::new());
        Self { flash, timings, endurance, chance, free, undoable, wear, mishaps, fired, dark_since }
    }

    pub(super) fn begin(&mut self, now: Moment) {
        self.free = self.free.max(now);
        self.undoable.retain(|done| done.end > now);
    }

    pub(super) fn restore_power(&mut self, now: Moment) {
        self.flash.restore_power();
        self.dark_since = None;
        self.undoable.clear();
        self.free = now;
    }

    pub(super) fn cut_power(&mut self, at: Moment) {
        if self.dark_since.is_some_and(|since| since <= at) {
            return;
        }
        while let Some(done) = self.undoable.pop().filter(|done| done.end > at) {
            self.undo(&done, at);
        }
        self.undoable.clear();
        (self.free, self.dark_since) = (at, Some(at));
    }

    /// Makes of an operation what had become of it at `at`. Every later one is undone.
    fn undo(&mut self, done: &Done, at: Moment) {
        let after = self.flash.save(done.from, done.length);
        self.flash.put_back(&done.before);
        let (unit, takes) = self.unit(done.act);
        let units = done.length.checked_div(unit).unwrap_or(0);
        let mut begun = 0;
        if at > done.start {
            let ended = (at - done.start).as_nanos().checked_div(takes.as_nanos());
            let ended = ended.and_then(|ended| usize::try_from(ended).ok()).unwrap_or(units).min(units);
            self.flash.put_back(&after.first(ended.saturating_mul(unit)));
            if ended < units {
                self.doubt(&after, done.from, ended.saturating_mul(unit), unit);
            }
            begun = ended.saturating_add(1).min(units);
        }
        if done.act == Act::Erase {
            for wear in self.wear.iter_mut().skip(done.from / ERASE).take(units).skip(begun) {
                *wear = wear.saturating_sub(1);
            }
        }
    }

    /// Leaves the unit `at` bytes behind `from` in doubt.
    fn doubt(&mut self, after: &Saved, from: usize, at: usize, unit: usize) {
        let ways = Torn::ALL;
        match self.chance.choose(&ways).copied().unwrap_or(Torn::Before) {
            Torn::Before => {}
            Torn::Half => self.flash.put_back(&after.first(at.saturating_add(unit / 2))),
            Torn::Noise => {
                let salt = self.chance.below(1 << 16);
                self.flash.spoil(from.saturating_add(at), unit, salt);
            }
            Torn::Weak => self.flash.weaken(from.saturating_add(at), unit),
            Torn::After => self.flash.put_back(&after.first(at.saturating_add(unit))),
        }
    }

    /// The unit of an act, and how long one takes.
    fn unit(&self, act: Act) -> (usize, Duration) {
        match act {
            Act::Erase => (ERASE, self.timings.erase),
            Act::Program => (WRITE, self.timings.program),
        }
    }

    /// Does an operation on a range, and takes the time for it.
    fn operate(
        &mut self,
        act: Act,
        from: u32,
        length: usize,
        run: impl FnOnce(&mut RamFlash<WRITE, ERASE>) -> Result<(), RamFlashError>,
    ) -> Result<(), ChipError> {
        self.check_power()?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let number = self.flash.operations();
        let before = self.flash.save(from, length);
        let mishap = self.arm(number);
        let result = run(&mut self.flash);
        if self.flash.operations() == number {
            // A rule was broken, so nothing happened.
            self.disarm(number, mishap);
            return result.map_err(ChipError::Flash);
        }
        let (unit, takes) = self.unit(act);
        let units = length.checked_div(unit).unwrap_or(0);
        let start = self.free;
        let pause = takes.saturating_mul(u32::try_from(units).unwrap_or(u32::MAX));
        self.free += pause;
        let worn = self.wear_out(act, from, length, mishap);
        self.note(mishap, start, pause);
        // What takes no time has happened or has not begun.
        if self.timings != Timings::NONE {
            self.undoable.push(Done { act, start, end: self.free, from, length, before });
        }
        result.map_err(ChipError::Flash).and(worn)
    }

    fn check_power(&self) -> Result<(), ChipError> {
        self.dark_since.map_or(Ok(()), |_| Err(ChipError::Flash(RamFlashError::PowerCut)))
    }

    /// Counts erases, and spoils what could not be erased or written.
    fn wear_out(&mut self, act: Act, from: usize, length: usize, mishap: Option<Mishap>) -> Result<(), ChipError> {
        let mut worn = mishap == Some(Mishap::WornOut);
        if act == Act::Erase && mishap != Some(Mishap::Cut(Torn::Before)) {
            for wear in self.wear.iter_mut().skip(from / ERASE).take(length / ERASE) {
                worn |= *wear >= self.endurance.0;
                *wear = wear.saturating_add(1);
            }
        }
        if worn {
            self.flash.weaken(from, length);
        }
        if worn { Err(ChipError::WornOut) } else { Ok(()) }
    }

    /// Makes ready what is to happen at the next operation.
    fn arm(&mut self, number: u64) -> Option<Mishap> {
        let mishap = self.mishaps.remove(&number)?;
        if let Mishap::Cut(torn) = mishap {
            self.flash.cut_power_at(0, torn.tear());
        }
        Some(mishap)
    }

    /// The operation did not take place, so what was to happen waits for the next.
    fn disarm(&mut self, number: u64, mishap: Option<Mishap>) {
        if let Some(mishap) = mishap {
            self.mishaps.insert(number, mishap);
            self.flash.restore_power();
        }
    }

    /// Writes down what has happened, and when power failed if it did.
    fn note(&mut self, mishap: Option<Mishap>, start: Moment, pause: Duration) {
        self.fired.extend(mishap);
        if let Some(Mishap::Cut(torn)) = mishap {
            let into = match torn {
                Torn::Before => Duration::ZERO,
                Torn::Half | Torn::Noise | Torn::Weak => pause / 2,
                Torn::After => pause,
            };
            self.free = start + into;
            self.dark_since = Some(self.free);
        }
    }
}

impl<const WRITE: usize, const ERASE: usize> ErrorType for Chip<WRITE, ERASE> {
    type Error = ChipError;
}

impl<const WRITE: usize, const ERASE: usize> ReadNorFlash for Chip<WRITE, ERASE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), ChipError> {
        let mut inside = self.0.borrow_mut();
        inside.check_power()?;
        inside.flash.read(offset, bytes).map_err(ChipError::Flash)?;
        let nanos =
            inside.timings.read.as_nanos().saturating_mul(u128::try_from(bytes.len()).unwrap_or(u128::MAX)) / 1_024;
        inside.free += Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.borrow().flash.capacity()
    }
}

impl<const WRITE: usize, const ERASE: usize> NorFlash for Chip<WRITE, ERASE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), ChipError> {
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        self.0.borrow_mut().operate(Act::Erase, from, length, |flash| flash.erase(from, to))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), ChipError> {
        self.0.borrow_mut().operate(Act::Program, offset, bytes.len(), |flash| flash.write(offset, bytes))
    }
}

impl<const WRITE: usize, const ERASE: usize> Flash for Chip<WRITE, ERASE> {
    fn sync(&mut self) -> Result<(), ChipError> {
        self.0.borrow_mut().operate(Act::Program, 0, 0, Flash::sync)
    }
}
