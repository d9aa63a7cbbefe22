//! Makes signed files from facts, a decision and keys.

use uptane::sign::{
    FileInfo, ImageEntry, KeySet, Matching, RootBuilder, RootRoles, Signer, SnapshotBuilder, TargetsBuilder,
    TimestampBuilder,
};
use uptane::{Time, Version};

use crate::error::Error;
use crate::facts::{Facts, SignedFile};
use crate::plan::Next;
use crate::role::TopRole;

/// Root, appointing the keys in `facts`. `previous` are the keys of the Root before, if there is one.
pub(crate) fn root(
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
pub(crate) fn targets(facts: &Facts, next: Next, signer: &dyn Signer) -> Result<SignedFile, Error> {
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
pub(crate) fn snapshot(facts: &Facts, next: Next, signer: &dyn Signer) -> Result<SignedFile, Error> {
    let builder = SnapshotBuilder::image(next.version, next.expires, info(facts, TopRole::Targets)?);
    let bytes = builder.sign(&key_set(facts, TopRole::Snapshot)?, &[signer])?;
    Ok(file(TopRole::Snapshot, next, bytes))
}

/// Timestamp, over the newest Snapshot in `facts`.
pub(crate) fn timestamp(facts: &Facts, next: Next, signer: &dyn Signer) -> Result<SignedFile, Error> {
    let builder = TimestampBuilder::image(next.version, next.expires, info(facts, TopRole::Snapshot)?);
    let bytes = builder.sign(&key_set(facts, TopRole::Timestamp)?, &[signer])?;
    Ok(file(TopRole::Timestamp, next, bytes))
}

/// The key of a role as Root appoints it.
pub(crate) fn key_set(facts: &Facts, role: TopRole) -> Result<KeySet, Error> {
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
