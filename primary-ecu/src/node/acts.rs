//! What the machine asks for: done here if this ECU can do it alone, else asked of somebody.

use std::rc::Rc;

use host::disk::Bulk;
use uptane::sign::Signer;
use uptane::verify::{Approved, Damaged, FileBytes, Keep, MetadataFile};
use uptane::{EcuId, Length, RepositoryName};

use super::download::{self, Begun, Download};
use super::errand::{Errand, Purpose};
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
        match Download::begin(self.disk.clone(), approved, ecu, role) {
            Ok(Begun::Partly(download)) => self.ask(Ask::Download(download)),
            Ok(Begun::Whole(image)) => self.known.push_back(Input::Downloaded(Ok(image))),
            Err(error) => self.known.push_back(Input::Downloaded(Err(error))),
        }
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
