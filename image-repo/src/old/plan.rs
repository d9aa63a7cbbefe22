//! The decisions: from facts to changes, without files, keys or clocks.

use std::time::Duration;

use uptane::{Time, Version};

use crate::error::Error;
use crate::old::facts::{Change, Facts, Image, SignedFile};
use crate::role::TopRole;

/// Version and expiry of a file to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Time,
}

/// What publishing makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// A new Snapshot; none if the newest one lists the newest Targets and is good for a while.
    pub snapshot: Option<Next>,
    /// A new Timestamp.
    pub timestamp: Next,
}

/// Stages an image. No change if it is there already.
///
/// A name gets other content, or a line another release, only with a release counter that no ECU can mistake for an old
/// one (trap T5).
pub fn add(facts: &Facts, image: Image) -> Result<Vec<Change>, Error> {
    let known = facts.images.get(&image.name);
    if known.is_some_and(|known| is_same(known, &image)) {
        return Ok(Vec::new());
    }
    let (given, line) = (image.release_counter, image.line);
    match facts.lines.get(&line) {
        Some(&highest) if given < highest || (given == highest && known.is_some()) => {
            Err(Error::CounterTaken { line: Box::new(line), given, highest })
        }
        _ => Ok(vec![Change::Stage(image)]),
    }
}

/// The Targets to sign: none if nothing is staged and the newest one is good for a while.
pub fn sign(facts: &Facts, now: Time) -> Result<Option<Next>, Error> {
    check_fresh(facts, TopRole::Root, now)?;
    let staged = facts.images.values().any(|image| image.listed.is_none());
    let due = facts.newest(TopRole::Targets).is_none_or(|file| is_ageing(facts, file, now));
    (staged || due).then(|| next(facts, TopRole::Targets, now)).transpose()
}

/// What publishing makes of the newest signed Targets.
pub fn publish(facts: &Facts, now: Time) -> Result<Publication, Error> {
    check_fresh(facts, TopRole::Root, now)?;
    check_fresh(facts, TopRole::Targets, now)?;
    let is_listed = facts.newest(TopRole::Targets).is_some_and(|targets| targets.published);
    let due = facts.newest(TopRole::Snapshot).is_none_or(|file| is_ageing(facts, file, now));
    let snapshot = (due || !is_listed).then(|| next(facts, TopRole::Snapshot, now)).transpose()?;
    Ok(Publication { snapshot, timestamp: next(facts, TopRole::Timestamp, now)? })
}

/// The files that must be made again because `rotated` has a new key, after Root itself.
pub fn made_again(rotated: TopRole) -> &'static [TopRole] {
    match rotated {
        TopRole::Root => &[],
        TopRole::Targets => &[TopRole::Targets, TopRole::Snapshot, TopRole::Timestamp],
        TopRole::Snapshot => &[TopRole::Snapshot, TopRole::Timestamp],
        TopRole::Timestamp => &[TopRole::Timestamp],
    }
}

/// The next file of a role.
pub fn next(facts: &Facts, role: TopRole, now: Time) -> Result<Next, Error> {
    let version = facts.newest(role).map_or(Ok(Version::FIRST), |file| file.version.next())?;
    Ok(Next { version, expires: now.saturating_add(lifetime(facts, role)) })
}

/// One thing to put in front of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release<'f> {
    /// An image.
    Image(&'f Image),
    /// A metadata file.
    File(&'f SignedFile),
}

impl Release<'_> {
    /// Where clients find it.
    pub fn path(&self) -> String {
        match self {
            Self::Image(image) => format!("targets/{}", image.stored_name()),
            Self::File(file) => format!("metadata/{}", file.role.file_name(file.version)),
        }
    }

    /// What is true once it is there.
    pub fn released(&self) -> Change {
        match self {
            Self::Image(image) => Change::ImagePublished(image.name),
            Self::File(file) => Change::FilePublished(file.role, file.version),
        }
    }
}

/// What to put in front of clients, in the order that never shows them a file whose children are missing: images first,
/// and last the Timestamp, which makes all the others count. Stopping anywhere in between is harmless.
pub fn release(facts: &Facts) -> Vec<Release<'_>> {
    let files = to_publish(facts).into_iter().map(Release::File);
    images_to_publish(facts).map(Release::Image).chain(files).collect()
}

fn to_publish(facts: &Facts) -> Vec<&SignedFile> {
    let order = [TopRole::Targets, TopRole::Snapshot, TopRole::Root, TopRole::Timestamp];
    let is_due = |file: &&SignedFile| {
        let is_newest = facts.newest(file.role).is_some_and(|newest| newest.version == file.version);
        !file.published && (is_newest || file.role == TopRole::Root)
    };
    order.iter().flat_map(|role| facts.files.iter().filter(|file| file.role == *role).filter(is_due)).collect()
}

/// Listed images whose bytes clients cannot fetch yet.
fn images_to_publish(facts: &Facts) -> impl Iterator<Item = &Image> {
    facts.images.values().filter(|image| image.listed.is_some() && !image.published)
}

/// Refuses to build on a file that has expired.
fn check_fresh(facts: &Facts, role: TopRole, now: Time) -> Result<(), Error> {
    match facts.newest(role) {
        Some(file) if now >= file.expires => Err(Error::Expired { role: role.into(), expires: file.expires }),
        Some(_) => Ok(()),
        None => Err(Error::Incomplete { what: role.word() }),
    }
}

/// Whether less than half of a file's life is left.
fn is_ageing(facts: &Facts, file: &SignedFile, now: Time) -> bool {
    file.expires.since(now) < lifetime(facts, file.role) / 2
}

fn lifetime(facts: &Facts, role: TopRole) -> Duration {
    facts.lifetimes.get(&role).copied().unwrap_or_default()
}

/// Whether an image says the same in every respect that counts.
fn is_same(known: &Image, image: &Image) -> bool {
    let Image { name, length, sha256, hardware_ids, line, release_counter, listed: _, published: _ } = image;
    (&known.name, known.length, known.sha256) == (name, *length, *sha256)
        && (&known.hardware_ids, known.line, known.release_counter) == (hardware_ids, *line, *release_counter)
}

#[cfg(test)]
mod tests;
