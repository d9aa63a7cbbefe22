//! What a Primary keeps across a power cut, beside its slots. Every file is replaced atomically, and what nothing could
//! bring back is written in turn into two files ([`pair`](crate::pair)): the journal, and three values under `state/`. This
//! is what each promises; its members are in `docs/pouf.md` §20.
//!
//! | file | content | rule |
//! |---|---|---|
//! | `metadata/R/N.root.json` | every Root of repository R, as received | written once verified, whatever follows |
//! | `metadata/R/timestamp.json` | Timestamp, as received | written once verified |
//! | `metadata/R/N.snapshot.json`, `N.targets.json` | as received | current only if `state/accepted` says so |
//! | `metadata/director/time.json` | newest time attestation | for Secondaries that ask for it |
//! | `journal.{0,1}.json` | the open transaction, or that there is none | an older one than the newest says less than what was done; the ECUs say the rest ([`step`](crate::machine::transaction::step)) |
//! | `state/accepted.{0,1}.json` | [`Accepted`]: current Snapshot and Targets of both repositories with the pending install | one write makes all of it current (design D5, trap T2) |
//! | `state/counters.{0,1}.json` | highest committed release counter for each ECU and image line | only grows (trap T5) |
//! | `state/primary.{0,1}.json` | [`Memory`] | the signing counter only grows; time goes back only where a Root rotated the time keys (design D14) |
//! | `state/mark.json` | what the signing counter was a long while ago | read where the memory and the Primary's report are lost |
//! | `state/reports/ECU.json` | the newest report of each ECU | §5.4.3.6 |

mod accepted;
mod journalled;
mod mark;
mod memory;
mod rebuilt;

use std::collections::BTreeMap;
use std::path::Path;

use host::disk::Disk;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uptane::limits::{MAX_REPORT, MAX_ROOT, MAX_SNAPSHOT, MAX_TARGETS, MAX_TIMESTAMP};
use uptane::{Counter, EcuId, ImageLine, ReleaseCounter, RepositoryName, ResultCode, Role, RoleName, Time, Version};

pub use accepted::{Accepted, AcceptedVersions};
pub use memory::{AcceptedManifest, Memory, Outcome, Told};
pub use rebuilt::Known;

use crate::Error;
use crate::machine::transaction::Transaction;
use crate::pair::{Found, Pair};
use journalled::Journal;
use mark::Mark;

/// The files of one Primary.
#[derive(Debug)]
pub struct Store<D> {
    disk: D,
    memory: Kept<Memory>,
    mark: Option<Mark>,
    counters: Kept<Vec<FloorEntry>>,
    accepted: Kept<Accepted>,
    journal: Journal,
    /// Files that were not what had been written, until somebody asks.
    damaged: Vec<Error>,
    /// The last counter used. Those up to `memory.signed` may be used without another write.
    used: u64,
}

/// A value that is kept, and where.
#[derive(Debug)]
struct Kept<T> {
    value: T,
    pair: Pair,
}

/// Highest committed release counters.
pub type Floors = BTreeMap<(EcuId, ImageLine), ReleaseCounter>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FloorEntry {
    ecu: String,
    line: String,
    counter: u64,
}

/// The stored files of one repository, as received.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The newest Root.
    pub root: Vec<u8>,
    /// The one before it.
    pub former_root: Option<Vec<u8>>,
    /// Timestamp.
    pub timestamp: Option<Vec<u8>>,
    /// Snapshot.
    pub snapshot: Option<Vec<u8>>,
    /// Targets.
    pub targets: Option<Vec<u8>>,
    /// Delegated Targets.
    pub delegated: Vec<(RoleName, Vec<u8>)>,
}

const ACCEPTED: &str = "state/accepted";
const COUNTERS: &str = "state/counters";
const MEMORY: &str = "state/primary";
/// Bytes of a report: a vehicle of `MAX_ECUS` ECUs fits.
const MAX_STATE: u64 = 1024 * 1024;
/// Counters set aside with one write.
const BLOCK: u64 = 64;

