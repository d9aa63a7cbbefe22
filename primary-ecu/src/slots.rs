//! The Primary's own two image slots (design D8): the same steps as a Secondary's banks, with files.
//!
//! `state/slots` (`docs/pouf.md` §20) says which slot is active and where the Primary stands in the open
//! transaction; it is a [`pair`](crate::pair) of files, replaced atomically, and everything else follows from it. The image is data here, "booting" it is
//! reading it and comparing its digest. The inactive slot's image stays as it is until the next transaction stages over it, so the old image
//! remains bootable until commit and the failed one is never half a file in the active slot.

use host::disk::Bulk;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use uptane::{Sha256, TransactionId};

use crate::Error;
use crate::machine::transaction::{MemberImage, Standing};
use crate::pair::{Found, Pair};

/// The slots of one Primary.
#[derive(Debug)]
pub struct Slots<D> {
    disk: D,
    state: State,
    pair: Pair,
    /// A file of the state that was not what had been written, until somebody asks.
    damaged: Vec<Error>,
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
const STATE: &str = "state/slots";
/// Bytes copied or hashed at a time.
const CHUNK: usize = 64 * 1024;

impl<D: Bulk> Slots<D> {
    /// Makes the slots of a new Primary, with `image` active, whose bytes `source` gives: it fills what it is handed, and
    /// says how much that was, 0 at the end.
    pub fn create(
        disk: D,
        image: &MemberImage,
        source: impl FnMut(&mut [u8]) -> Result<usize, Error>,
    ) -> Result<Self, Error> {
        let state = State {
            active: Slot::A,
            phase: Phase::Idle,
            transaction: String::new(),
            a: Some(Content::from(image)),
            b: None,
        };
        let mut slots = Self { disk, state, pair: Pair::new(STATE), damaged: vec![] };
        fill(&mut slots.disk, Slot::A, image, source)?;
        slots.save()?;
        Ok(slots)
    }

    /// Starts from what the last run left: a trial that ended in a reset goes back, and the active image is checked. Where
    /// the newest state was lost, nobody knows how the trial ended, and the image votes once more.
    pub fn boot(disk: D) -> Result<Self, Error> {
        let found = Pair::open(&disk, STATE)?.or_plain(&disk)?;
        let nothing = match found.damaged.is_empty() {
            true => host::Error::Missing { path: disk.place(STATE) }.into(),
            false => found.lost(),
        };
        let Found { pair, value, damaged } = found;
        let state = value.ok_or(nothing)?;
        let mut slots = Self { disk, state, pair, damaged };
        if slots.state.phase == Phase::Trial {
            match !slots.damaged.is_empty() && slots.is_sound()? {
                true => slots.enter(Phase::Healthy)?,
                false => slots.turn_back()?,
            }
        }
        if !slots.is_sound()? {
            let path = slots.disk.place(slots.state.active.file());
            return Err(Error::damaged(&path, "its digest is not that of the installed image"));
        }
        Ok(slots)
    }

    /// Files of the state that were found damaged, once.
    pub fn take_damaged(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.damaged)
    }

    /// Where the newest state was lost and no transaction is open, an image that is still on trial ends as its transaction
    /// did. `was_committed` knows; where it does not, the image stays.
    pub fn settle(&mut self, was_committed: impl FnOnce(&str) -> Option<bool>) -> Result<(), Error> {
        if self.damaged.is_empty() || !self.is_activated() {
            return Ok(());
        }
        match was_committed(&self.state.transaction) {
            Some(true) => self.enter(Phase::Committed),
            Some(false) => self.turn_back(),
            None => Ok(()),
        }
    }

    /// The image that runs.
    pub fn running(&self) -> Result<MemberImage, Error> {
        self.image(self.state.active)
    }

