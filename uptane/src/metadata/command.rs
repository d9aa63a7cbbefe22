//! Commands from the Primary to a Secondary (design D8).

use super::fields::required;
use super::header::check_type;
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read};
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

/// Reads the `signed` of a command.
#[derive(Clone, Copy, Default)]
pub(crate) struct CommandReader {
    typed: bool,
    action: Option<Action>,
    ecu: Option<EcuId>,
    targets: Option<Sha256>,
    transaction: Option<TransactionId>,
    vehicle: Option<VehicleId>,
}

impl CommandReader {
    pub(crate) fn step(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("signed")?,
            [Step::Key("_type")] => self.typed = check_type(Role::Command, event)?,
            [Step::Key("action")] => {
                let action = Action::from_word(event.text("action")?);
                self.action = Some(action.ok_or(Error::Schema { field: "action" })?);
            }
            [Step::Key("ecu")] => self.ecu = Some(EcuId::parse(event.text("ecu")?)?),
            [Step::Key("targets")] => self.targets = Some(Sha256::parse(event.text("targets")?)?),
            [Step::Key("transaction")] => self.transaction = Some(TransactionId::parse(event.text("transaction")?)?),
            [Step::Key("vehicle")] => self.vehicle = Some(VehicleId::parse(event.text("vehicle")?)?),
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn finish(&self) -> Result<Command, Error> {
        required(self.typed.then_some(()), "_type")?;
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
