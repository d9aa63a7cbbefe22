//! `state/accepted`: which files of each repository are current (design D5, trap T2).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uptane::verify::MetadataFile;
use uptane::{Director, Image, Repository, RepositoryName, Role, RoleName, Version};

/// `state/accepted`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Of the Director.
    pub director: AcceptedVersions,
    /// Of the Image repository.
    pub image: AcceptedVersions,
    /// Of every other Image repository of the mapping, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, AcceptedVersions>,
    /// ECUs and digests of the images that these Targets ask for and that did not run when they were accepted.
    pub pending: BTreeMap<String, String>,
}

impl Accepted {
    /// Of this repository.
    pub fn of(&self, repository: RepositoryName) -> AcceptedVersions {
        match repository.as_str() {
            Director::NAME => self.director.clone(),
            Image::NAME => self.image.clone(),
            other => self.others.get(other).cloned().unwrap_or_default(),
        }
    }

    /// Sets those of a repository.
    pub fn set(&mut self, repository: RepositoryName, versions: AcceptedVersions) {
        match repository.as_str() {
            Director::NAME => self.director = versions,
            Image::NAME => self.image = versions,
            other => {
                self.others.insert(other.to_owned(), versions);
            }
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &AcceptedVersions)> {
        let two = [(Director::NAME, &self.director), (Image::NAME, &self.image)];
        two.into_iter().chain(self.others.iter().map(|(name, versions)| (name.as_str(), versions)))
    }
}

/// Which Snapshot and Targets of one repository are current; 0 for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedVersions {
    /// Snapshot.
    pub snapshot: u64,
    /// Targets.
    pub targets: u64,
    /// Delegated Targets, by the names of their roles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub delegated: BTreeMap<String, u64>,
}

impl AcceptedVersions {
    /// The delegated files that are current.
    pub fn delegated_files(&self) -> impl Iterator<Item = (RoleName, MetadataFile)> + '_ {
        self.delegated.iter().filter_map(|(role, version)| {
            let (role, version) = (RoleName::parse(role).ok()?, Version::new(*version).ok()?);
            Some((role, MetadataFile::Delegated(role, version)))
        })
    }

    /// Makes the file of this role not current.
    pub fn drop(&mut self, role: Role) {
        let versions = [(Role::Snapshot, &mut self.snapshot), (Role::Targets, &mut self.targets)];
        versions.into_iter().filter(|(of, _)| *of == role).for_each(|(_, version)| *version = 0);
    }

    /// The names of all current files that have their version in their name; Root apart.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let two = [format!("{}.snapshot.json", self.snapshot), format!("{}.targets.json", self.targets)];
        two.into_iter().chain(self.delegated_files().map(|(_, file)| file.file_name())).collect()
    }
}
