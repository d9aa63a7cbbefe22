//! Flash in memory, for tests and the simulator: it enforces the rules of NOR flash and can lose power.
//!
//! A broken rule (a second write to a byte since its erase, a misaligned or outlying access) is an error of its own, so
//! that no test passes by luck. Its [`Power`] is cut at a chosen operation, in one of the ways of [`Tear`]; afterwards
//! every operation fails until [`RamFlash::restore_power`]. What was not synced may be lost with it.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

use super::Flash;
use super::cells::Cells;
pub use super::cells::Saved;
pub use super::power::{Operation, Power, Tear};

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RamFlashError {
    /// Not aligned.
    NotAligned,
    /// Out of bounds.
    OutOfBounds,
    /// There is no power.
    PowerCut,
    /// A byte was written twice without an erase between.
    WrittenTwice,
}

impl NorFlashError for RamFlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::PowerCut | Self::WrittenTwice => NorFlashErrorKind::Other,
        }
    }
}

/// NOR flash in memory with a write unit of `WRITE` and an erase unit of `ERASE` bytes.
#[derive(Debug)]
pub struct RamFlash<const WRITE: usize, const ERASE: usize> {
    cells: Cells,
    synced: Option<Cells>,
    power: Power,
}

impl<const WRITE: usize, const ERASE: usize> Clone for RamFlash<WRITE, ERASE> {
    /// Another flash with the same bytes, and a power of its own.
    fn clone(&self) -> Self {
        Self { cells: self.cells.clone(), synced: self.synced.clone(), power: self.power.apart() }
    }
}

impl<const WRITE: usize, const ERASE: usize> RamFlash<WRITE, ERASE> {
    /// Flash of `capacity` bytes that holds noise, as after years of other use.
    pub fn new(capacity: usize) -> Self {
        Self { cells: Cells::new(capacity), synced: None, power: Power::default() }
    }

    /// Cuts power at the operation of this number, counted from now: 0 is the next erase, write or sync.
    pub fn cut_power_at(&mut self, operation: u64, tear: Tear) {
        // What is not synced matters only to this tear; a copy of every cell is dear.
        self.synced = (tear == Tear::Unsynced).then(|| self.cells.clone());
        self.power.cut_at(operation, tear);
    }

    /// Power is back; the cut is over.
    pub fn restore_power(&mut self) {
        // Wherever power failed, what was not synced is lost.
        if let Some(synced) = self.synced.take().filter(|_| self.is_dark()) {
            self.cells = synced;
        }
        self.power.restore();
    }

    /// The power it draws on, for what fails together with it.
    pub fn power(&self) -> &Power {
        &self.power
    }

    /// Flips one bit, as worn flash does.
    pub fn flip(&mut self, at: usize) {
        self.cells.flip(at);
    }

    /// Erases, writes and syncs so far.
    pub fn operations(&self) -> u64 {
        self.power.operations()
    }

    /// Whether power has been cut.
    pub fn is_dark(&self) -> bool {
        self.power.is_dark()
    }

    /// Counts an operation and does as much of it as power allows.
    fn operate(&mut self, from: usize, length: usize, act: impl Fn(&mut Cells, usize)) -> Result<(), RamFlashError> {
        match self.power.operate() {
            Operation::Whole => {
                act(&mut self.cells, length);
                return Ok(());
            }
            Operation::Torn(_, Tear::Before | Tear::Unsynced) | Operation::Refused => {}
            Operation::Torn(_, Tear::Half) => act(&mut self.cells, length / 2),
            Operation::Torn(number, Tear::Noise) => self.cells.spoil(from, length, number),
            Operation::Torn(_, Tear::After) => act(&mut self.cells, length),
            Operation::Torn(_, Tear::Weak) => self.cells.weaken(from, length),
        }
        Err(RamFlashError::PowerCut)
    }

    fn check(&self, offset: u32, length: usize, unit: usize) -> Result<usize, RamFlashError> {
        let from = super::size(offset);
        if from.checked_add(length).is_none_or(|end| end > self.cells.capacity()) {
            return Err(RamFlashError::OutOfBounds);
        }
        if !from.is_multiple_of(unit) || !length.is_multiple_of(unit) {
            return Err(RamFlashError::NotAligned);
        }
        Ok(from)
    }
}

/// What a simulator does to flash, which no operation counts.
impl<const WRITE: usize, const ERASE: usize> RamFlash<WRITE, ERASE> {
    /// The cells of a range; what is outside the flash is left out.
    pub fn save(&self, from: usize, length: usize) -> Saved {
        self.cells.save(from, length)
    }

    /// Makes the cells of a range what they were.
    pub fn put_back(&mut self, saved: &Saved) {
        self.cells.put_back(saved);
    }

