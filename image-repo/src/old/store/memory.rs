//! Facts in memory. Its futures are ready at once: they can be driven without a runtime.

use std::collections::BTreeMap;

use uptane::Version;

use super::Store;
use crate::error::Error;
use crate::old::facts::{Change, Facts, SignedFile};
use crate::role::TopRole;

/// A store in memory, for simulators and tests. A clone is another store with the same content.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// All that is true, apart from the files.
    facts: Facts,
    /// Every file there ever was.
    files: BTreeMap<(&'static str, Version), SignedFile>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that is true now.
    pub fn now(&self) -> Facts {
        let is_known = |file: &&SignedFile| {
            let newest = self.files.keys().filter(|(role, _)| *role == file.role.word()).map(|(_, version)| *version);
            newest.max() == Some(file.version) || (file.role == TopRole::Root && !file.published)
        };
        Facts { files: self.files.values().filter(is_known).cloned().collect(), ..self.facts.clone() }
    }

    /// Makes all of the changes true, or none of them.
    pub fn change(&mut self, changes: &[Change]) -> Result<(), Error> {
        let mut changed = self.clone();
        changes.iter().try_for_each(|change| changed.make_true(change))?;
        *self = changed;
        Ok(())
    }

    fn make_true(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Key(role, key) => drop(self.facts.keys.insert(*role, key.clone())),
            Change::Lifetime(role, lifetime) => drop(self.facts.lifetimes.insert(*role, *lifetime)),
            Change::File(file) => {
                if let Some(known) = self.files.insert((file.role.word(), file.version), file.clone()) {
                    let name = known.role.file_name(known.version);
                    return Err(Error::Database { reason: format!("there is a {name} already") });
                }
            }
            Change::Stage(image) => {
                let highest = self.facts.lines.entry(image.line).or_default();
                *highest = (*highest).max(image.release_counter);
                self.facts.images.insert(image.name, image.clone());
            }
            Change::List(version) => {
                let staged = self.facts.images.values_mut().filter(|image| image.listed.is_none());
                staged.for_each(|image| image.listed = Some(*version));
            }
            Change::FilePublished(role, version) => {
                self.files.get_mut(&(role.word(), *version)).into_iter().for_each(|file| file.published = true);
            }
            Change::ImagePublished(name) => {
                self.facts.images.get_mut(name).into_iter().for_each(|image| image.published = true);
            }
        }
        Ok(())
    }
}

impl Store for Memory {
    async fn facts(&mut self) -> Result<Facts, Error> {
        Ok(self.now())
    }

    async fn apply(&mut self, changes: &[Change]) -> Result<(), Error> {
        self.change(changes)
    }
}
