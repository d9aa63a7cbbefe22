//! One ECU: what it is, how it is reached, how it verifies, what feeds it.

use proto::can::{Format, Id};
use secondary_ecu::flash::Banks;
use toml::Spanned;
use uptane::{EcuId, HardwareId};

use super::bus::Bus;
use super::hardware::Hardware;
use super::power::{PowerState, Supply};
use crate::world::description::{Fields, Known, Name, Notes, Word, unlike};

/// An ECU of a vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ecu {
    id: EcuId,
    hardware: Hardware,
    connection: Connection,
    verification: Verification,
    supply: Supply,
}

impl Ecu {
    /// Its id.
    pub fn id(&self) -> EcuId {
        self.id
    }

    /// What it is.
    pub fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// How it is reached.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// How it verifies.
    pub fn verification(&self) -> Verification {
        self.verification
    }

    /// What feeds it.
    pub fn supply(&self) -> &Supply {
        &self.supply
    }

    /// Whether it has power in `state`.
    pub fn is_powered(&self, state: PowerState) -> bool {
        self.supply.is_on(state)
    }

    /// Whether it is the Primary.
    pub fn is_primary(&self) -> bool {
        match self.connection {
            Connection::Primary => true,
            Connection::Can { .. } | Connection::Ethernet => false,
        }
    }
}

/// How an ECU is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// By UDS over ISO-TP on a CAN bus.
    Can {
        /// Which bus.
        bus: Name,
        /// Classical or FD.
        format: Format,
        /// CAN id of what the Primary sends.
        request: Id,
        /// CAN id of what the ECU sends.
        response: Id,
        /// How it hears images together with others, if it does.
        hears: Option<Hears>,
    },
    /// By gRPC over Ethernet.
    Ethernet,
    /// It is the Primary: the gateway to all others, on every bus.
    Primary,
}

/// How an ECU hears images together with the others on its bus that have the same broadcast id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hears {
    /// CAN id of what the Primary says to all of them.
    pub broadcast: Id,
    /// CAN id of what the ECU answers to that.
    pub answer: Id,
}

/// How an ECU verifies (§5.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verification {
    /// Both repositories, in full (§5.4.4.2).
    Full,
    /// The Director's Targets alone, with a key it was given once (§5.4.4.1).
    Partial,
    /// The same, following the Director's Roots.
    PartialPlus,
}

impl Word for Verification {
    const WHAT: &'static str = "verification";
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Full, "full"), (Self::PartialPlus, "partial-plus"), (Self::Partial, "partial")];
}

impl std::fmt::Display for Verification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Primary,
    Secondary,
}

impl Word for Role {
    const WHAT: &'static str = "role";
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Primary, "primary"), (Self::Secondary, "secondary")];
}

/// What ECUs of a file may speak of.
pub(super) struct Parts {
    pub(super) hardware: Known<Hardware>,
    pub(super) buses: Known<Bus>,
    pub(super) supplies: Known<Supply>,
    pub(super) has_ethernet: bool,
}

