//! Images, and patches of images, on their way: hashed while they arrive, resumed where they broke off.
//!
//! An image is `downloads/SHA256`; while it is not complete and verified, `downloads/SHA256.part`, with the entity tag
//! the server gave it in `SHA256.tag`. There is a tag only beside a part that is synchronised and that nobody adds to, else
//! what a power cut leaves of the part would be taken for a forged image at its end. Bytes of an earlier run are read and hashed again: what is on disk is believed no
//! more than what is on the wire.
//!
//! [`Download`] says which file it wants and from where on, takes the bytes as a [`Sink`], and [`ends`](Download::end).
//! Left to the caller: fetching.

mod item;

use std::io;
use std::rc::Rc;

use host::disk::{Bulk, Disk};
use host::fetch::{Resume, Sink};
use uptane::verify::Approved;
use uptane::{EcuId, Length, RepositoryName, Sha256};

use super::Done;
use crate::Error;

pub(super) use item::{Arrived, Item};
use item::{Check, Listed};

/// The folder of the downloads.
const FOLDER: &str = "downloads";
/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;
/// Bytes of a kept entity tag.
const MAX_TAG: u64 = 4 * 1024;

/// An image or a patch while it arrives.
pub struct Download<D> {
    disk: D,
    approved: Rc<Approved>,
    ecu: EcuId,
    item: Item,
    repository: RepositoryName,
    path: String,
    length: Length,
    /// Its file.
    place: String,
    check: Check,
    tag: Option<String>,
    refused: Option<uptane::Error>,
}

/// What is there of a file when it is wanted.
pub(super) enum Begun<D> {
    /// All of it, verified.
    Whole(Arrived),
    /// A part, or nothing.
    Partly(Box<Download<D>>),
}

/// Where the file of an image with this digest is.
pub(super) fn place(digest: Sha256) -> String {
    format!("{FOLDER}/{digest}")
}

/// Drops all downloads.
pub(super) fn clear(disk: &mut impl Disk) -> Result<(), Error> {
    for name in disk.list(FOLDER)? {
        disk.remove(&format!("{FOLDER}/{name}"))?;
    }
    Ok(())
}

impl<D: Bulk> Download<D> {
    /// What is approved for `ecu`; an image to return to is where the assigned one is, and so is a patch. Goes on with what an
    /// earlier run left, hashed again; without the server's tag for it, from the start.
    pub(super) fn begin(mut disk: D, approved: Rc<Approved>, ecu: EcuId, item: Item) -> Result<Begun<D>, Error> {
        let Listed { repository, name, length, digest, mut check } = item.listed(&approved, ecu)?;
        let place = place(digest);
        if let Some(arrived) = whole(&mut disk, &place, item.listed(&approved, ecu)?.check)? {
            return Ok(Begun::Whole(arrived));
        }
        let (part, mut tag) = (part(&place), kept_tag(&disk, &place)?);
        if tag.is_none() || !feed(&disk, &part, &mut check).is_ok_and(|found| found) {
            disk.remove(&part)?;
            (check, tag) = (item.listed(&approved, ecu)?.check, None);
        }
        let path = stored_name(name.as_str(), digest);
        let refused = None;
        let download = Self { disk, approved, ecu, item, repository, path, length, place, check, tag, refused };
        Ok(Begun::Partly(Box::new(download)))
    }

    /// The repository that has it.
    pub fn repository(&self) -> RepositoryName {
        self.repository
    }

    /// The file's path in that repository (§5.2.7).
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its length, as listed; more bytes are not taken.
    pub fn length(&self) -> Length {
        self.length
    }

    /// Where to go on, if something is there already.
    pub fn resume(&self) -> Option<Resume> {
        let entity_tag = self.tag.clone()?;
        let offset = Length::new(self.check.received()).ok()?;
        // Nothing to resume before the first byte, nor behind the last: there the whole file is asked for again.
        let partial = offset > Length::ZERO && offset < self.length;
        partial.then_some(Resume { offset, entity_tag })
    }

