//! The folder of trusted metadata: `root.json`, `timestamp.json`, `snapshot.json`, `targets.json` and one file for each
//! delegated role, byte by byte as they came.
//!
//! Nothing stands there that was not verified when it was put there. Since then it may have been damaged, or have lost its
//! keys to a newer Root; so it is verified again when it is read, and what does not hold any more is as good as none. Root
//! alone must hold.

use std::path::{Path, PathBuf};

use host::disk::{self, Access, Disk as _, Folder};
use uptane::limits::{MAX_ROOT, MAX_SNAPSHOT, MAX_TARGETS, MAX_TIMESTAMP};
use uptane::verify::{Keep, MetadataFile, Reloaded, StoredFiles, Trusted};
use uptane::{Image, Role, RoleName};

use super::error::Error;

/// What is trusted of one repository.
pub(crate) struct Metadata {
    folder: Folder,
    /// What the Root in the folder says of the repository, once somebody asked.
    consistent: Option<bool>,
}

const ROOT: &str = "root.json";
const TIMESTAMP: &str = "timestamp.json";
const SNAPSHOT: &str = "snapshot.json";
const TARGETS: &str = "targets.json";

impl Metadata {
    /// What is trusted in the folder at `path`.
    pub(crate) fn at(path: PathBuf) -> Result<Self, Error> {
        Ok(Self { folder: Folder::create(path, Access::Shared)?, consistent: None })
    }

    /// TUF 1.0.34 §5.2: trusts a Root because whoever calls says so.
    pub(super) fn init(mut self, trusted_root: &Path) -> Result<(), Error> {
        let missing = || host::Error::Missing { path: trusted_root.to_owned() };
        let root = disk::read(trusted_root, MAX_ROOT)?.ok_or_else(missing)?;
        Trusted::<Image>::provision(&root)?;
        Ok(self.folder.replace(ROOT, &root)?)
    }

    /// What is trusted. A file that no longer holds is removed, so that all that stands in the folder is trusted.
    pub(super) fn load(&mut self) -> Result<Trusted<Image>, Error> {
        let root = self.root()?;
        let timestamp = self.read(TIMESTAMP, MAX_TIMESTAMP)?;
        let snapshot = self.read(SNAPSHOT, MAX_SNAPSHOT)?;
        let targets = self.read(TARGETS, MAX_TARGETS)?;
        let delegated = self.delegated()?;
        let delegated: Vec<(RoleName, &[u8])> = delegated.iter().map(|(role, file)| (*role, file.as_slice())).collect();
        let stored = StoredFiles {
            root: &root,
            former_root: None,
            timestamp: timestamp.as_deref(),
            snapshot: snapshot.as_deref(),
            targets: targets.as_deref(),
            delegated: &delegated,
        };
        let Reloaded { trusted, damaged } = Trusted::reload(stored)?;
        for file in damaged {
            self.folder.remove(&format!("{}.json", file.role.type_name()))?;
        }
        Ok(trusted)
    }

    /// The files of delegated roles. Each is judged when a search comes to it, by the keys its delegator names then.
    fn delegated(&mut self) -> Result<Vec<(RoleName, Vec<u8>)>, Error> {
        let mut files = Vec::new();
        for name in self.folder.list("")? {
            let role = name.strip_suffix(".json").and_then(unescape);
            let Some(role) = role.and_then(|role| RoleName::parse(&role).ok()) else { continue };
            files.extend(self.read(&name, MAX_TARGETS)?.map(|file| (role, file)));
        }
        Ok(files)
    }

    /// Stores what verification says is to be kept.
    pub(super) fn keep(&mut self, keep: Vec<Keep>) -> Result<(), Error> {
        for item in keep {
            match item {
                Keep::Store { file, bytes } => {
                    self.folder.replace(&kept_name(file), &bytes)?;
                    self.consistent = self.consistent.filter(|_| file.role() != Role::Root);
                }
                // §5.3.11.
                Keep::Forget => {
                    self.folder.remove(SNAPSHOT)?;
                    self.folder.remove(TIMESTAMP)?;
                }
            }
        }
        Ok(())
    }

    /// The name under which the repository has a file (§5.3.3, §5.4.1, §5.5.1, §5.6.1): with its version, if the
    /// repository is a consistent one (§7). Not escaped: that is for whoever makes an address of it.
    pub(super) fn published_name(&mut self, file: MetadataFile) -> Result<String, Error> {
        Ok(match file {
            MetadataFile::Root(_) | MetadataFile::Timestamp => file.file_name(),
            MetadataFile::Snapshot(_) | MetadataFile::Targets(_) if self.is_consistent()? => file.file_name(),
            MetadataFile::Snapshot(_) | MetadataFile::Targets(_) => kept_name(file),
            MetadataFile::Delegated(role, version) if self.is_consistent()? => format!("{version}.{role}.json"),
            MetadataFile::Delegated(role, _) => format!("{role}.json"),
        })
    }

    /// Whether the repository says that it is consistent.
    pub(super) fn is_consistent(&mut self) -> Result<bool, Error> {
        if let Some(consistent) = self.consistent {
            return Ok(consistent);
        }
        let consistent = Trusted::<Image>::provision(&self.root()?)?.root().view().consistent_snapshot();
        self.consistent = Some(consistent);
        Ok(consistent)
    }

    fn root(&self) -> Result<Vec<u8>, Error> {
        let missing = || Error::NoRoot { folder: self.folder.path().to_owned() };
        self.folder.read(ROOT, MAX_ROOT)?.ok_or_else(missing)
    }

    /// The file, if there is one of at most `limit` bytes.
    fn read(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        match self.folder.read(name, limit) {
            Err(host::Error::TooLong { .. }) => {
                self.folder.remove(name)?;
                Ok(None)
            }
            read => Ok(read?),
        }
    }
}

/// The name of a file in the folder: without its version, so that a newer one replaces it.
fn kept_name(file: MetadataFile) -> String {
    match file {
        MetadataFile::Root(_) => ROOT.to_owned(),
        MetadataFile::Timestamp => TIMESTAMP.to_owned(),
        MetadataFile::Snapshot(_) => SNAPSHOT.to_owned(),
        MetadataFile::Targets(_) => TARGETS.to_owned(),
        // Escaped, so that no name leaves the folder.
        MetadataFile::Delegated(role, _) => format!("{}.json", role.encoded()),
    }
}

/// Undoes percent-encoding; nothing, if it is none.
fn unescape(name: &str) -> Option<String> {
    let mut parts = name.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_again_by_the_name_of_its_file() {
        for name in ["fruit", "../fruit", "..", "100%", "%2F", "ü?#"] {
            let role = RoleName::parse(name).unwrap();
            assert_eq!(unescape(&role.encoded().to_string()).as_deref(), Some(name));
        }
        assert_eq!(unescape("fruit%2"), None);
    }
}
