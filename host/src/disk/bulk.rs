//! Large files: written piece by piece, read by range.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};

use super::{Disk, Folder, parent, sync_folder};
use crate::Error;

/// Files that are too large to be replaced as a whole.
///
/// Only what [`sync`](Self::sync) and [`rename`](Self::rename) did when they return survives a power failure. Of what was
/// appended since, any part may be missing or wrong; so whoever reads a file that was not synchronised checks it first.
pub trait Bulk: Disk {
    /// Bytes of the file, if it exists.
    fn length(&self, name: &str) -> Result<Option<u64>, Error>;

    /// Reads into `buffer` from `offset` on, and says how many bytes that were: fewer than it holds only where the file
    /// ends. A file that is not there is [`Error::Missing`].
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, Error>;

    /// Adds `bytes` to the end of the file, which is made if it is not there.
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error>;

    /// Makes durable that the file is there, with all that was appended. One that is not there is made, empty.
    fn sync(&mut self, name: &str) -> Result<(), Error>;

    /// Puts the file `from` in the place of `to`, whatever was there, in one durable step.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Error>;
}

impl Folder {
    /// The file as it is, to write behind its end.
    fn open_end(&self, name: &str) -> Result<File, Error> {
        let path = self.place_for(name)?;
        let file = OpenOptions::new().append(true).create(true).mode(self.access.mode()).open(&path);
        file.map_err(|source| Error::io("write", &path, source))
    }
}

impl Bulk for Folder {
    fn length(&self, name: &str) -> Result<Option<u64>, Error> {
        let path = self.at(name)?;
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path, error)),
        }
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let path = self.at(name)?;
        let failed = |source| Error::io("read", &path, source);
        let file = File::open(&path).map_err(failed)?;
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = u64::try_from(filled).map_or(u64::MAX, |filled| offset.saturating_add(filled));
            match file.read_at(rest, at) {
                Ok(0) => break,
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(filled)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut file = self.open_end(name)?;
        file.write_all(bytes).map_err(|source| Error::io("write", &self.path.join(name), source))
    }

    fn sync(&mut self, name: &str) -> Result<(), Error> {
        let path = self.at(name)?;
        let file = self.open_end(name)?;
        file.sync_all().map_err(|source| Error::io("synchronise", &path, source))?;
        sync_folder(parent(&path))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let (from, to) = (self.at(from)?, self.place_for(to)?);
        fs::rename(&from, &to).map_err(|source| Error::io("replace", &to, source))?;
        sync_folder(parent(&to))?;
        match parent(&from) == parent(&to) {
            true => Ok(()),
            false => sync_folder(parent(&from)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Access;

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path(), Access::Private).unwrap();
        (place, folder)
    }

    #[test]
    fn what_is_appended_is_read_by_range() {
        let (_place, mut folder) = folder();
        for piece in ["an ", "image", " in pieces"] {
            folder.append("images/a", piece.as_bytes()).unwrap();
        }
        folder.sync("images/a").unwrap();
        let mut buffer = [0; 5];
        assert_eq!((folder.read_at("images/a", 3, &mut buffer).unwrap(), &buffer), (5, b"image"));
        assert_eq!(folder.read_at("images/a", 16, &mut buffer).unwrap(), 2);
        assert_eq!(folder.read_at("images/a", 99, &mut buffer).unwrap(), 0);
        assert_eq!(folder.length("images/a").unwrap(), Some(18));
    }

    #[test]
    fn a_file_that_is_not_there_has_no_length_and_cannot_be_read() {
        let (_place, folder) = folder();
        assert_eq!(folder.length("a").unwrap(), None);
        assert!(matches!(folder.read_at("a", 0, &mut [0]), Err(Error::Missing { .. })));
    }

    #[test]
    fn a_renamed_file_takes_the_place_of_another() {
        let (_place, mut folder) = folder();
        folder.append("b", b"old").unwrap();
        folder.append("part/b", b"new").unwrap();
        folder.rename("part/b", "b").unwrap();
        assert_eq!(folder.read("b", 9).unwrap().unwrap(), b"new");
        assert_eq!(folder.length("part/b").unwrap(), None);
    }

    #[test]
    fn a_large_file_is_private_where_the_folder_is() {
        let (place, mut folder) = folder();
        folder.append("key", b"secret").unwrap();
        crate::disk::check_private(&place.path().join("key")).unwrap();
    }
}