    /// No more bytes come: all did, or `arrived` says why not. What was refused is not resumed, its bytes are removed.
    pub fn end(self, arrived: Result<(), Error>) -> Done {
        let (ecu, item) = (self.ecu, self.item);
        let arrived = self.finish(arrived);
        match item {
            Item::Image(_) => Done::Downloaded(arrived.and_then(Arrived::image)),
            Item::Patch => Done::Patched(ecu, arrived.map(|_| ())),
        }
    }

    fn finish(mut self, arrived: Result<(), Error>) -> Result<Arrived, Error> {
        self.keep_tag()?;
        match arrived {
            Err(error) if self.refused.is_none() => Err(error),
            Ok(()) | Err(_) => self.verified(),
        }
    }

    fn keep_tag(&mut self) -> Result<(), Error> {
        let Some(tag) = &self.tag else { return Ok(()) };
        self.disk.sync(&part(&self.place))?;
        Ok(self.disk.replace(&tag_of(&self.place), tag.as_bytes())?)
    }

    fn verified(mut self) -> Result<Arrived, Error> {
        let part = part(&self.place);
        let refused = self.refused;
        match self.check.finish().map_err(|error| refused.unwrap_or(error)) {
            Ok(arrived) => {
                self.disk.sync(&part)?;
                self.disk.rename(&part, &self.place)?;
                Ok(arrived)
            }
            Err(check) => {
                self.disk.remove(&part)?;
                Err(Error::Refused { check })
            }
        }
    }

    fn begin_again(&mut self) -> Result<(), Error> {
        self.check = self.item.listed(&self.approved, self.ecu)?.check;
        Ok(self.disk.remove(&part(&self.place))?)
    }
}

impl<D: Bulk> Sink for Download<D> {
    fn start(&mut self, offset: Length, entity_tag: Option<&str>) -> io::Result<()> {
        self.disk.remove(&tag_of(&self.place)).map_err(io::Error::other)?;
        self.tag = entity_tag.map(str::to_owned);
        match offset.get() == self.check.received() {
            true => Ok(()),
            false => self.begin_again().map_err(io::Error::other),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Checked first: bytes beyond the listed length are never written (attack A8).
        if let Err(error) = self.check.update(bytes) {
            self.refused = Some(error);
            return Err(io::Error::other(error));
        }
        self.disk.append(&part(&self.place), bytes).map_err(io::Error::other)
    }
}

/// The file, if an earlier run left it whole. One that does not verify any more is removed.
fn whole(disk: &mut impl Bulk, place: &str, mut check: Check) -> Result<Option<Arrived>, Error> {
    let arrived = match feed(disk, place, &mut check) {
        Ok(true) => check.finish().ok(),
        Ok(false) => return Ok(None),
        Err(Error::Refused { .. }) => None,
        Err(error) => return Err(error),
    };
    if arrived.is_none() {
        disk.remove(place)?;
    }
    Ok(arrived)
}

/// Hashes a file; `false` if there is none.
fn feed(disk: &impl Bulk, name: &str, check: &mut Check) -> Result<bool, Error> {
    if disk.length(name)?.is_none() {
        return Ok(false);
    }
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = disk.read_at(name, check.received(), &mut chunk)?;
        match chunk.get(..count) {
            Some(bytes) if !bytes.is_empty() => check.update(bytes)?,
            _ => return Ok(true),
        }
    }
}

/// Where the repository keeps an image (§5.2.7): `targets/brake/HASH.fw-2.bin`.
fn stored_name(name: &str, digest: Sha256) -> String {
    match name.rsplit_once('/') {
        Some((folder, file)) => format!("targets/{folder}/{digest}.{file}"),
        None => format!("targets/{digest}.{name}"),
    }
}

fn part(place: &str) -> String {
    format!("{place}.part")
}

fn tag_of(place: &str) -> String {
    format!("{place}.tag")
}

fn kept_tag(disk: &impl Disk, place: &str) -> Result<Option<String>, Error> {
    let tag = disk.read(&tag_of(place), MAX_TAG)?;
    Ok(tag.and_then(|tag| String::from_utf8(tag).ok()))
}

#[cfg(test)]
mod tests {
    use host::disk::{Access, Folder};
    use uptane::testing::{Repo, Vehicle};

