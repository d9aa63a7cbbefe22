//! A folder of small files as a trait, so that a simulator can put a disk that forgets in its place.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{Access, UNFINISHED, create, create_folder, read, remove, replace};
use crate::Error;

/// Durable small files by name. A name is a relative path that stays in its folder.
///
/// What [`replace`](Self::replace), [`create`](Self::create) and [`remove`](Self::remove) did when they return
/// survives a power failure; one that fails on the way did it wholly or not at all.
pub trait Disk {
    /// The whole file, if it exists; longer than `limit` is an error.
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error>;

    /// Puts `bytes` under `name`, whatever was there.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error>;

    /// Puts `bytes` under `name`, or fails with [`Error::Exists`].
    fn create(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error>;

    /// Removes the file. One that is not there is removed.
    fn remove(&mut self, name: &str) -> Result<(), Error>;

    /// The names of the files directly in the sub-folder `under` (`""` for the top), sorted, without `under`.
    fn list(&self, under: &str) -> Result<Vec<String>, Error>;

    /// Where the file `name` is, as messages to people say it.
    fn place(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct Folder {
    pub(super) path: PathBuf,
    pub(super) access: Access,
}

impl Folder {
    /// The folder at `path`, made if it is not there. New files in it get `access`.
    pub fn create(path: impl Into<PathBuf>, access: Access) -> Result<Self, Error> {
        let path = path.into();
        create_folder(&path, access)?;
        Ok(Self { path, access })
    }

    /// The folder at `path`, which must be there.
    pub fn open(path: impl Into<PathBuf>, access: Access) -> Result<Self, Error> {
        let path = path.into();
        path.is_dir().then_some(()).ok_or_else(|| Error::Missing { path: path.clone() })?;
        Ok(Self { path, access })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file `name` is; refuses a name that leaves the folder.
    pub fn at(&self, name: &str) -> Result<PathBuf, Error> {
        let stays = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        (stays && !name.is_empty())
            .then(|| self.path.join(name))
            .ok_or_else(|| Error::BadName { name: name.to_owned() })
    }

    /// Keeps every other process that asks the same out of the folder until the lock is dropped or this process ends. Nobody
    /// else writes here then, so what a crash left unfinished in it or below is removed.
    pub fn lock(&self) -> Result<Lock, Error> {
        let path = self.path.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| Error::io("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => {
                clear(&self.path)?;
                Ok(Lock { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path: self.path.clone() }),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", &path, source)),
        }
    }

    pub(super) fn place_for(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.at(name)?;
        path.parent().map_or(Ok(()), |folder| create_folder(folder, self.access))?;
        Ok(path)
    }
}

/// Removes unfinished files from a folder and those below it. Where links lead is not its business.
fn clear(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::io("list", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() {
            clear(&path)?;
        } else if kind.is_file() && entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(&path).map_err(|source| Error::io("remove", &path, source))?;
        }
    }
    Ok(())
}

/// Holds a folder for one process.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Disk for Folder {
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        read(&self.at(name)?, limit)
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        replace(&self.place_for(name)?, bytes, self.access)
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        create(&self.place_for(name)?, bytes, self.access)
    }

    fn remove(&mut self, name: &str) -> Result<(), Error> {
        remove(&self.at(name)?)
    }

    fn list(&self, under: &str) -> Result<Vec<String>, Error> {
        let path = if under.is_empty() { self.path.clone() } else { self.at(under)? };
        let failed = |source| Error::io("list", &path, source);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let is_file = entry.file_type().map_err(failed)?.is_file();
            let name = entry.file_name().into_string().ok();
            names.extend(name.filter(|name| is_file && name != "lock" && !name.starts_with(UNFINISHED)));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(place.path().join("data"), Access::Private).unwrap();
        for name in ["", "../out", "/etc/passwd", "a/../../b", "./a/.."] {
            assert!(matches!(folder.replace(name, b""), Err(Error::BadName { .. })), "{name}");
        }
        folder.replace("director/1.root.json", b"{}").unwrap();
        assert_eq!(folder.list("director").unwrap(), ["1.root.json"]);
    }

    #[test]
    fn what_a_crash_left_beside_is_not_listed() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(place.path(), Access::Shared).unwrap();
        fs::write(place.path().join(format!("{UNFINISHED}1")), b"half").unwrap();
        folder.replace("b", b"").unwrap();
        folder.replace("a", b"").unwrap();
        assert_eq!(folder.list("").unwrap(), ["a", "b"]);
        assert!(folder.list("none").unwrap().is_empty());
    }

    #[test]
    fn what_a_crash_left_beside_goes_when_the_folder_is_taken_again() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(place.path(), Access::Private).unwrap();
        folder.replace("state/journal", b"whole").unwrap();
        let left = place.path().join(format!("state/{UNFINISHED}1"));
        fs::write(&left, b"half").unwrap();
        let lock = folder.lock().unwrap();
        assert!(!left.exists());
        assert_eq!(folder.read("state/journal", 9).unwrap().unwrap(), b"whole");
        fs::write(&left, b"being written").unwrap();
        assert!(folder.lock().is_err() && left.exists(), "only whoever holds the folder may clear it");
        drop(lock);
    }

    #[test]
    fn a_locked_folder_keeps_others_out_until_it_is_released() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path(), Access::Private).unwrap();
        let lock = folder.lock().unwrap();
        assert!(matches!(folder.lock(), Err(Error::InUse { .. })));
        drop(lock);
        folder.lock().unwrap();
    }
}
