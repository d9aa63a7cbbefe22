//! Power that fails when a test wants it to.
//!
//! Whatever an ECU keeps draws on one [`Power`]: it counts the operations of all parts, and fails at a chosen one for all
//! of them. Afterwards every operation fails until power is restored.

use alloc::rc::Rc;
use core::cell::Cell;

/// What the operation during which power fails leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tear {
    /// Nothing of it happened.
    Before,
    /// Half of it happened.
    Half,
    /// What it touched holds noise.
    Noise,
    /// It happened as a whole, but nobody learnt of it.
    After,
    /// It did not happen, nor did anything since the last sync.
    Unsynced,
    /// What it touched reads as erased, but is too weak to be written.
    Weak,
}

impl Tear {
    /// Every way.
    pub const ALL: [Self; 6] = [Self::Before, Self::Half, Self::Noise, Self::After, Self::Unsynced, Self::Weak];
}

/// The power of one ECU; clones are the same power.
#[derive(Clone, Debug, Default)]
pub struct Power(Rc<Cell<Supply>>);

#[derive(Clone, Copy, Debug, Default)]
struct Supply {
    operations: u64,
    cut: Option<(u64, Tear)>,
    dark: bool,
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is carried out.
    Whole,
    /// Power fails while it is carried out: the operation of this number is torn like this.
    Torn(u64, Tear),
    /// There is no power.
    Refused,
}

impl Power {
    /// Another power that stands where this one does.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self(Rc::new(Cell::new(self.0.get())))
    }

    /// Cuts power at the operation of this number, counted from now: 0 is the next one.
    pub fn cut_at(&self, operation: u64, tear: Tear) {
        let supply = self.0.get();
        self.0.set(Supply { cut: Some((supply.operations.saturating_add(operation), tear)), ..supply });
    }

    /// Power is back; the cut is over.
    pub fn restore(&self) {
        self.0.set(Supply { cut: None, dark: false, ..self.0.get() });
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.0.get().operations
    }

    /// Whether power has been cut.
    pub fn is_dark(&self) -> bool {
        self.0.get().dark
    }

    /// Counts an operation, and says what becomes of it.
    pub fn operate(&self) -> Operation {
        let supply = self.0.get();
        if supply.dark {
            return Operation::Refused;
        }
        let number = supply.operations;
        let torn = supply.cut.filter(|(at, _)| *at == number);
        self.0.set(Supply { operations: number.saturating_add(1), dark: torn.is_some(), ..supply });
        torn.map_or(Operation::Whole, |(_, tear)| Operation::Torn(number, tear))
    }
}
