//! The Primary's own two image slots (design D8): the same steps as a Secondary's banks, with files.
//!
//! `state/slots.json` (`docs/pouf.md` §20) says which slot is active and where the Primary stands in the open
//! transaction; it is replaced atomically, and everything else follows from it. The image is data here, "booting" it is
//! reading it and comparing its digest. The inactive slot's image stays as it is until the next transaction stages over it, so the old image
//! remains bootable until commit and the failed one is never half a file in the active slot.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use host::disk::{Disk, Folder};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use uptane::{ImageLine, Length, ReleaseCounter, Sha256, TargetNameBuf, TransactionId};

use crate::Error;
use crate::machine::transaction::{MemberImage, Standing};

/// The slots of one Primary.
#[derive(Debug)]
pub struct Slots {
    folder: Folder,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    active: Slot,
    phase: Phase,
    transaction: String,
    a: Option<Content>,
    b: Option<Content>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Slot {
    A,
    B,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    Idle,
    Staged,
    Trial,
    Healthy,
    Committed,
    RolledBack,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    name: String,
    length: u64,
    sha256: String,
    line: String,
    release_counter: u64,
}

/// Where the state is kept.
const STATE: &str = "state/slots.json";
/// Bytes of the state file.
const MAX_STATE: u64 = 16 * 1024;
/// Bytes copied or hashed at a time.
const CHUNK: usize = 64 * 1024;

impl Slots {
    /// Makes the slots of a new Primary, with `image` active. The image is copied from `source`.
    pub fn create(folder: Folder, image: &MemberImage, source: &Path) -> Result<Self, Error> {
        let state = State {
            active: Slot::A,
            phase: Phase::Idle,
            transaction: String::new(),
            a: Some(Content::from(image)),
            b: None,
        };
        let mut slots = Self { folder, state };
        slots.fill(Slot::A, image, source)?;
        slots.save()?;
        Ok(slots)
    }

    /// Starts from what the last run left: a trial that ended in a reset goes back, and the active image is checked.
    pub fn boot(folder: Folder) -> Result<Self, Error> {
        let path = folder.at(STATE)?;
        let bytes = folder.read(STATE, MAX_STATE)?.ok_or_else(|| host::Error::Missing { path: path.clone() })?;
        let state: State = serde_json::from_slice(&bytes).map_err(|error| Error::damaged(&path, error))?;
        let mut slots = Self { folder, state };
        if slots.state.phase == Phase::Trial {
            slots.turn_back()?;
        }
        if !slots.is_sound()? {
            let path = slots.path(slots.state.active)?;
            return Err(Error::damaged(&path, "its digest is not that of the installed image"));
        }
        Ok(slots)
    }

    /// The image that runs.
    pub fn running(&self) -> Result<MemberImage, Error> {
        let damaged = |what: &dyn ToString| Error::damaged(&self.folder.path().join(STATE), what.to_string());
        let content = self.content(self.state.active).ok_or_else(|| damaged(&"no image is active"))?;
        MemberImage::try_from(content).map_err(|error| damaged(&error))
    }

    /// Where the Primary stands in this transaction.
    pub fn look(&self, transaction: TransactionId) -> Standing {
        if self.state.transaction != transaction.to_string() {
            return Standing::Absent;
        }
        match self.state.phase {
            Phase::Idle => Standing::Absent,
            Phase::Staged => Standing::Staged,
            Phase::Trial => Standing::Trial,
            Phase::Healthy => Standing::Healthy,
            Phase::Committed => Standing::Committed,
            Phase::RolledBack => Standing::RolledBack,
        }
    }

    /// Puts a verified image into the inactive slot. What is read is hashed once more while it is copied.
    pub fn stage(&mut self, transaction: TransactionId, image: &MemberImage, source: &Path) -> Result<Standing, Error> {
        if self.look(transaction) == Standing::Absent {
            let slot = self.state.active.other();
            self.fill(slot, image, source)?;
            *self.content_mut(slot) = Some(Content::from(image));
            self.state.transaction = transaction.to_string();
            self.enter(Phase::Staged)?;
        }
        Ok(self.look(transaction))
    }

    /// Boots the staged image on trial, and votes.
    pub fn activate(&mut self, transaction: TransactionId) -> Result<Standing, Error> {
        if self.look(transaction) == Standing::Staged {
            self.state.active = self.state.active.other();
            self.enter(Phase::Trial)?;
            match self.is_sound()? {
                true => self.enter(Phase::Healthy)?,
                false => self.turn_back()?,
            }
        }
        Ok(self.look(transaction))
    }

