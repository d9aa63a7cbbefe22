//! A Primary without its outside world: the [`machine`](crate::machine), and what it keeps on its disk.
//!
//! A cycle is begun with [`Node::begin`]. [`Node::poll`] then carries out what the machine asks for, as far as this ECU can
//! do it alone, durable before the next is looked at, and says what must be asked of somebody else: [`Ask`]. What came of
//! that is given back to [`Node::take`]. The daemon drives this with gRPC, HTTP and CAN, the simulator with virtual links.
//!
//! Left to the caller: carrying out what is asked, in any order and at the same time, one errand at a time to each ECU; and
//! to drop everything that is under way when a cycle has ended, well or not, before the next is begun. No clock is read
//! and no certificate is known here: who is at the other end is the carrier's to check.

mod acts;
mod answer;
mod cloud;
mod download;
mod errand;
mod own;
mod secondaries;
mod sharing;
mod stage;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use host::disk::Bulk;
use host::provisioning::{Banks, Vehicle};
use proto::secondary::Identity;
use uptane::sign::Signer;
use uptane::verify::Mapping;
use uptane::verify::image::VerifiedImage;
use uptane::{EcuId, Length, Nonce, RepositoryName, Sha256, TransactionId};

use crate::Error;
use crate::machine::transaction::{MemberImage, Standing, Transaction};
use crate::machine::{Answer as DirectorAnswer, Input, Output, Primary, Start};
use crate::slots::Slots;
use crate::status::Image;
use crate::store::{Known, Store, Told};
use stage::Patch;

pub use answer::{Answer, Silent};
pub use cloud::{CheckInRequest, Statement};
pub use download::Download;
pub use errand::{Call, Errand, Failure, Progress, Turn};
pub use sharing::Shared;

/// A Primary at work.
pub struct Node<D, S> {
    disk: D,
    vehicle: Vehicle,
    mapping: Mapping,
    store: Store<D>,
    slots: Slots<D>,
    signer: S,
    machine: Primary,
    /// What the machine is to hear next: it is known already.
    known: VecDeque<Input>,
    steps: VecDeque<Step<D>>,
    /// The patches that are here in this cycle, and for whom.
    patches: BTreeMap<EcuId, Patch>,
    /// Who can hear an image together.
    groups: Vec<BTreeSet<EcuId>>,
    /// What the manifest tells that is on its way to the Director, and its digest.
    telling: Option<(Sha256, Told)>,
}

/// What comes next.
pub enum Step<D> {
    /// Somebody else is to be asked.
    Ask(Ask<D>),
    /// Something happened that people may want to see. It decides nothing.
    News(News),
    /// The cycle is over.
    Finished(Result<(), Error>),
}

/// What must be asked of somebody else.
pub enum Ask<D> {
    /// The Director: a check-in. Answered by [`Done::CheckedIn`].
    CheckIn(Box<CheckInRequest>),
    /// An Image repository: a metadata file. Answered by [`Done::Fetched`].
    Fetch {
        /// Which repository.
        repository: RepositoryName,
        /// The file's path there.
        path: String,
        /// More bytes are not taken.
        limit: Length,
    },
    /// An Image repository: an image, or a patch. Answered by [`Download::end`].
    Download(Box<Download<D>>),
    /// A Secondary. Answered by [`Errand::end`].
    Errand(Box<Errand<D>>),
}

/// What came of an [`Ask`].
#[derive(Debug)]
pub enum Done {
    /// The Director answered, or did not.
    CheckedIn(Result<Box<DirectorAnswer>, Error>),
    /// An Image repository answered; `None` if it has no such file.
    Fetched(Result<Option<Vec<u8>>, Error>),
    /// An image was fetched and verified, or not.
    Downloaded(Result<Box<VerifiedImage>, Error>),
    /// A patch for this ECU was fetched, and is the one that the Director describes, or not.
    Patched(EcuId, Result<(), Error>),
    /// A Secondary said who it is.
    Met(EcuId, Result<(Identity, Nonce), Failure>),
    /// A Secondary gave its report over this nonce.
    Reported(EcuId, Nonce, Result<Vec<u8>, Failure>),
    /// A Secondary was seen in this transaction.
    Stands(EcuId, TransactionId, Result<Standing, Failure>),
}

/// What people may want to see.
#[derive(Debug)]
pub enum News {
    /// The Director took a check-in, with a full manifest or idle.
    CheckedIn {
        /// With a full manifest.
        full: bool,
    },
    /// The Director did not.
    NotCheckedIn,
    /// An ECU said who it is, or nothing.
    Met(EcuId, Option<Identity>),
    /// An ECU's verified report names the image it runs.
    Reported(EcuId, Image),
    /// Where the transaction stands by the journal.
    Recorded(Transaction),
    /// The Primary did something with its own slots.
    Acted(EcuId),
    /// Where an ECU stands.
    Stands(EcuId, Standing),
    /// A transaction is over.
    Settled(Transaction),
    /// A stored file was not what had been stored.
    Damaged(Error),
}

