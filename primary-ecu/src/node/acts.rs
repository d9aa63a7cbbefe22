//! What the machine asks for: done here if this ECU can do it alone, else asked of somebody.

use std::rc::Rc;

use host::disk::Bulk;
use uptane::sign::Signer;
use uptane::verify::{Approved, Damaged, FileBytes, Keep, MetadataFile};
use uptane::{EcuId, Length, RepositoryName};

use super::download::{self, Begun, Download, Item};
use super::errand::{Errand, Purpose};
use super::stage::Patch;
use super::{Ask, News, Node};
use crate::Error;
use crate::machine::transaction::{State, Transaction};
use crate::machine::{ImageRole, Input, Output};
use crate::store::{Accepted, Outcome};

impl<D: Bulk + Clone, S: Signer> Node<D, S> {
    pub(super) fn perform(&mut self, output: Output) -> Result<(), Error> {
        match output {
            Output::Meet(ecu) => self.ask(Ask::Errand(Box::new(Errand::new(ecu, Purpose::Meet)))),
            Output::Report(ecu, nonce) => {
                self.ask(Ask::Errand(Box::new(Errand::new(ecu, Purpose::Report(nonce)))));
            }
            Output::CheckIn(check_in) => self.check_in(&check_in)?,
            Output::Time(time, root, attestation) => {
                self.store.keep("director", "time.json", &attestation)?;
                self.store.attested(time, root)?;
            }
            Output::Keep(repository, keep) => self.keep(repository, keep)?,
            Output::Damaged(repository, damaged) => self.damaged(repository, &damaged)?,
            Output::Load(repository) => {
                let accepted = self.store.accepted().of(repository);
                let files = self.store.files(repository.as_str(), &accepted).map(Box::new);
                self.known.push_back(Input::Loaded(files));
            }
            Output::Fetch(repository, file, limit) => self.fetch(repository, file, limit),
            Output::Accept(files, accepted) => self.accept(files, &accepted)?,
            Output::Download(approved, ecu, role) => self.download(approved, ecu, role),
            Output::Patch(approved, ecu) => self.patch(approved, ecu),
            Output::Record(transaction) => {
                self.store.record(&transaction)?;
                self.tell(News::Recorded(transaction));
            }
            Output::Errand(action) => self.errand(action)?,
            Output::Settle(transaction, outcome) => self.settle(transaction, outcome)?,
            Output::Remember(outcome) => self.store.remember(|memory| memory.outcome = outcome)?,
            // `poll` ends there.
            Output::Finished(_) => {}
        }
        Ok(())
    }

    fn keep(&mut self, repository: RepositoryName, keep: Vec<Keep>) -> Result<(), Error> {
        for keep in keep {
            match keep {
                Keep::Store { file, bytes } => self.store.keep(repository.as_str(), &file.file_name(), &bytes)?,
                Keep::Forget => self.store.forget(repository)?,
            }
        }
        Ok(())
    }

    fn accept(
        &mut self,
        files: Vec<(RepositoryName, MetadataFile, FileBytes)>,
        accepted: &Accepted,
    ) -> Result<(), Error> {
        for (repository, file, bytes) in files {
            self.store.keep(repository.as_str(), &file.file_name(), &bytes)?;
        }
        self.store.accept(accepted)
    }

    fn fetch(&mut self, repository: RepositoryName, file: MetadataFile, limit: Length) {
        let path = format!("metadata/{}", file.file_name());
        self.ask(Ask::Fetch { repository, path, limit });
    }

    fn download(&mut self, approved: Rc<Approved>, ecu: EcuId, role: ImageRole) {
        match Download::begin(self.disk.clone(), approved, ecu, Item::Image(role)) {
            Ok(Begun::Partly(download)) => self.ask(Ask::Download(download)),
            Ok(Begun::Whole(arrived)) => self.known.push_back(Input::Downloaded(arrived.image())),
            Err(error) => self.known.push_back(Input::Downloaded(Err(error))),
        }
    }

    /// A patch that is about another image than the ECU runs is passed over when it is its turn.
    fn patch(&mut self, approved: Rc<Approved>, ecu: EcuId) {
        let begun = Download::begin(self.disk.clone(), Rc::clone(&approved), ecu, Item::Patch);
        if let Some(delta) = approved.entry(ecu).and_then(|entry| entry.delta()).map(|named| named.delta) {
            self.patches.insert(ecu, Patch { name: download::place(delta.sha256), base: delta.base });
        }
        let arrived = match begun {
            Ok(Begun::Partly(download)) => return self.ask(Ask::Download(download)),
            Ok(Begun::Whole(_)) => Ok(()),
            Err(error) => Err(error),
        };
        let input = self.patched(ecu, arrived);
        self.known.push_back(input);
    }

    /// Without its patch an ECU is brought the whole image.
    pub(super) fn patched(&mut self, ecu: EcuId, arrived: Result<(), Error>) -> Input {
        if let Err(error) = arrived {
            tracing::info!(%ecu, %error, "no patch");
            self.patches.remove(&ecu);
        }
        Input::Patched
    }

    /// Stored files that are not what was stored: told, and removed, so that they are fetched again.
    fn damaged(&mut self, repository: RepositoryName, damaged: &[Damaged]) -> Result<(), Error> {
        let folder = self.disk.place(&format!("metadata/{repository}"));
        for damaged in damaged {
            self.tell(News::Damaged(Error::damaged(&folder, format!("{}: {}", damaged.role, damaged.why))));
            self.store.drop_damaged(repository, damaged.role)?;
        }
        Ok(())
    }

    fn settle(&mut self, transaction: Transaction, outcome: Outcome) -> Result<(), Error> {
        if matches!(transaction.state, State::Committed) {
            self.store.raise(transaction.members().iter().map(|member| (member.ecu, member.line, member.counter)))?;
        }
        let now = self.store.time();
        self.store.remember(|memory| {
            memory.outcome = outcome;
            memory.failures = memory.failures.after(&transaction, now);
            memory.transactions = memory.transactions.max(transaction.id.number());
        })?;
        self.store.close()?;
        download::clear(&mut self.disk)?;
        self.tell(News::Settled(transaction));
        Ok(())
    }
}
