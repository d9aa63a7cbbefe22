//! The layout while it is being made.
//!
//! ```text
//! .unfinished-OUT/parts/HEX         a blob that is not whole, or not verified
//! .unfinished-OUT/parts/HEX.tag     what the server called it, while nobody adds to it and it is synchronised
//! .unfinished-OUT/layout/           the layout: verified blobs alone, and in the end oci-layout and index.json
//! ```
//! `layout` becomes OUT in one step. Whatever breaks off before it is gone on with next time, and what lies here is
//! hashed again then: it is believed no more than what is on the wire.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use host::disk::{self, Access, Bulk as _, Disk as _, Folder, Lock, UNFINISHED};
use host::fetch::{FetchError, Resume, Sink};
use host::oci::{Descriptor, INDEX_FILE, Index, LAYOUT, LAYOUT_FILE, MAX_MANIFEST, blob_file};
use uptane::verify::image::FileCheck;
use uptane::{Length, Sha256};

use super::error::Error;
use super::listing::Blob;

const MADE: &str = "layout";
const BLOBS: &str = "layout/blobs/sha256";
/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;
/// Bytes of a kept entity tag.
const MAX_TAG: u64 = 4 * 1024;

/// A layout that is not whole yet.
pub(super) struct Work {
    folder: Folder,
    out: PathBuf,
    _lock: Lock,
}

impl Work {
    /// Begins to make the layout `out`, or goes on with it.
    pub(super) fn begin(out: &Path) -> Result<Self, Error> {
        if fs::symlink_metadata(out).is_ok() {
            return Err(Error::Exists { path: out.to_owned() });
        }
        let name = out.file_name().ok_or_else(|| Error::Exists { path: out.to_owned() })?;
        let mut beside = OsString::from(UNFINISHED);
        beside.push(name);
        let folder = Folder::create(out.with_file_name(beside), Access::Shared)?;
        let lock = folder.lock()?;
        Ok(Self { folder, out: out.to_owned(), _lock: lock })
    }

    /// Whether the blob is there, which is hashed again; one that is not what it should be goes.
    pub(super) fn has(&mut self, blob: &Blob) -> Result<bool, Error> {
        let place = place(blob.sha256);
        let Some(check) = self.hashed(&place, blob)? else { return Ok(false) };
        match check.finish() {
            Ok(_) => Ok(true),
            Err(_) => {
                self.folder.remove(&place)?;
                Ok(false)
            }
        }
    }

    /// Begins to take the blob, or goes on where an earlier run stopped.
    pub(super) fn take(&mut self, blob: Blob) -> Result<Arriving<'_>, Error> {
        let tag = self.folder.read(&tag_of(blob.sha256), MAX_TAG)?.and_then(|tag| String::from_utf8(tag).ok());
        let begun = match &tag {
            Some(_) => self.hashed(&part(blob.sha256), &blob)?,
            None => None,
        };
        if let Some(check) = begun {
            return Ok(Arriving { folder: &mut self.folder, blob, check, tag, refused: None });
        }
        self.folder.remove(&part(blob.sha256))?;
        Ok(Arriving { folder: &mut self.folder, blob, check: begin(&blob), tag: None, refused: None })
    }

    /// A whole small blob that is there.
    pub(super) fn read(&self, sha256: Sha256) -> Result<Vec<u8>, Error> {
        let name = place(sha256);
        let bytes = self.folder.read(&name, MAX_MANIFEST)?;
        Ok(bytes.ok_or_else(|| host::Error::Missing { path: self.folder.place(&name) })?)
    }

    /// Puts the layout in its place: this image, whose blobs are all there, and no other.
    pub(super) fn finish(mut self, manifest: &Descriptor, blobs: &BTreeSet<Sha256>) -> Result<(), Error> {
        for name in self.folder.list(BLOBS)? {
            // Of an image that had this name in an earlier run.
            if !Sha256::parse(&name).is_ok_and(|sha256| blobs.contains(&sha256)) {
                self.folder.remove(&format!("{BLOBS}/{name}"))?;
            }
        }
        self.folder.replace(&format!("{MADE}/{INDEX_FILE}"), &Index::of(manifest))?;
        self.folder.replace(&format!("{MADE}/{LAYOUT_FILE}"), LAYOUT.as_bytes())?;
        let made = self.folder.at(MADE)?;
        fs::rename(&made, &self.out).map_err(|source| host::Error::io("put in its place", &self.out, source))?;
        disk::sync_folder(self.out.parent().unwrap_or(Path::new("")))?;
        let left = self.folder.path();
        Ok(fs::remove_dir_all(left).map_err(|source| host::Error::io("remove", left, source))?)
    }

    /// What is in a file so far; nothing, if it is not there or no beginning of the blob.
    fn hashed(&self, name: &str, blob: &Blob) -> Result<Option<FileCheck>, Error> {
        if self.folder.length(name)?.is_none() {
            return Ok(None);
        }
        let (mut check, mut chunk) = (begin(blob), vec![0; CHUNK]);
        loop {
            let count = self.folder.read_at(name, check.received(), &mut chunk)?;
            match chunk.get(..count) {
                Some(bytes) if !bytes.is_empty() => {
                    if check.update(bytes).is_err() {
                        return Ok(None);
                    }
                }
                _ => return Ok(Some(check)),
            }
        }
    }
}

