//! The store of tests and of a simulator. Its futures are ready at once: they need no runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host::audit::Entry;
use uptane::{ImageLine, ReleaseCounter, RoleName, Sha256, TargetNameBuf, Version};

use super::fault::Fault;
use super::rows::seconds;
use super::{Store, entries};
use crate::error::Error;
use crate::facts::{Change, Current, Generation, Head, Kept, Lifetimes, Listing, SignedFile};
use crate::role::RoleId;

/// A store that lasts as long as its last clone.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    head: Head,
    files: BTreeMap<(RoleId, Version), Row>,
    listings: BTreeMap<RoleId, BTreeMap<TargetNameBuf, Listing>>,
    lines: BTreeMap<ImageLine, ReleaseCounter>,
    delegations: BTreeMap<RoleId, BTreeSet<RoleName>>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Row {
    current: Current,
    bytes: Option<Vec<u8>>,
    published: bool,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Changes are checked before the first is made, so the tables are whole even if a thread panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    async fn head(&self) -> Result<Head, Error> {
        Ok(self.tables().head.clone())
    }

    async fn file(&self, role: RoleId, version: Version) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.tables().files.get(&(role, version)).and_then(|row| row.bytes.clone()))
    }

    async fn listed(&self, role: RoleId) -> Result<Vec<Listing>, Error> {
        let tables = self.tables();
        Ok(tables.listings.get(&role).into_iter().flat_map(BTreeMap::values).cloned().collect())
    }

    async fn named(&self, names: &[TargetNameBuf]) -> Result<Vec<(RoleId, Listing)>, Error> {
        let tables = self.tables();
        let names: BTreeSet<_> = names.iter().collect();
        Ok(names.into_iter().flat_map(|name| tables.named(name)).collect())
    }

    async fn highest(&self, lines: &[ImageLine]) -> Result<BTreeMap<ImageLine, ReleaseCounter>, Error> {
        let tables = self.tables();
        Ok(lines.iter().filter_map(|line| tables.lines.get_key_value(line)).map(|(line, at)| (*line, *at)).collect())
    }

    async fn lines(&self) -> Result<Vec<(ImageLine, ReleaseCounter)>, Error> {
        Ok(self.tables().lines.iter().map(|(line, highest)| (*line, *highest)).collect())
    }

    async fn delegators(&self, role: RoleName) -> Result<Vec<RoleId>, Error> {
        let tables = self.tables();
        Ok(tables.delegations.iter().filter(|(_, roles)| roles.contains(&role)).map(|(by, _)| *by).collect())
    }

    async fn unpublished(&self) -> Result<Vec<SignedFile>, Error> {
        let tables = self.tables();
        let unpublished = tables.files.iter().filter(|(_, row)| !row.published);
        Ok(unpublished.filter_map(|((role, _), row)| row.signed(*role)).collect())
    }

    async fn published(&self, files: &[(RoleId, Version)]) -> Result<(), Error> {
        let mut tables = self.tables();
        for file in files {
            tables.files.get_mut(file).into_iter().for_each(|row| row.published = true);
        }
        Ok(())
    }

    async fn history(&self) -> Result<Vec<Kept>, Error> {
        let tables = self.tables();
        let kept = tables.files.iter().filter(|(_, row)| row.bytes.is_some());
        Ok(kept.map(|(&(role, version), row)| Kept { role, version, expires: row.current.expires }).collect())
    }

    async fn prune(&self, files: &[(RoleId, Version)]) -> Result<(), Error> {
        let mut tables = self.tables();
        for (role, version) in files {
            tables.prune(*role, *version);
        }
        Ok(())
    }

    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        Ok(self.tables().entries.iter().filter(|entry| entry.seq > after).take(limit).cloned().collect())
    }

    async fn apply(&self, expected: Generation, changes: &[Change]) -> Result<(), Error> {
        let mut tables = self.tables();
        if tables.head.generation != expected {
            return Err(Error::Conflict);
        }
        let currents = tables.check(changes)?;
        tables.head.files.extend(currents);
        changes.iter().for_each(|change| tables.make_true(change));
        tables.head.generation = expected.next();
        Ok(())
    }
}

impl Tables {
    fn named(&self, name: &TargetNameBuf) -> impl Iterator<Item = (RoleId, Listing)> {
        self.listings.iter().filter_map(move |(role, listings)| Some((*role, listings.get(name)?.clone())))
    }