/// Counters that are left out where newer ones may have been used: more than are used between two reports or two marks, and
/// nothing of what there are.
const LEFT_OUT: u64 = 1 << 20;

impl<D: Disk> Store<D> {
    /// Reads what the last run left. Of a value whose newest file is damaged, the one before counts.
    pub fn open(disk: D) -> Result<Self, Error> {
        Self::read(disk, None)
    }

    /// As [`open`](Self::open); a value of which no file is whole is made anew from what else there is.
    pub fn rebuild(disk: D, known: &Known) -> Result<Self, Error> {
        Self::read(disk, Some(known))
    }

    fn read(mut disk: D, known: Option<&Known>) -> Result<Self, Error> {
        let mut damaged = Vec::new();
        let mark = Mark::read(&disk);
        let mut memory = Kept::open(&mut disk, MEMORY, &mut damaged, |disk| rebuilt::memory(disk, known?))?;
        if !damaged.is_empty() {
            memory.value.signed = memory.value.signed.saturating_add(LEFT_OUT);
        }
        let counters = Kept::open(&mut disk, COUNTERS, &mut damaged, |_| Some(rebuilt::counters(known?)))?;
        let accepted = Kept::open(&mut disk, ACCEPTED, &mut damaged, |disk| rebuilt::accepted(disk, known?))?;
        let journal = Journal::open(&disk, memory.value.transactions, &mut damaged)?;
        // The last run may have used all it had set aside.
        let used = memory.value.signed;
        Ok(Self { disk, memory, mark, counters, accepted, journal, damaged, used })
    }

