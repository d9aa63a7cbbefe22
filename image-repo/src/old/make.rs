//! Makes signed files from facts, a decision and keys; and the changes that belong together.

use std::time::Duration;

use uptane::sign::{
    FileInfo, ImageEntry, KeySet, Matching, RootBuilder, RootRoles, Signer, SnapshotBuilder, TargetsBuilder,
    TimestampBuilder,
};
use uptane::{Time, Version};

use crate::error::Error;
use crate::old::facts::{Change, Facts, RoleKey, SignedFile};
use crate::old::plan::{self, Next, Publication};
use crate::role::TopRole;

/// What a new repository is told of a role.
#[derive(Clone, Copy)]
pub struct NewRole<'k> {
    /// Where its key is.
    pub key: &'k RoleKey,
    /// The key.
    pub signer: &'k dyn Signer,
    /// How long its files are valid.
    pub lifetime: Duration,
}

/// A new repository: the first file of every role, listing nothing.
pub fn repository<'k>(role: impl Fn(TopRole) -> Result<NewRole<'k>, Error>, now: Time) -> Result<Vec<Change>, Error> {
    let mut facts = Facts::default();
    let mut changes = Vec::new();
    for of in TopRole::ALL {
        let NewRole { key, lifetime, .. } = role(of)?;
        facts.keys.insert(of, key.clone());
        facts.lifetimes.insert(of, lifetime);
        changes.extend([Change::Key(of, key.clone()), Change::Lifetime(of, lifetime)]);
    }
    for of in TopRole::ALL {
        let (next, signer) = (plan::next(&facts, of, now)?, role(of)?.signer);
        let file = match of {
            TopRole::Root => root(&facts, next, now, None, &[signer])?,
            TopRole::Targets | TopRole::Snapshot | TopRole::Timestamp => again(&facts, of, next, signer)?,
        };
        facts.files.push(file);
    }
    changes.extend(facts.files.into_iter().map(Change::File));
    Ok(changes)
}

/// Targets over every image, which are listed from then on; after [`plan::sign`].
pub fn listing(facts: &Facts, next: Next, signer: &dyn Signer) -> Result<[Change; 2], Error> {
    Ok([Change::File(targets(facts, next, signer)?), Change::List(next.version)])
}

/// Snapshot, if it is due, and Timestamp; after [`plan::publish`]. What they make visible is [`plan::release`].
pub fn publication<K: Signer>(
    facts: &Facts,
    publication: Publication,
    key: impl Fn(TopRole) -> Result<K, Error>,
) -> Result<Vec<Change>, Error> {
    let mut facts = facts.clone();
    let mut changes = Vec::new();
    if let Some(next) = publication.snapshot {
        let snapshot = snapshot(&facts, next, &key(TopRole::Snapshot)?)?;
        facts.files.push(snapshot.clone());
        changes.push(Change::File(snapshot));
    }
    changes.push(Change::File(timestamp(&facts, publication.timestamp, &key(TopRole::Timestamp)?)?));
    Ok(changes)
}

/// A Root that appoints the same keys for longer.
pub fn renewal(facts: &Facts, now: Time, signer: &dyn Signer) -> Result<SignedFile, Error> {
    let keys = key_set(facts, TopRole::Root)?;
    root(facts, plan::next(facts, TopRole::Root, now)?, now, Some(&keys), &[signer])
}

/// A Root that appoints a new key for a role, signed with the present `root` key, together with the files that the new key
/// must sign; `key` opens the keys of other roles.
pub fn rotation<K: Signer>(
    facts: &Facts,
    role: TopRole,
    new: (&RoleKey, &dyn Signer),
    root_key: &dyn Signer,
    key: impl Fn(TopRole) -> Result<K, Error>,
    now: Time,
) -> Result<Vec<Change>, Error> {
    let mut facts = facts.clone();
    let (record, new_key) = new;
    let next = plan::next(&facts, TopRole::Root, now)?;
    let previous = key_set(&facts, TopRole::Root)?;
    facts.keys.insert(role, record.clone());
    let mut signers = vec![root_key];
    if role == TopRole::Root {
        signers.push(new_key);
    }
    let file = root(&facts, next, now, Some(&previous), &signers)?;
    let mut changes = vec![Change::Key(role, record.clone()), Change::File(file.clone())];
    facts.files.push(file);
    for of in plan::made_again(role) {
        let next = plan::next(&facts, *of, now)?;
        let file = match *of == role {
            true => again(&facts, *of, next, new_key)?,
            false => again(&facts, *of, next, &key(*of)?)?,
        };
        if *of == TopRole::Targets {
            changes.push(Change::List(file.version));
        }
        changes.push(Change::File(file.clone()));
        facts.files.push(file);
    }
    Ok(changes)
}

