//! Taking files over from elsewhere: what was published, and what others signed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use host::disk;
use uptane::limits::MAX_TARGETS;
use uptane::{KeyId, Version};

use super::file::{is_staged, role_of_file};
use super::{Error, RoleFile, Staged};
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

/// Where a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// From clients' side: it is signed by all who must, or it is none.
    Published,
    /// From another signer: it may lack signatures, but has none that is wrong.
    Carried,
}

impl Staged {
    /// Takes over a file that another signer gave. Its role is said by its name, unless it is given.
    pub(crate) fn pull(&mut self, path: &Path, role: Option<RoleId>) -> Result<(RoleFile, Pulled), Error> {
        self.pull_from(path, role, Source::Carried)
    }

    /// Takes over a published file.
    pub(crate) fn pull_published(&mut self, path: &Path) -> Result<(RoleFile, Pulled), Error> {
        self.pull_from(path, None, Source::Published)
    }

    fn pull_from(&mut self, path: &Path, role: Option<RoleId>, from: Source) -> Result<(RoleFile, Pulled), Error> {
        let file = Self::offered(path, role)?;
        let pulled = self.take_over(&file, path, from)?;
        Ok((file, pulled))
    }

    /// The files in a folder of published metadata that are of roles people sign: every Root, and the newest file of the
    /// others. Roots come first, in their order, as the others hang on them.
    pub(crate) fn published_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let failed = |source| host::Error::io("list", folder, source);
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let role = role_of_file(&path).filter(is_staged);
            found.extend(role.map(|role| (role, version_in_name(&path), path)));
        }
        found.sort();
        let newest: BTreeMap<RoleId, Option<Version>> =
            found.iter().map(|(role, version, _)| (*role, *version)).collect();
        found.retain(|(role, version, _)| *role == RoleId::Root || newest.get(role) == Some(version));
        Ok(found.into_iter().map(|(_, _, path)| path).collect())
    }

    /// The file at `path`, read and not judged.
    pub(crate) fn offered(path: &Path, role: Option<RoleId>) -> Result<RoleFile, Error> {
        let role = role.or_else(|| role_of_file(path)).filter(is_staged);
        let role = role.ok_or_else(|| Error::NoRole { path: path.to_owned() })?;
        let bytes = disk::read(path, MAX_TARGETS)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?;
        RoleFile::decode(role, &bytes, path)
    }

    fn take_over(&mut self, file: &RoleFile, path: &Path, from: Source) -> Result<Pulled, Error> {
        let Some(here) = self.find(file.role())? else {
            // The first Root is trusted as it comes: nothing here can say more of it.
            if file.role() != RoleId::Root {
                self.check(file, from)?;
            }
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
        if file.role() == RoleId::Root && file.version() != here.version().next()? {
            return Err(Error::NoPredecessor { version: here.version().next()? });
        }
        self.check(file, from)?;
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
        self.check(file, Source::Carried)?;
        let known = here.partly().signers().count();
        let merged = here.partly().clone().merged(file.partly().clone())?;
        if merged.signers().count() == known {
            return Ok(Pulled::Known);
        }
        self.keep(&here.signed_as(merged))?;
        Ok(Pulled::Signatures)
    }

    /// Refuses a published file that its role did not sign, and a carried one with a signature that is not the role's.
    fn check(&self, file: &RoleFile, from: Source) -> Result<(), Error> {
        let signing = self.signing(file)?;
        let is_good = |id: &KeyId| signing.asked.iter().any(|asked| asked.signed.contains(id));
        let is_taken = match from {
            Source::Published => signing.is_complete(),
            Source::Carried => file.partly().signers().all(|id| is_good(&id)),
        };
        match is_taken || signing.asked.is_empty() {
            true => Ok(()),
            false => Err(Error::Unsigned { role: file.into(), version: file.version() }),
        }
    }
}

fn version_in_name(path: &Path) -> Option<Version> {
    let name = path.file_name()?.to_str()?;
    Version::new(name.split_once('.')?.0.parse().ok()?).ok()
}
