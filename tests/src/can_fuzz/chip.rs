//! Flash that can be copied while an ECU runs on it.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use secondary_ecu::flash::Flash;
use secondary_ecu::flash::ram::{RamFlash, RamFlashError};

/// Bytes that are written at once.
pub(super) const WRITE: usize = 8;
/// Bytes that are erased at once.
pub(super) const ERASE: usize = 1_024;
/// The flash of every ECU here.
pub(super) type Nor = RamFlash<WRITE, ERASE>;

/// A chip; clones are the same one.
#[derive(Clone)]
pub(super) struct Chip(Rc<RefCell<Nor>>);

impl Chip {
    /// One that holds this.
    pub(super) fn new(flash: Nor) -> Self {
        Self(Rc::new(RefCell::new(flash)))
    }

    /// What it holds now.
    pub(super) fn copy(&self) -> Nor {
        self.0.borrow().clone()
    }
}

impl ErrorType for Chip {
    type Error = RamFlashError;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = Nor::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), RamFlashError> {
        self.0.borrow_mut().read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.borrow().capacity()
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = Nor::WRITE_SIZE;
    const ERASE_SIZE: usize = Nor::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), RamFlashError> {
        self.0.borrow_mut().erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), RamFlashError> {
        self.0.borrow_mut().write(offset, bytes)
    }
}

impl Flash for Chip {
    fn sync(&mut self) -> Result<(), RamFlashError> {
        self.0.borrow_mut().sync()
    }
}