    /// Makes a range hold noise, as after an operation that power left half done.
    pub fn spoil(&mut self, from: usize, length: usize, salt: u64) {
        self.cells.spoil(from, length, salt);
    }

    /// Makes a range read as erased but too weak to be written.
    pub fn weaken(&mut self, from: usize, length: usize) {
        self.cells.weaken(from, length);
    }
}

impl<const WRITE: usize, const ERASE: usize> ErrorType for RamFlash<WRITE, ERASE> {
    type Error = RamFlashError;
}

impl<const WRITE: usize, const ERASE: usize> ReadNorFlash for RamFlash<WRITE, ERASE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), RamFlashError> {
        if self.is_dark() {
            return Err(RamFlashError::PowerCut);
        }
        let from = self.check(offset, bytes.len(), 1)?;
        self.cells.read(from, bytes);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.capacity()
    }
}

impl<const WRITE: usize, const ERASE: usize> NorFlash for RamFlash<WRITE, ERASE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), RamFlashError> {
        let length = super::size(to.checked_sub(from).ok_or(RamFlashError::OutOfBounds)?);
        let from = self.check(from, length, ERASE)?;
        self.operate(from, length, |cells, length| cells.erase(from, length))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), RamFlashError> {
        let from = self.check(offset, bytes.len(), WRITE)?;
        if !self.cells.are_erased(from, bytes.len()) {
            return Err(RamFlashError::WrittenTwice);
        }
        self.operate(from, bytes.len(), |cells, length| {
            cells.write(from, bytes.get(..length).unwrap_or_default());
        })
    }
}

impl<const WRITE: usize, const ERASE: usize> Flash for RamFlash<WRITE, ERASE> {
    fn sync(&mut self) -> Result<(), RamFlashError> {
        self.operate(0, 0, |_, _| {})?;
        if self.synced.is_some() {
            self.synced = Some(self.cells.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Small = RamFlash<4, 16>;

    #[test]
    fn a_byte_is_written_once_between_erases() {
        let mut flash = Small::new(32);
        assert_eq!(flash.write(0, &[1; 4]), Err(RamFlashError::WrittenTwice));
        flash.erase(0, 16).unwrap();
        flash.write(0, &[1; 4]).unwrap();
        assert_eq!(flash.write(0, &[1; 4]), Err(RamFlashError::WrittenTwice));
    }

    #[test]
    fn units_and_bounds_are_enforced() {
        let mut flash = Small::new(32);
        assert_eq!(flash.erase(0, 8), Err(RamFlashError::NotAligned));
        assert_eq!(flash.erase(16, 48), Err(RamFlashError::OutOfBounds));
        assert_eq!(flash.write(2, &[0; 4]), Err(RamFlashError::NotAligned));
    }

    #[test]
    fn after_a_cut_nothing_works_until_power_is_back() {
        let mut flash = Small::new(32);
        flash.cut_power_at(1, Tear::Half);
        flash.erase(0, 16).unwrap();
        assert_eq!(flash.write(0, &[7; 8]), Err(RamFlashError::PowerCut));
        assert_eq!(flash.read(0, &mut [0]), Err(RamFlashError::PowerCut));
        flash.restore_power();
        let mut bytes = [0; 8];
        flash.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [7, 7, 7, 7, 0xff, 0xff, 0xff, 0xff]);
    }

    #[test]
    fn what_was_put_back_reads_and_is_written_as_before() {
        let mut flash = Small::new(32);
        flash.erase(0, 16).unwrap();
        flash.write(0, &[1; 4]).unwrap();
        let saved = flash.save(0, 16);
        flash.write(4, &[2; 8]).unwrap();
        flash.put_back(&saved);
        flash.write(4, &[3; 4]).unwrap();
        flash.put_back(&saved.first(4));
        let mut bytes = [0; 16];
        flash.read(0, &mut bytes).unwrap();
        assert_eq!(bytes[..12], [1, 1, 1, 1, 3, 3, 3, 3, 0xff, 0xff, 0xff, 0xff]);
        flash.weaken(8, 4);
        assert_eq!(flash.write(8, &[4; 4]), Err(RamFlashError::WrittenTwice));
    }

    #[test]
    fn what_was_not_synced_is_lost_with_power() {
        let mut flash = Small::new(32);
        flash.cut_power_at(3, Tear::Unsynced);
        flash.erase(0, 16).unwrap();
        flash.sync().unwrap();
        flash.write(0, &[7; 4]).unwrap();
        assert_eq!(flash.write(4, &[7; 4]), Err(RamFlashError::PowerCut));
        flash.restore_power();
        let mut bytes = [0; 4];
        flash.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [0xff; 4]);
    }
}