    /// The files that were found damaged, once.
    pub fn take_damaged(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.damaged)
    }

    /// What is remembered.
    pub fn memory(&self) -> &Memory {
        &self.memory.value
    }

    /// Changes what is remembered, and writes it if it changed.
    pub fn remember(&mut self, change: impl FnOnce(&mut Memory)) -> Result<(), Error> {
        let mut memory = self.memory.value.clone();
        change(&mut memory);
        Mark::keep(&mut self.mark, &memory, &mut self.disk)?;
        self.memory.set(&mut self.disk, memory)
    }

    /// The latest attested time.
    pub fn time(&self) -> Time {
        Time::from_unix(self.memory.value.time).unwrap_or(Time::EPOCH)
    }

    /// The Director Root whose time keys attested it, if that is known.
    pub fn time_root(&self) -> Result<Option<Vec<u8>>, Error> {
        self.kept("director", &format!("{}.root.json", self.memory.value.time_root), MAX_ROOT)
    }

    /// Remembers the time and the Root whose time keys attested it. It is lower than before only where its keys are new.
    pub fn attested(&mut self, time: Time, root: Version) -> Result<(), Error> {
        self.remember(|memory| (memory.time, memory.time_root) = (time.unix(), root.get()))
    }

    /// A counter no file was signed with before.
    pub fn next_counter(&mut self) -> Result<Counter, Error> {
        let next = self.used.saturating_add(1);
        if next > self.memory.value.signed {
            self.remember(|memory| memory.signed = next.saturating_add(BLOCK))?;
        }
        self.used = next;
        Ok(Counter::new(next)?)
    }

    /// Goes on above counters that this disk has forgotten, and the Director has not. By how much is not the Director's to
    /// say: so its word, if it lies, costs a few counters of 2^53 and nothing else.
    pub fn leave_counters_out(&mut self) -> Result<(), Error> {
        self.remember(|memory| memory.signed = memory.signed.saturating_add(LEFT_OUT))?;
        self.used = self.memory.value.signed;
        Ok(())
    }

    /// The journalled transaction, if one is open.
    pub fn journal(&self) -> Option<&Transaction> {
        self.journal.open_transaction()
    }

    /// Makes the transaction as it stands durable.
    pub fn record(&mut self, transaction: &Transaction) -> Result<(), Error> {
        self.journal.set(&mut self.disk, Some(transaction))
    }

    /// Forgets a closed transaction.
    pub fn close(&mut self) -> Result<(), Error> {
        self.journal.set(&mut self.disk, None)
    }

    /// The highest release counter committed for each ECU and image line.
    pub fn floors(&self) -> Floors {
        let floor = |floor: &FloorEntry| {
            let (ecu, line) = (EcuId::parse(&floor.ecu).ok()?, ImageLine::parse(&floor.line).ok()?);
            Some(((ecu, line), ReleaseCounter::new(floor.counter).ok()?))
        };
        self.counters.value.iter().filter_map(floor).collect()
    }

    /// Raises floors. One write for all; a lower counter than the floor changes nothing.
    pub fn raise(&mut self, raised: impl IntoIterator<Item = (EcuId, ImageLine, ReleaseCounter)>) -> Result<(), Error> {
        let mut counters = self.counters.value.clone();
        for (ecu, line, counter) in raised {
            match counters.iter_mut().find(|floor| floor.ecu == ecu.as_str() && floor.line == line.as_str()) {
                Some(floor) => floor.counter = floor.counter.max(counter.get()),
                None => {
                    let (ecu, line) = (ecu.to_string(), line.to_string());
                    counters.push(FloorEntry { ecu, line, counter: counter.get() });
                }
            }
        }
        self.counters.set(&mut self.disk, counters)
    }

    /// Which Snapshot and Targets are current.
    pub fn accepted(&self) -> &Accepted {
        &self.accepted.value
    }

    /// Makes the Snapshot and Targets of these versions current, with what they ask for; then drops older ones.
    pub fn accept(&mut self, accepted: &Accepted) -> Result<(), Error> {
        self.accepted.set(&mut self.disk, accepted.clone())?;
        accepted.all().try_for_each(|(repository, versions)| self.prune(repository, versions))
    }

    fn prune(&mut self, repository: &str, current: &AcceptedVersions) -> Result<(), Error> {
        let folder = format!("metadata/{repository}");
        let keep = current.names();
        for name in self.disk.list(&folder)? {
            // All but Timestamp and the time attestation have their version in their name, and no Root ever gets old.
            let is_versioned = name.starts_with(|first: char| first.is_ascii_digit());
            if is_versioned && !name.ends_with(".root.json") && !keep.contains(&name) {
                self.disk.remove(&format!("{folder}/{name}"))?;
            }
        }
        Ok(())
    }

    /// Keeps a metadata file under its name in the repository.
    pub fn keep(&mut self, repository: &str, file_name: &str, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.disk.replace(&format!("metadata/{repository}/{file_name}"), bytes)?)
    }

    /// Drops Timestamp, Snapshot and Targets of a repository whose Root rotated keys (§5.4.4.3 step 4).
    pub fn forget(&mut self, repository: RepositoryName) -> Result<(), Error> {
        self.disk.remove(&format!("metadata/{repository}/timestamp.json"))?;
        let mut accepted = self.accepted().clone();
        accepted.set(repository, AcceptedVersions::default());
        self.accept(&accepted)
    }

    /// Drops a damaged file of a repository.
    pub fn drop_damaged(&mut self, repository: RepositoryName, role: Role) -> Result<(), Error> {
        if role == Role::Timestamp {
            self.disk.remove(&format!("metadata/{repository}/timestamp.json"))?;
        }
        let mut accepted = self.accepted().clone();
        let mut versions = accepted.of(repository);
        versions.drop(role);
        accepted.set(repository, versions);
        self.accept(&accepted)
    }

    /// A kept metadata file.
    pub fn kept(&self, repository: &str, file_name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.disk.read(&format!("metadata/{repository}/{file_name}"), limit)?)
    }

    /// The versions of all Roots, in order.
    pub fn roots(&self, repository: &str) -> Result<Vec<Version>, Error> {
        roots(&self.disk, repository)
    }

    /// The newest Root's version.
    pub fn newest_root(&self, repository: &str) -> Result<Version, Error> {
        let path = || Path::new("metadata").join(repository).join("1.root.json");
        let newest = self.roots(repository)?.last().copied();
        newest.ok_or_else(|| host::Error::Missing { path: path() }.into())
    }

    /// The current files of a repository.
    pub fn files(&self, repository: &str, accepted: &AcceptedVersions) -> Result<Files, Error> {
        let AcceptedVersions { snapshot, targets, delegated: _ } = accepted;
        let newest = self.newest_root(repository)?.get();
        let root = |version: u64| self.kept(repository, &format!("{version}.root.json"), MAX_ROOT);
        let mut delegated = Vec::new();
        for (role, file) in accepted.delegated_files() {
            let bytes = self.kept(repository, &file.file_name(), MAX_TARGETS)?;
            delegated.extend(bytes.map(|bytes| (role, bytes)));
        }
        Ok(Files {
            root: root(newest)?.unwrap_or_default(),
            former_root: root(newest.saturating_sub(1))?,
            delegated,
            timestamp: self.kept(repository, "timestamp.json", MAX_TIMESTAMP)?,
            snapshot: self.kept(repository, &format!("{snapshot}.snapshot.json"), MAX_SNAPSHOT)?,
            targets: self.kept(repository, &format!("{targets}.targets.json"), MAX_TARGETS)?,
        })
    }

    /// Whether this transaction, which is over, was committed, if that is known.
    pub fn was_committed(&self, transaction: &str) -> Option<bool> {
        let Outcome { result, transaction: of, .. } = &self.memory().outcome;
        (of.as_deref() == Some(transaction)).then(|| result == ResultCode::Installed.word())
    }

    /// Keeps the newest report of an ECU.
    pub fn keep_report(&mut self, ecu: EcuId, report: &[u8]) -> Result<(), Error> {
        let name = report_name(ecu);
        // The same report again is not worth a write.
        match self.disk.read(&name, MAX_STATE)? {
            Some(kept) if kept == report => Ok(()),
            _ => Ok(self.disk.replace(&name, report)?),
        }
    }

    /// The newest report of an ECU.
    pub fn report(&self, ecu: EcuId) -> Result<Option<Vec<u8>>, Error> {
        let limit = u64::try_from(MAX_REPORT).unwrap_or(MAX_STATE);
        Ok(self.disk.read(&report_name(ecu), limit)?)
    }
}

