//! The update cycle of a Primary (§5.4.2, §5.4.4.2) as a machine: [`Primary::handle`] takes what happened,
//! [`Primary::poll`] says what to do.
//!
//! One cycle: meet the ECUs; say to the Director what changed, or that nothing did; judge what it answers; judge what the
//! Image repository says; agree; fetch images; run the transaction. After a transaction, and after a refusal that the
//! Director has not heard of, the ECUs are met once more and the Director is told.
//!
//! Promised: nothing is fetched, forwarded or activated that has not passed every step before it; what is to be durable
//! is asked for ([`Output::Keep`], [`Output::Accept`], [`Output::Record`], [`Output::Settle`]) before what depends on it.
//! Left to the caller: outputs are carried out in their order, the durable ones before the next is looked at.

mod at_director;
mod at_image;
mod patience;
mod planning;
mod telling;
mod transacting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use uptane::verify::image::VerifiedImage;
use uptane::verify::{Approved, Damaged, FileBytes, Keep, Mapping, MetadataFile, Refresh, Refreshed};
use uptane::{
    CampaignId, Director, EcuId, HardwareId, Image, Length, Nonce, RepositoryName, Sha256, Time, TransactionId,
    VehicleId, Version,
};

pub use patience::Failures;
pub use planning::ImageRole;

use super::transaction::{Action, Cause, Event, Member, Transaction};
use crate::Error;
use crate::store::{Accepted, Files, Floors, Outcome, Told};

/// What a cycle begins with: the vehicle, and what is stored.
#[derive(Debug)]
pub struct Start {
    /// The vehicle.
    pub vehicle: VehicleId,
    /// The Primary itself.
    pub own: EcuId,
    /// All ECUs and what they are, the Primary among them.
    pub ecus: BTreeMap<EcuId, HardwareId>,
    /// Those of them that have a single bank.
    pub single_banks: BTreeSet<EcuId>,
    /// Digest of the image the Primary runs.
    pub own_image: Sha256,
    /// Digest of the image it returns to where its transaction is rolled back; what it runs, if it is in none.
    pub own_committed: Sha256,
    /// Which repositories must agree on which images.
    pub mapping: Mapping,
    /// The latest attested time.
    pub time: Time,
    /// The Director Root whose time keys attested it.
    pub time_root: Vec<u8>,
    /// Stored Director files.
    pub director: Files,
    /// Which Snapshot and Targets are current.
    pub accepted: Accepted,
    /// Highest committed release counters.
    pub floors: Floors,
    /// What the last accepted manifest told; none before the first.
    pub told: Option<Told>,
    /// How the last update ended.
    pub outcome: Outcome,
    /// Attempts at an update that were rolled back.
    pub failures: Failures,
    /// The journalled transaction.
    pub journal: Option<Transaction>,
    /// Number of the last transaction that is over, 0 before the first.
    pub transactions: u64,
    /// Random bytes, for nonces and transaction ids of this cycle.
    pub seed: [u8; 32],
}

/// What an ECU said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// Digest of the image it runs.
    pub running: Sha256,
    /// The nonce its time attestation must carry.
    pub nonce: Nonce,
}

/// What the Director answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The time attestation.
    pub time: Vec<u8>,
    /// Version of the newest Root.
    pub newest_root: u64,
    /// Every Root after the one held, in order.
    pub roots: Vec<Vec<u8>>,
    /// A newer Timestamp.
    pub timestamp: Option<Vec<u8>>,
    /// A newer Snapshot.
    pub snapshot: Option<Vec<u8>>,
    /// Newer Targets.
    pub targets: Option<Vec<u8>>,
    /// The full manifest is wanted.
    pub manifest_wanted: bool,
}

/// A check-in to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckIn {
    /// Versions held: Root, Timestamp, Snapshot, Targets; 0 for none.
    pub versions: [u64; 4],
    /// Nonces for the time attestation, the Primary's own first.
    pub nonces: Vec<Nonce>,
    /// What a full manifest tells; an idle check-in if none.
    pub full: Option<Told>,
    /// The nonce every report of the manifest must carry.
    pub report_nonce: Nonce,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A cycle begins.
    Start(Box<Start>),
    /// An ECU answered [`Output::Meet`], or did not.
    Met(EcuId, Option<Met>),
    /// An ECU's report is stored, or it gave none.
    Reported(EcuId, bool),
    /// The Director answered, or did not.
    CheckedIn(Result<Box<Answer>, Error>),
    /// The stored files of the Image repository that was asked for.
    Loaded(Result<Box<Files>, Error>),
    /// The Image repository answered; `None` if it has no such file.
    Fetched(Result<Option<Vec<u8>>, Error>),
    /// An image was fetched and verified, or not.
    Downloaded(Result<Box<VerifiedImage>, Error>),
    /// A patch was fetched, or not: it may be used, and is never needed.
    Patched,
    /// Something happened in this transaction. An errand may end after its own is over.
    Happened(TransactionId, Event),
}

