//! Editing the next file of a role.

use std::time::Duration;

use uptane::sign::{RootBuilder, RootRoles, TargetsBuilder};
use uptane::{Image, ReleaseCounter, TargetNameBuf, Time, Version};

use super::{Error, RoleFile, Staged};
use crate::role::RoleId;

/// When a file is made, and how long it is valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// When it is made.
    pub now: Time,
    /// For how long.
    pub lifetime: Duration,
}

impl Life {
    /// A file made now that is valid for this many days.
    pub(crate) fn days(now: Time, days: u32) -> Self {
        Self { now, lifetime: Duration::from_secs(u64::from(days) * DAY) }
    }

    fn end(self) -> Time {
        self.now.saturating_add(self.lifetime)
    }
}

/// Seconds of a day.
const DAY: u64 = 86_400;

impl Staged {
    /// Changes the next file of a role that lists images; its first one, if there is none.
    pub(crate) fn edit(
        &mut self,
        role: RoleId,
        life: Life,
        change: impl FnOnce(TargetsBuilder<Image>) -> Result<TargetsBuilder<Image>, Error>,
    ) -> Result<RoleFile, Error> {
        let (built, version) = match self.find(role)? {
            Some(file) => (TargetsBuilder::again(&file.targets()?)?, next(&file)?),
            None => (TargetsBuilder::image(Version::FIRST, life.end()), Version::FIRST),
        };
        let edited = RoleFile::new(role, change(built)?.renewed(version, life.end()).unsigned())?;
        self.keep(&edited)?;
        Ok(edited)
    }

    /// Makes the first Root.
    pub(crate) fn new_root(&mut self, roles: RootRoles, life: Life) -> Result<RoleFile, Error> {
        if self.find(RoleId::Root)?.is_some() {
            return Err(Error::Exists { role: Box::new(RoleId::Root) });
        }
        let root = RootBuilder::image(Version::FIRST, life.end(), life.now, roles);
        let root = RoleFile::new(RoleId::Root, root.unsigned()?)?;
        self.keep(&root)?;
        Ok(root)
    }

    /// Changes who speaks for the roles, in the next Root.
    pub(crate) fn edit_root(
        &mut self,
        life: Life,
        change: impl FnOnce(&mut RootRoles) -> Result<(), Error>,
    ) -> Result<RoleFile, Error> {
        let file = self.get(RoleId::Root)?;
        let version = if file.is_draft() { file.version() } else { self.after(&file)? };
        let mut built = RootBuilder::<Image>::again(&file.root()?)?;
        change(built.roles_mut())?;
        let edited = RoleFile::new(RoleId::Root, built.renewed(version, life.end(), life.now).unsigned()?)?;
        if version != file.version() {
            // Its keys must sign the next one, so it stays until that is there.
            self.keep_root(&file)?;
        }
        self.keep(&edited)?;
        Ok(edited)
    }

    /// The version after that of a Root, which must be finished: the next one follows it or nothing.
    fn after(&self, root: &RoleFile) -> Result<Version, Error> {
        match self.signing(root)?.is_complete() {
            true => Ok(root.version().next()?),
            false => Err(Error::HalfSigned { version: root.version() }),
        }
    }

    /// Refuses a release of a line that is not newer than those listed here, as no ECU would take it for a new one (trap T5).
    /// An image of another name may be of the same release.
    pub(crate) fn check_newer(&self, image: &NewRelease) -> Result<(), Error> {
        for role in self.roles()?.into_iter().filter(|role| role.lists_images()) {
            for target in self.get(role)?.targets()?.targets() {
                let target = target?;
                let (matching, is_named) = (target.matching(), target.name() == image.name.borrowed());
                let (highest, given) = (matching.release_counter(), image.counter);
                if matching.line() == image.line && (given < highest || (given == highest && is_named)) {
                    return Err(Error::CounterTaken { line: Box::new(image.line), given, highest });
                }
            }
        }
        Ok(())
    }
}

/// A release that is to be listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRelease {
    /// The image's name.
    pub name: TargetNameBuf,
    /// The line its releases count in.
    pub line: uptane::ImageLine,
    /// Which release of the line it is.
    pub counter: ReleaseCounter,
}

/// The version an edit of this file has.
fn next(file: &RoleFile) -> Result<Version, Error> {
    if file.is_draft() { Ok(file.version()) } else { Ok(file.version().next()?) }
}
