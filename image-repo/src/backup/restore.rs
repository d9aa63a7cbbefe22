//! Taking a backup back, into an empty database of any kind.
//!
//! Everything but Root goes into the database first, in pieces; a repository without Root publishes nothing, so one whose
//! restoration was cut short is no danger. Root comes in the one publication that completes it, and that publication
//!
//! * takes over what people published after the backup, if the published tree survived: files are judged as always, so
//!   only genuine ones come in, and no client sees a role go back;
//! * advances Snapshot and Timestamp by [`LEAP`](crate::publisher::LEAP) versions, since nobody knows what clients saw
//!   after the backup: no version is used twice.
//!
//! If what was found in the tree is refused as a whole, because somebody put other files there, the repository is completed
//! without it, and its files are then offered one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use host::audit::{self, Entry};
use uptane::{Length, Sha256, TargetNameBuf, Time, Version, limits};

use super::{Backup, Fault, FileEntry, ImageEntry, damaged};
use crate::collect::{FileId, of_snapshot, of_timestamp};
use crate::error::Error;
use crate::facts::{Change, Lifetimes, Listing, SignedFile};
use crate::objects::{IMAGES, METADATA, Object};
use crate::publisher::{Manner, Published, Publisher};
use crate::release::{Arriving, Inspected, inspect};
use crate::role::RoleId;
use crate::store::Store;

/// What was done.
#[derive(Clone, Debug)]
pub(crate) struct Restored {
    /// What clients see now.
    pub published: Published,
    /// Files newer than the backup that were found in the published tree.
    pub taken_over: Vec<FileId>,
    /// Files in the published tree that are not genuine.
    pub left: Vec<FileId>,
    /// Images that a file lists and that neither the bucket nor the backup has.
    pub missing: Vec<String>,
}

/// Restores a repository; `newer` are files that people signed since, if what was backed up has expired.
pub(crate) async fn restore<S: Store>(
    backup: &Backup,
    publisher: &Publisher<S>,
    newer: Vec<Arriving>,
    now: Time,
) -> Result<Restored, Error> {
    let log = backup.check()?;
    if !publisher.store().head().await?.files.is_empty() {
        return Err(Fault::NotEmpty.into());
    }
    let roots = fill(backup, publisher.store(), &log).await?;
    let missing = put_images(backup, publisher, now).await?;
    let found = newer_published(backup, publisher).await?;
    let (taken_over, left, published) = complete(publisher, roots, newer, found, now).await?;
    Ok(Restored { published, taken_over, left, missing })
}

impl Backup {
    /// Verifies every part of the backup but its images, and gives the audit log.
    fn check(&self) -> Result<Vec<Entry>, Error> {
        for entry in &self.manifest.files {
            self.file(entry)?;
        }
        let log = self.log()?;
        let last = audit::verify(log.iter().cloned()).map_err(Error::AuditBroken)?;
        match last.map(|entry| entry.hash.to_string()) == self.manifest.audit {
            true => Ok(log),
            false => Err(damaged("audit.jsonl").into()),
        }
    }

    fn log(&self) -> Result<Vec<Entry>, Error> {
        let path = self.audit();
        let failed = |source| Error::from(host::Error::io("read", &path, source));
        let lines = BufReader::new(File::open(&path).map_err(failed)?).lines();
        lines.map(|line| Entry::from_line(&line.map_err(failed)?).map_err(|_| damaged("audit.jsonl").into())).collect()
    }
}

/// Puts everything but Root into the database, and gives the Roots.
async fn fill<S: Store>(backup: &Backup, store: &S, log: &[Entry]) -> Result<Vec<Arriving>, Error> {
    apply(store, &settings(backup)?).await?;
    for some in log.chunks(AT_ONCE) {
        apply(store, &some.iter().cloned().map(Change::Record).collect::<Vec<_>>()).await?;
    }
    let mut roots = Vec::new();
    let mut entries = backup.manifest.files.iter().peekable();
    while let Some(entry) = entries.next() {
        let (role, _, bytes) = backup.file(entry)?;
        let is_newest = entries.peek().is_none_or(|next| next.role != entry.role);
        match role {
            RoleId::Root => roots.push(Arriving { role, bytes }),
            RoleId::Targets | RoleId::Delegated(_) => apply(store, &listing(role, bytes, is_newest)?).await?,
            RoleId::Snapshot | RoleId::Timestamp => apply(store, &[Change::File(own(role, entry, bytes)?)]).await?,
        }
    }
    Ok(roots)
}

