//! Whether the ECUs of a vehicle go together: one Primary, ids of their own, a time when each can be reached.

use std::ops::Range;

use proto::can::Id;
use toml::Spanned;
use uptane::EcuId;

use super::ecu::{Connection, Ecu, Hears, Role};
use super::group::Groups;
use super::power::PowerState;
use crate::world::description::{Known, Name, Notes};

/// The ECUs that have been read.
pub(super) struct Topology {
    primary: Option<Primary>,
    secondaries: Known<(Ecu, Range<usize>)>,
    used: Vec<Used>,
    groups: Groups,
}

/// The first ECU that says it is the Primary; right or wrong.
struct Primary {
    line: usize,
    ecu: Option<Ecu>,
}

/// A CAN id that is taken on a bus.
struct Used {
    bus: Name,
    id: Id,
    ecu: EcuId,
    line: usize,
}

impl Topology {
    /// No ECU yet.
    pub(super) fn new() -> Self {
        Self { primary: None, secondaries: Known::new("ECU"), used: Vec::new(), groups: Groups::default() }
    }

    /// Adds what was read of one `[[ecu]]`.
    pub(super) fn add(&mut self, id: &Spanned<EcuId>, role: Role, ecu: Option<Ecu>, notes: &mut Notes<'_>) {
        let name = id.get_ref().as_str();
        if RESERVED.contains(&name) {
            let found = format!("no ECU can be called `{name}`, which scenarios say for something else");
            notes.impossible(id.span(), found, "another id");
        }
        if let Some(ecu) = &ecu {
            self.take_ids(ecu, id.span(), notes);
            self.groups.add(ecu, id.span(), notes);
        }
        match role {
            Role::Primary => self.add_primary(id, ecu, notes),
            Role::Secondary => self.secondaries.add(name, id.span(), ecu.map(|ecu| (ecu, id.span())), notes),
        }
    }

    /// Notes that an ECU whose id is unknown says it is the Primary.
    pub(super) fn add_unnamed(&mut self, span: Range<usize>, role: Role, notes: &Notes<'_>) {
        if role == Role::Primary && self.primary.is_none() {
            self.primary = Some(Primary { line: notes.line(&span), ecu: None });
        }
    }

    fn add_primary(&mut self, id: &Spanned<EcuId>, ecu: Option<Ecu>, notes: &mut Notes<'_>) {
        match &self.primary {
            None => self.primary = Some(Primary { line: notes.line(&id.span()), ecu }),
            Some(Primary { line, .. }) => {
                let found = format!("ECU `{}` would be a second Primary, the first is in line {line}", id.get_ref());
                notes.impossible(id.span(), found, "one Primary; the others with role \"secondary\"");
            }
        }
    }

    /// Every CAN id on a bus belongs to one direction of one ECU, or of one group.
    fn take_ids(&mut self, ecu: &Ecu, span: Range<usize>, notes: &mut Notes<'_>) {
        let Connection::Can { bus, request, response, hears, .. } = ecu.connection() else { return };
        self.take_shared(ecu, *hears, &[*request, *response], span.clone(), notes);
        for id in [Some(*request), Some(*response), hears.map(|hears| hears.answer)].into_iter().flatten() {
            let taken = self.used.iter().find(|used| used.bus == *bus && used.id == id && used.ecu != ecu.id());
            if let Some(Used { ecu: other, line, .. }) = taken {
                let found = format!(
                    "CAN id {:#x} of ECU `{}` is taken on bus `{bus}`: by `{other}` in line {line}",
                    id.raw(),
                    ecu.id()
                );
                notes.impossible(span.clone(), found, "an id that no other ECU on this bus has");
            }
            self.used.push(Used { bus: bus.clone(), id, ecu: ecu.id(), line: notes.line(&span) });
        }
    }

    /// What a group hears is for that alone; the first of its ECUs takes it.
    fn take_shared(&mut self, ecu: &Ecu, hears: Option<Hears>, own: &[Id], span: Range<usize>, notes: &mut Notes<'_>) {
        let (Some(Hears { broadcast, answer }), Connection::Can { bus, .. }) = (hears, ecu.connection()) else {
            return;
        };
        let id = ecu.id();
        if own.contains(&broadcast) || own.contains(&answer) || broadcast == answer {
            let found = format!("ECU `{id}` would have one CAN id for two of request, response, broadcast and answer");
            notes.impossible(span, found, "an id of its own for each");
        } else if !self.groups.has(bus, broadcast) {
            let taken = self.used.iter().find(|used| used.bus == *bus && used.id == broadcast);
            if let Some(Used { ecu: other, line, .. }) = taken {
                let raw = broadcast.raw();
                let found = format!(
                    "CAN id {raw:#x}, which ECU `{id}` would hear, is taken on bus `{bus}`: by `{other}` in line {line}"
                );
                notes.impossible(span.clone(), found, "an id that no ECU on this bus has for itself");
            }
            self.used.push(Used { bus: bus.clone(), id: broadcast, ecu: id, line: notes.line(&span) });
        }
    }

    /// The Primary and the Secondaries, if they go together.
    pub(super) fn finish(self, notes: &mut Notes<'_>) -> Option<(Ecu, Vec<Ecu>)> {
        let Self { primary, secondaries, used: _, groups: _ } = self;
        let Some(primary) = primary else {
            let found = "no ECU is the Primary".to_owned();
            notes.impossible(0..0, found, "one [[ecu]] with role = \"primary\"");
            return None;
        };
        let primary = primary.ecu?;
        let id = primary.id();
        let secondaries = secondaries.into_values();
        for (ecu, span) in &secondaries {
            if ecu.id() == id {
                let found = format!("ECU `{id}` has the id of the Primary");
                notes.impossible(span.clone(), found, "an id of its own");
            }
            if !PowerState::LIVE.into_iter().any(|state| ecu.is_powered(state) && primary.is_powered(state)) {
                let found = format!("ECU `{}` never has power while the Primary `{id}` has", ecu.id());
                notes.impossible(span.clone(), found, "a supply that is on when the Primary's is");
            }
        }
        Some((primary, secondaries.into_iter().map(|(ecu, _)| ecu).collect()))
    }
}

/// What scenarios call what is no ECU.
const RESERVED: [&str; 5] = ["all", "cloud", "director", "image-repository", "rest"];
