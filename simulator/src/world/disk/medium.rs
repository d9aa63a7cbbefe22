//! One file system: what processes see of it, what is on the device, and what lies between.
//!
//! Bytes of a file reach the device when the file is synchronised, entries of a folder when the folder is. Until then
//! each sector and each change of entries may get there or not, in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::rc::Rc;

use super::content::Content;
use super::{Refusal, Unsynced};
use crate::world::chance::Chance;

type Name = Rc<str>;
type Entries = BTreeMap<Name, Entry>;

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    File(u64),
    Folder,
}

/// What a step does to names, all of it at once.
#[derive(Clone, Debug)]
struct Change(Vec<(Name, Option<Entry>)>);

#[derive(Clone, Debug, Default)]
struct File {
    seen: Content,
    stored: Content,
}

/// How much of a step happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Half of it, where it has halves; nothing of it where it has none.
    Half,
    /// All of it.
    Whole,
}

/// The file system of one disk.
#[derive(Clone, Debug)]
pub(super) struct Medium {
    seen: Entries,
    stored: Entries,
    pending: Vec<Change>,
    files: BTreeMap<u64, File>,
    next: u64,
    capacity: u64,
}

impl Medium {
    /// An empty one that holds so many sectors; each file takes one more than its bytes.
    pub(super) fn new(capacity: u64) -> Self {
        let (seen, stored, files) = Default::default();
        Self { seen, stored, pending: Vec::new(), files, next: 0, capacity }
    }

    pub(super) fn set_capacity(&mut self, sectors: u64) {
        self.capacity = sectors;
    }

    /// Makes an empty file where nothing is.
    pub(super) fn make(&mut self, name: &str, extent: Extent) -> Result<(), Refusal> {
        self.check_vacant(name)?;
        self.check_room(1)?;
        let number = self.next;
        self.next = number.saturating_add(1);
        self.files.insert(number, File::default());
        self.change([(name, Some(Entry::File(number)))], extent);
        Ok(())
    }

    /// Makes a folder where nothing is.
    pub(super) fn make_folder(&mut self, name: &str, extent: Extent) -> Result<(), Refusal> {
        self.check_vacant(name)?;
        self.change([(name, Some(Entry::Folder))], extent);
        Ok(())
    }

    /// Adds to the end of a file: as much as there is room for.
    pub(super) fn append(&mut self, name: &str, bytes: &[u8], extent: Extent) -> Result<(), Refusal> {
        let number = self.number(name)?;
        let free = self.free(u64::try_from(bytes.len()).unwrap_or(u64::MAX).div_ceil(super::SECTOR));
        let file = self.files.get_mut(&number).ok_or(ErrorKind::NotFound)?;
        let slack = file.seen.sectors() * super::SECTOR - file.seen.length();
        let room = free.saturating_mul(super::SECTOR).saturating_add(slack);
        let bytes = match extent {
            Extent::Half => bytes.get(..bytes.len() / 2).unwrap_or_default(),
            Extent::Whole => bytes,
        };
        let fits = bytes.get(..usize::try_from(room).unwrap_or(usize::MAX)).unwrap_or(bytes);
        file.seen.append(fits);
        if fits.len() < bytes.len() { Err(ErrorKind::StorageFull) } else { Ok(()) }
    }

    /// Brings the bytes of a file to the device.
    pub(super) fn sync_file(&mut self, name: &str, extent: Extent) -> Result<(), Refusal> {
        let number = self.number(name)?;
        let file = self.files.get_mut(&number).ok_or(ErrorKind::NotFound)?;
        file.stored = match extent {
            Extent::Half => file.stored.halfway(&file.seen),
            Extent::Whole => file.seen.clone(),
        };
        Ok(())
    }

