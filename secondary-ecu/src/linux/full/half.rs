//! One repository: what is trusted of it, the refresh under way, and the files that are stored.
//!
//! In `metadata/`: `director.root.json`, `director.timestamp.json`, and `director.accepted`: 8 bytes length of Snapshot
//! (little-endian), Snapshot, Targets, in one file so that they change together. `image.*` likewise, and so for every other
//! Image repository of the mapping, each with its name. `image.delegated` holds delegated Targets, one after the other:
//! a byte with the length of the role's name, the name, 8 bytes length of the file, the file. It is written first: what
//! Snapshot does not list is not trusted, and fetched again.
//!
//! `director.former-root.json` is the Root that the state record names where a newer one is stored already: what the newer
//! one changes in that record, the time above all (design D14), is found by comparing both, even after the power failed.
//! `image.former-root.json` is the Root before the newest: it tells files whose keys Root has rotated from damaged ones.
//! `director.first-root.json` and `image.first-root.json` are those of the bundle, and never written again.
//!
//! A disk that says it has synchronised when it has not may leave a file torn. Such a one is fetched again; of a torn Root
//! the one before it is trusted instead, at worst that of the bundle, and the Primary hands over the newer ones. What the
//! state record names of the Director is held against all that comes then ([`Remembered`](uptane::verify::Remembered)).

mod record;
mod stored;

use host::disk::Disk;
use uptane::verify::{Keep, Kept, MetadataFile, Refresh, Refreshed, RootFile, Step, Trusted, Wanted};
use uptane::{Director, EcuId, Error, Repository, RepositoryName, Role, Version};

use super::joined::{join, join_delegated};
use super::part::{Part, is_past, order_of};
use crate::Fault;

/// The folder of all files.
const FOLDER: &str = "metadata";

/// One repository.
#[derive(Debug)]
pub(super) struct Half<R, D> {
    name: RepositoryName,
    disk: D,
    trusted: Option<Trusted<R>>,
    /// The newest Root, which may have been accepted by a refresh that is still open.
    root: Option<Kept<RootFile>>,
    /// The Director Root that the state record names, if that has yet to be told of a newer one.
    former: Option<Trusted<R>>,
    /// A Root rotated keys, so that stored files were dropped, and the state record has yet to be told.
    forgot: bool,
    cycle: Cycle<R>,
}

/// How far the files of this cycle have come.
#[derive(Debug)]
enum Cycle<R> {
    Idle,
    Open(Box<Refresh<R>>),
    Done(Box<Refreshed<R>>),
}

impl<R: Repository, D: Disk + Clone> Half<R, D> {
    pub(super) fn new(name: RepositoryName, disk: &D) -> Self {
        let (trusted, root, former, forgot, cycle) = (None, None, None, false, Cycle::Idle);
        Self { name, disk: disk.clone(), trusted, root, former, forgot, cycle }
    }

    pub(super) fn name(&self) -> RepositoryName {
        self.name
    }

    pub(super) fn provision(&mut self, root: &[u8]) -> Result<(), Fault> {
        self.trust(Trusted::provision(root)?);
        self.write("first-root.json", root)?;
        self.write("root.json", root)
    }

    /// Goes on with a file. One that comes before the place the refresh has reached begins a new one.
    pub(super) fn supply(
        &mut self,
        part: Part,
        bytes: &[u8],
        begin: impl FnOnce(Trusted<R>) -> Refresh<R>,
    ) -> Result<(), Fault> {
        if self.is_settled(part, bytes) {
            return Ok(());
        }
        let mut refresh = match core::mem::replace(&mut self.cycle, Cycle::Idle) {
            Cycle::Open(refresh) if !is_past(&refresh.next(), part) => *refresh,
            cycle @ (Cycle::Idle | Cycle::Open(_) | Cycle::Done(_)) => {
                self.drop_cycle(cycle);
                begin(self.trusted()?.clone())
            }
        };
        match self.advance(&mut refresh, part, bytes) {
            Ok(()) => {
                self.cycle = match refresh.finish() {
                    Ok(refreshed) => Cycle::Done(Box::new(refreshed)),
                    Err(open) => Cycle::Open(open),
                };
                Ok(())
            }
            Err(fault) => {
                self.trust(refresh.abandon());
                self.start_over()?;
                Err(fault)
            }
        }
    }

