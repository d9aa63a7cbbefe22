//! `root new`, `rotate`, `threshold`, `renew`, `sign` and `show` in a signer's folder: the next Root, until enough have
//! signed it.

use std::path::Path;

use host::disk::{self, Access};
use uptane::Time;
use uptane::sign::{KeySet, RootRoles};

use super::signatures::report;
use crate::args::{Renew, RootNew, RootShow, RootSign, RootThreshold, Rotate};
use crate::error::Error;
use crate::keyring::{self, KeyName};
use crate::role::{RoleId, TopRole};
use crate::staged::{self, Life, RoleFile, Staged};

/// Drafts the first Root.
pub(crate) fn new(args: &RootNew, now: Time) -> Result<(), Error> {
    let keys = |names: &[KeyName], threshold| keyring::key_set(&args.repo, names, threshold);
    let roles = RootRoles {
        root: keys(&args.root, args.root_threshold)?,
        targets: keys(&args.targets, args.targets_threshold)?,
        snapshot: keys(&args.snapshot, 1)?,
        timestamp: keys(&args.timestamp, 1)?,
    };
    let mut staged = Staged::create(&args.repo)?;
    let root = staged.new_root(roles, Life::days(now, args.life.days))?;
    report(&staged, "drafted", &root, now, args.json)
}

/// Drafts a Root with the same keys.
pub(crate) fn renew(args: &Renew, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    let root = staged.edit_root(Life::days(now, args.life.days), |_| Ok(()))?;
    report(&staged, "drafted", &root, now, args.json)
}

/// Drafts a Root that gives a role other keys.
pub(crate) fn rotate(args: &Rotate, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    let keys = keys_after(args, &staged)?;
    let root = staged.edit_root(Life::days(now, args.life.days), |roles| {
        *of(roles, args.role) = keys;
        Ok(())
    })?;
    report(&staged, "drafted", &root, now, args.json)
}

/// The keys of the role without those that go and with those that come.
fn keys_after(args: &Rotate, staged: &Staged) -> Result<KeySet, Error> {
    let file = staged.get(RoleId::Root)?;
    let before = keys_of(&file, args.role)?;
    // What comes is added first: a threshold may need it before the other goes.
    let mut keys = before.clone();
    for name in &args.add {
        keys = keys.with(name.public(&args.repo)?)?;
    }
    for name in &args.remove {
        let role = || Box::new(args.role.into());
        let id = keyring::member(&args.repo, &before, name)?;
        let id = id.ok_or_else(|| staged::Error::NoSuchKey { role: role(), text: name.as_str().to_owned() })?;
        keys = keys.without(&id)?;
    }
    Ok(keys)
}

/// Drafts a Root with another threshold.
pub(crate) fn threshold(args: &RootThreshold, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    let root = staged.edit_root(Life::days(now, args.life.days), |roles| {
        let keys = of(roles, args.role);
        *keys = keys.with_threshold(args.threshold)?;
        Ok(())
    })?;
    report(&staged, "drafted", &root, now, args.json)
}

/// Signs the staged Root, or one that was carried here.
pub(crate) fn sign(args: &RootSign, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    if let Some(carried) = &args.file {
        // From now on this folder refuses another Root of the same version.
        staged.pull(carried, Some(RoleId::Root))?;
    }
    let mut root = staged.get(RoleId::Root)?;
    for key in &args.key {
        root = staged.sign(root, &*key.open(&args.repo, &args.passphrase)?)?;
    }
    staged.keep(&root)?;
    carry_back(args.file.as_deref(), &root.bytes()?)?;
    report(&staged, "signed", &root, now, args.json)
}

/// Puts the file with its signature where it was carried from.
pub(super) fn carry_back(carried: Option<&Path>, bytes: &[u8]) -> Result<(), Error> {
    carried.map_or(Ok(()), |path| Ok(disk::replace(path, bytes, Access::Shared)?))
}

/// Shows the newest Root, and who must still sign it.
pub(crate) fn show(args: &RootShow, now: Time) -> Result<(), Error> {
    let staged = Staged::open(&args.repo)?;
    let file = staged.get(RoleId::Root)?;
    super::show_file::show(&file, &staged.signing(&file)?, now, args.json)
}

/// The keys that a Root gives a role.
pub(super) fn keys_of(root: &RoleFile, role: TopRole) -> Result<KeySet, Error> {
    Ok(of(&mut RootRoles::of(&root.root()?)?, role).clone())
}

pub(super) fn of(roles: &mut RootRoles, role: TopRole) -> &mut KeySet {
    match role {
        TopRole::Root => &mut roles.root,
        TopRole::Targets => &mut roles.targets,
        TopRole::Snapshot => &mut roles.snapshot,
        TopRole::Timestamp => &mut roles.timestamp,
    }
}