/// What to do.
#[derive(Debug)]
pub enum Output {
    /// Ask an ECU who it is and for its nonce.
    Meet(EcuId),
    /// Ask an ECU for its report over this nonce, check it and store it.
    Report(EcuId, Nonce),
    /// Check in to the Director.
    CheckIn(CheckIn),
    /// Keep this time as the latest, with the version of the Director Root whose time keys attested it, in one write;
    /// and the attestation for the Secondaries.
    Time(Time, Version, Vec<u8>),
    /// Tell that stored files of a repository were damaged, and remove them.
    Damaged(RepositoryName, Vec<Damaged>),
    /// Keep files of a repository.
    Keep(RepositoryName, Vec<Keep>),
    /// Read the stored files of an Image repository.
    Load(RepositoryName),
    /// Fetch a file of an Image repository.
    Fetch(RepositoryName, MetadataFile, Length),
    /// Keep these files, then make them current with what they ask for.
    Accept(Vec<(RepositoryName, MetadataFile, FileBytes)>, Accepted),
    /// Fetch and verify an image approved for this ECU.
    Download(Rc<Approved>, EcuId, ImageRole),
    /// Fetch the patch that the Director describes to this ECU.
    Patch(Rc<Approved>, EcuId),
    /// Write the journal.
    Record(Transaction),
    /// Carry out an errand of the transaction.
    Errand(Action),
    /// Raise the counters of a committed transaction, remember the outcome, drop the journal and the downloads.
    Settle(Transaction, Outcome),
    /// Remember how the update ended.
    Remember(Outcome),
    /// The cycle is over.
    Finished(Result<(), Error>),
}

/// The machine.
#[derive(Debug, Default)]
pub struct Primary {
    cycle: Option<Cycle>,
    outputs: VecDeque<Output>,
}

/// A cycle under way.
#[derive(Debug)]
struct Cycle {
    start: Start,
    /// How often the ECUs have been met.
    round: u8,
    /// Why this round only tells the Director.
    only_telling: Option<Error>,
    met: BTreeMap<EcuId, Met>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Meeting(BTreeSet<EcuId>),
    Reporting(BTreeSet<EcuId>),
    CheckingIn { full: bool },
    Loading(Box<Images>),
    AtImage(Box<Images>, Box<Refresh<Image>>),
    Downloading(Box<Plan>),
    Transacting(Transaction),
    Over,
}

/// The Image repositories of the mapping, one after the other.
#[derive(Debug)]
struct Images {
    director: Refreshed<Director>,
    /// The one at work first.
    left: VecDeque<RepositoryName>,
    done: Vec<(RepositoryName, Refreshed<Image>)>,
}

/// What the repositories agree on, and what of it comes next.
#[derive(Debug)]
struct Plan {
    approved: Rc<Approved>,
    targets: Sha256,
    campaign: Option<CampaignId>,
    /// Who takes part in the transaction.
    members: Vec<Member>,
    /// For each image still to be fetched, one ECU it is approved for.
    missing: Vec<(EcuId, ImageRole)>,
    /// ECUs whose patch may still be fetched.
    patches: Vec<EcuId>,
}

/// Transactions tried in one cycle before the Director is told and the next cycle tries again.
const MAX_ROUNDS: u8 = 4;

impl Primary {
    /// Idle.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what happened. What does not belong to the present phase is stale and changes nothing.
    pub fn handle(&mut self, input: Input) {
        if let Input::Start(start) = input {
            // What an aborted cycle left is void.
            self.outputs.clear();
            self.begin(*start);
            return;
        }
        let Some(mut cycle) = self.cycle.take() else { return };
        cycle.handle(input, &mut self.outputs);
        self.cycle = (!matches!(cycle.phase, Phase::Over)).then_some(cycle);
    }

