//! Whether the ECUs of a vehicle go together: one Primary, ids of their own, a time when each can be reached.

use std::ops::Range;

use proto::can::Id;
use toml::Spanned;
use uptane::EcuId;

use super::ecu::{Connection, Ecu, Role};
use super::power::PowerState;
use crate::world::description::{Known, Name, Notes};

/// The ECUs that have been read.
pub(super) struct Topology {
    primary: Option<Primary>,
    secondaries: Known<(Ecu, Range<usize>)>,
    used: Vec<Used>,
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
        Self { primary: None, secondaries: Known::new("ECU"), used: Vec::new() }
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

    /// Every CAN id on a bus belongs to one direction of one ECU.
    fn take_ids(&mut self, ecu: &Ecu, span: Range<usize>, notes: &mut Notes<'_>) {
        let Connection::Can { bus, request, response, .. } = ecu.connection() else { return };
        for id in [*request, *response] {
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

    /// The Primary and the Secondaries, if they go together.
    pub(super) fn finish(self, notes: &mut Notes<'_>) -> Option<(Ecu, Vec<Ecu>)> {
        let Self { primary, secondaries, used: _ } = self;
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
