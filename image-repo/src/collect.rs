//! Which files nobody needs any more: the decision of garbage collection. Facts in, names out; nothing is removed here.
//!
//! A client may hold any Timestamp that has not expired; it leads to a Snapshot, that to Targets files, and those to
//! images. Whatever can be reached so is kept, and so is every Root (a client of any age follows them one by one), the
//! newest file of every role, and every file that has not expired. What is left has expired *and* was superseded.
//!
//! How it is done, and why a publication at the same time loses nothing, says [`sweep`].

pub(crate) mod sweep;

use std::collections::BTreeSet;

use uptane::metadata::{Envelope, Snapshot, Timestamp};
use uptane::{Time, Version};

use crate::error::Error;
use crate::facts::{Head, Kept};
use crate::role::RoleId;

/// One file of a role.
pub(crate) type FileId = (RoleId, Version);

/// The files that must stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needed(BTreeSet<FileId>);

impl Needed {
    /// What is needed whatever other files say: Roots, the newest of every role, and what has not expired.
    pub(crate) fn by_itself(head: &Head, history: &[Kept], now: Time) -> Self {
        let is_needed = |kept: &&Kept| {
            let is_newest = head.newest(&kept.role).is_none_or(|newest| newest.version <= kept.version);
            kept.role == RoleId::Root || is_newest || now < kept.expires
        };
        Self(history.iter().filter(is_needed).map(|kept| (kept.role, kept.version)).collect())
    }

    /// Adds what a needed file leads to.
    pub(crate) fn add(&mut self, files: impl IntoIterator<Item = FileId>) {
        self.0.extend(files);
    }

    /// The needed files of a role.
    pub(crate) fn of_role(&self, role: RoleId) -> Vec<FileId> {
        self.0.iter().copied().filter(|(of, _)| *of == role).collect()
    }

    /// The needed files that list images.
    pub(crate) fn listing(&self) -> impl Iterator<Item = FileId> {
        self.0.iter().copied().filter(|(role, _)| role.lists_images())
    }

    /// The files that nobody needs, ascending by role and version.
    pub(crate) fn others(&self, history: &[Kept]) -> Vec<FileId> {
        let ids = history.iter().map(|kept| (kept.role, kept.version));
        ids.filter(|id| !self.0.contains(id)).collect()
    }
}

/// The file that a Timestamp leads to.
pub(crate) fn of_timestamp(bytes: &[u8]) -> Result<FileId, Error> {
    let envelope = Envelope::decode(bytes)?;
    let timestamp = Timestamp::decode(envelope.signed())?;
    Ok((RoleId::Snapshot, timestamp.snapshot().version))
}

/// The files that a Snapshot leads to.
pub(crate) fn of_snapshot(bytes: &[u8]) -> Result<Vec<FileId>, Error> {
    let envelope = Envelope::decode(bytes)?;
    let snapshot = Snapshot::decode(envelope.signed())?;
    let file = |(name, meta): (&str, uptane::metadata::FileMeta)| {
        let role = name.strip_suffix(".json").unwrap_or(name).parse()?;
        Ok((role, meta.version))
    };
    snapshot.files().map(file).collect()
}

#[cfg(test)]
mod tests;