    /// The image that was committed last.
    pub fn committed(&self) -> Result<MemberImage, Error> {
        let slot = if self.is_activated() { self.state.active.other() } else { self.state.active };
        self.image(slot)
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

    /// Puts a verified image into the inactive slot, from the file `source` of the same disk. What is read is hashed once
    /// more while it is copied.
    pub fn stage(&mut self, transaction: TransactionId, image: &MemberImage, source: &str) -> Result<Standing, Error>
    where
        D: Clone,
    {
        if self.look(transaction) == Standing::Absent {
            let slot = self.state.active.other();
            let from = self.disk.clone();
            fill(&mut self.disk, slot, image, pieces(&from, source))?;
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

    /// Runs the image that the vehicle decided to commit, and retires the old one, where the slots say less than that: it ran
    /// and voted before the decision, and a disk that lied lost what they said of it. What is lost of the image is copied again.
    pub fn catch_up(&mut self, transaction: TransactionId, image: &MemberImage, source: &str) -> Result<Standing, Error>
    where
        D: Clone,
    {
        if self.running()? != *image {
            let slot = self.state.active.other();
            if !digest_of(pieces(&self.disk, slot.file())).is_ok_and(|digest| digest == image.sha256) {
                let from = self.disk.clone();
                fill(&mut self.disk, slot, image, pieces(&from, source))?;
            }
            *self.content_mut(slot) = Some(Content::from(image));
            self.state.active = slot;
        }
        self.state.transaction = transaction.to_string();
        self.enter(Phase::Committed)?;
        Ok(self.look(transaction))
    }

    /// Returns to the old image, or stays there: then the transaction is over before it was heard of.
    pub fn roll_back(&mut self, transaction: TransactionId) -> Result<Standing, Error> {
        match self.look(transaction) {
            Standing::Trial | Standing::Healthy => self.turn_back()?,
            Standing::Staged => self.enter(Phase::RolledBack)?,
            Standing::Absent if !self.is_activated() => {
                self.state.transaction = transaction.to_string();
                self.enter(Phase::RolledBack)?;
            }
            Standing::Unknown | Standing::Absent | Standing::Staging | Standing::Committed | Standing::RolledBack => {}
        }
        Ok(self.look(transaction))
    }

    /// Whether a new image runs whose fate is not decided.
    fn is_activated(&self) -> bool {
        matches!(self.state.phase, Phase::Trial | Phase::Healthy)
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
        self.pair.write(&mut self.disk, &self.state)
    }

    /// Whether the active slot holds what the state says.
    fn is_sound(&self) -> Result<bool, Error> {
        let digest = digest_of(pieces(&self.disk, self.state.active.file()))?.to_string();
        Ok(self.content(self.state.active).is_some_and(|content| content.sha256 == digest))
    }

    fn image(&self, slot: Slot) -> Result<MemberImage, Error> {
        let damaged = |what: &dyn ToString| Error::damaged(&self.disk.place(STATE), what.to_string());
        let content = self.content(slot).ok_or_else(|| damaged(&"no image is there"))?;
        MemberImage::try_from(content).map_err(|error| damaged(&error))
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

    fn file(self) -> &'static str {
        match self {
            Self::A => "slots/a",
            Self::B => "slots/b",
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
        let Content { name, length, sha256, line, release_counter } = content;
        Self::stored(name, *length, sha256, line, *release_counter)
    }
}

/// Copies an image into a slot, and hashes it on its way.
fn fill(
    disk: &mut impl Bulk,
    slot: Slot,
    image: &MemberImage,
    mut source: impl FnMut(&mut [u8]) -> Result<usize, Error>,
) -> Result<(), Error> {
    let name = slot.file();
    disk.remove(name)?;
    let digest = digest_of(|chunk: &mut [u8]| {
        let count = source(chunk)?;
        disk.append(name, chunk.get(..count).unwrap_or_default())?;
        Ok(count)
    })?;
    disk.sync(name)?;
    (digest == image.sha256).then_some(()).ok_or(Error::Refused { check: uptane::Error::ImageDigest })
}

/// The digest of what `source` gives, in pieces.
pub(crate) fn digest_of(mut source: impl FnMut(&mut [u8]) -> Result<usize, Error>) -> Result<Sha256, Error> {
    let mut hash = sha2::Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = source(&mut chunk)?;
        match chunk.get(..count) {
            Some(bytes) if !bytes.is_empty() => hash.update(bytes),
            _ => return Ok(Sha256(hash.finalize().into())),
        }
    }
}

/// A file of a disk, piece by piece.
fn pieces(disk: &impl Bulk, name: &str) -> impl FnMut(&mut [u8]) -> Result<usize, Error> {
    let mut offset = 0u64;
    move |chunk| {
        let count = disk.read_at(name, offset, chunk)?;
        offset = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