    /// Retires the old image.
    pub fn commit(&mut self, transaction: TransactionId) -> Result<Standing, Error> {
        if self.look(transaction) == Standing::Healthy {
            self.enter(Phase::Committed)?;
        }
        Ok(self.look(transaction))
    }

    /// Returns to the old image.
    pub fn roll_back(&mut self, transaction: TransactionId) -> Result<Standing, Error> {
        match self.look(transaction) {
            Standing::Trial | Standing::Healthy => self.turn_back()?,
            Standing::Staged => self.enter(Phase::RolledBack)?,
            Standing::Unknown | Standing::Absent | Standing::Staging | Standing::Committed | Standing::RolledBack => {}
        }
        Ok(self.look(transaction))
    }

    fn turn_back(&mut self) -> Result<(), Error> {
        self.state.active = self.state.active.other();
        self.enter(Phase::RolledBack)
    }

    fn enter(&mut self, phase: Phase) -> Result<(), Error> {
        self.state.phase = phase;
        self.save()
    }

    fn save(&mut self) -> Result<(), Error> {
        let path = self.folder.path().join(STATE);
        let bytes = serde_json::to_vec(&self.state).map_err(|error| Error::damaged(&path, error))?;
        Ok(self.folder.replace(STATE, &bytes)?)
    }

    fn fill(&self, slot: Slot, image: &MemberImage, source: &Path) -> Result<(), Error> {
        let path = self.path(slot)?;
        path.parent().map_or(Ok(()), |folder| host::disk::create_folder(folder, host::disk::Access::Private))?;
        let failed = |error| host::Error::io("write", &path, error);
        let mut from = File::open(source).map_err(|error| host::Error::io("read", source, error))?;
        let mut to = File::create(&path).map_err(failed)?;
        let mut hash = sha2::Sha256::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = from.read(&mut chunk).map_err(|error| host::Error::io("read", source, error))?;
            let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
            to.write_all(bytes).map_err(failed)?;
        }
        to.sync_all().map_err(failed)?;
        let sound = Sha256(hash.finalize().into()) == image.sha256;
        sound.then_some(()).ok_or(Error::Refused { check: uptane::Error::ImageDigest })
    }

    /// Whether the active slot holds what the state says.
    fn is_sound(&self) -> Result<bool, Error> {
        let path = self.path(self.state.active)?;
        let digest = digest_of(&path)?.to_string();
        Ok(self.content(self.state.active).is_some_and(|content| content.sha256 == digest))
    }

    fn path(&self, slot: Slot) -> Result<PathBuf, Error> {
        let name = match slot {
            Slot::A => "slots/a",
            Slot::B => "slots/b",
        };
        Ok(self.folder.at(name)?)
    }

    fn content(&self, slot: Slot) -> Option<&Content> {
        match slot {
            Slot::A => self.state.a.as_ref(),
            Slot::B => self.state.b.as_ref(),
        }
    }

    fn content_mut(&mut self, slot: Slot) -> &mut Option<Content> {
        match slot {
            Slot::A => &mut self.state.a,
            Slot::B => &mut self.state.b,
        }
    }
}

impl Slot {
    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl From<&MemberImage> for Content {
    fn from(image: &MemberImage) -> Self {
        Self {
            name: image.name.to_string(),
            length: image.length.get(),
            sha256: image.sha256.to_string(),
            line: image.line.to_string(),
            release_counter: image.counter.get(),
        }
    }
}

impl TryFrom<&Content> for MemberImage {
    type Error = uptane::Error;

    fn try_from(content: &Content) -> Result<Self, uptane::Error> {
        Ok(Self {
            name: TargetNameBuf::parse(&content.name)?,
            length: Length::new(content.length)?,
            sha256: Sha256::parse(&content.sha256)?,
            line: ImageLine::parse(&content.line)?,
            counter: ReleaseCounter::new(content.release_counter)?,
        })
    }
}

/// The digest of a file, read in pieces.
pub(crate) fn digest_of(path: &Path) -> Result<Sha256, Error> {
    let failed = |error| host::Error::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = sha2::Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = file.read(&mut chunk).map_err(failed)?;
        match chunk.get(..count) {
            Some(bytes) if !bytes.is_empty() => hash.update(bytes),
            _ => return Ok(Sha256(hash.finalize().into())),
        }
    }
}

