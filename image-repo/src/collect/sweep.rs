//! Garbage collection, done. It may run beside publications and beside itself, and may end anywhere.
//!
//! **Objects first, then the store.** A store that forgot a file whose object is still there could never tell anyone to
//! remove it; an object that is gone while the store still has the file is removed once more the next time, which does
//! nothing.
//!
//! **What is being published stays.** An image that nobody lists is removed only once it has lain there for a week.
//! Publishing copies or dates each image before the release becomes true, so it has days for that. An image that had lain
//! there for long may be dated between this collection's look at it and its removal. Therefore each side looks again after
//! it acted: the publisher for such images once its release is true, the collection for releases once its images are gone.
//! Whoever acts last sees what the other one did, and puts the image back from `incoming/`, which is cleared last and by
//! the same age.
//!
//! **What this repository does not know stays.** A database that was restored from a backup knows less than clients do:
//! if a file is published that is newer than the newest known, nothing is removed. A patch stays too, for no file of the
//! repository names it: the Director alone knows who needs it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt as _;
use proto::delta::{HEADER, Header};
use uptane::Time;

use super::{FileId, Needed, of_snapshot, of_timestamp};
use crate::error::Error;
use crate::facts::{Head, Kept};
use crate::objects::{IMAGES, INCOMING, METADATA, Object};
use crate::publisher::Publisher;
use crate::release::{Arriving, inspect};
use crate::role::RoleId;
use crate::store::Store;

/// What a collection removed, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Metadata files.
    pub files: Vec<(RoleId, uptane::Version)>,
    /// Published images, by their names in the bucket.
    pub images: Vec<String>,
    /// Blobs and parts that came in and were never published, by their names in the bucket.
    pub arrivals: Vec<String>,
    /// Bytes of images and arrivals.
    pub bytes: u64,
    /// Images that a needed file names and that are not in the bucket, by the names they should have there.
    pub missing: Vec<String>,
}

/// Whether something is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    Remove,
    /// It is only told.
    Tell,
}

impl<S: Store> Publisher<S> {
    /// Removes what nobody needs.
    pub async fn collect(&self, mode: Mode, now: Time) -> Result<Collected, Error> {
        self.show().await?;
        let published = self.published_names().await?;
        let (head, history) = (self.store().head().await?, self.store().history().await?);
        check_known(&published, &head)?;
        let needed = self.needed(&head, &history, now).await?;
        let mut collected = Collected { files: needed.others(&history), ..Collected::default() };
        self.sweep_images(&needed, mode, now, &mut collected).await?;
        if mode == Mode::Remove {
            self.put_back(&head, &collected.images, now).await?;
            self.remove_files(&collected.files).await?;
        }
        self.sweep_arrivals(mode, now, &mut collected).await?;
        Ok(collected)
    }

    /// The names of the metadata files that clients see.
    async fn published_names(&self) -> Result<Vec<String>, Error> {
        let name = |object: Object| object.name.trim_start_matches(METADATA).trim_start_matches('/').to_owned();
        self.objects().below(METADATA)?.map_ok(name).try_collect().await
    }

    async fn needed(&self, head: &Head, history: &[Kept], now: Time) -> Result<Needed, Error> {
        let mut needed = Needed::by_itself(head, history, now);
        for (role, version) in needed.of_role(RoleId::Timestamp) {
            if let Some(bytes) = self.store().file(role, version).await? {
                needed.add([of_timestamp(&bytes)?]);
            }
        }
        for (role, version) in needed.of_role(RoleId::Snapshot) {
            if let Some(bytes) = self.store().file(role, version).await? {
                needed.add(of_snapshot(&bytes)?);
            }
        }
        Ok(needed)
    }

    /// The names in the bucket of all images that needed files list.
    async fn stored_names(&self, needed: &Needed) -> Result<BTreeSet<String>, Error> {
        let mut names = BTreeSet::new();
        for (role, version) in needed.listing() {
            if let Some(bytes) = self.store().file(role, version).await? {
                let listings = inspect(Arriving { role, bytes })?.listings;
                names.extend(listings.iter().map(|listing| format!("{IMAGES}/{}", listing.stored_name())));
            }
        }
        Ok(names)
    }

