//! What the Primary does as a member of its own transaction, and the commands it signs for the others.

use uptane::sign::CommandBuilder;

use super::Driver;
use crate::Error;
use crate::machine::transaction::{Action, Event, MemberImage, Standing, Transaction};
use crate::node::download as downloads;

impl Driver {
    /// An errand to the Primary's own slots.
    pub(super) fn own_errand(&mut self, action: Action, transaction: &Transaction) -> Result<Event, Error> {
        let ecu = self.vehicle.primary.ecu;
        let watch = host::clock::stopwatch();
        let stands = match action {
            Action::Stage(..) => self.stage_own(transaction),
            Action::Activate(..) => self.slots.activate(transaction.id),
            Action::Commit(..) => self.slots.commit(transaction.id),
            Action::RollBack(..) => self.slots.roll_back(transaction.id),
            Action::Look(..) | Action::Record | Action::Close => Ok(self.slots.look(transaction.id)),
        };
        self.shown.end(ecu, &watch, None);
        Ok(match stands {
            Ok(standing) => {
                self.shown.stands(ecu, standing);
                Event::Seen(ecu, standing)
            }
            Err(Error::Refused { check }) => Event::Refused(ecu, check.code()),
            Err(error) => {
                tracing::warn!(%error, "the Primary's own slots");
                Event::Refused(ecu, 0)
            }
        })
    }

    fn stage_own(&mut self, transaction: &Transaction) -> Result<Standing, Error> {
        let member = transaction.member(self.vehicle.primary.ecu).ok_or(uptane::Error::UnknownEcu)?;
        let image = MemberImage {
            name: member.name,
            length: member.length,
            sha256: member.sha256,
            line: member.line,
            counter: member.counter,
        };
        let source = self.folder.at(&format!("{}/{}", downloads::FOLDER, member.sha256))?;
        self.slots.stage(transaction.id, &image, &source)
    }

    /// The signed command an action needs (design D8).
    pub(super) fn command(&self, action: Action, transaction: &Transaction) -> Result<Option<Vec<u8>>, Error> {
        let (ecu, action) = match action {
            Action::Activate(ecu, _) => (ecu, uptane::Action::Activate),
            Action::Commit(ecu, _) => (ecu, uptane::Action::Commit),
            Action::RollBack(ecu, _) => (ecu, uptane::Action::Rollback),
            Action::Stage(..) | Action::Look(..) | Action::Record | Action::Close => return Ok(None),
        };
        let (transaction, targets) = (transaction.id, transaction.targets);
        let command = CommandBuilder { vehicle: self.vehicle.id, ecu, action, transaction, targets };
        Ok(Some(command.sign(&self.signer)?))
    }
}
