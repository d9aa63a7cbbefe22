//! Flash memory: its units, and how long each takes.

use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use secondary_ecu::flash::MAX_WRITE_UNIT;
use secondary_ecu::state::RECORD_SIZE;
use toml::Spanned;

use crate::world::description::{Bytes, Fields, Notes, Pause};

/// What a flash can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flash {
    size: NonZeroU32,
    write_unit: NonZeroU32,
    write_time: Duration,
    erase_unit: NonZeroU32,
    erase_time: Duration,
    endurance: NonZeroU32,
}

impl Flash {
    /// Reads `flash = { … }`.
    pub(super) fn read(mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let size = fields.required("size", notes).and_then(|size| length(&size, notes));
        let write_unit = fields.required("write_unit", notes).and_then(|unit| length(&unit, notes));
        let erase_unit = fields.required("erase_unit", notes).and_then(|unit| length(&unit, notes));
        let write_time = fields.required::<Pause>("write_time", notes);
        let erase_time = fields.required::<Pause>("erase_time", notes);
        let endurance = fields.or("endurance", ENDURANCE, notes);
        fields.finish(notes);
        let [size, write_unit, erase_unit] = units(size?, write_unit?, erase_unit?, notes)?;
        Some(Self {
            size,
            write_unit,
            write_time: write_time?.into_inner().0,
            erase_unit,
            erase_time: erase_time?.into_inner().0,
            endurance,
        })
    }

    /// Bytes it has.
    pub fn size(&self) -> u32 {
        self.size.get()
    }

    /// Bytes that are written at once.
    pub fn write_unit(&self) -> u32 {
        self.write_unit.get()
    }

    /// How long writing a unit takes.
    pub fn write_time(&self) -> Duration {
        self.write_time
    }

    /// Bytes that are erased at once.
    pub fn erase_unit(&self) -> u32 {
        self.erase_unit.get()
    }

    /// How long erasing a unit takes.
    pub fn erase_time(&self) -> Duration {
        self.erase_time
    }

    /// How often a unit can be erased before it wears out.
    pub fn endurance(&self) -> u32 {
        self.endurance.get()
    }
}

/// A length, and where it stands.
pub(super) type Length = (NonZeroU32, Range<usize>);

/// A length that a flash can have; a note, if it is none.
pub(super) fn length(bytes: &Spanned<Bytes>, notes: &mut Notes<'_>) -> Option<Length> {
    let length = u32::try_from(bytes.get_ref().0).ok().and_then(NonZeroU32::new);
    if length.is_none() {
        let found = format!("no part of a flash has {}", bytes.get_ref());
        notes.impossible(bytes.span(), found, "more than 0 bytes and less than 4 GiB");
    }
    Some((length?, bytes.span()))
}

/// Size, write unit and erase unit, if firmware can work with them and they divide each other.
fn units(size: Length, write: Length, erase: Length, notes: &mut Notes<'_>) -> Option<[NonZeroU32; 3]> {
    let bytes = |length: &Length| Bytes(length.0.get().into());
    let divides = |unit: &Length, whole: &Length| whole.0.get().is_multiple_of(unit.0.get());
    let most_written = u32::try_from(MAX_WRITE_UNIT).unwrap_or(u32::MAX);
    let (found, expected, span) = if write.0.get() > most_written {
        let found = format!("firmware writes at most {} at once", Bytes(most_written.into()));
        (found, "a smaller write unit".to_owned(), write.1)
    } else if !divides(&write, &erase) {
        let found = format!("an erase unit of {} is no whole number of write units", bytes(&erase));
        (found, format!("a multiple of {}", bytes(&write)), erase.1)
    } else if usize::try_from(erase.0.get()).is_ok_and(|erase| erase < RECORD_SIZE) {
        let found = format!("an erase unit of {} cannot hold a record of state", bytes(&erase));
        (found, format!("at least {RECORD_SIZE} B"), erase.1)
    } else if !divides(&erase, &size) {
        let found = format!("a flash of {} is no whole number of erase units", bytes(&size));
        (found, format!("a multiple of {}", bytes(&erase)), size.1)
    } else {
        return Some([size.0, write.0, erase.0]);
    };
    notes.impossible(span, found, expected);
    None
}

/// What makers of embedded NOR flash promise.
const ENDURANCE: NonZeroU32 = match NonZeroU32::new(10_000) {
    Some(cycles) => cycles,
    None => NonZeroU32::MIN,
};
