//! What `host::disk` does to a file, step by step, on a virtual disk.

use std::io::{self, ErrorKind};
use std::path::{Component, Path};

use host::Error;
use host::disk::{Bulk, Disk, UNFINISHED};

use super::medium::{Extent, Medium, parent};
use super::{Inside, NO_POWER, Refusal, VirtualDisk, Word};

impl Disk for VirtualDisk {
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        check_name(name)?;
        let inside = self.0.borrow();
        inside.check_power().map_err(failed("read", name))?;
        match inside.medium.file(name) {
            Ok(file) if file.length() > limit => Err(Error::TooLong { path: name.into(), limit }),
            Ok(file) => Ok(Some(file.bytes())),
            Err(ErrorKind::NotFound) => Ok(None),
            Err(kind) => Err(failed("read", name)(kind)),
        }
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        check_name(name)?;
        let mut inside = self.0.borrow_mut();
        inside.make_folders(parent(name))?;
        let unfinished = inside.write_beside(name, bytes)?;
        let renamed = inside.operate(|medium, extent| medium.rename(&unfinished, name, extent));
        renamed.map_err(|kind| inside.discard(&unfinished, failed("replace", name)(kind)))?;
        inside.sync_folder(parent(name))
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        check_name(name)?;
        let mut inside = self.0.borrow_mut();
        inside.make_folders(parent(name))?;
        let unfinished = inside.write_beside(name, bytes)?;
        let linked = inside.operate(|medium, extent| medium.link(&unfinished, name, extent));
        let linked = linked.map_err(|kind| {
            let exists = kind == ErrorKind::AlreadyExists;
            if exists { Error::Exists { path: name.into() } } else { failed("create", name)(kind) }
        });
        let removed = inside.operate(|medium, extent| medium.unlink(&unfinished, extent));
        linked.and(removed.map_err(failed("remove", &unfinished)))?;
        inside.sync_folder(parent(name))
    }

    fn remove(&mut self, name: &str) -> Result<(), Error> {
        check_name(name)?;
        let mut inside = self.0.borrow_mut();
        inside.check_power().map_err(failed("remove", name))?;
        if inside.medium.file(name).is_err_and(|kind| kind == ErrorKind::NotFound) {
            return Ok(());
        }
        inside.operate(|medium, extent| medium.unlink(name, extent)).map_err(failed("remove", name))?;
        inside.sync_folder(parent(name))
    }

    fn list(&self, under: &str) -> Result<Vec<String>, Error> {
        if !under.is_empty() {
            check_name(under)?;
        }
        let inside = self.0.borrow();
        inside.check_power().map_err(failed("list", under))?;
        let names = inside.medium.list(under).map_err(failed("list", under))?;
        Ok(names.into_iter().filter(|name| name != "lock" && !name.starts_with(UNFINISHED)).collect())
    }
}

impl Bulk for VirtualDisk {
    fn length(&self, name: &str) -> Result<Option<u64>, Error> {
        check_name(name)?;
        let inside = self.0.borrow();
        inside.check_power().map_err(failed("read", name))?;
        match inside.medium.file(name) {
            Ok(file) => Ok(Some(file.length())),
            Err(ErrorKind::NotFound) => Ok(None),
            Err(kind) => Err(failed("read", name)(kind)),
        }
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        check_name(name)?;
        let inside = self.0.borrow();
        inside.check_power().map_err(failed("read", name))?;
        Ok(inside.medium.file(name).map_err(failed("read", name))?.read_at(offset, buffer))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        check_name(name)?;
        let mut inside = self.0.borrow_mut();
        inside.open_end(name)?;
        inside.operate(|medium, extent| medium.append(name, bytes, extent)).map_err(failed("write", name))
    }

