//! Flash as this ECU divides it: state pages, metadata slots, one bank or two.
//!
//! Everything durable goes through [`Store`], which keeps each part inside its own [`Area`] and turns every failure of
//! the driver into [`Fault::Storage`]. Offsets are bytes from the start of the part.

mod append;
#[cfg(any(test, feature = "testing"))]
mod cells;
mod layout;
#[cfg(any(test, feature = "testing"))]
mod power;
#[cfg(any(test, feature = "testing"))]
pub mod ram;

use embedded_storage::nor_flash::NorFlash;

pub use append::Appender;
pub use layout::{Area, BadLayout, Bank, Banks, Kind, Layout, Side};

use crate::Fault;

/// Largest write unit this ECU supports.
pub const MAX_WRITE_UNIT: usize = 32;

/// NOR flash whose writes can be made durable.
///
/// Reads must be possible at every byte (`READ_SIZE` 1), the write unit is at most [`MAX_WRITE_UNIT`].
///
/// # Security
/// A `sync` that answers too early lets a power cut reorder a state record and what it speaks of: the ECU may then hold
/// a bank for complete that is not. It is hashed again before it boots, so this costs availability, never authenticity.
pub trait Flash: NorFlash {
    /// How many images there is room for, if that is known when the driver is compiled: what an ECU with another number of
    /// banks does is then left out. [`Store::new`] refuses a layout that says something else.
    const BANKS: Option<Banks> = None;

    /// Returns when every earlier write and erase will survive a power cut. Real NOR flash has nothing to do.
    fn sync(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl<F: Flash> Flash for &mut F {
    const BANKS: Option<Banks> = F::BANKS;

    fn sync(&mut self) -> Result<(), Self::Error> {
        F::sync(self)
    }
}

/// The flash and how it is divided.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    layout: Layout,
}

impl<F: Flash> Store<F> {
    /// Refuses a division that this flash cannot hold.
    pub fn new(flash: F, layout: Layout) -> Result<Self, BadLayout> {
        layout.check::<F>(flash.capacity())?;
        if F::BANKS.is_some_and(|banks| banks != layout.banks) {
            return Err(BadLayout::Banks);
        }
        Ok(Self { flash, layout })
    }

    /// Gives the flash back.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Reads `into.len()` bytes at `at`.
    pub fn read(&mut self, area: Area, at: u32, into: &mut [u8]) -> Result<(), Fault> {
        let offset = area.offset(at, into.len())?;
        self.flash.read(offset, into).map_err(storage)
    }

    /// Writes whole write units into erased flash.
    pub fn write(&mut self, area: Area, at: u32, bytes: &[u8]) -> Result<(), Fault> {
        let offset = area.offset(at, bytes.len())?;
        self.flash.write(offset, bytes).map_err(storage)
    }

    /// Erases `length` bytes, which are whole erase units.
    pub fn erase(&mut self, area: Area, at: u32, length: u32) -> Result<(), Fault> {
        let from = area.offset(at, size(length))?;
        self.flash.erase(from, from.saturating_add(length)).map_err(storage)
    }

    /// Makes everything written so far durable.
    pub fn sync(&mut self) -> Result<(), Fault> {
        self.flash.sync().map_err(storage)
    }

    /// Feeds the first `length` bytes of `area` after `from` to `each`, through `buffer`.
    pub fn stream(
        &mut self,
        area: Area,
        from: u32,
        length: u32,
        buffer: &mut [u8],
        mut each: impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut at = 0;
        while at < length {
            let step = size(length - at).min(buffer.len());
            let piece = buffer.get_mut(..step).ok_or(Fault::Storage)?;
            self.read(area, from.saturating_add(at), piece)?;
            each(piece)?;
            at = at.saturating_add(u32::try_from(step).map_err(|_| Fault::Storage)?);
        }
        Ok(())
    }

    /// How many images there is room for.
    pub fn banks(&self) -> Banks {
        F::BANKS.unwrap_or(self.layout.banks)
    }

    /// How the flash is divided.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The erase unit.
    pub fn erase_unit(&self) -> u32 {
        layout::erase_unit::<F>()
    }

    /// The write unit.
    pub fn write_unit(&self) -> usize {
        F::WRITE_SIZE
    }
}

/// A driver's error says nothing a Primary could act on, so only the fact is kept.
fn storage(_: impl core::fmt::Debug) -> Fault {
    Fault::Storage
}

/// A flash offset as a slice index. Where `usize` is narrower, no slice is that long and every access is refused.
pub(crate) fn size(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