    /// What to do next; `None` until something happens.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The transaction under way.
    pub fn transaction(&self) -> Option<&Transaction> {
        match &self.cycle.as_ref()?.phase {
            Phase::Transacting(transaction) => Some(transaction),
            Phase::Meeting(_)
            | Phase::Reporting(_)
            | Phase::CheckingIn { .. }
            | Phase::Loading(_)
            | Phase::AtImage(..)
            | Phase::Downloading(_)
            | Phase::Over => None,
        }
    }

    /// A transaction whose course is its own goes on at once; before that, the Director is asked first.
    fn begin(&mut self, mut start: Start) {
        let journal = start.journal.take_if(|journal| journal.must_go_on());
        let (met, only_telling) = (BTreeMap::new(), None);
        let mut cycle = Cycle { start, round: 0, only_telling, met, phase: Phase::Over };
        match journal {
            Some(journal) => cycle.resume(journal, &mut self.outputs),
            None => cycle.meet(&mut self.outputs),
        }
        self.cycle = Some(cycle);
    }
}

type Outputs = VecDeque<Output>;

impl Cycle {
    fn handle(&mut self, input: Input, outputs: &mut Outputs) {
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        let done = match (phase, input) {
            (Phase::Meeting(waiting), Input::Met(ecu, met)) => self.met(waiting, ecu, met, outputs),
            (Phase::Reporting(waiting), Input::Reported(ecu, told)) => self.reported(waiting, ecu, told, outputs),
            (Phase::CheckingIn { full }, Input::CheckedIn(answer)) => {
                answer.and_then(|answer| self.checked_in(full, *answer, outputs))
            }
            (Phase::Loading(images), Input::Loaded(files)) => {
                files.and_then(|files| self.loaded(images, files, outputs))
            }
            (Phase::AtImage(images, refresh), Input::Fetched(file)) => {
                file.and_then(|file| self.fetched(images, refresh, file, outputs))
            }
            (Phase::Downloading(plan), Input::Downloaded(image)) => {
                image.and_then(|image| self.downloaded(plan, &image, outputs))
            }
            (Phase::Downloading(plan), Input::Patched) => {
                self.download(plan, outputs);
                Ok(())
            }
            (Phase::Transacting(transaction), Input::Happened(id, event)) if transaction.id == id => {
                self.happened(&transaction, event, outputs);
                Ok(())
            }
            (phase, _) => {
                self.phase = phase;
                Ok(())
            }
        };
        if let Err(error) = done {
            self.fail(error, outputs);
        }
    }

    /// A refusal or failure: remembered, and told to the Director unless it has heard of it or cannot be reached.
    fn fail(&mut self, error: Error, outputs: &mut Outputs) {
        if let Some(outcome) = self.outcome_of(&error) {
            self.start.outcome = outcome.clone();
            outputs.push_back(Output::Remember(outcome));
        }
        let news = self.start.told.as_ref() != Some(&self.to_tell());
        let deaf = matches!(error, Error::Behind { .. } | Error::Director { .. } | Error::Rejected { .. });
        let unheard = news && !deaf && self.only_telling.is_none();
        match unheard {
            true => {
                self.only_telling = Some(error);
                self.meet(outputs);
            }
            false => {
                let error = self.only_telling.take().unwrap_or(error);
                self.finish(Err(error), outputs);
            }
        }
    }

    fn finish(&mut self, result: Result<(), Error>, outputs: &mut Outputs) {
        self.phase = Phase::Over;
        outputs.push_back(Output::Finished(result));
    }

    /// The id of a new transaction. Its number is above that of every one before it, and no less than the time: a Primary
    /// whose store was lost, or that was replaced, has no lower ones to give.
    fn transaction_id(&mut self) -> TransactionId {
        self.start.transactions = self.start.transactions.saturating_add(1).max(self.start.time.unix());
        let random = self.draw("transaction").first_chunk().copied().unwrap_or_default();
        TransactionId::new(self.start.transactions, random)
    }

    fn report_nonce(&self) -> Nonce {
        Nonce(self.draw("report"))
    }

    /// Sixteen bytes that nobody could foresee, of this round and for this purpose.
    fn draw(&self, purpose: &str) -> [u8; 16] {
        let drawn = Sha256::of(&[self.start.seed.as_slice(), &[self.round], purpose.as_bytes()].concat());
        let [half, _] = drawn.0.as_chunks::<16>().0 else { return [0; 16] };
        *half
    }
}

fn number(version: Option<Version>) -> u64 {
    version.map_or(0, Version::get)
}

#[cfg(test)]
mod tests;
