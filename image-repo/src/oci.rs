//! Container images on their way into a release: an OCI image layout, read and checked.
//!
//! A layout may come from anybody. Nothing of it is believed but what a digest covers, from the tag or digest that the
//! signer names downwards; every file is read to its stated length and no further.

mod error;
mod parts;
mod reference;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use host::disk;
use host::oci::{
    Descriptor, Entry, INDEX_FILE, Index, LAYOUT_FILE, MAX_INDEX_DEPTH, MAX_LAYOUT_FILE, MAX_MANIFEST, Manifest,
    MediaType, blob_file, check_layout,
};
use uptane::Sha256;
use uptane::verify::image::FileCheck;

pub use error::Error;
pub(crate) use parts::{is_part_of, part_name};
pub(crate) use reference::{Choice, Reference};

/// A layout.
#[derive(Debug)]
pub(crate) struct Layout {
    path: PathBuf,
}

/// An image that was chosen from a layout.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// What names it.
    pub descriptor: Descriptor,
    /// What it consists of.
    pub manifest: Manifest,
}

/// Indexes that a search for a digest opens.
const MAX_INDEXES: usize = 64;

impl Layout {
    /// The layout at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let layout = Self { path: path.to_owned() };
        let file = layout.place(LAYOUT_FILE);
        if fs::symlink_metadata(&file).is_err() {
            return Err(Error::NoLayout { path: path.to_owned() });
        }
        let said = layout.small(LAYOUT_FILE, MAX_LAYOUT_FILE)?;
        check_layout(&said).map_err(Error::inside(&file))?;
        Ok(layout)
    }

    /// Where the blob of this digest is.
    pub(crate) fn blob(&self, sha256: Sha256) -> PathBuf {
        self.place(&blob_file(sha256))
    }

    /// The image that is chosen.
    pub(crate) fn choose(&self, choice: &Choice) -> Result<Chosen, Error> {
        let descriptor = match choice {
            Choice::Digest(sha256) => self.search(*sha256)?,
            Choice::Tag(tag) => self.one(self.index()?.entries(), |entry| entry.tag() == Some(tag))?,
            Choice::Only => self.one(self.index()?.entries(), Entry::is_image)?,
        };
        let descriptor = self.descend(descriptor)?;
        let bytes = self.read(&descriptor)?;
        let manifest = Manifest::decode(&bytes).map_err(Error::inside(&self.blob(descriptor.sha256)))?;
        Ok(Chosen { descriptor, manifest })
    }

    /// Refuses a blob that is not there, no plain file or of another length. Its content is judged while it is read.
    pub(crate) fn check_there(&self, blob: &Descriptor) -> Result<(), Error> {
        let path = self.blob(blob.sha256);
        regular(&path)?;
        let length = fs::metadata(&path).map_err(|source| host::Error::io("read", &path, source))?.len();
        if length == blob.length.get() { Ok(()) } else { Err(Error::Length { path, listed: blob.length, length }) }
    }

    /// Follows indexes of one image each down to its manifest.
    fn descend(&self, mut descriptor: Descriptor) -> Result<Descriptor, Error> {
        for _ in 0..=MAX_INDEX_DEPTH {
            if descriptor.media_type == MediaType::Manifest {
                return Ok(descriptor);
            }
            descriptor = self.one(self.nested(&descriptor)?.entries(), Entry::is_image)?;
        }
        Err(Error::Deep { path: self.path.clone() })
    }

    /// The one entry that is meant.
    fn one(&self, entries: &[Entry], is_meant: impl Fn(&Entry) -> bool) -> Result<Descriptor, Error> {
        let meant: Vec<_> = entries.iter().filter(|entry| is_meant(entry)).collect();
        match meant.as_slice() {
            [entry] => entry.descriptor().map_err(Error::inside(&self.path)),
            [] => Err(Error::NoImage { path: self.path.clone() }),
            several => Err(Error::Ambiguous { path: self.path.clone(), images: named(several) }),
        }
    }

    /// The manifest or index of this digest, wherever in the layout's indexes it is named.
    fn search(&self, wanted: Sha256) -> Result<Descriptor, Error> {
        let (mut open, mut seen) = (vec![(self.index()?, 0)], BTreeSet::new());
        while let Some((index, depth)) = open.pop() {
            for entry in index.entries().iter().filter(|entry| entry.is_image()) {
                let named = entry.descriptor().map_err(Error::inside(&self.path))?;
                if named.sha256 == wanted {
                    return Ok(named);
                }
                if named.media_type == MediaType::Index && seen.insert(named.sha256) {
                    if depth == MAX_INDEX_DEPTH || seen.len() > MAX_INDEXES {
                        return Err(Error::Deep { path: self.path.clone() });
                    }
                    open.push((self.nested(&named)?, depth + 1));
                }
            }
        }
        Err(Error::NoImage { path: self.path.clone() })
    }

    fn index(&self) -> Result<Index, Error> {
        Index::decode(&self.small(INDEX_FILE, MAX_MANIFEST)?).map_err(Error::inside(&self.place(INDEX_FILE)))
    }

    fn nested(&self, descriptor: &Descriptor) -> Result<Index, Error> {
        Index::decode(&self.read(descriptor)?).map_err(Error::inside(&self.blob(descriptor.sha256)))
    }

    /// A manifest or an index: exactly the bytes that its descriptor says.
    fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        self.check_there(descriptor)?;
        let path = self.blob(descriptor.sha256);
        let bytes = self.small(&blob_file(descriptor.sha256), descriptor.length.get())?;
        let mut check = FileCheck::new(descriptor.length, descriptor.sha256.into());
        let judged = check.update(&bytes).and_then(|()| check.finish());
        judged.map(|_| bytes).map_err(|source| Error::Blob { path, source })
    }

    fn small(&self, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let path = self.place(name);
        regular(&path)?;
        Ok(disk::read(&path, limit)?.ok_or(host::Error::Missing { path })?)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Refuses what is no plain file: whoever opens a pipe waits, and a link may lead anywhere.
fn regular(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(Error::NoFile { path: path.to_owned() }),
        Err(source) => Err(host::Error::io("read", path, source).into()),
    }
}

/// What may be written behind the layout to mean each of them.
fn named(entries: &[&Entry]) -> String {
    let name = |entry: &&Entry| match (entry.tag(), entry.sha256()) {
        (Some(tag), _) => format!(":{}", host::cli::one_line(tag)),
        (None, Ok(sha256)) => format!("@sha256:{sha256}"),
        (None, Err(error)) => error.to_string(),
    };
    entries.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
