//! The one reader of signed files: a push scanner that needs no heap, and what is built on it.
//!
//! A file arrives in pieces of any size. [`Scanner`] checks that it is JSON, that it is in the canonical wire form
//! (design D1), and that it stays within [`crate::limits`]; it tells a [`Sink`] what it saw and which bytes were
//! signed. Whether a file comes from a slice or from a bus, it is this code that reads it.

#[cfg(feature = "alloc")]
pub(crate) mod canonical;
#[cfg(feature = "alloc")]
mod document;
mod event;
#[cfg(feature = "alloc")]
pub(crate) mod normal;
mod number;
mod open;
mod scan;
mod string;
mod text;
pub(crate) mod walk;

#[cfg(feature = "alloc")]
pub use document::Document;
pub(crate) use event::Whole;
pub use event::{Event, Kind, Sink, Span};
pub use open::{Path, Step};
pub use scan::Scanner;
pub(crate) use scan::read;

use core::cmp::Ordering;

use crate::{Error, told};

/// Room for the longest string that a sink must see in one piece: a target name, with room for one more character.
pub(crate) const TOKEN: usize = crate::limits::MAX_TARGET_NAME + 5;

mod sealed {
    use core::cmp::Ordering;

    use crate::Error;

    pub trait Form {
        /// Says what to do about a byte that is JSON and not canonical.
        fn deviation(at: usize) -> Result<(), Error>;
        /// Says what to do about a key that does not come after the one before it, but compares so with it.
        fn disorder(order: Ordering, at: usize) -> Result<(), Error>;
    }
}

/// The canonical wire form: any deviation is an error. The only form whose content is ever used.
#[derive(Clone, Copy, Debug)]
pub enum Canonical {}

impl sealed::Form for Canonical {
    fn deviation(at: usize) -> Result<(), Error> {
        Err(Error::NotCanonical { at: told(at) })
    }

    fn disorder(order: Ordering, at: usize) -> Result<(), Error> {
        match order {
            // Where keys ascend, equal ones are neighbours: this finds every duplicate.
            Ordering::Equal => Err(Error::Duplicate { what: told("key") }),
            Ordering::Less | Ordering::Greater => Self::deviation(at),
        }
    }
}

/// Any JSON: what [`Document`] rewrites into the canonical form before anything reads it.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Any {}

#[cfg(feature = "alloc")]
impl sealed::Form for Any {
    fn deviation(_: usize) -> Result<(), Error> {
        Ok(())
    }

    fn disorder(_: Ordering, _: usize) -> Result<(), Error> {
        Ok(())
    }
}

/// Any JSON whose keys ascend, so that it becomes canonical as it is read.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ascending {}

#[cfg(feature = "alloc")]
impl sealed::Form for Ascending {
    fn deviation(_: usize) -> Result<(), Error> {
        Ok(())
    }

    fn disorder(_: Ordering, at: usize) -> Result<(), Error> {
        Err(Error::NotCanonical { at })
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
