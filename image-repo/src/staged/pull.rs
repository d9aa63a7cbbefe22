//! Taking files over from elsewhere: what was published, and what others signed.

use std::fs;
use std::path::{Path, PathBuf};

use host::disk;
use uptane::Version;
use uptane::limits::MAX_TARGETS;
use uptane::sign::SignError;

use super::file::{is_staged, role_of_file};
use super::{Error, RoleFile, Signing, Staged};
use crate::role::RoleId;

/// What became of a file that was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pulled {
    /// It is as it was.
    Known,
    /// It is older than what is here.
    Older,
    /// It is the newest file of its role now.
    Newer,
    /// Signatures of it are new.
    Signatures,
}

impl Staged {
    /// Takes a file over. Its role is said by its name, unless it is given.
    pub(crate) fn pull(&mut self, path: &Path, role: Option<RoleId>) -> Result<(RoleFile, Pulled), Error> {
        let file = Self::offered(path, role)?;
        let pulled = self.take_over(&file, path)?;
        Ok((file, pulled))
    }

    /// Every file in a folder of published metadata that is of a role people sign: Roots first, as the others hang on them.
    pub(crate) fn published_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let failed = |source| host::Error::io("list", folder, source);
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let role = role_of_file(&path).filter(is_staged);
            found.extend(role.map(|role| (role, version_in_name(&path), path)));
        }
        found.sort();
        Ok(found.into_iter().map(|(_, _, path)| path).collect())
    }

    /// The file at `path`, read and not judged.
    pub(crate) fn offered(path: &Path, role: Option<RoleId>) -> Result<RoleFile, Error> {
        let role = role.or_else(|| role_of_file(path)).filter(is_staged);
        let role = role.ok_or_else(|| Error::NoRole { path: path.to_owned() })?;
        let bytes = disk::read(path, MAX_TARGETS)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?;
        RoleFile::decode(role, &bytes, path)
    }

    fn take_over(&mut self, file: &RoleFile, path: &Path) -> Result<Pulled, Error> {
        let Some(here) = self.find(file.role())? else {
            self.check_first(file)?;
            self.keep(file)?;
            return Ok(Pulled::Newer);
        };
        if file.version() < here.version() {
            return self.older(file);
        }
        if file.version() == here.version() {
            return self.merge(here, file, path);
        }
        if here.is_draft() {
            return Err(Error::Draft { role: (&here).into(), version: here.version() });
        }
        self.check_follows(&here, file)?;
        if file.role() == RoleId::Root {
            self.keep_root(&here)?;
        }
        self.keep(file)?;
        Ok(Pulled::Newer)
    }

    /// An older Root is kept where it is missing: its keys must sign the one after it.
    fn older(&mut self, file: &RoleFile) -> Result<Pulled, Error> {
        if file.role() == RoleId::Root && self.root(file.version())?.is_none() {
            self.keep_root(file)?;
        }
        Ok(Pulled::Older)
    }

    /// Two copies of one version: what others signed is added to what is here.
    fn merge(&mut self, here: RoleFile, file: &RoleFile, path: &Path) -> Result<Pulled, Error> {
        let (role, version) = (Box::new(here.role()), here.version());
        if here.digest() != file.digest() {
            return match here.is_draft() {
                true => Err(Error::Draft { role, version }),
                false => Err(Error::TwoContents { role, version, path: path.to_owned() }),
            };
        }
        let known = here.partly().signers().count();
        let merged = here.partly().clone().merged(file.partly().clone())?;
        if merged.signers().count() == known {
            return Ok(Pulled::Known);
        }
        self.keep(&here.signed_as(merged))?;
        Ok(Pulled::Signatures)
    }

    /// Refuses a file of a role whose keys are known here and did not sign it. The first Root is trusted as it comes, and
    /// so is a draft, which says nothing yet.
    fn check_first(&self, file: &RoleFile) -> Result<(), Error> {
        if file.is_draft() || file.role() == RoleId::Root {
            return Ok(());
        }
        self.check_complete(file)
    }

    fn check_follows(&self, here: &RoleFile, file: &RoleFile) -> Result<(), Error> {
        if file.role() != RoleId::Root {
            return self.check_complete(file);
        }
        let follows = here.version().next()?;
        if file.version() != follows {
            return Err(Error::NoPredecessor { version: follows });
        }
        // §5.4.4.3 step 2.3.
        let by = |root: &RoleFile| -> Result<_, SignError> {
            let root = root.root().map_err(|_| uptane::Error::WrongType { field: "_type" })?;
            uptane::sign::KeySet::of_role(&root, uptane::metadata::RootRole::Root)
        };
        let former = Signing::of(file, vec![(String::new(), by(here)?)]);
        match file.is_draft() || former.is_complete() {
            true => Ok(()),
            false => Err(Error::Unsigned { role: file.into(), version: file.version() }),
        }
    }

    fn check_complete(&self, file: &RoleFile) -> Result<(), Error> {
        let signing = self.signing(file)?;
        match signing.asked.is_empty() || signing.is_complete() {
            true => Ok(()),
            false => Err(Error::Unsigned { role: file.into(), version: file.version() }),
        }
    }
}

fn version_in_name(path: &Path) -> Option<Version> {
    let name = path.file_name()?.to_str()?;
    Version::new(name.split_once('.')?.0.parse().ok()?).ok()
}