fn roots(disk: &impl Disk, repository: &str) -> Result<Vec<Version>, Error> {
    let names = disk.list(&format!("metadata/{repository}"))?;
    let versions = names.iter().filter_map(|name| name.strip_suffix(".root.json")?.parse().ok());
    let mut roots: Vec<_> = versions.filter_map(|version| Version::new(version).ok()).collect();
    roots.sort_unstable();
    Ok(roots)
}

fn report_name(ecu: EcuId) -> String {
    format!("state/reports/{ecu}.json")
}

impl<T: Clone + Default + PartialEq + Serialize + DeserializeOwned> Kept<T> {
    /// What is kept under this name. Where that is lost, `anew` makes it, or says that nothing can.
    fn open<D: Disk>(
        disk: &mut D,
        name: &'static str,
        broken: &mut Vec<Error>,
        anew: impl FnOnce(&D) -> Option<T>,
    ) -> Result<Self, Error> {
        let mut found = Pair::open(disk, name)?.or_plain(disk)?;
        if found.is_lost() {
            let value = anew(disk).ok_or_else(|| found.lost())?;
            // Both files are whole again.
            (0..2).try_for_each(|_| found.pair.write(disk, &value))?;
            found.value = Some(value);
        }
        let Found { pair, value, damaged } = found;
        broken.extend(damaged);
        Ok(Self { value: value.unwrap_or_default(), pair })
    }

    /// Keeps `value`, unless it is what is kept.
    fn set(&mut self, disk: &mut impl Disk, value: T) -> Result<(), Error> {
        if value != self.value {
            self.pair.write(disk, &value)?;
            self.value = value;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