/// The next file of a role that Root appoints.
fn again(facts: &Facts, role: TopRole, next: Next, signer: &dyn Signer) -> Result<SignedFile, Error> {
    match role {
        TopRole::Root => Err(Error::Incomplete { what: "way to make Root again" }),
        TopRole::Targets => targets(facts, next, signer),
        TopRole::Snapshot => snapshot(facts, next, signer),
        TopRole::Timestamp => timestamp(facts, next, signer),
    }
}

/// Root, appointing the keys in `facts`. `previous` are the keys of the Root before, if there is one.
pub fn root(
    facts: &Facts,
    next: Next,
    now: Time,
    previous: Option<&KeySet>,
    signers: &[&dyn Signer],
) -> Result<SignedFile, Error> {
    let roles = RootRoles {
        root: key_set(facts, TopRole::Root)?,
        snapshot: key_set(facts, TopRole::Snapshot)?,
        targets: key_set(facts, TopRole::Targets)?,
        timestamp: key_set(facts, TopRole::Timestamp)?,
    };
    let builder = RootBuilder::image(next.version, next.expires, now, roles);
    let bytes = match previous {
        None => builder.sign(signers)?,
        Some(previous) => builder.sign_after(previous, signers)?,
    };
    Ok(file(TopRole::Root, next, bytes))
}

/// Targets, listing every image in `facts`.
pub fn targets(facts: &Facts, next: Next, signer: &dyn Signer) -> Result<SignedFile, Error> {
    let mut builder = TargetsBuilder::image(next.version, next.expires);
    for image in facts.images.values() {
        let matching = Matching::new(image.hardware_ids.iter().copied(), image.line, image.release_counter)?;
        let entry = ImageEntry::new(image.name.borrowed(), image.length, image.sha256.into(), &matching);
        builder = builder.list(entry)?;
    }
    let bytes = builder.sign(&key_set(facts, TopRole::Targets)?, &[signer])?;
    Ok(file(TopRole::Targets, next, bytes))
}

/// Snapshot, over the newest Targets in `facts`.
pub fn snapshot(facts: &Facts, next: Next, signer: &dyn Signer) -> Result<SignedFile, Error> {
    let builder = SnapshotBuilder::image(next.version, next.expires, info(facts, TopRole::Targets)?);
    let bytes = builder.sign(&key_set(facts, TopRole::Snapshot)?, &[signer])?;
    Ok(file(TopRole::Snapshot, next, bytes))
}

/// Timestamp, over the newest Snapshot in `facts`.
pub fn timestamp(facts: &Facts, next: Next, signer: &dyn Signer) -> Result<SignedFile, Error> {
    let builder = TimestampBuilder::image(next.version, next.expires, info(facts, TopRole::Snapshot)?);
    let bytes = builder.sign(&key_set(facts, TopRole::Timestamp)?, &[signer])?;
    Ok(file(TopRole::Timestamp, next, bytes))
}

/// The key of a role as Root appoints it.
pub fn key_set(facts: &Facts, role: TopRole) -> Result<KeySet, Error> {
    let key = facts.keys.get(&role).ok_or(Error::Incomplete { what: "key for one of its roles" })?;
    Ok(KeySet::new([key.public.clone()], 1)?)
}

fn info(facts: &Facts, role: TopRole) -> Result<FileInfo, Error> {
    let newest = facts.newest(role).ok_or(Error::Incomplete { what: role.word() })?;
    Ok(FileInfo::of(newest.version, &newest.bytes)?)
}

fn file(role: TopRole, next: Next, bytes: Vec<u8>) -> SignedFile {
    let Next { version, expires }: Next = next;
    SignedFile { role, version, expires, bytes, published: false }
}

/// The name of the key file that a Root of this version brings in; at random, since an attempt may have been cut short.
pub(crate) fn key_file_name(role: TopRole, root: Version) -> Result<String, Error> {
    let number = u32::from_be_bytes(host::random::bytes()?);
    Ok(format!("{}-{root}-{number:08x}.pem", role.word()))
}

#[cfg(test)]
mod tests;