/// Changes made in one go.
const AT_ONCE: usize = 1_024;

async fn apply<S: Store>(store: &S, changes: &[Change]) -> Result<(), Error> {
    let generation = store.head().await?.generation;
    store.apply(generation, changes).await
}

/// Lifetimes, and the highest release of each line: as if an image of it had been listed and taken out again.
fn settings(backup: &Backup) -> Result<Vec<Change>, Error> {
    let [snapshot, timestamp] =
        [backup.manifest.snapshot_seconds, backup.manifest.timestamp_seconds].map(Duration::from_secs);
    let mut changes = vec![Change::Lifetimes(Lifetimes { snapshot, timestamp })];
    for entry in &backup.manifest.lines {
        let (line, release_counter) = entry.parse()?;
        let name = TargetNameBuf::parse("line")?;
        let (length, sha256, hardware_ids) = (Length::ZERO, Sha256::of(b""), BTreeSet::new());
        let listing = Listing { name, length, sha256, hardware_ids, line, release_counter };
        changes.extend([Change::List(RoleId::Targets, listing), Change::Unlist(RoleId::Targets, name)]);
    }
    Ok(changes)
}

/// A file that lists images, and, if it is the newest of its role, what it lists.
fn listing(role: RoleId, bytes: Vec<u8>, is_newest: bool) -> Result<Vec<Change>, Error> {
    let Inspected { file, listings, delegates } = inspect(Arriving { role, bytes })?;
    let mut changes = vec![Change::File(file)];
    if is_newest {
        changes.push(Change::Delegate(role, delegates));
        changes.extend(listings.into_iter().map(|listing| Change::List(role, listing)));
    }
    Ok(changes)
}

/// A file that the repository signed.
fn own(role: RoleId, entry: &FileEntry, bytes: Vec<u8>) -> Result<SignedFile, Error> {
    use uptane::metadata::{Envelope, Snapshot, Timestamp};

    let (_, version) = entry.id()?;
    let envelope = Envelope::decode(&bytes)?;
    let expires = match role {
        RoleId::Timestamp => Timestamp::decode(envelope.signed())?.expires(),
        RoleId::Root | RoleId::Targets | RoleId::Snapshot | RoleId::Delegated(_) => {
            Snapshot::decode(envelope.signed())?.expires()
        }
    };
    Ok(SignedFile { role, version, expires, bytes })
}

/// Puts images back that the bucket lacks, and gives those that the backup lacks too.
pub(crate) async fn put_images<S: Store>(
    backup: &Backup,
    publisher: &Publisher<S>,
    now: Time,
) -> Result<Vec<String>, Error> {
    let mut missing = Vec::new();
    for image in &backup.manifest.images {
        if !put_image(backup, publisher, image, now).await? {
            missing.push(image.name.clone());
        }
    }
    Ok(missing)
}

async fn put_image<S: Store>(
    backup: &Backup,
    publisher: &Publisher<S>,
    image: &ImageEntry,
    now: Time,
) -> Result<bool, Error> {
    let (length, sha256) = image.parse()?;
    let name = format!("{IMAGES}/{}", image.name);
    if publisher.objects().find(&name).await?.is_some_and(|found| found.length == length.get()) {
        return Ok(true);
    }
    if !image.here {
        return Ok(false);
    }
    let brought = publisher.objects().bring(&backup.image(image)).await?;
    if (brought.length, brought.sha256) != (length, sha256) {
        return Err(damaged(&format!("images/{}", image.sha256)).into());
    }
    publisher.objects().place(sha256, &name, now).await?;
    Ok(true)
}

