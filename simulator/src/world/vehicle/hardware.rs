//! What ECUs of one hardware id have in common: processor, flash and its division, disk, CAN controller.

use std::num::NonZeroU32;
use std::time::Duration;

use secondary_ecu::flash::{Banks, Layout};
use toml::Spanned;
use uptane::HardwareId;

use super::flash::{Flash, Length, length};
use crate::world::description::{Bytes, Fields, Frequency, Notes, Pause, Word};

/// A kind of ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardware {
    id: HardwareId,
    cpu: Frequency,
    flash: Flash,
    layout: Layout,
    disk: Option<Bytes>,
    controller: Controller,
}

impl Hardware {
    /// Reads a `[[hardware]]`.
    pub(super) fn read(id: HardwareId, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let cpu = fields.required::<Frequency>("cpu", notes);
        let disk = fields.optional::<Bytes>("disk", notes).map(Spanned::into_inner);
        let banks = fields.or("banks", Banks::Two, notes);
        let division = Division::read(fields, notes);
        let controller = Controller::read(fields, notes);
        let flash = match fields.table("flash", notes) {
            Some(flash) => Flash::read(flash, notes),
            None if fields.has("flash") => None,
            None => {
                fields.missing("flash", "a table with its size, units and times".to_owned(), notes);
                None
            }
        }?;
        let layout = division?.layout(&id, &flash, banks, notes)?;
        Some(Self { id, cpu: cpu?.into_inner(), flash, layout, disk, controller })
    }

    /// Its id.
    pub fn id(&self) -> HardwareId {
        self.id
    }

    /// Cycles per second of its processor.
    pub fn cpu(&self) -> Frequency {
        self.cpu
    }

    /// Where images and metadata are.
    pub fn flash(&self) -> &Flash {
        &self.flash
    }

    /// How many images it holds.
    pub fn banks(&self) -> Banks {
        self.layout.banks
    }

    /// How the flash is divided.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Bytes of the longest image.
    pub fn longest_image(&self) -> Bytes {
        Bytes(self.layout.bank_size.into())
    }

    /// Where a full verifier keeps what it verified; `None` if it has none.
    pub fn disk(&self) -> Option<Bytes> {
        self.disk
    }

    /// What receives its CAN frames.
    pub fn controller(&self) -> Controller {
        self.controller
    }
}

impl Word for Banks {
    const WHAT: &'static str = "bank layout";
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Single, "single"), (Self::Two, "two")];
}

/// A CAN controller: frames wait in it until the processor takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Frames that fit; one more is lost.
    pub frames: NonZeroU32,
    /// How long the processor needs to take one.
    pub latency: Duration,
}

impl Controller {
    const USUAL: Self = Self { frames: NonZeroU32::MIN.saturating_add(15), latency: Duration::from_micros(20) };

    /// Reads `controller = { … }`; without it, 16 frames, each taken within 20 µs.
    fn read(fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Self {
        let Some(mut fields) = fields.table("controller", notes) else { return Self::USUAL };
        let frames = fields.or("frames", Self::USUAL.frames, notes);
        let latency = fields.or("latency", Pause(Self::USUAL.latency), notes).0;
        fields.finish(notes);
        Self { frames, latency }
    }
}

/// How the file wants the flash divided.
struct Division {
    state_pages: u32,
    slot: Option<Length>,
    bank: Length,
}

impl Division {
    fn read(fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let pages = fields.optional::<NonZeroU32>("state_pages", notes);
        if let Some(one) = pages.as_ref().filter(|pages| pages.get_ref().get() < 2) {
            let found = "one page cannot be erased without losing the state in it".to_owned();
            notes.impossible(one.span(), found, "at least 2 state pages");
        }
        let slot = fields.optional("slot_size", notes).and_then(|slot| length(&slot, notes));
        let bank = fields.required("bank_size", notes).and_then(|bank| length(&bank, notes));
        let state_pages = pages.map_or(STATE_PAGES, |pages| pages.get_ref().get());
        Some(Self { state_pages, slot, bank: bank? })
    }

    /// The layout, if the flash can be divided so.
    fn layout(self, id: &HardwareId, flash: &Flash, banks: Banks, notes: &mut Notes<'_>) -> Option<Layout> {
        let Self { state_pages, slot, bank } = self;
        let unit = flash.erase_unit();
        let slot_size = slot.as_ref().map_or(SLOT_SIZE.next_multiple_of(unit), |(size, _)| size.get());
        let layout = Layout { state_pages, slot_size, bank_size: bank.0.get(), banks };
        let uneven = slot.iter().chain([&bank]).find(|(size, _)| !size.get().is_multiple_of(unit));
        if let Some((size, span)) = uneven {
            let found = format!("{} is no whole number of erase units of `{id}`", Bytes(size.get().into()));
            notes.impossible(span.clone(), found, format!("a multiple of {}", Bytes(unit.into())));
            return None;
        }
        let needed = Bytes(layout.needed(unit));
        let size = Bytes(flash.size().into());
        if needed <= size {
            return Some(layout);
        }
        let [slot, image] = [slot_size, layout.bank_size].map(|size| Bytes(size.into()));
        let banks = match banks {
            Banks::Single => format!("a bank of {image} with two headers"),
            Banks::Two => format!("two banks of {image} with header"),
        };
        let parts = format!("{state_pages} state pages, 4 metadata slots of {slot} and {banks}");
        let found = format!("the flash of `{id}` has {size}, but {parts} take {needed}");
        notes.impossible(bank.1, found, "a smaller bank, smaller slots or a larger flash");
        None
    }
}

/// State pages, where a file does not say.
const STATE_PAGES: u32 = 4;
/// Bytes of a metadata slot, where a file does not say.
const SLOT_SIZE: u32 = 16 * 1024;