    /// Roots on the way to the one that the state record names may be anybody's, until that is reached: where one of them led
    /// nowhere, the way begins again with what is stored.
    fn start_over(&mut self) -> Result<(), Fault> {
        let trusted = self.trusted()?;
        if trusted.check_root().is_ok() {
            return Ok(());
        }
        let remembered = trusted.remembered();
        self.reload()?;
        self.trusted = self.trusted.take().map(|trusted| trusted.remembering(remembered));
        Ok(())
    }

    /// Whether the Timestamp of this cycle, or of the last, has shown this Snapshot or these Targets to be held already.
    fn is_settled(&self, part: Part, bytes: &[u8]) -> bool {
        let trusted = self.trusted.as_ref();
        match (&self.cycle, part) {
            (_, Part::Root(_) | Part::Timestamp) | (Cycle::Open(_), Part::Snapshot | Part::Targets) => false,
            (Cycle::Done(_), Part::Snapshot | Part::Targets | Part::Delegated) => true,
            // One that is held is not waited for, though the Primary does not know.
            (Cycle::Idle | Cycle::Open(_), Part::Delegated) => {
                trusted.is_some_and(|trusted| trusted.delegated().any(|(_, held)| held == bytes))
            }
            (Cycle::Idle, Part::Snapshot) => {
                trusted.and_then(Trusted::snapshot).is_some_and(|held| held.bytes() == bytes)
            }
            (Cycle::Idle, Part::Targets) => {
                trusted.and_then(Trusted::targets).is_some_and(|held| held.bytes() == bytes)
            }
        }
    }

    /// Ends the refresh under way: the next file begins one at the time of then.
    pub(super) fn begin_anew(&mut self) {
        let cycle = core::mem::replace(&mut self.cycle, Cycle::Idle);
        self.drop_cycle(cycle);
    }

    /// Keeps what an unfinished cycle accepted.
    fn drop_cycle(&mut self, cycle: Cycle<R>) {
        match cycle {
            Cycle::Idle => {}
            Cycle::Open(refresh) => self.trust(refresh.abandon()),
            Cycle::Done(refreshed) => self.trust(refreshed.into_trusted_before()),
        }
    }

    /// Gives the refresh what it waits for, and stores what it says.
    fn advance(&mut self, refresh: &mut Refresh<R>, part: Part, bytes: &[u8]) -> Result<(), Fault> {
        if let (Step::Fetch { file: MetadataFile::Root(next), .. }, Part::Root(version)) = (refresh.next(), part)
            && version < next
        {
            // One this ECU trusts already.
            return Ok(());
        }
        if part.role() != Role::Root && matches!(refresh.next(), Step::Fetch { file: MetadataFile::Root(_), .. }) {
            // The Primary has no newer Root, or it would have come first.
            refresh.supply(None)?;
            self.store(refresh.keep())?;
        }
        match refresh.next() {
            Step::Fetch { file, .. } if order_of(file) == part.order() => {
                refresh.supply(Some(bytes.into()))?;
                self.store(refresh.keep())
            }
            // What is held already is what its parent lists.
            Step::Fetch { file, .. } if order_of(file) > part.order() => Ok(()),
            // A file that must come before it is missing.
            Step::Fetch { file, .. } => Err(Error::Absent { role: file.role() }.into()),
            Step::Done => Ok(()),
            Step::Refused(error) => Err(error.into()),
        }
    }

