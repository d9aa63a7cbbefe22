//! ECUs on a bus that hear images together.

use std::ops::Range;

use proto::can::{Format, Id};
use uptane::{EcuId, HardwareId};

use super::ecu::{Connection, Ecu, Hears};
use super::{Banks, Vehicle};
use crate::world::description::{Name, Notes};

/// ECUs of one kind that hear the same CAN id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The bus they are on.
    pub bus: Name,
    /// The format of its frames.
    pub format: Format,
    /// CAN id of what the Primary says to all of them.
    pub broadcast: Id,
    /// Each of them, in the order of the file, with the CAN id of its answers.
    pub members: Vec<(EcuId, Id)>,
}

impl Vehicle {
    /// The groups of ECUs that hear images together, bus by bus, in the order of the file.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups = Vec::<Group>::new();
        for ecu in self.buses().iter().flat_map(|bus| self.on_bus(bus.name())) {
            let Connection::Can { bus, format, hears: Some(Hears { broadcast, answer }), .. } = ecu.connection() else {
                continue;
            };
            let member = (ecu.id(), *answer);
            match groups.iter_mut().find(|group| group.bus == *bus && group.broadcast == *broadcast) {
                Some(group) => group.members.push(member),
                None => groups.push(Group {
                    bus: bus.clone(),
                    format: *format,
                    broadcast: *broadcast,
                    members: vec![member],
                }),
            }
        }
        groups
    }
}

/// The groups of which ECUs have been read.
#[derive(Debug, Default)]
pub(super) struct Groups(Vec<First>);

/// The first ECU of a group, and how many there are by now.
#[derive(Debug)]
struct First {
    bus: Name,
    broadcast: Id,
    format: Format,
    hardware: HardwareId,
    ecu: EcuId,
    count: usize,
}

impl Groups {
    /// Whether this id is what a group on this bus hears.
    pub(super) fn has(&self, bus: &Name, id: Id) -> bool {
        self.0.iter().any(|first| first.bus == *bus && first.broadcast == id)
    }

    /// Adds an ECU, which must be like the others of its group: they are sent one image, in one kind of frames.
    pub(super) fn add(&mut self, ecu: &Ecu, span: Range<usize>, notes: &mut Notes<'_>) {
        let Connection::Can { bus, format, hears: Some(Hears { broadcast, .. }), .. } = ecu.connection() else {
            return;
        };
        let (id, hardware) = (ecu.id(), ecu.hardware().id());
        if ecu.hardware().banks() == Banks::Single {
            let found = format!("ECU `{id}` has a single bank, and takes its image when no other ECU does");
            notes.impossible(span.clone(), found, "hardware with two banks, or neither `broadcast` nor `answer`");
        }
        let group = self.0.iter_mut().find(|first| first.bus == *bus && first.broadcast == *broadcast);
        let Some(first) = group else {
            let (bus, broadcast, format) = (bus.clone(), *broadcast, *format);
            return self.0.push(First { bus, broadcast, format, hardware, ecu: id, count: 1 });
        };
        first.count = first.count.saturating_add(1);
        let raw = broadcast.raw();
        if first.hardware != hardware {
            let found = format!(
                "ECU `{id}` would hear at CAN id {raw:#x} what is for `{}`, which `{}` is",
                first.hardware, first.ecu
            );
            notes.impossible(span, found, "ECUs of the same hardware in a group");
        } else if first.format != *format {
            let found = format!("ECU `{id}` would hear at CAN id {raw:#x} frames of the format of `{}`", first.ecu);
            notes.impossible(span, found, "the same format for all of a group");
        } else if first.count > MAX_MEMBERS {
            let found = format!("{} ECUs would hear at CAN id {raw:#x}", first.count);
            notes.impossible(span, found, format!("groups of at most {MAX_MEMBERS}"));
        }
    }
}

/// ECUs of a group.
const MAX_MEMBERS: usize = primary_ecu::can::broadcast::MAX_MEMBERS;
