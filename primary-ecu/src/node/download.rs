//! Images on their way: fetched, hashed while they arrive, resumed where they broke off.
//!
//! An image is `downloads/SHA256`; while it is not complete and verified, `downloads/SHA256.part`, with the entity tag
//! the server gave it in `SHA256.tag`. Bytes of an earlier run are read and hashed again: what is on disk is believed no
//! more than what is on the wire.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use host::disk::{Access, Disk as _, Folder};
use host::fetch::{FetchError, Fetcher, Resume, Sink};
use uptane::verify::Approved;
use uptane::verify::image::{ImageCheck, Permits, VerifiedImage};
use uptane::{EcuId, Length, Sha256};

use crate::Error;

/// The folder of the downloads.
pub(crate) const FOLDER: &str = "downloads";
/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;
/// Bytes of a kept entity tag.
const MAX_TAG: u64 = 4 * 1024;

/// Fetches images into a data folder.
pub(crate) struct Downloads {
    folder: Folder,
    images: Fetcher,
}

impl Downloads {
    pub(crate) fn new(folder: Folder, images: Fetcher) -> Self {
        Self { folder, images }
    }

    /// The image approved for `ecu`, verified on disk.
    pub(crate) async fn fetch(mut self, approved: &Approved, ecu: EcuId) -> Result<VerifiedImage, Error> {
        let evidence = approved.entry(ecu).ok_or(uptane::Error::NothingForThisEcu)?.image();
        let listed = evidence.image();
        let digest = listed.hashes.sha256().ok_or(uptane::Error::NoKnownHash)?;
        let place = Place::new(&self.folder, digest)?;
        if let Some(image) = place.complete(evidence)? {
            return Ok(image);
        }
        host::disk::create_folder(&self.folder.path().join(FOLDER), Access::Private)?;
        let mut arriving = Arriving::resume(&place, evidence, self.tag(digest)?)?;
        let resume = arriving.resume_at()?;
        let path = stored_name(listed.name.as_str(), digest);
        let fetched = self.images.download(&path, listed.length, resume.as_ref(), &mut arriving).await;
        let broke_off = fetched.map_err(|error| refine(error, listed.length)).err();
        arriving.keep_tag(&mut self.folder, digest)?;
        match broke_off {
            Some(error) if arriving.refused.is_none() => Err(error),
            _ => arriving.finish(&place),
        }
    }

    fn tag(&self, digest: Sha256) -> Result<Option<String>, Error> {
        let tag = self.folder.read(&format!("{FOLDER}/{digest}.tag"), MAX_TAG)?;
        Ok(tag.and_then(|tag| String::from_utf8(tag).ok()))
    }
}

/// Drops all downloads.
pub(crate) fn clear(folder: &Folder) -> Result<(), Error> {
    let path = folder.path().join(FOLDER);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(host::Error::io("remove", &path, error).into()),
        _ => Ok(()),
    }
}

/// What a failed fetch means.
pub(crate) fn failed(error: FetchError) -> Error {
    let reason = error.to_string();
    match matches!(error, FetchError::SlowRetrieval { .. }) {
        true => Error::Slow { reason },
        false => Error::ImageRepository { reason },
    }
}

/// What a failed download means: more bytes than listed are an attack of their own.
fn refine(error: FetchError, listed: Length) -> Error {
    if !matches!(error, FetchError::TooLong { .. }) {
        return failed(error);
    }
    let got = Length::new(listed.get().saturating_add(1)).unwrap_or(listed);
    uptane::Error::ImageLength { listed, got }.into()
}

/// Where the repository keeps an image (§5.2.7): `targets/brake/HASH.fw-2.bin`.
fn stored_name(name: &str, digest: Sha256) -> String {
    match name.rsplit_once('/') {
        Some((folder, file)) => format!("targets/{folder}/{digest}.{file}"),
        None => format!("targets/{digest}.{name}"),
    }
}

/// Where one image is.
struct Place {
    complete: PathBuf,
    part: PathBuf,
}

impl Place {
    fn new(folder: &Folder, digest: Sha256) -> Result<Self, Error> {
        let complete = folder.at(&format!("{FOLDER}/{digest}"))?;
        Ok(Self { part: folder.at(&format!("{FOLDER}/{digest}.part"))?, complete })
    }