    /// Verifies what is trusted as if it came now.
    pub(super) fn verify_again(&self, begin: impl FnOnce(Trusted<R>) -> Refresh<R>) -> Result<Refreshed<R>, Fault> {
        let trusted = self.trusted()?;
        let timestamp = trusted.timestamp().map(Kept::shared);
        let mut refresh = begin(trusted.clone());
        refresh.supply(None)?;
        refresh.supply(timestamp)?;
        // Snapshot and Targets are held, and listed by it, or they would not be trusted together.
        refresh.finish().map_err(|unfinished| match unfinished.next() {
            Step::Refused(error) => error.into(),
            Step::Fetch { file, .. } => Error::Absent { role: file.role() }.into(),
            Step::Done => Fault::Storage,
        })
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.cycle, Cycle::Done(_))
    }

    /// The verified files of this cycle.
    pub(super) fn take_done(&mut self) -> Option<Refreshed<R>> {
        match core::mem::replace(&mut self.cycle, Cycle::Idle) {
            Cycle::Done(refreshed) => Some(*refreshed),
            other @ (Cycle::Idle | Cycle::Open(_)) => {
                self.cycle = other;
                None
            }
        }
    }

    /// Stores Snapshot and Targets of this cycle, and trusts them.
    pub(super) fn commit(&mut self, refreshed: Refreshed<R>) -> Result<(), Fault> {
        let changed = !refreshed.commit().is_empty();
        let delegates = !refreshed.commit().delegated.is_empty();
        let trusted = refreshed.into_trusted();
        if delegates {
            self.write("delegated", &join_delegated(trusted.delegated()))?;
        }
        if let (true, Some(snapshot), Some(targets)) = (changed, trusted.snapshot(), trusted.targets()) {
            self.write("accepted", &join(snapshot.bytes(), targets.bytes()))?;
        }
        self.trust(trusted);
        self.forgot = false;
        Ok(())
    }

    pub(super) fn trust(&mut self, trusted: Trusted<R>) {
        self.root = Some(trusted.root().clone());
        self.trusted = Some(trusted);
    }

    pub(super) fn trusted(&self) -> Result<&Trusted<R>, Fault> {
        self.trusted.as_ref().ok_or(Fault::Storage)
    }

    pub(super) fn root_version(&self) -> Option<Version> {
        self.root.as_ref().map(Kept::version)
    }

    /// Stores what design D5 wants stored now.
    fn store(&mut self, keep: Vec<Keep>) -> Result<(), Fault> {
        for kept in keep {
            match kept {
                Keep::Store { file: MetadataFile::Root(_), bytes } => self.store_root(&bytes)?,
                Keep::Store { file: MetadataFile::Timestamp, bytes } => self.write("timestamp.json", &bytes)?,
                // Only a TUF client stores these before both are verified.
                Keep::Store {
                    file: MetadataFile::Snapshot(_) | MetadataFile::Targets(_) | MetadataFile::Delegated(..),
                    ..
                } => {}
                Keep::Forget => self.forget()?,
            }
        }
        Ok(())
    }

    /// Stores a Root that the refresh has verified; one that is older than the Root that the state record names only when
    /// that has come.
    fn store_root(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let new = Trusted::<R>::provision(bytes)?.root().clone();
        if self.trusted()?.remembered().root.is_some_and(|(named, _)| new.version() < named) {
            self.root = Some(new);
            return Ok(());
        }
        match (is_director::<R>(), self.root.clone()) {
            (true, _) => self.keep_former()?,
            (false, Some(root)) => self.write("former-root.json", root.bytes())?,
            (false, None) => {}
        }
        self.write("root.json", bytes)?;
        self.root = Some(new);
        Ok(())
    }

    /// Keeps the Root that the state record names, before it is replaced. The record names none of the Image repository, and
    /// none that comes again because it was lost.
    fn keep_former(&mut self) -> Result<(), Fault> {
        let named = self.trusted()?.remembered().root;
        let is_named = |root: &Kept<RootFile>| named.is_none_or(|(_, sha256)| root.sha256() == sha256);
        let Some(root) = self.root.clone().filter(is_named) else { return Ok(()) };
        if self.former.as_ref().is_some_and(|former| is_named(former.root())) {
            return Ok(());
        }
        self.write("former-root.json", root.bytes())?;
        self.former = Some(Trusted::provision(root.bytes())?);
        Ok(())
    }

    fn forget(&mut self) -> Result<(), Fault> {
        // A Root that the state record knew rotated its keys before the Targets that the record names.
        let newest = self.root_version().unwrap_or(Version::FIRST);
        self.forgot |= self.trusted()?.is_news(newest);
        ["timestamp.json", "accepted", "delegated"].iter().try_for_each(|name| self.remove(name))
    }
}

fn is_director<R: Repository>() -> bool {
    R::NAME == Director::NAME
}

impl<D: Disk + Clone> Half<Director, D> {
    /// What the Image repositories are to be asked for, once the Director has spoken in this cycle.
    pub(super) fn wanted(&self, ecu: EcuId) -> Result<Vec<Wanted>, Fault> {
        match &self.cycle {
            Cycle::Done(refreshed) => Ok(refreshed.wanted_for(ecu)?),
            Cycle::Idle | Cycle::Open(_) => Ok(vec![]),
        }
    }
}