    use super::*;
    use crate::machine::ImageRole;

    const ITEM: Item = Item::Image(ImageRole::Assigned);

    struct Bench {
        _place: tempfile::TempDir,
        disk: Folder,
        approved: Rc<Approved>,
        ecu: EcuId,
        image: Vec<u8>,
    }

    fn bench() -> Bench {
        let place = tempfile::tempdir().unwrap();
        let disk = Folder::create(place.path(), Access::Private).unwrap();
        let repo = Repo::seeded(1);
        let approved = Rc::new(Vehicle::provisioned(&repo).update(&repo).unwrap());
        let (ecu, image) = (repo.ecus()[0].ecu, repo.ecus()[0].image(1));
        Bench { _place: place, disk, approved, ecu, image }
    }

    impl Bench {
        fn begin(&self) -> Download<Folder> {
            match Download::begin(self.disk.clone(), self.approved.clone(), self.ecu, ITEM).unwrap() {
                Begun::Partly(download) => *download,
                Begun::Whole(_) => panic!("it is whole"),
            }
        }

        fn names(&self) -> Vec<String> {
            self.disk.list(FOLDER).unwrap()
        }
    }

    fn cut() -> Result<(), Error> {
        Err(Error::ImageRepository { reason: "cut".to_owned() })
    }

    fn length(count: usize) -> Length {
        Length::new(u64::try_from(count).unwrap()).unwrap()
    }

    #[test]
    fn a_download_that_broke_off_goes_on_where_it_stopped() {
        let bench = bench();
        let mut download = bench.begin();
        download.start(Length::ZERO, Some("\"one\"")).unwrap();
        download.write(&bench.image[..100]).unwrap();
        assert!(matches!(download.end(cut()), Done::Downloaded(Err(Error::ImageRepository { .. }))));

        let mut download = bench.begin();
        let resume = Resume { offset: length(100), entity_tag: "\"one\"".to_owned() };
        assert_eq!(download.resume(), Some(resume));
        download.start(length(100), Some("\"one\"")).unwrap();
        download.write(&bench.image[100..]).unwrap();
        assert!(matches!(download.end(Ok(())), Done::Downloaded(Ok(_))));
        let begun = Download::begin(bench.disk.clone(), bench.approved.clone(), bench.ecu, ITEM);
        assert!(matches!(begun.unwrap(), Begun::Whole(_)));
    }

    #[test]
    fn a_part_that_a_power_cut_may_have_torn_is_not_taken_up_again() {
        let bench = bench();
        let mut download = bench.begin();
        download.start(Length::ZERO, Some("\"one\"")).unwrap();
        download.write(&bench.image[..100]).unwrap();
        download.end(cut());
        // Resumed, and then cut where nobody could end it.
        let mut download = bench.begin();
        download.start(length(100), Some("\"one\"")).unwrap();
        download.write(&[0; 50]).unwrap();
        drop(download);
        assert_eq!(bench.begin().resume(), None);
        assert!(bench.names().is_empty());
    }

    #[test]
    fn a_file_that_changed_on_the_server_is_begun_again() {
        let bench = bench();
        let mut download = bench.begin();
        download.start(Length::ZERO, Some("\"one\"")).unwrap();
        download.write(b"another file").unwrap();
        download.end(cut());
        let mut download = bench.begin();
        download.start(Length::ZERO, Some("\"two\"")).unwrap();
        download.write(&bench.image).unwrap();
        assert!(matches!(download.end(Ok(())), Done::Downloaded(Ok(_))));
    }

    #[test]
    fn bytes_beyond_the_listed_length_are_refused_and_nothing_of_them_stays() {
        let bench = bench();
        let mut download = bench.begin();
        download.start(Length::ZERO, None).unwrap();
        download.write(&bench.image).unwrap();
        download.write(b"more").unwrap_err();
        let Done::Downloaded(Err(Error::Refused { check })) = download.end(cut()) else { panic!("not refused") };
        assert!(matches!(check, uptane::Error::ImageLength { .. }));
        assert!(bench.names().is_empty());
    }
}
