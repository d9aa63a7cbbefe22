//! What a Primary and a Secondary say to each other, whatever carries it.
//!
//! A Primary asks, a Secondary answers. Everything that matters is signed: metadata, time and images by the
//! repositories, activate, commit and roll back by the Primary's provisioned key, reports by the Secondary. What is not
//! signed here (identity, progress, state) is advice that may cost time but never decides what runs.

use uptane::limits::MAX_REPOSITORIES;
use uptane::{EcuId, HardwareId, Length, Nonce, Sha256, TransactionId, Version, told};

/// Which repository a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repo {
    /// The Director.
    Director,
    /// One of the Image repositories.
    Image(ImageNumber),
}

/// An Image repository by its place among those of the vehicle's mapping (§5.2.6), in the order in which the mapping first
/// names them. Primary and Secondary are provisioned with the same mapping; where they are not, verification refuses
/// what a repository did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageNumber(u8);

impl ImageNumber {
    /// The first; the only one in the Standard's basic case.
    pub const FIRST: Self = Self(0);

    /// The repository at this place, if a vehicle may have as many.
    pub fn new(place: usize) -> Option<Self> {
        // One of the repositories is the Director.
        let place = u8::try_from(place).ok().filter(|_| place + 1 < MAX_REPOSITORIES)?;
        Some(Self(place))
    }

    /// The place.
    pub fn get(self) -> usize {
        self.0.into()
    }
}

/// A file a Primary hands over. A full verifier takes all of them, a partial one Time, Director Root and Director
/// Targets; each refuses the rest with [`Refusal::NotForMe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The time attestation.
    Time,
    /// Root of one version. Every one from the Secondary's version on, in order.
    Root(Repo, Version),
    /// Timestamp.
    Timestamp(Repo),
    /// Snapshot.
    Snapshot(Repo),
    /// Top-level Targets.
    Targets(Repo),
    /// The next delegated Targets, in the order in which the search of §5.4.4.7 for this Secondary's image asks for them.
    /// It needs no name: Primary and Secondary search alike.
    Delegated(ImageNumber),
    /// The image, into the inactive bank.
    Image,
    /// The [patch](crate::delta) that makes the image of the one in the home bank, into the inactive bank. It is always
    /// sent from its first byte. Who has no use for it refuses it with [`Refusal::NotForMe`], and is given the image.
    Patch,
    /// A signed command (activate, commit, roll back).
    Command,
}

/// What a Primary asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Who are you, what runs, what do you hold? Answer: [`Reply::Identity`].
    Identify,
    /// Which nonce must the next time attestation carry? Answer: [`Reply::TimeNonce`].
    TimeNonce,
    /// Opens a transaction, ending one that was not yet activated. Answer: [`Reply::Done`].
    Begin(TransactionId),
    /// Announces a file of this length. Answer: [`Reply::Ready`] with the offset to go on from.
    Offer(File, Length),
    /// The bytes at this offset. A chunk that was already taken is answered again and not written again.
    /// Answer: [`Reply::Taken`].
    Chunk(Length, &'a [u8]),
    /// The offered file is complete. Metadata and time are verified and kept, an image is verified, a command carried
    /// out. Answer: [`Reply::Done`], or [`Reply::Refused`] naming the failed check.
    Close,
    /// The signed version report, over this nonce. Answer: [`Reply::Report`].
    Report(Nonce),
}

/// What a Secondary answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// Who and what this ECU is.
    Identity(Identity),
    /// The nonce for the next time attestation.
    TimeNonce(Nonce),
    /// Ready for bytes from this offset on, in chunks of at most this many bytes.
    Ready(Length, u32),
    /// Bytes up to this offset are held.
    Taken(Length),
    /// Done, and what it changed is durable.
    Done,
    /// The signed report.
    Report(&'a [u8]),
    /// Not done.
    Refused(Refusal),
}

/// A Secondary's own account of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub ecu: EcuId,
    /// What it is.
    pub hardware: HardwareId,
    /// How it verifies.
    pub verification: Verification,
    /// The Director Root it trusts.
    pub director_root: Version,
    /// The Image Root it trusts; a partial verifier has none.
    pub image_root: Option<Version>,
    /// Digest of the image that runs.
    pub running: Sha256,
    /// Where it stands in the transaction.
    pub phase: Phase,
}

/// How an ECU verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Full verification (§5.4.4.2).
    Full,
    /// Partial verification (§5.4.4.1) of Director Targets with a provisioned Root.
    Partial,
    /// Partial verification and the Director Root chain, vehicle id and release counter.
    PartialPlus,
}

impl Verification {
    /// The word for it in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::PartialPlus => "partial-plus",
        }
    }
}

impl core::str::FromStr for Verification {
    type Err = uptane::Error;

    fn from_str(word: &str) -> Result<Self, uptane::Error> {
        let mut all = [Self::Full, Self::Partial, Self::PartialPlus].into_iter();
        all.find(|known| known.word() == word).ok_or(uptane::Error::Schema { field: told("verification") })
    }
}

impl core::fmt::Display for Verification {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.word())
    }
}

/// Where an ECU stands in an update transaction (design D8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No transaction is open.
    Idle,
    /// A transaction is open, the image not yet verified.
    Staging(TransactionId),
    /// The image for this transaction is verified in the inactive bank.
    Staged(TransactionId),
    /// The new image runs on trial; a reset returns to the old one.
    Trial(TransactionId),
    /// The new image runs and voted healthy; only the Primary's decision changes the bank now.
    Healthy(TransactionId),
    /// Committed: the old bank is retired. The same commit again is answered [`Reply::Done`].
    Committed(TransactionId),
    /// Rolled back: the old image runs. The same roll back again is answered [`Reply::Done`].
    RolledBack(TransactionId),
}

/// Why a Secondary did not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A check of verification failed; [`uptane::Error::code`] says which.
    Check(u8),
    /// This ECU does not take this file.
    NotForMe,
    /// Nothing was offered, or the chunk is not the next one; go on from this offset.
    Offset(Length),
    /// Not in this phase, or not for the open transaction.
    Phase,
    /// Longer than this ECU can take.
    TooLong,
    /// Flash failed.
    Storage,
    /// The bytes are not a request of this vocabulary.
    Malformed,
}
