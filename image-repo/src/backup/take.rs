//! Making a backup, beside a running service.
//!
//! Signed files never change, so they are copied first; what says which of them belong together is read from one
//! generation, and all of it again if that moved meanwhile.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use futures_util::TryStreamExt as _;
use host::disk::{self, Access};
use object_store::GetOptions;
use sha2::Digest as _;
use uptane::{Sha256, Time};

use super::{AUDIT, Backup, DIGEST, FORMAT, Fault, FileEntry, ImageEntry, LineEntry, MANIFEST, Manifest, file_name};
use crate::error::Error;
use crate::facts::{Head, Kept};
use crate::publisher::Publisher;
use crate::release::{Arriving, inspect};
use crate::role::RoleId;
use crate::store::Store;

/// Whether the bytes of images are copied too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Images {
    /// They are.
    Copied,
    /// Their names and digests alone.
    Named,
}

/// Makes a backup in a folder, which must hold none.
pub(crate) async fn take<S: Store>(
    publisher: &Publisher<S>,
    to: &Path,
    images: Images,
    now: Time,
) -> Result<Manifest, Error> {
    if to.join(MANIFEST).exists() {
        return Err(Fault::Exists { path: to.to_owned() }.into());
    }
    for folder in ["metadata", "images"] {
        disk::create_folder(&to.join(folder), Access::Private)?;
    }
    let mut manifest = facts(publisher.store(), to, now).await?;
    if images == Images::Copied {
        for image in &mut manifest.images {
            image.here = copy(publisher, to, image).await?;
        }
    }
    finish(to, &manifest)?;
    Ok(manifest)
}

fn finish(to: &Path, manifest: &Manifest) -> Result<(), Error> {
    let bytes = serde_json::to_vec_pretty(manifest).map_err(|error| Error::objects("write", MANIFEST, &error))?;
    let digest = format!("{}\n", Sha256::of(&bytes));
    disk::replace(&to.join(DIGEST), digest.as_bytes(), Access::Private)?;
    disk::replace(&to.join(MANIFEST), &bytes, Access::Private)?;
    // Whoever reads it back at once knows that it can be read back.
    Backup::open(to).map(drop)
}

async fn facts<S: Store>(store: &S, to: &Path, now: Time) -> Result<Manifest, Error> {
    for _ in 0..ATTEMPTS {
        let head = store.head().await?;
        for role in [RoleId::Root, RoleId::Targets, RoleId::Snapshot, RoleId::Timestamp] {
            head.newest(&role).ok_or(Error::Incomplete { what: role.kind().type_name() })?;
        }
        let manifest = of_generation(store, &head, to, now).await?;
        if store.head().await?.generation == head.generation {
            return Ok(manifest);
        }
    }
    Err(Error::Conflict)
}

/// How often the repository may change meanwhile.
const ATTEMPTS: usize = 16;

async fn of_generation<S: Store>(store: &S, head: &Head, to: &Path, now: Time) -> Result<Manifest, Error> {
    let (mut files, mut images) = (Vec::new(), BTreeSet::new());
    for Kept { role, version, expires: _ } in store.history().await? {
        // One whose bytes went meanwhile is needed by nobody.
        let Some(bytes) = store.file(role, version).await? else { continue };
        let path = to.join("metadata").join(file_name(role, version));
        disk::replace(&path, &bytes, Access::Private)?;
        files.push(FileEntry {
            role: role.to_string(),
            version: version.get(),
            sha256: Sha256::of(&bytes).to_string(),
        });
        if role.lists_images() {
            images.extend(listed(role, bytes)?);
        }
    }
    let line = |(line, highest): (uptane::ImageLine, uptane::ReleaseCounter)| LineEntry {
        line: line.to_string(),
        highest: highest.get(),
    };
    Ok(Manifest {
        format: FORMAT,
        at: now.to_string(),
        generation: head.generation.get(),
        snapshot_seconds: head.lifetimes.snapshot.as_secs(),
        timestamp_seconds: head.lifetimes.timestamp.as_secs(),
        files,
        lines: store.lines().await?.into_iter().map(line).collect(),
        images: images.into_iter().collect(),
        audit: audit(store, to).await?,
    })
}

fn listed(role: RoleId, bytes: Vec<u8>) -> Result<Vec<ImageEntry>, Error> {
    let image = |listing: &crate::facts::Listing| ImageEntry {
        name: listing.stored_name(),
        length: listing.length.get(),
        sha256: listing.sha256.to_string(),
        here: false,
    };
    Ok(inspect(Arriving { role, bytes })?.listings.iter().map(image).collect())
}

/// Writes the audit log, and gives the hash of its newest entry.
async fn audit<S: Store>(store: &S, to: &Path) -> Result<Option<String>, Error> {
    let path = to.join(AUDIT);
    let failed = |source| Error::from(host::Error::io("write", &path, source));
    let mut file = BufWriter::new(File::create(&path).map_err(failed)?);
    let (mut last, mut after) = (None, 0);
    loop {
        let entries = store.entries(after, AT_ONCE).await?;
        let Some(newest) = entries.last() else { break };
        after = newest.seq;
        last = Some(newest.hash.to_string());
        for entry in &entries {
            writeln!(file, "{}", entry.to_line()).map_err(failed)?;
        }
    }
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(last)
}

/// Entries of the audit log read in one go.
const AT_ONCE: usize = 1_024;

/// Copies an image, and says whether it was there. One that is not what its name says is not copied.
async fn copy<S: Store>(publisher: &Publisher<S>, to: &Path, image: &ImageEntry) -> Result<bool, Error> {
    let path = to.join("images").join(&image.sha256);
    if std::fs::metadata(&path).is_ok_and(|found| found.len() == image.length) {
        return Ok(true);
    }
    let name = format!("targets/{}", image.name);
    let Some(found) = publisher.objects().published(&name, GetOptions::new()).await? else { return Ok(false) };
    let arriving = path.with_extension("unfinished");
    let failed = |source| Error::from(host::Error::io("write", &arriving, source));
    let (mut file, mut digest) = (File::create(&arriving).map_err(failed)?, sha2::Sha256::new());
    let mut pieces = found.into_stream();
    while let Some(piece) = pieces.try_next().await.map_err(|error| Error::objects("read", &image.name, &error))? {
        digest.update(&piece);
        file.write_all(&piece).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    if Sha256(digest.finalize().into()).to_string() != image.sha256 {
        disk::remove(&arriving)?;
        return Ok(false);
    }
    std::fs::rename(&arriving, &path).map_err(failed)?;
    disk::sync_folder(&to.join("images"))?;
    Ok(true)
}
