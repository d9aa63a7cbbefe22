//! A repository in a folder, in a form that no database is needed to read, and back from it into any kind of database.
//!
//! ```text
//! backup.json      what there is, with its digests; written last, so a folder without it is no backup
//! backup.sha256    digest of backup.json, in hex
//! metadata/        every signed file whose bytes were kept, named as clients see it (`5.timestamp.json` with its version)
//! audit.jsonl      the audit log, one entry per line (`host::audit`)
//! images/<sha256>  images that the files list, if they were asked for
//! ```
//! Keys are no part of it: those of people are backed up by people, and online keys where secrets are kept.
//!
//! Everything of a database follows from the signed files but the highest release of each line, which outlives its images,
//! and the lifetimes; both stand in `backup.json`. [`take`] makes a backup, [`restore`] reads one.

mod error;
pub(crate) mod restore;
pub(crate) mod take;

use std::path::{Path, PathBuf};

use host::disk;
use serde::{Deserialize, Serialize};
use uptane::{ImageLine, Length, ReleaseCounter, Sha256, Version, limits};

use crate::error::Error;
use crate::role::RoleId;

pub(crate) use error::Fault;

/// What `backup.json` says.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// When it was made.
    pub at: String,
    /// The generation of the repository.
    pub generation: u64,
    /// Seconds that a Snapshot is valid.
    pub snapshot_seconds: u64,
    /// Seconds that a Timestamp is valid.
    pub timestamp_seconds: u64,
    /// The signed files, ascending by role and version.
    pub files: Vec<FileEntry>,
    /// The highest release of each line.
    pub lines: Vec<LineEntry>,
    /// The images that the files list, by the names clients fetch them by.
    pub images: Vec<ImageEntry>,
    /// The hash of the newest entry of the audit log, if there is any.
    pub audit: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    pub role: String,
    pub version: u64,
    pub sha256: String,
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineEntry {
    pub line: String,
    pub highest: u64,
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageEntry {
    pub name: String,
    pub length: u64,
    pub sha256: String,
    /// Whether its bytes are in the folder.
    pub here: bool,
}

/// The only form so far.
pub(crate) const FORMAT: u32 = 1;
const MANIFEST: &str = "backup.json";
const DIGEST: &str = "backup.sha256";
const AUDIT: &str = "audit.jsonl";
/// Bytes of `backup.json`: some hundred for each of a few million files and images.
const MAX_MANIFEST: u64 = 1024 * 1024 * 1024;

/// A backup, whose `backup.json` was read and is what was written.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    folder: PathBuf,
    pub manifest: Manifest,
}

impl Backup {
    /// Opens a backup.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let none = || Fault::NotABackup { path: folder.to_owned() };
        let bytes = disk::read(&folder.join(MANIFEST), MAX_MANIFEST)?.ok_or_else(none)?;
        let digest = disk::read(&folder.join(DIGEST), 1024)?.ok_or_else(none)?;
        if String::from_utf8_lossy(&digest).trim() != Sha256::of(&bytes).to_string() {
            return Err(damaged(MANIFEST).into());
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| damaged(MANIFEST))?;
        match manifest.format {
            FORMAT => Ok(Self { folder: folder.to_owned(), manifest }),
            format => Err(Fault::Newer { format }.into()),
        }
    }

    /// The bytes of a signed file, which are those that were backed up.
    pub(crate) fn file(&self, entry: &FileEntry) -> Result<(RoleId, Version, Vec<u8>), Error> {
        let (role, version) = entry.id()?;
        let name = file_name(role, version);
        let limit = limits::MAX_TARGETS.max(limits::MAX_ROOT).max(limits::MAX_SNAPSHOT);
        let bytes = disk::read(&self.folder.join("metadata").join(&name), limit)?;
        let bytes = bytes.filter(|bytes| Sha256::of(bytes).to_string() == entry.sha256);
        Ok((role, version, bytes.ok_or_else(|| damaged(&name))?))
    }

    /// Where the bytes of an image are.
    pub(crate) fn image(&self, entry: &ImageEntry) -> PathBuf {
        self.folder.join("images").join(&entry.sha256)
    }

    fn audit(&self) -> PathBuf {
        self.folder.join(AUDIT)
    }
}

impl FileEntry {
    fn id(&self) -> Result<(RoleId, Version), Error> {
        let version = Version::new(self.version).map_err(|_| damaged(MANIFEST))?;
        Ok((self.role.parse().map_err(|_| damaged(MANIFEST))?, version))
    }
}

impl LineEntry {
    fn parse(&self) -> Result<(ImageLine, ReleaseCounter), Error> {
        let line = ImageLine::parse(&self.line).map_err(|_| damaged(MANIFEST))?;
        Ok((line, ReleaseCounter::new(self.highest).map_err(|_| damaged(MANIFEST))?))
    }
}

impl ImageEntry {
    fn parse(&self) -> Result<(Length, Sha256), Error> {
        let length = Length::new(self.length).map_err(|_| damaged(MANIFEST))?;
        Ok((length, Sha256::parse(&self.sha256).map_err(|_| damaged(MANIFEST))?))
    }
}

/// The name of a file in `metadata/`.
fn file_name(role: RoleId, version: Version) -> String {
    match role {
        RoleId::Timestamp => format!("{version}.timestamp.json"),
        RoleId::Root | RoleId::Targets | RoleId::Snapshot | RoleId::Delegated(_) => role.file(version).file_name(),
    }
}

fn damaged(file: &str) -> Fault {
    Fault::Damaged { file: file.to_owned() }
}

#[cfg(test)]
mod tests;