/// A blob while it arrives.
pub(super) struct Arriving<'w> {
    folder: &'w mut Folder,
    blob: Blob,
    check: FileCheck,
    tag: Option<String>,
    refused: Option<uptane::Error>,
}

impl Arriving<'_> {
    /// Where to go on, if a part is there.
    pub(super) fn resume(&self) -> Option<Resume> {
        let entity_tag = self.tag.clone()?;
        let offset = Length::new(self.check.received()).ok()?;
        // Nothing to resume before the first byte, nor behind the last: there the whole file is asked for again.
        let is_part = offset > Length::ZERO && offset < self.blob.length;
        is_part.then_some(Resume { offset, entity_tag })
    }

    /// No more bytes come. What is whole and right gets its name; what was refused goes; a part waits for the next run.
    pub(super) fn end(self, arrived: Result<(), FetchError>) -> Result<(), Error> {
        let (name, sha256) = (self.blob.name, self.blob.sha256);
        match (arrived, self.refused) {
            (Err(source), None) => {
                self.keep()?;
                Err(Error::Fetch { name: name.to_string(), source })
            }
            (_, Some(refused)) => {
                self.folder.remove(&part(sha256))?;
                Err(Error::refused(name.as_str())(refused))
            }
            (Ok(()), None) => self.place(),
        }
    }

    fn place(self) -> Result<(), Error> {
        let (part, name) = (part(self.blob.sha256), self.blob.name);
        match self.check.finish() {
            Ok(sha256) => {
                self.folder.sync(&part)?;
                self.folder.rename(&part, &place(sha256))?;
                Ok(self.folder.remove(&tag_of(sha256))?)
            }
            Err(refused) => {
                self.folder.remove(&part)?;
                Err(Error::refused(name.as_str())(refused))
            }
        }
    }

    fn keep(self) -> Result<(), Error> {
        let Some(tag) = self.tag.filter(|_| self.check.received() > 0) else { return Ok(()) };
        self.folder.sync(&part(self.blob.sha256))?;
        Ok(self.folder.replace(&tag_of(self.blob.sha256), tag.as_bytes())?)
    }

    fn begin_again(&mut self) -> Result<(), host::Error> {
        self.check = begin(&self.blob);
        self.folder.remove(&part(self.blob.sha256))
    }
}

impl Sink for Arriving<'_> {
    fn start(&mut self, offset: Length, entity_tag: Option<&str>) -> io::Result<()> {
        self.folder.remove(&tag_of(self.blob.sha256)).map_err(io::Error::other)?;
        self.tag = entity_tag.map(str::to_owned);
        match offset.get() == self.check.received() {
            true => Ok(()),
            false => self.begin_again().map_err(io::Error::other),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Checked first: bytes beyond the listed length are never written (attack A8).
        if let Err(error) = self.check.update(bytes) {
            self.refused = Some(error);
            return Err(io::Error::other(error));
        }
        self.folder.append(&part(self.blob.sha256), bytes).map_err(io::Error::other)
    }
}

fn begin(blob: &Blob) -> FileCheck {
    FileCheck::new(blob.length, blob.sha256.into())
}

/// Where a blob is once it is verified.
fn place(sha256: Sha256) -> String {
    format!("{MADE}/{}", blob_file(sha256))
}

fn part(sha256: Sha256) -> String {
    format!("parts/{sha256}")
}

fn tag_of(sha256: Sha256) -> String {
    format!("parts/{sha256}.tag")
}

#[cfg(test)]
mod tests;
