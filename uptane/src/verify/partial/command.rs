//! A command of the Primary (design D8), verified with the key that was provisioned for it.

use crate::json::{Event, Span, Step};
use crate::limits::MAX_COMMAND;
use crate::metadata::CommandReader;
use crate::verify::ecu::EcuSigned;
use crate::verify::stream::{Body, FileStream, Shut};
use crate::{Action, EcuId, Error, PublicKey, Role, Sha256, TransactionId, VehicleId, told};

/// A command, arriving.
pub struct CommandStream {
    stream: FileStream,
    signed: EcuSigned,
    reader: Shut<CommandReader>,
    ecu: EcuId,
    vehicle: VehicleId,
}

impl CommandStream {
    /// Begins to verify a command of the Primary with this key to this ECU.
    #[inline(never)]
    pub fn new(primary: PublicKey, ecu: EcuId, vehicle: VehicleId) -> Self {
        // At most 2^13, which every u64 holds.
        let limit = u64::try_from(MAX_COMMAND).unwrap_or(u64::MAX);
        Self {
            stream: FileStream::new(Role::Command, limit),
            signed: EcuSigned::new(Role::Command, primary),
            reader: Shut::new(CommandReader::default()),
            ecu,
            vehicle,
        }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, &mut self.signed, &mut self.reader)
    }

    /// Says that the command is complete. The stream is of no further use.
    #[inline(never)]
    pub fn finish(&mut self) -> Result<VerifiedCommand, Error> {
        let Self { stream, signed, reader, ecu, vehicle } = self;
        let closed = stream.finish(signed, reader)?;
        let reader = closed.open(signed.finish(), reader)?;
        reader.check()?;
        if reader.vehicle.as_ref() != Some(vehicle) {
            return Err(Error::WrongVehicle { role: told(Role::Command) });
        }
        match *reader {
            CommandReader { action: Some(action), targets: Some(targets), transaction: Some(transaction), .. }
                if reader.ecu.as_ref() == Some(ecu) =>
            {
                Ok(VerifiedCommand { action, targets, transaction })
            }
            _ => Err(Error::WrongTransaction),
        }
    }
}

/// Evidence: the Primary told this ECU to do this.
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedCommand {
    action: Action,
    targets: Sha256,
    transaction: TransactionId,
}

impl VerifiedCommand {
    /// The action, if the command belongs to this transaction, which carries out the Director Targets file with this
    /// digest. Without an open transaction there is nothing a command could belong to.
    pub fn action_in(&self, transaction: TransactionId, targets: Sha256) -> Result<Action, Error> {
        match self.transaction == transaction && self.targets == targets {
            true => Ok(self.action),
            false => Err(Error::WrongTransaction),
        }
    }

    /// The transaction it ends, if it is to roll back. That one is over then whatever the ECU has heard of it, so neither
    /// an open transaction nor the Targets file is asked for.
    pub fn rolls_back(&self) -> Option<TransactionId> {
        (self.action == Action::Rollback).then_some(self.transaction)
    }

    /// The transaction it names.
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }
}

impl Body for CommandReader {
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, _: Span) -> Result<(), Error> {
        self.step(steps, event)
    }
}
