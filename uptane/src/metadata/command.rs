//! Commands from the Primary to a Secondary (design D8).

use super::fields::{required, take_text};
use super::header::check_type;
use super::place::{Found, Holds, Place, WHOLE, find};
use crate::json::{Event, Path, Sink, Span, Step, read};
use crate::{Action, EcuId, Error, Role, Sha256, TransactionId, VehicleId};

/// What a command says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// What to do.
    pub action: Action,
    /// Who is to do it.
    pub ecu: EcuId,
    /// Digest of the Director Targets file the transaction carries out.
    pub targets: Sha256,
    /// In which transaction.
    pub transaction: TransactionId,
    /// In which vehicle.
    pub vehicle: VehicleId,
}

impl Command {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &[u8]) -> Result<Self, Error> {
        let mut reader = CommandReader::default();
        read(signed, &mut reader)?;
        reader.finish()
    }
}

const TYPE: u8 = 1;
const ACTION: u8 = 2;
const ECU: u8 = 3;
const TARGETS: u8 = 4;
const TRANSACTION: u8 = 5;
const VEHICLE: u8 = 6;

const PLACES: [Place; 7] = [
    Place::whole("signed", Holds::Object),
    Place::member(TYPE, WHOLE, "_type", Holds::Text),
    Place::member(ACTION, WHOLE, "action", Holds::Text),
    Place::member(ECU, WHOLE, "ecu", Holds::Text),
    Place::member(TARGETS, WHOLE, "targets", Holds::Text),
    Place::member(TRANSACTION, WHOLE, "transaction", Holds::Text),
    Place::member(VEHICLE, WHOLE, "vehicle", Holds::Text),
];

/// Reads the `signed` of a command.
#[derive(Clone, Copy, Default)]
pub(crate) struct CommandReader {
    typed: bool,
    pub(crate) action: Option<Action>,
    pub(crate) ecu: Option<EcuId>,
    pub(crate) targets: Option<Sha256>,
    pub(crate) transaction: Option<TransactionId>,
    pub(crate) vehicle: Option<VehicleId>,
}

impl CommandReader {
    pub(crate) fn step(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        let Found { at, text, .. } = find(&PLACES, WHOLE, steps, event)?;
        match at {
            TYPE => check_type(&mut self.typed, Role::Command, text),
            ACTION => {
                self.action = Action::from_word(text);
                required(self.action, "action").map(|_| ())
            }
            ECU => take_text(&mut self.ecu, text, EcuId::parse),
            TARGETS => take_text(&mut self.targets, text, Sha256::parse),
            TRANSACTION => take_text(&mut self.transaction, text, TransactionId::parse),
            VEHICLE => take_text(&mut self.vehicle, text, VehicleId::parse),
            _ => Ok(()),
        }
    }

    /// Refuses a command that does not say everything.
    pub(crate) fn check(&self) -> Result<(), Error> {
        required(self.typed.then_some(()), "_type")?;
        required(self.action.as_ref(), "action")?;
        required(self.ecu.as_ref(), "ecu")?;
        required(self.targets.as_ref(), "targets")?;
        required(self.transaction.as_ref(), "transaction")?;
        required(self.vehicle.as_ref(), "vehicle").map(|_| ())
    }

    pub(crate) fn finish(&self) -> Result<Command, Error> {
        self.check()?;
        Ok(Command {
            action: required(self.action, "action")?,
            ecu: required(self.ecu, "ecu")?,
            targets: required(self.targets, "targets")?,
            transaction: required(self.transaction, "transaction")?,
            vehicle: required(self.vehicle, "vehicle")?,
        })
    }
}

impl Sink for CommandReader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.step(path.steps(), event)
    }
}