impl<D: Bulk + Clone, S: Signer> Node<D, S> {
    /// Starts from what the disk holds; a trial that ended in a reset goes back to the old image. A clone of `disk` is the
    /// same disk.
    pub fn boot(disk: D, mut vehicle: Vehicle, mapping: Mapping, signer: S) -> Result<Self, Error> {
        vehicle.ecus.sort_by_key(|ecu| ecu.ecu);
        let mut slots = Slots::boot(disk.clone())?;
        let store = Store::rebuild(disk.clone(), &known(&vehicle, &mapping, slots.committed()?))?;
        if store.journal().is_none() {
            slots.settle(|transaction| store.was_committed(transaction))?;
        }
        Ok(Self {
            slots,
            store,
            disk,
            vehicle,
            mapping,
            signer,
            machine: Primary::new(),
            known: VecDeque::new(),
            steps: VecDeque::new(),
            patches: BTreeMap::new(),
            groups: Vec::new(),
            telling: None,
        })
    }

    /// The same, of a vehicle in which the ECUs of each of these groups can be brought one image together.
    #[must_use]
    pub fn with_groups(self, groups: Vec<BTreeSet<EcuId>>) -> Self {
        Self { groups, ..self }
    }

    /// Begins a cycle. What an earlier one asked for is void. `seed` are random bytes that nobody can foresee, never the
    /// same twice.
    pub fn begin(&mut self, seed: [u8; 32]) -> Result<(), Error> {
        let start = self.facts(seed)?;
        self.known.clear();
        self.steps.clear();
        self.patches.clear();
        self.telling = None;
        for damaged in self.store.take_damaged().into_iter().chain(self.slots.take_damaged()) {
            self.tell(News::Damaged(damaged));
        }
        self.machine.handle(Input::Start(Box::new(start)));
        Ok(())
    }

    /// What comes next; `None` until something that was asked is done. An error ends the cycle.
    pub fn poll(&mut self) -> Result<Option<Step<D>>, Error> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Ok(Some(step));
            }
            match self.machine.poll() {
                Some(Output::Finished(result)) => return Ok(Some(Step::Finished(result))),
                Some(output) => self.perform(output)?,
                None => match self.known.pop_front() {
                    Some(input) => self.machine.handle(input),
                    None => return Ok(None),
                },
            }
        }
    }

    /// Takes what came of something that was asked. An error ends the cycle.
    pub fn take(&mut self, done: Done) -> Result<(), Error> {
        let input = match done {
            Done::CheckedIn(answer) => Input::CheckedIn(self.checked_in(answer)?),
            Done::Fetched(file) => Input::Fetched(file),
            Done::Downloaded(image) => Input::Downloaded(image),
            Done::Patched(ecu, arrived) => self.patched(ecu, arrived),
            Done::Met(ecu, met) => self.met(ecu, met),
            Done::Reported(ecu, nonce, report) => Input::Reported(ecu, self.keep_report(ecu, nonce, report.ok())?),
            Done::Stands(ecu, transaction, seen) => Input::Happened(transaction, self.seen(ecu, seen)),
        };
        self.machine.handle(input);
        Ok(())
    }

    /// The transaction under way.
    pub fn transaction(&self) -> Option<&Transaction> {
        self.machine.transaction()
    }

    /// The image the Primary runs.
    pub fn running(&self) -> Result<MemberImage, Error> {
        self.slots.running()
    }

    /// The vehicle, its ECUs sorted by id.
    pub fn vehicle(&self) -> &Vehicle {
        &self.vehicle
    }

    /// What is stored, for whoever wants to look.
    pub fn store(&self) -> &Store<D> {
        &self.store
    }

    /// What a cycle begins with.
    fn facts(&self, seed: [u8; 32]) -> Result<Start, Error> {
        let memory = self.store.memory();
        let accepted = self.store.accepted().clone();
        let director = self.store.files("director", &accepted.director)?;
        Ok(Start {
            vehicle: self.vehicle.id,
            own: self.vehicle.primary.ecu,
            ecus: self.vehicle.ecus.iter().map(|ecu| (ecu.ecu, ecu.hardware)).collect(),
            single_banks: self.single_banks(),
            own_image: self.slots.running()?.sha256,
            own_committed: self.slots.committed()?.sha256,
            mapping: self.mapping.clone(),
            time: self.store.time(),
            time_root: self.store.time_root()?.unwrap_or_else(|| director.root.clone()),
            director,
            accepted,
            floors: self.store.floors(),
            told: memory.manifest.as_ref().map(|manifest| manifest.told.clone()),
            outcome: memory.outcome.clone(),
            failures: memory.failures.clone(),
            transactions: memory.transactions,
            journal: self.store.journal().cloned(),
            seed,
        })
    }

    fn single_banks(&self) -> BTreeSet<EcuId> {
        let single = self.vehicle.ecus.iter().filter(|ecu| ecu.banks == Banks::Single);
        // The Primary's own slots are two, whatever its vehicle says.
        single.map(|ecu| ecu.ecu).filter(|ecu| *ecu != self.vehicle.primary.ecu).collect()
    }

    fn ask(&mut self, ask: Ask<D>) {
        self.steps.push_back(Step::Ask(ask));
    }

    fn tell(&mut self, news: News) {
        self.steps.push_back(Step::News(news));
    }
}

/// What tells what the store held, should that be lost.
fn known(vehicle: &Vehicle, mapping: &Mapping, committed: MemberImage) -> Known {
    let director = RepositoryName::of::<uptane::Director>();
    let repositories = std::iter::once(director).chain(mapping.image_repositories()).collect();
    Known { own: vehicle.primary.ecu, committed, repositories }
}

#[cfg(test)]
mod tests;
