//! What the Primary does as a member of its own transaction, and the commands it signs for the others.

use host::disk::Bulk;
use uptane::EcuId;
use uptane::sign::{CommandBuilder, Signer};

use super::{News, Node, download};
use crate::Error;
use crate::machine::transaction::{Action, Event, Standing, Transaction};

impl<D: Bulk + Clone, S: Signer> Node<D, S> {
    /// An errand to the Primary's own slots.
    pub(super) fn own_errand(&mut self, action: Action, transaction: &Transaction) -> Event {
        let ecu = self.vehicle.primary.ecu;
        let stands = match action {
            Action::Stage(..) => self.stage_own(transaction),
            Action::Activate(..) => self.slots.activate(transaction.id),
            Action::Commit(..) => self.commit_own(transaction),
            Action::RollBack(..) => self.slots.roll_back(transaction.id),
            Action::Look(..) | Action::Record | Action::Close => Ok(self.slots.look(transaction.id)),
        };
        self.tell(News::Acted(ecu));
        match stands {
            Ok(standing) => {
                self.tell(News::Stands(ecu, standing));
                Event::Seen(ecu, standing)
            }
            Err(Error::Refused { check }) => Event::Refused(ecu, check.code()),
            Err(error) => {
                tracing::warn!(%error, "the Primary's own slots");
                Event::Refused(ecu, 0)
            }
        }
    }

    fn stage_own(&mut self, transaction: &Transaction) -> Result<Standing, Error> {
        let member = transaction.member(self.vehicle.primary.ecu).ok_or(uptane::Error::UnknownEcu)?;
        self.slots.stage(transaction.id, &member.image(), &download::place(member.sha256))
    }

    fn commit_own(&mut self, transaction: &Transaction) -> Result<Standing, Error> {
        match self.slots.commit(transaction.id)? {
            Standing::Committed => Ok(Standing::Committed),
            // The decision stands in the journal: the slots are older than that, and nobody is to wait for them.
            Standing::Unknown
            | Standing::Absent
            | Standing::Staging
            | Standing::Staged
            | Standing::Trial
            | Standing::Healthy
            | Standing::RolledBack => {
                let member = transaction.member(self.vehicle.primary.ecu).ok_or(uptane::Error::UnknownEcu)?;
                self.slots.catch_up(transaction.id, &member.image(), &download::place(member.sha256))
            }
        }
    }

    /// A signed command (design D8).
    pub(super) fn command(
        &self,
        action: uptane::Action,
        ecu: EcuId,
        transaction: &Transaction,
    ) -> Result<Vec<u8>, Error> {
        let (transaction, targets) = (transaction.id, transaction.targets);
        let command = CommandBuilder { vehicle: self.vehicle.id, ecu, action, transaction, targets };
        Ok(command.sign(&self.signer)?)
    }
}
