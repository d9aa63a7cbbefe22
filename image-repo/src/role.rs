//! The four roles whose files and keys a repository holds.

use std::fmt;

use uptane::Version;

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