    async fn sweep_images(
        &self,
        needed: &Needed,
        mode: Mode,
        now: Time,
        collected: &mut Collected,
    ) -> Result<(), Error> {
        let (mut names, mut unnamed) = (self.stored_names(needed).await?, Vec::new());
        let mut objects = self.objects().below(IMAGES)?;
        while let Some(object) = objects.try_next().await? {
            if !names.remove(&object.name) && object.is_old(now) {
                unnamed.push(object.name);
            }
        }
        for name in unnamed {
            if !self.is_patch(&name).await? {
                collected.bytes += self.remove_old(&name, mode, now, &mut collected.images).await?;
            }
        }
        collected.missing.extend(names);
        Ok(())
    }

    async fn is_patch(&self, name: &str) -> Result<bool, Error> {
        let count = u64::try_from(HEADER).unwrap_or(u64::MAX);
        let beginning = self.objects().beginning(name, count).await?;
        let beginning = beginning.as_deref().and_then(|bytes| bytes.first_chunk::<HEADER>());
        Ok(beginning.is_some_and(|bytes| Header::decode(bytes).is_ok()))
    }

    /// Removes what is old still, notes it down, and says how many bytes that were.
    async fn remove_old(&self, name: &str, mode: Mode, now: Time, removed: &mut Vec<String>) -> Result<u64, Error> {
        let found = self.objects().find(name).await?.filter(|found| found.is_old(now));
        let Some(found) = found else { return Ok(0) };
        if mode == Mode::Remove {
            self.objects().remove(name).await?;
        }
        removed.push(found.name);
        Ok(found.length)
    }

    /// Puts back what was listed while it was being removed.
    async fn put_back(&self, decided_on: &Head, removed: &[String], now: Time) -> Result<(), Error> {
        let head = self.store().head().await?;
        if head.generation == decided_on.generation || removed.is_empty() {
            return Ok(());
        }
        let removed: BTreeSet<_> = removed.iter().collect();
        for role in head.files.keys().filter(|role| role.lists_images()) {
            for listing in self.store().listed(*role).await? {
                if removed.contains(&format!("{IMAGES}/{}", listing.stored_name())) {
                    self.objects().publish_image(&listing, now).await?;
                }
            }
        }
        Ok(())
    }

    async fn remove_files(&self, files: &[FileId]) -> Result<(), Error> {
        // Of Timestamp, clients see the newest alone.
        for (role, version) in files.iter().filter(|(role, _)| *role != RoleId::Timestamp) {
            self.objects().remove(&format!("{METADATA}/{}", role.file(*version).file_name())).await?;
        }
        self.store().prune(files).await
    }

    async fn sweep_arrivals(&self, mode: Mode, now: Time, collected: &mut Collected) -> Result<(), Error> {
        let objects = self.objects().below(INCOMING)?;
        let old = objects.try_filter(|object| std::future::ready(object.is_old(now)));
        for object in old.try_collect::<Vec<_>>().await? {
            collected.bytes += self.remove_old(&object.name, mode, now, &mut collected.arrivals).await?;
        }
        Ok(())
    }
}

/// Refuses a repository of which clients see more than its database knows.
fn check_known(published: &[String], head: &Head) -> Result<(), Error> {
    let newest: Vec<_> = head.files.iter().map(|(role, newest)| role.file(newest.version).file_name()).collect();
    let newest: BTreeMap<_, _> = newest.iter().filter_map(|name| parts(name)).collect();
    let is_known = |name: &&String| match parts(name) {
        Some((of, version)) => newest.get(of).is_some_and(|newest| version <= *newest),
        // Timestamp, whose name has no version.
        None => true,
    };
    match published.iter().find(|name| !is_known(name)) {
        Some(name) => Err(Error::NewerPublished { file: name.clone() }),
        None => Ok(()),
    }
}

/// `acme.json` and 3 of `3.acme.json`.
fn parts(name: &str) -> Option<(&str, u64)> {
    let (version, of) = name.split_once('.')?;
    Some((of, version.parse().ok()?))
}

#[cfg(test)]
mod tests;
