//! A file that behaves as NOR flash: erased to ones, in units of 4 KiB.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

use crate::flash::Flash;

/// The erase unit.
pub(super) const ERASE_UNIT: u32 = 4_096;
const ERASE_SIZE: usize = 4_096;

/// Flash in a file.
#[derive(Debug)]
pub struct FileFlash {
    file: File,
    capacity: usize,
    dirty: bool,
}

/// Why the file did not do what flash would.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileFlashError {
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A rule of NOR flash was broken.
    #[error("{0:?}")]
    Rule(NorFlashErrorKind),
}

impl NorFlashError for FileFlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Io(_) => NorFlashErrorKind::Other,
            Self::Rule(kind) => *kind,
        }
    }
}

impl FileFlash {
    /// Makes a new file of this many bytes; fails if there is one.
    pub fn create(path: &Path, capacity: u64) -> Result<Self, host::Error> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
        let file = file.and_then(|file| file.set_len(capacity).map(|()| file));
        Self::new(file.map_err(|source| host::Error::io("create", path, source))?, path)
    }

    /// Opens the file.
    pub fn open(path: &Path) -> Result<Self, host::Error> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self::new(file.map_err(|source| host::Error::io("open", path, source))?, path)
    }

    /// Opens the file to look at it; every write fails.
    pub fn look(path: &Path) -> Result<Self, host::Error> {
        Self::new(File::open(path).map_err(|source| host::Error::io("open", path, source))?, path)
    }

    fn new(file: File, path: &Path) -> Result<Self, host::Error> {
        let length = file.metadata().map_err(|source| host::Error::io("read", path, source))?.len();
        Ok(Self { file, capacity: usize::try_from(length).unwrap_or(0), dirty: false })
    }
}

impl ErrorType for FileFlash {
    type Error = FileFlashError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FileFlashError> {
        check_read(self, offset, bytes.len()).map_err(FileFlashError::Rule)?;
        Ok(self.file.read_exact_at(bytes, offset.into())?)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FileFlashError> {
        check_erase(self, from, to).map_err(FileFlashError::Rule)?;
        self.dirty = true;
        let units = (from..to).step_by(ERASE_SIZE);
        Ok(units.into_iter().try_for_each(|at| self.file.write_all_at(&[0xff; ERASE_SIZE], at.into()))?)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FileFlashError> {
        check_write(self, offset, bytes.len()).map_err(FileFlashError::Rule)?;
        self.dirty = true;
        Ok(self.file.write_all_at(bytes, offset.into())?)
    }
}

impl Flash for FileFlash {
    fn sync(&mut self) -> Result<(), FileFlashError> {
        if self.dirty {
            self.file.sync_data()?;
            self.dirty = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_erased_reads_as_ones_and_what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.img");
        let mut flash = FileFlash::create(&path, 8_192).unwrap();
        flash.erase(4_096, 8_192).unwrap();
        flash.write(4_100, b"abc").unwrap();
        flash.sync().unwrap();
        let mut bytes = [0; 4];
        FileFlash::look(&path).unwrap().read(4_100, &mut bytes).unwrap();
        assert_eq!(bytes, *b"abc\xff");
    }

    #[test]
    fn a_flash_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.img");
        FileFlash::create(&path, 4_096).unwrap();
        assert!(FileFlash::create(&path, 4_096).is_err());
    }
}