/// Bytes of a file.
pub(crate) fn length_of(path: &Path) -> Result<u64, Error> {
    Ok(fs::metadata(path).map_err(|error| host::Error::io("read", path, error))?.len())
}

#[cfg(test)]
mod tests {
    use host::disk::Access;

    use super::*;

    fn image(bytes: &[u8], name: &str) -> MemberImage {
        MemberImage {
            name: TargetNameBuf::parse(name).unwrap(),
            length: Length::new(u64::try_from(bytes.len()).unwrap()).unwrap(),
            sha256: Sha256::of(bytes),
            line: ImageLine::parse("gateway").unwrap(),
            counter: ReleaseCounter::new(1).unwrap(),
        }
    }

    struct Bench {
        folder: tempfile::TempDir,
        slots: Slots,
        new: MemberImage,
        source: PathBuf,
    }

    const TRANSACTION: TransactionId = TransactionId([5; 16]);

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("image");
        fs::write(&source, b"old image").unwrap();
        let place = Folder::create(folder.path().join("data"), Access::Private).unwrap();
        let slots = Slots::create(place, &image(b"old image", "gateway/1"), &source).unwrap();
        fs::write(&source, b"new image").unwrap();
        Bench { folder, slots, new: image(b"new image", "gateway/2"), source }
    }

    impl Bench {
        fn reboot(&mut self) {
            let place = Folder::open(self.folder.path().join("data"), Access::Private).unwrap();
            self.slots = Slots::boot(place).unwrap();
        }

        fn runs(&self) -> String {
            self.slots.running().unwrap().name.to_string()
        }
    }

    #[test]
    fn a_new_image_is_staged_tried_and_committed() {
        let mut bench = bench();
        assert_eq!(bench.slots.stage(TRANSACTION, &bench.new, &bench.source).unwrap(), Standing::Staged);
        assert_eq!(bench.runs(), "gateway/1");
        assert_eq!(bench.slots.activate(TRANSACTION).unwrap(), Standing::Healthy);
        bench.reboot();
        assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::Healthy, "gateway/2"));
        assert_eq!(bench.slots.commit(TRANSACTION).unwrap(), Standing::Committed);
        bench.reboot();
        assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::Committed, "gateway/2"));
    }

    #[test]
    fn a_reset_on_trial_returns_to_the_old_image() {
        let mut bench = bench();
        bench.slots.stage(TRANSACTION, &bench.new, &bench.source).unwrap();
        bench.slots.state.active = Slot::B;
        bench.slots.enter(Phase::Trial).unwrap();
        bench.reboot();
        assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::RolledBack, "gateway/1"));
    }

    #[test]
    fn a_roll_back_returns_to_the_old_image_from_every_phase() {
        for activate in [false, true] {
            let mut bench = bench();
            bench.slots.stage(TRANSACTION, &bench.new, &bench.source).unwrap();
            if activate {
                bench.slots.activate(TRANSACTION).unwrap();
            }
            assert_eq!(bench.slots.roll_back(TRANSACTION).unwrap(), Standing::RolledBack);
            bench.reboot();
            assert_eq!(bench.runs(), "gateway/1");
        }
    }

    #[test]
    fn a_staged_image_that_changed_since_is_not_run() {
        let mut bench = bench();
        bench.slots.stage(TRANSACTION, &bench.new, &bench.source).unwrap();
        fs::write(bench.folder.path().join("data/slots/b"), b"bad image").unwrap();
        assert_eq!(bench.slots.activate(TRANSACTION).unwrap(), Standing::RolledBack);
        assert_eq!(bench.runs(), "gateway/1");
    }

    #[test]
    fn other_bytes_than_the_verified_ones_are_not_staged() {
        let mut bench = bench();
        fs::write(&bench.source, b"bad image").unwrap();
        assert!(bench.slots.stage(TRANSACTION, &bench.new, &bench.source).is_err());
        assert_eq!(bench.slots.look(TRANSACTION), Standing::Absent);
    }

    #[test]
    fn nothing_happens_without_an_open_transaction() {
        let mut bench = bench();
        assert_eq!(bench.slots.activate(TRANSACTION).unwrap(), Standing::Absent);
        assert_eq!(bench.slots.commit(TRANSACTION).unwrap(), Standing::Absent);
        assert_eq!(bench.slots.roll_back(TRANSACTION).unwrap(), Standing::Absent);
        assert_eq!(bench.runs(), "gateway/1");
    }
}