    /// Brings the entries of a folder to the device, and before them whatever else concerns the same names.
    pub(super) fn sync_folder(&mut self, folder: &str, extent: Extent) -> Result<(), Refusal> {
        if !folder.is_empty() && self.seen.get(folder) != Some(&Entry::Folder) {
            return Err(ErrorKind::NotFound);
        }
        let mut names = BTreeSet::new();
        let mut due = Vec::new();
        for (at, Change(entries)) in self.pending.iter().enumerate().rev() {
            if entries.iter().any(|(name, _)| parent(name) == folder || names.contains(name)) {
                names.extend(entries.iter().map(|(name, _)| Rc::clone(name)));
                due.push(at);
            }
        }
        due.reverse();
        if extent == Extent::Half {
            due.truncate(due.len() / 2);
        }
        let (mut at, mut flushed) = (0_usize, Vec::new());
        self.pending.retain(|change| {
            let keep = due.binary_search(&at).is_err();
            at = at.saturating_add(1);
            if !keep {
                flushed.push(change.clone());
            }
            keep
        });
        flushed.iter().for_each(|change| change.apply(&mut self.stored));
        self.forget();
        Ok(())
    }

    /// Gives a file another name, whatever file had it.
    pub(super) fn rename(&mut self, from: &str, to: &str, extent: Extent) -> Result<(), Refusal> {
        let number = self.number(from)?;
        self.check_folder_of(to)?;
        match self.seen.get(to) {
            Some(Entry::Folder) => return Err(ErrorKind::IsADirectory),
            Some(Entry::File(there)) if *there == number => return Ok(()),
            Some(Entry::File(_)) | None => {}
        }
        self.change([(from, None), (to, Some(Entry::File(number)))], extent);
        Ok(())
    }

    /// Gives a file a second name that nothing has.
    pub(super) fn link(&mut self, from: &str, to: &str, extent: Extent) -> Result<(), Refusal> {
        let number = self.number(from)?;
        self.check_vacant(to)?;
        self.change([(to, Some(Entry::File(number)))], extent);
        Ok(())
    }

    /// Takes a name from a file.
    pub(super) fn unlink(&mut self, name: &str, extent: Extent) -> Result<(), Refusal> {
        self.number(name)?;
        self.change([(name, None)], extent);
        Ok(())
    }

    /// The file as processes see it.
    pub(super) fn file(&self, name: &str) -> Result<&Content, Refusal> {
        let number = self.number(name)?;
        self.files.get(&number).map(|file| &file.seen).ok_or(ErrorKind::NotFound)
    }

    pub(super) fn is_folder(&self, name: &str) -> bool {
        name.is_empty() || self.seen.get(name) == Some(&Entry::Folder)
    }

