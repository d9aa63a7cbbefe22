//! What must survive a reset, as one value: which bank runs, where the transaction stands, what is trusted.
//!
//! A [`State`] is never changed in flash, only followed by its successor ([`pages::Pages`]). One record is
//! [`RECORD_SIZE`] bytes; `docs/pouf.md` §18 has them one by one.

pub(crate) mod codec;
mod floors;
pub mod pages;
mod record;

use uptane::{Attack, Counter, Sha256, Time, TransactionId, Version};

use proto::secondary::Phase;

pub use floors::Floors;
pub use record::RECORD_SIZE;

use crate::flash::{Bank, Side};

/// Everything durable besides images and metadata files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Where the transaction stands.
    pub stage: Stage,
    /// The bank of the last committed image.
    pub home: Bank,
    /// Digest of what bank A and bank B may boot; none for a bank that may not.
    pub bootable: [Option<Sha256>; 2],
    /// Bytes of the image being staged that are durable in the other bank; in a single bank, of the image that is on its way
    /// into it.
    pub received: u32,
    /// Lowest acceptable release counter of each image line (trap T5).
    pub floors: Floors,
    /// Counter of the last report that may have been signed.
    pub reports: Counter,
    /// Counter of the last nonce that may have been given out.
    pub nonces: u64,
    /// Latest attested time; time never goes back before it.
    pub time: Time,
    /// The trusted Director Root.
    pub root: Option<Held>,
    /// The trusted Director Targets.
    pub targets: Option<Held>,
    /// Number of the newest transaction that was committed or rolled back, 0 before the first. Neither it nor one before it
    /// can be opened again.
    pub closed: u64,
    /// How the last attempt ended, for the report.
    pub outcome: Outcome,
}

/// A trusted metadata file in one of its kind's two slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which slot.
    pub side: Side,
    /// Bytes of the file.
    pub length: u32,
    /// Its version.
    pub version: Version,
    /// Its digest.
    pub sha256: Sha256,
}

/// Where the transaction stands. What a Primary sees of it is [`Phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No transaction.
    Idle,
    /// Open, the image not yet verified.
    Staging(TransactionId),
    /// The image is verified in the other bank; in a single bank, it is known and nothing of it is there.
    Staged(TransactionId),
    /// Activated; the next boot tries the other bank, once. In a single bank, as soon as the image is there.
    Armed(TransactionId),
    /// The other bank has been booted; the next boot returns home.
    Trying(TransactionId),
    /// The new image voted healthy; only a signed command changes the bank now.
    Healthy(TransactionId),
    /// The new image is home.
    Committed(TransactionId),
    /// The old image stayed or came back.
    RolledBack(TransactionId),
}

impl Stage {
    /// What a Primary sees.
    pub fn phase(self) -> Phase {
        match self {
            Self::Idle => Phase::Idle,
            Self::Staging(transaction) => Phase::Staging(transaction),
            Self::Staged(transaction) => Phase::Staged(transaction),
            Self::Armed(transaction) | Self::Trying(transaction) => Phase::Trial(transaction),
            Self::Healthy(transaction) => Phase::Healthy(transaction),
            Self::Committed(transaction) => Phase::Committed(transaction),
            Self::RolledBack(transaction) => Phase::RolledBack(transaction),
        }
    }

    /// The transaction, open or over.
    pub fn transaction(self) -> Option<TransactionId> {
        match self {
            Self::Idle => None,
            Self::Staging(transaction)
            | Self::Staged(transaction)
            | Self::Armed(transaction)
            | Self::Trying(transaction)
            | Self::Healthy(transaction)
            | Self::Committed(transaction)
            | Self::RolledBack(transaction) => Some(transaction),
        }
    }

    /// The stage after what was staged turned out not to be what must run; other stages stay as they are.
    pub fn unstaged(self) -> Self {
        match self {
            Self::Staged(transaction) => Self::Staging(transaction),
            Self::Idle
            | Self::Staging(_)
            | Self::Armed(_)
            | Self::Trying(_)
            | Self::Healthy(_)
            | Self::Committed(_)
            | Self::RolledBack(_) => self,
        }
    }

    /// Whether the new image has been activated and its fate is not decided: nothing may be staged now.
    pub fn is_activated(self) -> bool {
        matches!(self, Self::Armed(_) | Self::Trying(_) | Self::Healthy(_))
    }
}

/// How the last attempt ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The result.
    pub ending: Ending,
    /// The attack that the last refusal of this transaction pointed to, however the transaction ends.
    pub attack: Option<Attack>,
    /// [`uptane::Error::code`] of the check that failed; 0 for none.
    pub check: u8,
}

/// The result of the last attempt, as this ECU knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Nothing was attempted, or it is not over.
    #[default]
    None,
    /// The new image is committed.
    Installed,
    /// A check failed.
    Refused,
    /// Flash failed.
    StorageFailed,
    /// The new image did not boot, or was reset before it voted healthy.
    ActivationFailed,
    /// The Primary decided to go back.
    RolledBack,
}

impl State {
    /// The state of an ECU that runs what `home` holds and trusts no metadata yet.
    pub fn new(home: Bank, image: Sha256, time: Time) -> Self {
        let mut state = Self {
            stage: Stage::Idle,
            home,
            bootable: [None; 2],
            received: 0,
            floors: Floors::default(),
            reports: Counter::ZERO,
            nonces: 0,
            time,
            root: None,
            targets: None,
            closed: 0,
            outcome: Outcome::default(),
        };
        state.set_bootable(home, Some(image));
        state
    }

    /// What `bank` may boot.
    pub fn bootable(&self, bank: Bank) -> Option<Sha256> {
        let [a, b] = self.bootable;
        match bank {
            Bank::A => a,
            Bank::B => b,
        }
    }

    /// Whether `bank` may boot `image`.
    #[inline(never)]
    pub fn may_boot(&self, bank: Bank, image: &Sha256) -> bool {
        let [a, b] = &self.bootable;
        match bank {
            Bank::A => a,
            Bank::B => b,
        }
        .as_ref()
            == Some(image)
    }

    /// Changes what `bank` may boot.
    pub fn set_bootable(&mut self, bank: Bank, image: Option<Sha256>) {
        let [a, b] = &mut self.bootable;
        *match bank {
            Bank::A => a,
            Bank::B => b,
        } = image;
    }

    /// Remembers that `transaction` is over, and with it every one before.
    pub fn close(&mut self, transaction: TransactionId) {
        self.closed = self.closed.max(transaction.number());
    }

    /// Whether `transaction` is over, or comes too late.
    pub fn is_closed(&self, transaction: TransactionId) -> bool {
        transaction.number() <= self.closed
    }
}
