//! The roles of a repository: the four that Root appoints, and those that are delegated to.

use std::fmt;
use std::str::FromStr;

use uptane::verify::MetadataFile;
use uptane::{RoleName, Version};

/// A role that Root appoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum TopRole {
    /// Appoints all four; its key is kept offline.
    Root,
    /// Lists the images; its key is kept offline.
    Targets,
    /// Lists the newest Targets; its key is online.
    Snapshot,
    /// Lists the newest Snapshot; its key is online.
    Timestamp,
}

impl TopRole {
    /// All four, in the order in which people think of them.
    pub const ALL: [Self; 4] = [Self::Root, Self::Targets, Self::Snapshot, Self::Timestamp];

    /// The word in file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// The name of a file in the layout of TUF with consistent snapshots.
    pub fn file_name(self, version: Version) -> String {
        match self {
            Self::Root | Self::Targets | Self::Snapshot => format!("{version}.{}.json", self.word()),
            Self::Timestamp => "timestamp.json".to_owned(),
        }
    }

    /// Whether its key is encrypted and used by people alone (design D13).
    pub fn is_offline(self) -> bool {
        match self {
            Self::Root | Self::Targets => true,
            Self::Snapshot | Self::Timestamp => false,
        }
    }
}

impl From<TopRole> for uptane::Role {
    fn from(role: TopRole) -> Self {
        match role {
            TopRole::Root => Self::Root,
            TopRole::Targets => Self::Targets,
            TopRole::Snapshot => Self::Snapshot,
            TopRole::Timestamp => Self::Timestamp,
        }
    }
}

impl fmt::Display for TopRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uptane::Role::from(*self).fmt(f)
    }
}

/// A role, whoever appoints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleId {
    /// Appoints the other top-level roles.
    Root,
    /// Lists images and delegates.
    Targets,
    /// Lists what the newest Targets files are.
    Snapshot,
    /// Lists what the newest Snapshot is.
    Timestamp,
    /// Lists images and delegates, as far as a file of Targets lets it.
    Delegated(RoleName),
}

impl RoleId {
    /// Its file of one version, as the repository names it.
    pub fn file(self, version: Version) -> MetadataFile {
        match self {
            Self::Root => MetadataFile::Root(version),
            Self::Targets => MetadataFile::Targets(version),
            Self::Snapshot => MetadataFile::Snapshot(version),
            Self::Timestamp => MetadataFile::Timestamp,
            Self::Delegated(name) => MetadataFile::Delegated(name, version),
        }
    }

    /// What kind of file it signs.
    pub fn kind(self) -> uptane::Role {
        match self {
            Self::Root => uptane::Role::Root,
            Self::Targets | Self::Delegated(_) => uptane::Role::Targets,
            Self::Snapshot => uptane::Role::Snapshot,
            Self::Timestamp => uptane::Role::Timestamp,
        }
    }

    /// Whether its files list images and delegate.
    pub fn lists_images(self) -> bool {
        self.kind() == uptane::Role::Targets
    }
}

impl From<TopRole> for RoleId {
    fn from(role: TopRole) -> Self {
        match role {
            TopRole::Root => Self::Root,
            TopRole::Targets => Self::Targets,
            TopRole::Snapshot => Self::Snapshot,
            TopRole::Timestamp => Self::Timestamp,
        }
    }
}

/// The word or name: no delegated role has the name of a top-level one.
impl fmt::Display for RoleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.pad("root"),
            Self::Targets => f.pad("targets"),
            Self::Snapshot => f.pad("snapshot"),
            Self::Timestamp => f.pad("timestamp"),
            Self::Delegated(name) => f.pad(name.as_str()),
        }
    }
}

/// As it is displayed.
impl FromStr for RoleId {
    type Err = uptane::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match TopRole::parse(text) {
            Some(top) => Ok(top.into()),
            None => RoleName::parse(text).map(Self::Delegated),
        }
    }
}

impl From<RoleName> for RoleId {
    fn from(role: RoleName) -> Self {
        Self::Delegated(role)
    }
}