    /// Names of the files directly in a folder, sorted.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, Refusal> {
        match self.seen.get(folder) {
            None if !folder.is_empty() => {
                let error = self.check_folder_of(folder).err();
                return error.filter(|kind| *kind != ErrorKind::NotFound).map_or(Ok(Vec::new()), Err);
            }
            Some(Entry::File(_)) => return Err(ErrorKind::NotADirectory),
            Some(Entry::Folder) | None => {}
        }
        let inside = self.seen.iter().filter(|(name, _)| parent(name) == folder);
        Ok(inside.filter(|(_, entry)| matches!(entry, Entry::File(_))).map(|(name, _)| last(name).to_owned()).collect())
    }

    /// What a power failure leaves.
    pub(super) fn lose_power(&mut self, unsynced: Unsynced, chance: &mut Chance) {
        for change in std::mem::take(&mut self.pending) {
            if unsynced.gets_through(chance) {
                change.apply(&mut self.stored);
            }
        }
        for file in self.files.values_mut() {
            let left = match unsynced {
                Unsynced::Kept => file.seen.clone(),
                Unsynced::Lost => file.stored.clone(),
                Unsynced::Mixed => file.stored.torn(&file.seen, chance),
            };
            *file = File { seen: left.clone(), stored: left };
        }
        self.drop_unreachable();
        self.seen = self.stored.clone();
        self.forget();
    }

    /// Flips one bit of one file: byte `place` of all there are, counted on from the first again behind the last.
    pub(super) fn rot(&mut self, place: u64, bit: u8) {
        let total = self.files.values().fold(0_u64, |sum, file| sum.saturating_add(file.stored.length()));
        let Some(mut place) = place.checked_rem(total) else { return };
        for file in self.files.values_mut() {
            let length = file.stored.length();
            if place < length {
                file.seen.flip(place, bit);
                file.stored.flip(place, bit);
                return;
            }
            place = place.saturating_sub(length);
        }
    }

    /// Sectors in use. A file whose last name is gone takes none, though a power failure may bring it back.
    pub(super) fn used(&self) -> u64 {
        let named = numbers(self.seen.values().chain(self.stored.values()).copied());
        named.iter().filter_map(|number| self.files.get(number)).map(File::sectors).fold(0, u64::saturating_add)
    }

    fn number(&self, name: &str) -> Result<u64, Refusal> {
        match self.seen.get(name) {
            Some(Entry::File(number)) => Ok(*number),
            Some(Entry::Folder) => Err(ErrorKind::IsADirectory),
            None => Err(self.check_folder_of(name).err().unwrap_or(ErrorKind::NotFound)),
        }
    }

    fn check_vacant(&self, name: &str) -> Result<(), Refusal> {
        self.check_folder_of(name)?;
        self.seen.get(name).map_or(Ok(()), |_| Err(ErrorKind::AlreadyExists))
    }

    fn check_folder_of(&self, name: &str) -> Result<(), Refusal> {
        let folder = parent(name);
        match self.seen.get(folder) {
            _ if folder.is_empty() => Ok(()),
            Some(Entry::Folder) => Ok(()),
            Some(Entry::File(_)) => Err(ErrorKind::NotADirectory),
            None => self.check_folder_of(folder).and(Err(ErrorKind::NotFound)),
        }
    }

    fn check_room(&self, sectors: u64) -> Result<(), Refusal> {
        if self.free(sectors) >= sectors { Ok(()) } else { Err(ErrorKind::StorageFull) }
    }

    /// Sectors that are free; where there are at least `needed`, perhaps fewer than there are.
    fn free(&self, needed: u64) -> u64 {
        // Which files still have a name takes longer to find out than what all of them take.
        let all = self.files.values().map(File::sectors).fold(0, u64::saturating_add);
        let free = self.capacity.saturating_sub(all);
        if free >= needed { free } else { self.capacity.saturating_sub(self.used()) }
    }

    fn change<const N: usize>(&mut self, entries: [(&str, Option<Entry>); N], extent: Extent) {
        // The journal of a file system takes a change of entries as a whole or not at all.
        if extent == Extent::Half {
            return;
        }
        let takes_a_name = entries.iter().any(|(name, entry)| entry.is_none() || self.seen.contains_key(*name));
        let change = Change(entries.map(|(name, entry)| (name.into(), entry)).into());
        change.apply(&mut self.seen);
        self.pending.push(change);
        if takes_a_name {
            self.forget();
        }
    }

    /// Drops files that have no name any more, neither now nor after any power failure.
    fn forget(&mut self) {
        let pending = self.pending.iter().flat_map(|Change(entries)| entries.iter().filter_map(|(_, entry)| *entry));
        let named = numbers(self.seen.values().chain(self.stored.values()).copied().chain(pending));
        self.files.retain(|number, _| named.contains(number));
    }

    /// Drops what is stored in folders that are not.
    fn drop_unreachable(&mut self) {
        // Folders come before what is in them.
        let mut kept = Entries::new();
        for (name, entry) in &self.stored {
            let folder = parent(name);
            if folder.is_empty() || kept.get(folder) == Some(&Entry::Folder) {
                kept.insert(Rc::clone(name), *entry);
            }
        }
        self.stored = kept;
    }
}

impl File {
    /// Sectors it takes, and one for itself.
    fn sectors(&self) -> u64 {
        self.seen.sectors().max(self.stored.sectors()).saturating_add(1)
    }
}

impl Change {
    fn apply(&self, entries: &mut Entries) {
        for (name, entry) in &self.0 {
            match entry {
                Some(entry) => entries.insert(Rc::clone(name), *entry),
                None => entries.remove(name),
            };
        }
    }
}

impl Unsynced {
    fn gets_through(self, chance: &mut Chance) -> bool {
        match self {
            Self::Kept => true,
            Self::Lost => false,
            Self::Mixed => chance.below(2) == 1,
        }
    }
}

/// The files among `entries`.
fn numbers(entries: impl Iterator<Item = Entry>) -> BTreeSet<u64> {
    let number = |entry| match entry {
        Entry::File(number) => Some(number),
        Entry::Folder => None,
    };
    entries.filter_map(number).collect()
}

/// The folder in which `name` stands; `""` for the top.
pub(super) fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn last(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}
