//! What a repository knows of itself, and what may change about it. Plain data: decisions are made elsewhere.
//!
//! A store holds every signed file there ever was, what the newest Targets of each role list and to whom they delegate,
//! and the highest release of each line. [`Head`] is the small part of it that every decision rests on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use host::audit::Entry;
use uptane::{
    HardwareId, ImageLine, Length, ReleaseCounter, RoleName, Sha256, TargetName, TargetNameBuf, Time, Version,
};

use crate::role::RoleId;

/// How often a repository was changed. Whoever decided on one generation changes that one or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

impl Generation {
    /// The generation of this number, as a store keeps it; 0 before the first change.
    pub const fn of(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after it. Nobody changes a repository 2^64 times.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What every decision rests on: some hundred bytes for each role, however many images there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Which state of the repository this is.
    pub generation: Generation,
    /// The newest file of each role.
    pub files: BTreeMap<RoleId, Current>,
    /// How long the files are valid that the repository signs itself.
    pub lifetimes: Lifetimes,
    /// What was recorded last of who did what.
    pub last_entry: Option<Entry>,
}

impl Head {
    /// The newest file of a role.
    pub fn newest(&self, role: &RoleId) -> Option<&Current> {
        self.files.get(role)
    }
}

/// The newest file of a role, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Time,
    /// Its length.
    pub length: Length,
    /// Its digest.
    pub sha256: Sha256,
}

/// How long the online roles' files are valid. Each is made again when half of its life is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of Snapshot.
    pub snapshot: Duration,
    /// Of Timestamp: how long a client may be kept from seeing something new.
    pub timestamp: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { snapshot: Duration::from_secs(30 * DAY), timestamp: Duration::from_secs(7 * DAY) }
    }
}

/// Seconds of a day.
const DAY: u64 = 86_400;

/// A signed metadata file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedFile {
    /// Its role.
    pub role: RoleId,
    /// Its version, never used for another file of the role.
    pub version: Version,
    /// When it expires.
    pub expires: Time,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl SignedFile {
    /// What a head says of it.
    pub fn current(&self) -> Result<Current, uptane::Error> {
        let length = Length::new(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))?;
        Ok(Current { version: self.version, expires: self.expires, length, sha256: Sha256::of(&self.bytes) })
    }
}

/// A file in a store's history. Its bytes may be gone; its version stays used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its role.
    pub role: RoleId,
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Time,
}

/// An image as a role lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its name.
    pub name: TargetNameBuf,
    /// Its length.
    pub length: Length,
    /// Its digest.
    pub sha256: Sha256,
    /// The hardware it runs on.
    pub hardware_ids: BTreeSet<HardwareId>,
    /// The line its releases count in.
    pub line: ImageLine,
    /// Which release of the line it is.
    pub release_counter: ReleaseCounter,
}

impl Listing {
    /// Its name below `targets/`: one per content, so that two releases of one name live side by side.
    pub fn stored_name(&self) -> String {
        stored_name(self.name.borrowed(), self.sha256)
    }
}

/// `dir/<digest>.<file>` for `dir/file` (TUF §6.2).
pub fn stored_name(name: TargetName<'_>, sha256: Sha256) -> String {
    match name.as_str().rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/{sha256}.{file}"),
        None => format!("{sha256}.{name}"),
    }
}

/// One thing that becomes true. A list of them becomes true together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file exists, and is the newest of its role. Its version must be above every one used before.
    File(SignedFile),
    /// The role lists this image from now on, in place of any of its name; the line's highest release is raised to it.
    List(RoleId, Listing),
    /// The role lists this image no more.
    Unlist(RoleId, TargetNameBuf),
    /// The role delegates to exactly these from now on, bins by their names.
    Delegate(RoleId, BTreeSet<RoleName>),
    /// Files that the repository signs are valid for this long from now on.
    Lifetimes(Lifetimes),
    /// Somebody did this. It must follow what was recorded last, and is otherwise a conflict.
    Record(Entry),
}
