//! Commands from the Primary to a Secondary (design D8).

use super::fields::{required, take_text};
use super::header::check_type;
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read};
use crate::{Action, EcuId, Error, Role, Sha256, TransactionId, VehicleId, told};

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
        match steps {
            [] => event.object("signed"),
            [Step::Key("_type")] => check_type(&mut self.typed, Role::Command, event),
            [Step::Key("action")] => take_text(&mut self.action, event, "action", |word| {
                Action::from_word(word).ok_or(Error::Schema { field: told("action") })
            }),
            [Step::Key("ecu")] => take_text(&mut self.ecu, event, "ecu", EcuId::parse),
            [Step::Key("targets")] => take_text(&mut self.targets, event, "targets", Sha256::parse),
            [Step::Key("transaction")] => take_text(&mut self.transaction, event, "transaction", TransactionId::parse),
            [Step::Key("vehicle")] => take_text(&mut self.vehicle, event, "vehicle", VehicleId::parse),
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
