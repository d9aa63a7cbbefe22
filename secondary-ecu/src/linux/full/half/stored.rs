//! What is stored of a repository, read back and verified again, and how it is written; the files are those that
//! [`half`](super) lists.

use host::disk::Disk;
use uptane::limits::{MAX_ROOT, MAX_SNAPSHOT, MAX_TARGETS, MAX_TIMESTAMP};
use uptane::verify::{Damaged, Reloaded, StoredFiles, Trusted};
use uptane::{Repository, Role};

use super::{Cycle, FOLDER, Half, is_director};
use crate::Fault;
use crate::linux::full::joined::{split, split_delegated};

impl<R: Repository, D: Disk + Clone> Half<R, D> {
    /// Verifies what is stored again.
    pub(in crate::linux::full) fn reload(&mut self) -> Result<(), Fault> {
        self.cycle = Cycle::Idle;
        let former = self.read_root("former-root.json")?;
        if is_director::<R>() {
            self.former = former.as_deref().map(Trusted::provision).transpose()?;
        }
        let root = self.newest_root(former.as_ref())?;
        let timestamp = self.read("timestamp.json", MAX_TIMESTAMP)?;
        let accepted = self.read("accepted", MAX_SNAPSHOT.saturating_add(MAX_TARGETS))?;
        let pair = accepted.as_deref().and_then(split);
        if accepted.is_some() && pair.is_none() {
            self.torn("accepted");
            self.remove("accepted")?;
        }
        let (snapshot, targets) = pair.unzip();
        let delegated = self.read("delegated", MAX_TARGETS)?.unwrap_or_default();
        // What is damaged is not listed by Snapshot, and fetched again.
        let delegated = split_delegated(&delegated).unwrap_or_else(|| {
            self.torn("delegated");
            vec![]
        });
        let (former_root, timestamp) = (former.as_deref(), timestamp.as_deref());
        let stored = StoredFiles { root: &root, former_root, timestamp, snapshot, targets, delegated: &delegated };
        let Reloaded { trusted, damaged } = Trusted::reload(stored)?;
        self.trust(trusted);
        self.report(&damaged)?;
        Ok(())
    }

    /// The newest Root that is whole.
    fn newest_root(&self, former: Option<&Vec<u8>>) -> Result<Vec<u8>, Fault> {
        let newest = self.read_root("root.json")?.or_else(|| former.cloned());
        match newest {
            Some(root) => Ok(root),
            None => self.read_root("first-root.json")?.ok_or(Fault::Storage),
        }
    }

    /// A Root, if it is there and whole.
    fn read_root(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let Some(root) = self.read(name, MAX_ROOT)? else { return Ok(None) };
        let is_whole = Trusted::<R>::provision(&root).is_ok();
        if !is_whole {
            self.torn(name);
        }
        Ok(is_whole.then_some(root))
    }

    /// Tells the operator that a stored file is not what was written.
    fn torn(&self, name: &str) {
        let file = self.disk.place(&self.file_name(name));
        tracing::error!(repository = %self.name, file = %file.display(), "a stored file is damaged, and fetched again");
    }

    /// Tells the operator what is damaged, and removes it. Snapshot and Targets share a file: the one that is whole still
    /// guards against older ones, until both are replaced.
    fn report(&mut self, damaged: &[Damaged]) -> Result<(), Fault> {
        for Damaged { role, why } in damaged {
            let folder = self.disk.place(FOLDER);
            let folder = folder.display();
            tracing::error!(repository = %self.name, %role, %why, %folder, "a stored file is damaged, and fetched again");
        }
        let is_damaged = |role| damaged.iter().any(|damaged| damaged.role == role);
        if is_damaged(Role::Timestamp) {
            self.remove("timestamp.json")?;
        }
        match is_damaged(Role::Snapshot) && is_damaged(Role::Targets) {
            true => self.remove("accepted"),
            false => Ok(()),
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<(), Fault> {
        let name = self.file_name(name);
        self.disk.remove(&name).map_err(unstored)
    }

    fn file_name(&self, name: &str) -> String {
        format!("{FOLDER}/{}.{name}", self.name)
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Fault> {
        self.disk.read(&self.file_name(name), limit).map_err(unstored)
    }

    pub(super) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let name = self.file_name(name);
        self.disk.replace(&name, bytes).map_err(unstored)
    }
}

/// The machine tells its Primary only that storage failed; the operator gets the reason.
fn unstored(error: host::Error) -> Fault {
    tracing::error!(%error, "metadata cannot be stored");
    Fault::Storage
}
