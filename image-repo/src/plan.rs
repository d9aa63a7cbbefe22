//! The decisions: what a release changes, and what the repository must sign for it. Facts in, changes out; no files, keys
//! or clocks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uptane::{ImageLine, ReleaseCounter, Role, TargetNameBuf, Time, Version};

use crate::error::Error;
use crate::facts::{Change, Current, Head, Listing};
use crate::release::Inspected;
use crate::role::RoleId;

/// Version and expiry of a file to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Time,
}

/// The files of a release that the repository does not have yet. One it has, byte for byte, is no news: whoever never heard
/// that a publication worked may publish again.
///
/// No version gets two contents, and none goes back (attack: rollback). Of Root alone a release may bring several, one after
/// the other.
pub fn news<'r>(head: &Head, release: &'r [Inspected]) -> Result<Vec<&'r Inspected>, Error> {
    let mut newest = head.files.clone();
    let mut brought = BTreeSet::new();
    let mut news = Vec::new();
    for inspected in release {
        let (role, current) = (inspected.file.role, inspected.file.current()?);
        if !brought.insert(role) && role != RoleId::Root {
            return Err(Error::RoleTwice { role: Box::new(role) });
        }
        if newest.get(&role) == Some(&current) {
            continue;
        }
        check_version(newest.get(&role), role, current.version)?;
        newest.insert(role, current);
        news.push(inspected);
    }
    Ok(news)
}

fn check_version(known: Option<&Current>, role: RoleId, given: Version) -> Result<(), Error> {
    let next = known.map_or(Ok(Version::FIRST), |known| known.version.next())?;
    // A client follows Root one by one (§5.4.4.3 step 2.2).
    let fits = if role == RoleId::Root { given == next } else { given >= next };
    if fits { Ok(()) } else { Err(Error::VersionUsed { role: Box::new(role), given, next }) }
}

/// What a file changes in the list of its role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Images that are listed now, or otherwise than before.
    pub listed: Vec<Listing>,
    /// Names that are listed no more.
    pub unlisted: Vec<TargetNameBuf>,
}

/// Compares what a role lists with what it listed; both ascend by name.
pub fn difference(before: &[Listing], after: &[Listing]) -> Difference {
    let old: BTreeMap<_, _> = before.iter().map(|listing| (listing.name, listing)).collect();
    let new: BTreeSet<_> = after.iter().map(|listing| listing.name).collect();
    let is_news = |listing: &&Listing| old.get(&listing.name) != Some(listing);
    Difference {
        listed: after.iter().filter(is_news).cloned().collect(),
        unlisted: old.into_keys().filter(|name| !new.contains(name)).collect(),
    }
}

/// What else a repository knows of the images that a release lists.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Every role that lists one of the names, and what it says.
    pub named: Vec<(RoleId, Listing)>,
    /// The highest release there ever was of each line.
    pub highest: BTreeMap<ImageLine, ReleaseCounter>,
}

/// Refuses images that clients could mistake for others: another content under a name that another role lists, or a release
/// that is not newer than what ECUs may run already (trap T5).
pub fn admit(differences: &BTreeMap<RoleId, Difference>, known: &Known) -> Result<(), Error> {
    for (role, difference) in differences {
        for listing in &difference.listed {
            check_name(*role, listing, differences, known)?;
            check_release(*role, listing, known)?;
        }
    }
    Ok(())
}

fn check_name(
    role: RoleId,
    listing: &Listing,
    differences: &BTreeMap<RoleId, Difference>,
    known: &Known,
) -> Result<(), Error> {
    // What other roles say once this release is in force.
    let stays = |(other, said): &&(RoleId, Listing)| {
        let changed = differences.get(other).is_some_and(|difference| difference.mentions(&said.name));
        *other != role && said.name == listing.name && !changed
    };
    let before = known.named.iter().filter(stays).map(|(other, said)| (*other, said));
    let now = differences.iter().filter(|(other, _)| **other != role);
    let now = now.flat_map(|(other, difference)| difference.listed.iter().map(|said| (*other, said)));
    let other = before.chain(now.filter(|(_, said)| said.name == listing.name)).find(|(_, said)| *said != listing);
    match other {
        Some((other, _)) => Err(Error::NameTaken { name: Box::new(listing.name), role: Box::new(other) }),
        None => Ok(()),
    }
}