    fn prune(&mut self, role: RoleId, version: Version) {
        let is_newest = self.head.newest(&role).is_some_and(|newest| newest.version == version);
        let row = self.files.get_mut(&(role, version)).filter(|row| row.published && !is_newest);
        row.into_iter().for_each(|row| row.bytes = None);
    }

    /// What the newest files become, if all of them may follow those that there are.
    fn check(&self, changes: &[Change]) -> Result<BTreeMap<RoleId, Current>, Fault> {
        let (mut newest, mut last) = (BTreeMap::new(), self.head.last_entry.as_ref());
        for change in changes {
            match change {
                Change::File(file) => drop(newest.insert(file.role, self.follows(&newest, file)?)),
                Change::Record(entry) => last = Some(recorded_after(last, entry)?),
                Change::Lifetimes(lifetimes) => drop(seconds(lifetimes)?),
                Change::List(..) | Change::Unlist(..) | Change::Delegate(..) => {}
            }
        }
        Ok(newest)
    }

    fn follows(&self, newest: &BTreeMap<RoleId, Current>, file: &SignedFile) -> Result<Current, Fault> {
        let before = newest.get(&file.role).or_else(|| self.head.newest(&file.role));
        if before.is_some_and(|before| file.version <= before.version) {
            return Err(Fault::VersionUsed { role: Box::new(file.role), version: file.version });
        }
        current(file)
    }

    fn make_true(&mut self, change: &Change) {
        match change {
            Change::File(file) => self.keep(file),
            Change::List(role, listing) => {
                let highest = self.lines.entry(listing.line).or_default();
                *highest = listing.release_counter.max(*highest);
                self.listings.entry(*role).or_default().insert(listing.name, listing.clone());
            }
            Change::Unlist(role, name) => {
                self.listings.get_mut(role).into_iter().for_each(|listings| drop(listings.remove(name)));
            }
            Change::Delegate(role, to) => drop(self.delegations.insert(*role, to.clone())),
            Change::Lifetimes(Lifetimes { snapshot, timestamp }) => {
                // Databases keep whole seconds.
                let whole = |duration: &Duration| Duration::from_secs(duration.as_secs());
                self.head.lifetimes = Lifetimes { snapshot: whole(snapshot), timestamp: whole(timestamp) };
            }
            Change::Record(entry) => {
                self.entries.push(entry.clone());
                self.head.last_entry = Some(entry.clone());
            }
        }
    }

    fn keep(&mut self, file: &SignedFile) {
        // `check` has taken the same of it.
        if let Ok(current) = current(file) {
            let row = Row { current, bytes: Some(file.bytes.clone()), published: false };
            self.files.insert((file.role, file.version), row);
        }
    }
}

impl Row {
    fn signed(&self, role: RoleId) -> Option<SignedFile> {
        let Current { version, expires, .. } = self.current;
        Some(SignedFile { role, version, expires, bytes: self.bytes.clone()? })
    }
}

fn recorded_after<'e>(last: Option<&Entry>, entry: &'e Entry) -> Result<&'e Entry, Fault> {
    entries::check(entry)?;
    let (seq, previous) = last.map_or((0, Sha256([0; 32])), |last| (last.seq, last.hash));
    if seq.checked_add(1) == Some(entry.seq) && entry.previous == previous { Ok(entry) } else { Err(Fault::Conflict) }
}

fn current(file: &SignedFile) -> Result<Current, Fault> {
    file.current().map_err(|_| Fault::Unfit { what: "a metadata file so long" })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::store::conformance::{file, role, version};

    fn at_once<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn nothing_waits() {
        let store = Memory::new();
        at_once(store.apply(Generation::default(), &[Change::File(file("a", 1))])).unwrap();
        at_once(store.published(&[(role("a"), version(1))])).unwrap();
        at_once(store.prune(&[(role("a"), version(1))])).unwrap();
        assert_eq!(at_once(store.head()).unwrap().files.len(), 1);
        assert!(at_once(store.file(role("a"), version(1))).unwrap().is_some());
        at_once(store.listed(role("a"))).unwrap();
        at_once(store.named(&[])).unwrap();
        at_once(store.highest(&[])).unwrap();
        at_once(store.delegators(RoleName::parse("a").unwrap())).unwrap();
        at_once(store.unpublished()).unwrap();
        at_once(store.history()).unwrap();
        at_once(store.entries(0, 1)).unwrap();
    }
}
