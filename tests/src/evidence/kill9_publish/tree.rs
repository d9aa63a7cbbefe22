//! The published tree: which names there are, and whether one ever had two contents.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use uptane::Sha256;

/// Names that were seen, with their contents.
pub(super) struct Tree {
    folder: PathBuf,
    seen: BTreeMap<PathBuf, Sha256>,
    changed: usize,
}

impl Tree {
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), seen: BTreeMap::new(), changed: 0 }
    }

    /// Looks at every file that clients can ask for, but for the one that is meant to change.
    pub(super) fn look(&mut self) -> Result<()> {
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                match path.is_dir() {
                    true => folders.push(path),
                    // What is on its way to its name has a `#` or a leading dot, which no published name has.
                    false if name == "timestamp.json" || name.contains('#') || name.starts_with('.') => {}
                    false => self.compare(path),
                }
            }
        }
        Ok(())
    }

    fn compare(&mut self, path: PathBuf) {
        let Ok(bytes) = fs::read(&path) else { return };
        let sha256 = Sha256::of(&bytes);
        let known = *self.seen.entry(path).or_insert(sha256);
        self.changed += usize::from(known != sha256);
    }

    /// How many names there were.
    pub(super) fn names(&self) -> usize {
        self.seen.len()
    }

    /// How often a name had another content than before.
    pub(super) fn changed(&self) -> usize {
        self.changed
    }
}
