//! Files that are either the old one or the new one, whenever the power fails.
//!
//! A file is written beside its place, synchronised, renamed over it, and its folder synchronised. What a crash leaves
//! beside it begins with [`UNFINISHED`], is never read or listed, and goes when the folder is locked again.
//!
//! Everything here blocks; a process with one thread calls it where a pause of some milliseconds is harmless.

mod bulk;
mod folder;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::{Error, random};

pub use bulk::Bulk;
pub use folder::{Disk, Folder, Lock};

/// How the name of a file begins that was not finished.
pub const UNFINISHED: &str = ".unfinished-";

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only its owner (mode 0600).
    Private,
    /// Everybody (mode 0644).
    Shared,
}

impl Access {
    fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Shared => 0o644,
        }
    }
}

/// The whole file, if it exists. Longer than `limit` is an error, found before it is read into memory.
pub fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let failed = |source| Error::io("read", path, source);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= limit);
    fits.then_some(Some(bytes)).ok_or_else(|| Error::TooLong { path: path.to_owned(), limit })
}

/// Puts `bytes` at `path`, whatever was there. Afterwards they survive a power failure.
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> Result<(), Error> {
    let unfinished = write_beside(path, bytes, access)?;
    fs::rename(&unfinished, path).map_err(|source| discard(&unfinished, Error::io("replace", path, source)))?;
    sync_folder(parent(path))
}

/// Puts `bytes` at `path` unless something is there, which is left as it was.
pub fn create(path: &Path, bytes: &[u8], access: Access) -> Result<(), Error> {
    let unfinished = write_beside(path, bytes, access)?;
    // Unlike a rename, a link never replaces.
    let linked = fs::hard_link(&unfinished, path).map_err(|source| {
        let exists = source.kind() == io::ErrorKind::AlreadyExists;
        if exists { Error::Exists { path: path.to_owned() } } else { Error::io("create", path, source) }
    });
    let removed = fs::remove_file(&unfinished).map_err(|source| Error::io("remove", &unfinished, source));
    linked.and(removed)?;
    sync_folder(parent(path))
}

/// Removes the file. One that is not there is removed.
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(parent(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("remove", path, error)),
    }
}

/// Makes the folder and those above it, so that they survive a power failure. One that exists is left as it is.
pub fn create_folder(path: &Path, access: Access) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    if !above.as_os_str().is_empty() {
        create_folder(above, Access::Shared)?;
    }
    match fs::create_dir(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io("create the folder", path, source));
        }
        _ => {}
    }
    // A folder is entered as well as read.
    let mode = if access == Access::Private { 0o700 } else { 0o755 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|e| Error::io("set the mode of", path, e))?;
    sync_folder(above)
}

/// Makes what happened to the entries of a folder survive a power failure.
pub fn sync_folder(path: &Path) -> Result<(), Error> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|source| Error::io("synchronise", path, source))
}

/// Refuses a file that others than its owner may read.
pub fn check_private(path: &Path) -> Result<(), Error> {
    let mode = fs::metadata(path).map_err(|source| Error::io("read", path, source))?.permissions().mode() & 0o777;
    (mode & 0o077 == 0).then_some(()).ok_or_else(|| Error::Permissions { path: path.to_owned(), mode })
}

fn write_beside(path: &Path, bytes: &[u8], access: Access) -> Result<PathBuf, Error> {
    let unfinished = unfinished_beside(path)?;
    let written =
        OpenOptions::new().write(true).create_new(true).mode(access.mode()).open(&unfinished).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    written.map_err(|source| discard(&unfinished, Error::io("write", path, source)))?;
    Ok(unfinished)
}

fn unfinished_beside(path: &Path) -> Result<PathBuf, Error> {
    let [a, b, c, d, e, f, g, h] = random::bytes()?;
    let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    Ok(parent(path).join(format!("{UNFINISHED}{number:016x}")))
}

/// Clears up behind a failure, which is what the caller hears of.
fn discard(unfinished: &Path, failure: Error) -> Error {
    let _ = fs::remove_file(unfinished);
    failure
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn replacing_leaves_one_file_with_the_new_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        replace(&path, b"old", Access::Private).unwrap();
        replace(&path, b"new", Access::Private).unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap(), b"new");
        assert_eq!(entries(folder.path()), ["state"]);
        check_private(&path).unwrap();
    }

    #[test]
    fn creating_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, b"first", Access::Private).unwrap();
        assert!(matches!(create(&path, b"second", Access::Private), Err(Error::Exists { .. })));
        assert_eq!(read(&path, 99).unwrap().unwrap(), b"first");
        assert_eq!(entries(folder.path()), ["key"]);
    }

    #[test]
    fn a_file_over_its_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        replace(&path, b"1234", Access::Shared).unwrap();
        assert!(matches!(read(&path, 3), Err(Error::TooLong { limit: 3, .. })));
        assert!(matches!(check_private(&path), Err(Error::Permissions { mode: 0o644, .. })));
    }

    #[test]
    fn a_folder_that_cannot_be_written_names_itself() {
        let error = replace(Path::new("/proc/none/state"), b"", Access::Shared).unwrap_err();
        assert_eq!(error.to_string(), "/proc/none/state does not exist");
    }
}
