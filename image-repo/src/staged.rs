//! The folder a signer works in: keys, and of each role the file that is to be signed next. No server and no database.
//!
//! ```text
//! DIR/keys/                   the signer's own keys
//! DIR/staged/ROLE.json        the newest file of a role: signed, signed in part, or a draft that nobody signed
//! DIR/staged/roots/N.json     the Roots before the newest one, by version
//! DIR/staged/images/SHA256    images the files list, for whoever publishes them
//! DIR/staged/log              what was decided and stands in no metadata, with its reason
//! ```
//! No version of a file ever has two contents: a draft is edited in place, and an edit of what anybody signed is the
//! next version. Of Root the next version must follow this one (§5.4.4.3), so one that is signed in part is finished or
//! discarded first.

pub mod catalogue;
mod delegates;
mod edit;
mod error;
mod file;
pub(crate) mod images;
mod pull;
mod signing;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use host::disk::{Access, Bulk as _, Disk as _, Folder, Lock};
use uptane::limits::MAX_TARGETS;
use uptane::{Time, Version};

pub(crate) use delegates::bin_number;
pub(crate) use edit::{Life, NewRelease};
pub use error::Error;
pub(crate) use file::{RoleFile, role_of_file};
pub(crate) use images::Taken;
pub(crate) use pull::Pulled;
pub(crate) use signing::{Asked, Signing};

use crate::role::RoleId;

/// A signer's folder, which one command works in; every other command waits outside.
#[derive(Debug)]
pub(crate) struct Staged {
    folder: Folder,
    /// The files here that delegate, once somebody has asked for them.
    delegating: OnceCell<Vec<RoleFile>>,
    _lock: Lock,
}

impl Staged {
    /// The folder at `path`, made if it is not there.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        Self::locked(Folder::create(path, Access::Shared)?)
    }

    /// The folder at `path`, which must be there.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Self::locked(Folder::open(path, Access::Shared)?)
    }

    fn locked(folder: Folder) -> Result<Self, Error> {
        let lock = folder.lock()?;
        Ok(Self { folder, delegating: OnceCell::new(), _lock: lock })
    }

    /// Where the file of a role is.
    pub(crate) fn place(&self, role: RoleId) -> PathBuf {
        self.folder.place(&file_name(role))
    }

    /// The newest file of a role, if there is one.
    pub(crate) fn find(&self, role: RoleId) -> Result<Option<RoleFile>, Error> {
        self.read(role, &file_name(role))
    }

    /// The newest file of a role, which must be there.
    pub(crate) fn get(&self, role: RoleId) -> Result<RoleFile, Error> {
        self.find(role)?.ok_or(Error::NothingStaged { role: Box::new(role) })
    }

    /// The Root of this version, if it is here.
    pub(crate) fn root(&self, version: Version) -> Result<Option<RoleFile>, Error> {
        let newest = self.find(RoleId::Root)?.filter(|root| root.version() == version);
        match newest {
            Some(root) => Ok(Some(root)),
            None => self.read(RoleId::Root, &root_name(version)),
        }
    }

    /// Every Root that is here, ascending.
    pub(crate) fn roots(&self) -> Result<Vec<RoleFile>, Error> {
        let mut roots: Vec<_> = self.find(RoleId::Root)?.into_iter().collect();
        for name in self.folder.list("staged/roots")? {
            roots.extend(self.read(RoleId::Root, &format!("staged/roots/{name}"))?);
        }
        roots.sort_by_key(RoleFile::version);
        Ok(roots)
    }

    /// Every role that has a file here, top-level ones first.
    pub(crate) fn roles(&self) -> Result<Vec<RoleId>, Error> {
        let names = self.folder.list("staged")?;
        let mut roles: Vec<_> = names.iter().filter_map(|name| file::role_of(name.strip_suffix(".json")?)).collect();
        roles.retain(file::is_staged);
        roles.sort_unstable();
        Ok(roles)
    }

    /// Keeps the file of a role in place of the one before it.
    pub(crate) fn keep(&mut self, file: &RoleFile) -> Result<(), Error> {
        let delegates = file.role().lists_images() && file.targets()?.delegates();
        self.forget_delegating(file.role(), delegates);
        self.folder.replace(&file_name(file.role()), &file.bytes()?).map_err(Error::from)
    }

    /// Keeps a Root that another one follows.
    fn keep_root(&mut self, root: &RoleFile) -> Result<(), Error> {
        self.folder.replace(&root_name(root.version()), &root.bytes()?).map_err(Error::from)
    }

    /// Drops the newest file of a role; of Root, the one before it is the newest again. What everybody has signed may be
    /// published, so its version stays used.
    pub(crate) fn discard(&mut self, role: RoleId, now: Time) -> Result<RoleFile, Error> {
        let file = self.get(role)?;
        if self.signing(&file)?.is_complete() {
            return Err(Error::Complete { role: Box::new(role), version: file.version() });
        }
        self.delegating.take();
        self.log(now, format_args!("discarded {role} {} ({})", file.version(), file.digest()))?;
        let former = if role == RoleId::Root { self.before(&file)? } else { None };
        match former {
            Some(former) => self.keep(&former)?,
            None => self.folder.remove(&file_name(role))?,
        }
        Ok(file)
    }

    /// The Root before this one, if it is here.
    fn before(&self, root: &RoleFile) -> Result<Option<RoleFile>, Error> {
        match Version::new(root.version().get().saturating_sub(1)) {
            Ok(former) => self.read(RoleId::Root, &root_name(former)),
            Err(_) => Ok(None),
        }
    }

    /// Writes down what was decided, on a line of its own.
    pub(crate) fn log(&mut self, now: Time, what: std::fmt::Arguments<'_>) -> Result<(), Error> {
        let line = format!("{now} {}\n", host::cli::one_line(&what.to_string()));
        self.folder.append(LOG, line.as_bytes())?;
        self.folder.sync(LOG).map_err(Error::from)
    }

    fn read(&self, role: RoleId, name: &str) -> Result<Option<RoleFile>, Error> {
        let bytes = self.folder.read(name, MAX_TARGETS)?;
        bytes.map(|bytes| RoleFile::decode(role, &bytes, &self.folder.place(name))).transpose()
    }
}

const LOG: &str = "staged/log";

fn file_name(role: RoleId) -> String {
    format!("staged/{}.json", file::stem(role))
}

fn root_name(version: Version) -> String {
    format!("staged/roots/{version}.json")
}

#[cfg(test)]
mod tests;
