//! Makes the files that the repository signs itself: Snapshot and Timestamp.

use uptane::Hashes;
use uptane::sign::{FileInfo, KeySet, Signer, SnapshotBuilder, TimestampBuilder};

use crate::error::Error;
use crate::facts::{Current, Head, SignedFile};
use crate::plan::Next;
use crate::role::RoleId;

/// The keys of a role as Root appoints them, and those of them that are at hand.
pub struct RoleSigners<'k> {
    /// Who may sign, and how many must.
    pub keys: KeySet,
    /// Who can.
    pub signers: Vec<&'k dyn Signer>,
}

/// Snapshot over the newest Targets files of `head`.
pub fn snapshot(head: &Head, next: Next, by: &RoleSigners<'_>) -> Result<SignedFile, Error> {
    let targets = info(head, RoleId::Targets)?;
    let mut builder = SnapshotBuilder::image(next.version, next.expires, targets);
    for (role, current) in &head.files {
        if let RoleId::Delegated(name) = role {
            builder = builder.list(*name, info_of(current)?);
        }
    }
    let bytes = builder.sign(&by.keys, &by.signers)?;
    Ok(SignedFile { role: RoleId::Snapshot, version: next.version, expires: next.expires, bytes })
}

/// Timestamp over the newest Snapshot of `head`.
pub fn timestamp(head: &Head, next: Next, by: &RoleSigners<'_>) -> Result<SignedFile, Error> {
    let builder = TimestampBuilder::image(next.version, next.expires, info(head, RoleId::Snapshot)?);
    let bytes = builder.sign(&by.keys, &by.signers)?;
    Ok(SignedFile { role: RoleId::Timestamp, version: next.version, expires: next.expires, bytes })
}

fn info(head: &Head, role: RoleId) -> Result<FileInfo, Error> {
    info_of(head.newest(&role).ok_or(Error::Incomplete { what: role.kind().type_name() })?)
}

fn info_of(current: &Current) -> Result<FileInfo, Error> {
    let Current { version, length, sha256, expires: _ } = *current;
    Ok(FileInfo::new(version, length, Hashes::new(Some(sha256), None)?))
}
