//! Where clients fetch files, in place of a network.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bytes::Bytes;

/// A repository that answers at once.
#[derive(Debug)]
pub(crate) enum Source {
    /// All files are in memory: time is the client's alone.
    Memory(HashMap<String, Bytes>),
    /// Files are read when they are asked for: memory is the client's alone.
    Folder(PathBuf),
}

impl Source {
    /// Reads every file of `folder`.
    pub(crate) fn in_memory(folder: &Path) -> Result<Self> {
        let mut files = HashMap::new();
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?.into());
        }
        Ok(Self::Memory(files))
    }

    /// The file, or nothing if there is none.
    pub(crate) fn fetch(&self, name: &str) -> Option<Bytes> {
        match self {
            Self::Memory(files) => files.get(name).cloned(),
            Self::Folder(folder) => fs::read(folder.join(name)).ok().map(Bytes::from),
        }
    }

    /// The file in a buffer of the client's own.
    pub(crate) fn fetch_owned(&self, name: &str) -> Option<Vec<u8>> {
        match self {
            Self::Memory(files) => files.get(name).map(|file| file.to_vec()),
            Self::Folder(folder) => fs::read(folder.join(name)).ok(),
        }
    }

    /// The Root that every client trusts from the start.
    pub(crate) fn first_root(&self) -> Result<Vec<u8>> {
        self.fetch_owned("1.root.json").context("a repository has a first Root")
    }
}