impl Difference {
    fn mentions(&self, name: &TargetNameBuf) -> bool {
        self.unlisted.contains(name) || self.listed.iter().any(|listing| listing.name == *name)
    }
}

fn check_release(role: RoleId, listing: &Listing, known: &Known) -> Result<(), Error> {
    let (given, line) = (listing.release_counter, listing.line);
    let before = known.named.iter().filter(|(_, said)| said.name == listing.name);
    // Roles that must agree say the same of it, one after the other.
    if before.clone().any(|(other, said)| *other != role && said == listing) {
        return Ok(());
    }
    let is_changed = before.clone().any(|(other, said)| *other == role && said.sha256 != listing.sha256);
    match known.highest.get(&line) {
        Some(&highest) if given < highest || (given == highest && is_changed) => {
            Err(Error::CounterTaken { line: Box::new(line), given, highest })
        }
        _ => Ok(()),
    }
}

/// The changes that a release makes, but for what the repository signs for it.
pub fn changes(news: &[&Inspected], differences: BTreeMap<RoleId, Difference>) -> Vec<Change> {
    let mut changes = Vec::new();
    for Inspected { file, delegates, .. } in news {
        changes.push(Change::File(file.clone()));
        if file.role.lists_images() {
            changes.push(Change::Delegate(file.role, delegates.clone()));
        }
    }
    for (role, Difference { listed, unlisted }) in differences {
        changes.extend(unlisted.into_iter().map(|name| Change::Unlist(role, name)));
        changes.extend(listed.into_iter().map(|listing| Change::List(role, listing)));
    }
    changes
}

/// The Snapshot to sign, if it is due: Targets files changed, or less than half of its life is left.
pub fn snapshot(head: &Head, is_news: bool, now: Time) -> Result<Option<Next>, Error> {
    let lifetime = head.lifetimes.snapshot;
    let due = head.newest(&RoleId::Snapshot).is_none_or(|file| is_ageing(file, lifetime, now));
    (is_news || due).then(|| next(head, RoleId::Snapshot, lifetime, now)).transpose()
}

/// The Timestamp to sign, if it is due: Snapshot changed, or less than half of its life is left.
pub fn timestamp(head: &Head, is_news: bool, now: Time) -> Result<Option<Next>, Error> {
    let lifetime = head.lifetimes.timestamp;
    let due = head.newest(&RoleId::Timestamp).is_none_or(|file| is_ageing(file, lifetime, now));
    (is_news || due).then(|| next(head, RoleId::Timestamp, lifetime, now)).transpose()
}

fn next(head: &Head, role: RoleId, lifetime: Duration, now: Time) -> Result<Next, Error> {
    let version = head.newest(&role).map_or(Ok(Version::FIRST), |file| file.version.next())?;
    Ok(Next { version, expires: now.saturating_add(lifetime) })
}

/// Whether less than half of a file's life is left.
fn is_ageing(file: &Current, lifetime: Duration, now: Time) -> bool {
    file.expires.since(now) < lifetime / 2
}

/// Refuses to build on a file of people that has expired: nothing the repository signs would be of use.
pub fn check_fresh(head: &Head, now: Time) -> Result<(), Error> {
    for (id, role) in [(RoleId::Root, Role::Root), (RoleId::Targets, Role::Targets)] {
        match head.newest(&id) {
            Some(file) if now >= file.expires => return Err(Error::Expired { role, expires: file.expires }),
            Some(_) => {}
            None => return Err(Error::Incomplete { what: role.type_name() }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