impl Parts {
    /// Reads what an `[[ecu]]` says beside id and role.
    pub(super) fn ecu(&self, id: EcuId, role: Role, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Ecu> {
        let hardware = fields.required::<HardwareId>("hardware", notes);
        let kind = hardware.as_ref().map(Spanned::span);
        let hardware = hardware.and_then(|id| self.hardware.find(id.get_ref().as_str(), id.span(), notes).copied());
        let verification = verification(role, fields, notes);
        let connection = match role {
            Role::Primary => primary(fields, notes),
            Role::Secondary => self.connection(fields, notes),
        };
        let supply = self.supply(fields, notes);
        let (hardware, verification) = (hardware?, verification?);
        if *verification.get_ref() == Verification::Full && hardware.disk().is_none() {
            let found = format!("ECU `{id}` verifies fully, but its hardware `{}` has no disk", hardware.id());
            notes.impossible(verification.span(), found, "hardware with `disk`, or partial verification");
        }
        if let (Role::Primary, Banks::Single, Some(kind)) = (role, hardware.banks(), kind) {
            let found =
                format!("the Primary `{id}` has images in two slots, but `{}` has a single bank", hardware.id());
            notes.impossible(kind, found, "hardware with two banks");
        }
        let verification = verification.into_inner();
        Some(Ecu { id, hardware, connection: connection?, verification, supply: supply? })
    }

    fn connection(&self, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Connection> {
        let Some(value) = fields.raw("transport") else {
            fields.missing("transport", TRANSPORT.to_owned(), notes);
            return None;
        };
        if value.get_ref().is_table() {
            let can = Fields::of_value(value, &format!("the transport of {}", fields.whose()), notes)?;
            return self.can(can, notes);
        }
        if value.get_ref().as_str() != Some("ethernet") {
            notes.note(value.span(), unlike(value.get_ref(), TRANSPORT));
            return None;
        }
        if !self.has_ethernet {
            let found = format!("{} is on Ethernet, but the file does not say how good that is", fields.whose());
            notes.impossible(value.span(), found, "a table [ethernet] with its delay and rate");
        }
        Some(Connection::Ethernet)
    }

    fn can(&self, mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<Connection> {
        let bus = fields.required::<Name>("bus", notes);
        let format = fields.required::<Format>("format", notes);
        let request = fields.required::<Id>("request", notes);
        let response = fields.required::<Id>("response", notes);
        let hears = hears(&mut fields, notes);
        let found = bus.as_ref().and_then(|bus| self.buses.find(bus.get_ref().as_str(), bus.span(), notes));
        fields.finish(notes);
        if let (Some(bus), Some(format)) = (found, &format)
            && *format.get_ref() == Format::Fd
            && !bus.is_fd()
        {
            let found = format!("bus `{}` is classical and cannot carry CAN FD frames", bus.name());
            notes.impossible(format.span(), found, "format \"classical\", or a `data` rate for the bus");
        }
        let (request, response) = (request?, response?);
        if request.get_ref() == response.get_ref() {
            let found = "requests and responses would have the same CAN id".to_owned();
            notes.impossible(response.span(), found, "an id of its own for each direction");
        }
        let (request, response) = (request.into_inner(), response.into_inner());
        let (bus, format) = (bus?.into_inner(), format?.into_inner());
        Some(Connection::Can { bus, format, request, response, hears: hears? })
    }

    fn supply(&self, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Supply> {
        if self.supplies.is_empty() && !fields.has("supply") {
            return Some(Supply::permanent());
        }
        let name = fields.required::<Name>("supply", notes)?;
        self.supplies.find(name.get_ref().as_str(), name.span(), notes).cloned()
    }
}

/// How the ECU hears images together with others; nothing if the file does not say.
fn hears(fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Option<Hears>> {
    if !fields.has("broadcast") && !fields.has("answer") {
        // So that both are among the keys that are known.
        fields.optional::<Id>("broadcast", notes);
        fields.optional::<Id>("answer", notes);
        return Some(None);
    }
    let broadcast = fields.required::<Id>("broadcast", notes);
    let answer = fields.required::<Id>("answer", notes);
    Some(Some(Hears { broadcast: broadcast?.into_inner(), answer: answer?.into_inner() }))
}

/// The Primary is where the others are connected to.
fn primary(fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Connection> {
    if let Some(transport) = fields.raw("transport") {
        let found = "the Primary reaches the others over every bus and Ethernet; nothing reaches it".to_owned();
        notes.impossible(transport.span(), found, "no `transport` here");
    }
    Some(Connection::Primary)
}

/// How the ECU verifies; a Primary always does so fully (§5.4.4).
fn verification(role: Role, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Spanned<Verification>> {
    match role {
        Role::Primary => {
            let said = fields.optional::<Verification>("verification", notes);
            if let Some(other) = said.filter(|said| *said.get_ref() != Verification::Full) {
                let found = format!("a Primary cannot verify by \"{}\"", other.get_ref());
                notes.impossible(other.span(), found, "\"full\", or nothing");
            }
            Some(Spanned::new(fields.span(), Verification::Full))
        }
        Role::Secondary => fields.required("verification", notes),
    }
}

impl Word for Format {
    const WHAT: &'static str = "frame format";
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Classical, "classical"), (Self::Fd, "fd")];
}

/// How a transport is written.
const TRANSPORT: &str =
    "\"ethernet\", or { bus = \"NAME\", format = \"classical\" or \"fd\", request = 0x700, response = 0x708 }";