    /// The image, if an earlier run left it here whole. One that does not verify any more is removed.
    fn complete(&self, evidence: &impl Permits) -> Result<Option<VerifiedImage>, Error> {
        let mut check = ImageCheck::new(evidence);
        match feed(&self.complete, &mut check) {
            Ok(true) => match check.finish() {
                Ok(image) => Ok(Some(image)),
                Err(_) => host::disk::remove(&self.complete).map(|()| None).map_err(Error::from),
            },
            Ok(false) => Ok(None),
            Err(Error::Refused { .. }) => Ok(host::disk::remove(&self.complete).map(|()| None)?),
            Err(error) => Err(error),
        }
    }
}

/// An image while it arrives.
struct Arriving<'a, E> {
    evidence: &'a E,
    check: ImageCheck,
    file: File,
    part: &'a Path,
    tag: Option<String>,
    refused: Option<uptane::Error>,
}

impl<'a, E: Permits> Arriving<'a, E> {
    /// Goes on with what an earlier run left, hashed again; without the server's tag for it, from the start.
    fn resume(place: &'a Place, evidence: &'a E, tag: Option<String>) -> Result<Self, Error> {
        let mut check = ImageCheck::new(evidence);
        let kept = tag.is_some() && feed(&place.part, &mut check).is_ok_and(|found| found);
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).append(kept).truncate(!kept).open(&place.part);
        let file = file.map_err(|error| host::Error::io("write", &place.part, error))?;
        let (check, tag) = if kept { (check, tag) } else { (ImageCheck::new(evidence), None) };
        Ok(Self { evidence, check, file, part: &place.part, tag, refused: None })
    }

    fn resume_at(&self) -> Result<Option<Resume>, Error> {
        let Some(entity_tag) = self.tag.clone() else { return Ok(None) };
        let offset = Length::new(self.check.received())?;
        // Nothing to resume before the first byte, nor behind the last: there the whole file is asked for again.
        let partial = offset > Length::ZERO && offset < self.evidence.image().length;
        Ok(partial.then_some(Resume { offset, entity_tag }))
    }

    fn keep_tag(&self, folder: &mut Folder, digest: Sha256) -> Result<(), Error> {
        let name = format!("{FOLDER}/{digest}.tag");
        match &self.tag {
            Some(tag) => Ok(folder.replace(&name, tag.as_bytes())?),
            None => Ok(folder.remove(&name)?),
        }
    }

    /// The whole image, or its bytes are gone: what was refused is not resumed.
    fn finish(self, place: &Place) -> Result<VerifiedImage, Error> {
        let refused = self.refused;
        let verified = self.check.finish().map_err(|error| refused.unwrap_or(error));
        match verified {
            Ok(image) => {
                let moved = self.file.sync_all().and_then(|()| fs::rename(&place.part, &place.complete));
                moved.map_err(|error| host::Error::io("write", &place.complete, error))?;
                Ok(image)
            }
            Err(check) => {
                host::disk::remove(&place.part)?;
                Err(Error::Refused { check })
            }
        }
    }
}

impl<E: Permits> Sink for Arriving<'_, E> {
    fn start(&mut self, offset: Length, entity_tag: Option<&str>) -> io::Result<()> {
        self.tag = entity_tag.map(str::to_owned);
        if offset.get() != self.check.received() {
            self.check = ImageCheck::new(self.evidence);
            self.file = File::create(self.part)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Checked first: bytes beyond the listed length are never written (attack A8).
        if let Err(error) = self.check.update(bytes) {
            self.refused = Some(error);
            return Err(io::Error::other(error));
        }
        self.file.write_all(bytes)
    }
}

/// Hashes a file; `false` if there is none.
fn feed(path: &Path, check: &mut ImageCheck) -> Result<bool, Error> {
    let failed = |error| host::Error::io("read", path, error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error).into()),
    };
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = file.read(&mut chunk).map_err(failed)?;
        match chunk.get(..count) {
            Some(bytes) if !bytes.is_empty() => check.update(bytes)?,
            _ => return Ok(true),
        }
    }
}
