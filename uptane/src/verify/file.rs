//! The files a refresh asks for, by the names they have in the repository (§5.2.7), and their bytes.

#[cfg(feature = "alloc")]
use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use crate::{Role, RoleName, Version};

/// A metadata file of a repository. All but Timestamp have their version in their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetadataFile {
    /// Root of one version.
    Root(Version),
    /// Timestamp.
    Timestamp,
    /// Snapshot of one version.
    Snapshot(Version),
    /// Top-level Targets of one version.
    Targets(Version),
    /// Targets of a delegated role, of one version.
    Delegated(RoleName, Version),
}

impl MetadataFile {
    /// Whose file it is.
    pub fn role(self) -> Role {
        match self {
            Self::Root(_) => Role::Root,
            Self::Timestamp => Role::Timestamp,
            Self::Snapshot(_) => Role::Snapshot,
            Self::Targets(_) | Self::Delegated(..) => Role::Targets,
        }
    }

    /// Its name in the repository: `2.root.json`, `timestamp.json`.
    #[cfg(feature = "alloc")]
    pub fn file_name(self) -> alloc::string::String {
        alloc::format!("{self}")
    }
}

impl fmt::Display for MetadataFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(version) => write!(f, "{version}.root.json"),
            Self::Timestamp => f.write_str("timestamp.json"),
            Self::Snapshot(version) => write!(f, "{version}.snapshot.json"),
            Self::Targets(version) => write!(f, "{version}.targets.json"),
            Self::Delegated(role, version) => write!(f, "{version}.{}.json", role.encoded()),
        }
    }
}

/// The bytes of a file, shared: metadata may be many megabytes, and is handed on to be stored while it is in use.
#[cfg(feature = "alloc")]
#[derive(Clone, PartialEq, Eq)]
pub struct FileBytes(Arc<Vec<u8>>);

#[cfg(feature = "alloc")]
impl core::ops::Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(feature = "alloc")]
impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

#[cfg(feature = "alloc")]
impl From<&[u8]> for FileBytes {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

#[cfg(feature = "alloc")]
impl fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn names_are_those_of_a_consistent_repository() {
        let version = Version::new(12).unwrap();
        assert_eq!(MetadataFile::Root(version).to_string(), "12.root.json");
        assert_eq!(MetadataFile::Timestamp.to_string(), "timestamp.json");
        assert_eq!(MetadataFile::Snapshot(version).to_string(), "12.snapshot.json");
        assert_eq!(MetadataFile::Targets(version).to_string(), "12.targets.json");
    }
}
