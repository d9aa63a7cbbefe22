//! The folder of downloaded targets: each is one file, under its own name with everything but letters, digits and `_~-.`
//! percent-encoded, so that no name leaves the folder and no two share a file.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use host::disk::{self, Access, UNFINISHED};
use host::fetch::{FetchError, Fetcher, Sink};
use uptane::verify::image::FileCheck;
use uptane::{Hashes, Length, Sha256};

use super::error::Error;

/// A target as verified metadata lists it.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) length: Length,
    pub(super) hashes: Hashes,
}

/// Downloaded targets, and where they come from.
pub(super) struct Artifacts {
    folder: PathBuf,
    server: Fetcher,
}

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;
/// Bytes of a file's name, with room for what stands before it while it is not finished.
const MAX_FILE_NAME: usize = 200;

impl Artifacts {
    /// Targets from below `base` into `folder`.
    pub(super) fn new(folder: PathBuf, base: &str) -> Result<Self, Error> {
        disk::create_folder(&folder, Access::Shared)?;
        let server = Fetcher::plain(base).map_err(|source| Error::Fetch { file: "targets".to_owned(), source })?;
        Ok(Self { folder, server })
    }

    /// Makes sure that the target is in the folder: downloads it unless this very file is there already.
    pub(super) async fn obtain(&self, listed: &Listed, consistent: bool) -> Result<(), Error> {
        let name = file_name(&listed.name);
        let place = self.folder.join(&name);
        if is_there(&place, listed)? {
            return Ok(());
        }
        let unfinished = self.folder.join(format!("{UNFINISHED}{name}"));
        let fetched = self.fetch(listed, consistent, &unfinished).await;
        let placed = fetched.and_then(|()| put(&unfinished, &place));
        if placed.is_err() {
            // Whoever hears of the failure does not care whether this one fails, too.
            let _ = fs::remove_file(&unfinished);
        }
        placed
    }

    /// TUF 1.0.34 §5.7.2: no more than the listed length, and no other content.
    async fn fetch(&self, listed: &Listed, consistent: bool, into: &Path) -> Result<(), Error> {
        let path = if consistent { prefixed(listed)? } else { listed.name.clone() };
        let mut arriving = Arriving { listed, into, file: None, refused: None };
        let fetched = self.server.download(&path, listed.length, None, &mut arriving).await;
        arriving.finish(fetched)
    }
}

/// Takes a target while it arrives.
struct Arriving<'a> {
    listed: &'a Listed,
    into: &'a Path,
    file: Option<(File, FileCheck)>,
    refused: Option<uptane::Error>,
}

impl Sink for Arriving<'_> {
    fn start(&mut self, _: Length, _: Option<&str>) -> io::Result<()> {
        self.file = Some((File::create(self.into)?, FileCheck::new(self.listed.length, self.listed.hashes)));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((file, check)) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if let Err(error) = check.update(bytes) {
            self.refused = Some(error);
            return Err(io::ErrorKind::InvalidData.into());
        }
        file.write_all(bytes)
    }
}

impl Arriving<'_> {
    fn finish(self, fetched: Result<(), FetchError>) -> Result<(), Error> {
        let Self { listed, into, file, refused } = self;
        let name = &listed.name;
        if let Some(source) = refused {
            return Err(Error::Target { name: name.clone(), source });
        }
        fetched.map_err(|source| Error::Fetch { file: name.clone(), source })?;
        let Some((file, check)) = file else {
            return Err(Error::Fetch { file: name.clone(), source: FetchError::NotFound });
        };
        check.finish().map_err(|source| Error::Target { name: name.clone(), source })?;
        Ok(file.sync_all().map_err(|source| host::Error::io("write", into, source))?)
    }
}

/// Whether the file at `place` is the target. One that is not is no fault: it is an older one.
fn is_there(place: &Path, listed: &Listed) -> Result<bool, Error> {
    let failed = |source| Error::Host(host::Error::io("read", place, source));
    let mut file = match File::open(place) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    if file.metadata().map_err(failed)?.len() != listed.length.get() {
        return Ok(false);
    }
    let mut check = FileCheck::new(listed.length, listed.hashes);
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = file.read(&mut chunk).map_err(failed)?;
        let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        if check.update(bytes).is_err() {
            return Ok(false);
        }
    }
    Ok(check.finish().is_ok())
}

fn put(unfinished: &Path, place: &Path) -> Result<(), Error> {
    fs::rename(unfinished, place).map_err(|source| host::Error::io("replace", place, source))?;
    Ok(disk::sync_folder(place.parent().unwrap_or(Path::new("")))?)
}

/// Where a consistent repository has a target (TUF 1.0.34 §7): a digest stands before the last part of its name.
fn prefixed(listed: &Listed) -> Result<String, Error> {
    let Listed { name, length: _, hashes } = listed;
    let sha256 = hashes.sha256().map(|digest| digest.to_string());
    let digest = sha256.or_else(|| hashes.sha512().map(|digest| digest.to_string()));
    let digest = digest.ok_or(uptane::Error::NoKnownHash)?;
    Ok(match name.rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/{digest}.{file}"),
        None => format!("{digest}.{name}"),
    })
}

/// The name of a target's file; a name that would be too long is told by its digest.
fn file_name(name: &str) -> String {
    let mut encoded = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte.is_ascii_alphanumeric() || b"_~-".contains(&byte) || (byte == b'.' && at > 0) {
            true => encoded.push(char::from(byte)),
            false => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    let digest = || format!("%{}", Sha256::of(name.as_bytes()));
    if encoded.len() <= MAX_FILE_NAME { encoded } else { digest() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, content: &[u8]) -> Listed {
        let length = Length::new(u64::try_from(content.len()).unwrap()).unwrap();
        Listed { name: name.to_owned(), length, hashes: Hashes::of(content) }
    }

    #[test]
    fn no_name_leaves_the_folder_or_hides_in_it() {
        assert_eq!(file_name("a/b.bin"), "a%2Fb.bin");
        assert_eq!(file_name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name("ü%"), "%C3%BC%25");
        assert!(file_name(&"/".repeat(255)).len() <= MAX_FILE_NAME);
    }

    #[test]
    fn the_digest_stands_before_the_last_part_of_a_name() {
        let digest = Sha256::of(b"x");
        assert_eq!(prefixed(&listed("a/b/c", b"x")).unwrap(), format!("a/b/{digest}.c"));
        assert_eq!(prefixed(&listed("c", b"x")).unwrap(), format!("{digest}.c"));
    }

    #[test]
    fn only_the_very_file_counts_as_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("c");
        assert!(!is_there(&place, &listed("c", b"new")).unwrap());
        fs::write(&place, b"old").unwrap();
        assert!(!is_there(&place, &listed("c", b"new")).unwrap());
        assert!(!is_there(&place, &listed("c", b"newer")).unwrap());
        fs::write(&place, b"new").unwrap();
        assert!(is_there(&place, &listed("c", b"new")).unwrap());
    }
}