/// Files in the published tree that are newer than those of the backup: every Root that follows, and of each other role of
/// people the newest that a published Snapshot lists and that is there.
async fn newer_published<S: Store>(backup: &Backup, publisher: &Publisher<S>) -> Result<Vec<Arriving>, Error> {
    let mut newest = BTreeMap::new();
    for entry in &backup.manifest.files {
        let (role, version) = entry.id()?;
        newest.insert(role, version);
    }
    let mut found = newer_roots(publisher, newest.get(&RoleId::Root).copied()).await?;
    let mut seen = BTreeSet::new();
    // The newest of a role first.
    for (role, version) in candidates(publisher).await?.into_iter().rev().filter(|(role, _)| role.lists_images()) {
        if newest.get(&role).is_some_and(|newest| version <= *newest) || seen.contains(&role) {
            continue;
        }
        if let Some(bytes) = published(publisher, (role, version)).await? {
            seen.insert(role);
            found.push(Arriving { role, bytes });
        }
    }
    Ok(found)
}

async fn newer_roots<S: Store>(publisher: &Publisher<S>, newest: Option<Version>) -> Result<Vec<Arriving>, Error> {
    let (mut found, mut version) = (Vec::new(), newest.ok_or(Error::Incomplete { what: "root" })?);
    for _ in 0..limits::MAX_ROOT_ROTATIONS {
        version = version.next()?;
        let Some(bytes) = published(publisher, (RoleId::Root, version)).await? else { break };
        found.push(Arriving { role: RoleId::Root, bytes });
    }
    Ok(found)
}

/// What the Snapshot lists that Timestamp names, and what the newest one lists that is published.
async fn candidates<S: Store>(publisher: &Publisher<S>) -> Result<BTreeSet<FileId>, Error> {
    let names: Vec<Object> = publisher.objects().below(METADATA)?.try_collect().await?;
    let version = |object: &Object| {
        object.name.strip_prefix(METADATA)?.strip_prefix('/')?.strip_suffix(".snapshot.json")?.parse().ok()
    };
    let newest = names.iter().filter_map(version).max().and_then(|version| Version::new(version).ok());
    let timestamp = publisher.objects().published_file("timestamp.json", limit(limits::MAX_TIMESTAMP)?).await?;
    let named = timestamp.and_then(|bytes| of_timestamp(&bytes).ok());
    let mut files = BTreeSet::new();
    for id in newest.map(|version| (RoleId::Snapshot, version)).into_iter().chain(named) {
        let bytes = published(publisher, id).await?;
        files.extend(bytes.and_then(|bytes| of_snapshot(&bytes).ok()).into_iter().flatten());
    }
    Ok(files)
}

async fn published<S: Store>(publisher: &Publisher<S>, (role, version): FileId) -> Result<Option<Vec<u8>>, Error> {
    let name = role.file(version).file_name();
    let found = publisher.objects().published_file(&name, limit(limits::MAX_TARGETS)?).await?;
    Ok(found.map(Vec::from))
}

fn limit(bytes: u64) -> Result<Length, Error> {
    Ok(Length::new(bytes)?)
}

/// The publication that completes the repository, and those that follow if not all of it is genuine.
async fn complete<S: Store>(
    publisher: &Publisher<S>,
    roots: Vec<Arriving>,
    newer: Vec<Arriving>,
    found: Vec<Arriving>,
    now: Time,
) -> Result<(Vec<FileId>, Vec<FileId>, Published), Error> {
    let base: Vec<_> = roots.into_iter().chain(newer).collect();
    let all = base.iter().chain(&found).cloned().collect();
    let ids =
        found.iter().filter_map(|file| inspect(file.clone()).ok()).map(|read| (read.file.role, read.file.version));
    let ids: Vec<_> = ids.collect();
    if let Ok(published) = publisher.publish_as(RESTORED, all, Manner::RESTORED, now).await {
        return Ok((ids, Vec::new(), published));
    }
    let mut published = publisher.publish_as(RESTORED, base, Manner::RESTORED, now).await?;
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for file in found {
        let Ok(read) = inspect(file.clone()) else { continue };
        let id = (read.file.role, read.file.version);
        match publisher.publish(RESTORED, vec![file], now).await {
            Ok(done) => {
                published = done;
                taken.push(id);
            }
            Err(error) => {
                tracing::warn!(role = %id.0, version = %id.1, "a published file is not genuine: {error}");
                left.push(id);
            }
        }
    }
    Ok((taken, left, published))
}

/// Who publishes what a restoration found.
const RESTORED: &str = "restore";