    fn sync(&mut self, name: &str) -> Result<(), Error> {
        check_name(name)?;
        let mut inside = self.0.borrow_mut();
        inside.open_end(name)?;
        inside.sync_file(name).map_err(failed("synchronise", name))?;
        inside.sync_folder(parent(name))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Error> {
        check_name(from)?;
        check_name(to)?;
        let mut inside = self.0.borrow_mut();
        inside.make_folders(parent(to))?;
        inside.operate(|medium, extent| medium.rename(from, to, extent)).map_err(failed("replace", to))?;
        inside.sync_folder(parent(to))?;
        if parent(from) == parent(to) { Ok(()) } else { inside.sync_folder(parent(from)) }
    }
}

impl Inside {
    /// A new file beside `name` that holds `bytes` and is synchronised.
    fn write_beside(&mut self, name: &str, bytes: &[u8]) -> Result<String, Error> {
        let number = self.unfinished;
        self.unfinished = number.saturating_add(1);
        let folder = parent(name);
        let slash = if folder.is_empty() { "" } else { "/" };
        let unfinished = format!("{folder}{slash}{UNFINISHED}{number:016x}");
        let made = self.operate(|medium, extent| medium.make(&unfinished, extent));
        let written = made
            .and_then(|()| self.operate(|medium, extent| medium.append(&unfinished, bytes, extent)))
            .and_then(|()| self.sync_file(&unfinished));
        written.map_err(|kind| self.discard(&unfinished, failed("write", name)(kind)))?;
        Ok(unfinished)
    }

    /// The file is there, to write behind its end.
    fn open_end(&mut self, name: &str) -> Result<(), Error> {
        self.make_folders(parent(name))?;
        match self.medium.file(name).map(drop) {
            Err(ErrorKind::NotFound) => self.operate(|medium, extent| medium.make(name, extent)),
            found => found,
        }
        .map_err(failed("write", name))
    }

    /// Makes a folder and those above it durable; those that are there are left as they are.
    fn make_folders(&mut self, folder: &str) -> Result<(), Error> {
        self.check_power().map_err(failed("create the folder", folder))?;
        if self.medium.is_folder(folder) {
            return Ok(());
        }
        self.make_folders(parent(folder))?;
        match self.operate(|medium, extent| medium.make_folder(folder, extent)) {
            Ok(()) | Err(ErrorKind::AlreadyExists) => self.sync_folder(parent(folder)),
            Err(kind) => Err(failed("create the folder", folder)(kind)),
        }
    }

    fn sync_file(&mut self, name: &str) -> Result<(), Refusal> {
        let word = self.device.files;
        self.operate(|medium, extent| keep(word, || medium.sync_file(name, extent)))
    }

    fn sync_folder(&mut self, folder: &str) -> Result<(), Error> {
        let word = self.device.folders;
        let synced =
            self.operate(|medium: &mut Medium, extent: Extent| keep(word, || medium.sync_folder(folder, extent)));
        synced.map_err(failed("synchronise", folder))
    }

    /// Clears up behind a failure, which is what the caller hears of.
    fn discard(&mut self, unfinished: &str, failure: Error) -> Error {
        if self.medium.file(unfinished).is_ok() {
            let _ = self.operate(|medium, extent| medium.unlink(unfinished, extent));
        }
        failure
    }
}

fn keep(word: Word, sync: impl FnOnce() -> Result<(), Refusal>) -> Result<(), Refusal> {
    match word {
        Word::Kept => sync(),
        Word::Broken => Ok(()),
        Word::Refused => Err(ErrorKind::Other),
    }
}

/// A name is a relative path that stays in its folder.
fn check_name(name: &str) -> Result<(), Error> {
    let stays = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    // One name has one spelling here.
    let plain = name.split('/').all(|part| !matches!(part, "" | "." | "..")) && name.len() <= MAX_NAME;
    (stays && plain).then_some(()).ok_or_else(|| Error::BadName { name: name.to_owned() })
}

fn failed(action: &'static str, name: &str) -> impl FnOnce(Refusal) -> Error {
    move |kind| {
        let source = if kind == NO_POWER { io::Error::new(kind, "there is no power") } else { kind.into() };
        Error::io(action, Path::new(name), source)
    }
}

/// Bytes of the longest name, as on Linux.
const MAX_NAME: usize = 4_095;
