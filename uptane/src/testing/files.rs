//! What a repository serves.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::verify::MetadataFile;
use crate::{RoleName, Version};

/// The files of one repository: every Root, and the newest of the other roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    pub(crate) roots: BTreeMap<Version, Vec<u8>>,
    pub(crate) timestamp: Vec<u8>,
    pub(crate) snapshot: Vec<u8>,
    pub(crate) targets: Vec<u8>,
    pub(crate) delegated: BTreeMap<RoleName, Vec<u8>>,
}

impl Files {
    /// What is served under a name. The newest Snapshot and Targets are served whatever version is asked for, as an
    /// attacker would.
    pub fn get(&self, file: MetadataFile) -> Option<&[u8]> {
        match file {
            MetadataFile::Root(version) => self.roots.get(&version).map(Vec::as_slice),
            MetadataFile::Timestamp => Some(&self.timestamp),
            MetadataFile::Snapshot(_) => Some(&self.snapshot),
            MetadataFile::Targets(_) => Some(&self.targets),
            MetadataFile::Delegated(role, _) => self.delegated(role),
        }
    }

    /// The first Root, as an ECU is provisioned with it.
    pub fn first_root(&self) -> &[u8] {
        self.roots.values().next().map(Vec::as_slice).unwrap_or_default()
    }

    /// The newest Root.
    pub fn root(&self) -> &[u8] {
        self.roots.values().next_back().map(Vec::as_slice).unwrap_or_default()
    }

    /// The newest Timestamp.
    pub fn timestamp(&self) -> &[u8] {
        &self.timestamp
    }

    /// The newest Snapshot.
    pub fn snapshot(&self) -> &[u8] {
        &self.snapshot
    }

    /// The newest Targets of a delegated role.
    pub fn delegated(&self, role: RoleName) -> Option<&[u8]> {
        self.delegated.get(&role).map(Vec::as_slice)
    }

    /// The newest top-level Targets.
    pub fn targets(&self) -> &[u8] {
        &self.targets
    }
}
