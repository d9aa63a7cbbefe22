//! A log of who did what, in which every entry carries the hash of the one before it.
//!
//! Nothing is read or written here: stores keep the rows, in the order of `seq`. What this promises: between the first
//! entry and one that is known to be true, nothing was changed, taken out, put in or moved. What it leaves to the
//! caller: whoever can write the whole log can also write another one, or cut off its end, so somebody else must know
//! the hash of a late entry, from an export ([`Entry::to_line`]) or a printed page. A store lets every `seq` stand
//! once, so that of two writers who append at once one begins again.
//!
//! # The hash
//!
//! SHA-256 over these bytes, numbers big endian:
//!
//! | bytes | what |
//! |---|---|
//! | 16 | `convoy audit v1` and a line feed |
//! | 8 | `seq`: 1 for the first entry |
//! | 8 | `at`: seconds since 1970-01-01T00:00:00Z |
//! | 32 | `previous`: the hash of the entry before, zeros for the first |
//! | 4 + n | `actor`: its length, then its bytes in UTF-8 |
//! | 4 + n | `action`: the same |
//! | 4 + n | `object`: the same |

mod line;

use uptane::{Sha256, Time};

use crate::cli::{Exit, Report};

/// Bytes of an actor.
pub const MAX_ACTOR: usize = 256;
/// Bytes of an action.
pub const MAX_ACTION: usize = 64;
/// Bytes of an object.
pub const MAX_OBJECT: usize = 1024;

/// One thing that somebody did.
///
/// The fields are open, for stores that read them back; [`verify`] says whether they are what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log: 1 for the first.
    pub seq: u64,
    /// When it was done. A clock that was set back shows here; the order is that of `seq`.
    pub at: Time,
    /// Who did it: the name in a certificate, the owner of a token, a user of the machine.
    pub actor: String,
    /// What was done: a word like `publish`.
    pub action: String,
    /// To what; may be empty.
    pub object: String,
    /// The hash of the entry before it; zeros in the first.
    pub previous: Sha256,
    /// The hash of everything above.
    pub hash: Sha256,
}

impl Entry {
    /// The entry that follows `previous`, or the first one.
    pub fn next(
        previous: Option<&Self>,
        at: Time,
        actor: impl Into<String>,
        action: impl Into<String>,
        object: impl Into<String>,
    ) -> Result<Self, Unfit> {
        let (seq, before) = following(previous).ok_or(Unfit::Full)?;
        let (actor, action, object) = (actor.into(), action.into(), object.into());
        let mut entry = Self { seq, at, actor, action, object, previous: before, hash: NONE };
        entry.check_texts()?;
        entry.hash = entry.computed();
        Ok(entry)
    }

    fn computed(&self) -> Sha256 {
        let Self { seq, at, actor, action, object, previous, hash: _ } = self;
        // No text is longer than its limit where this is called.
        let length = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
        Sha256::of_all(&[
            DOMAIN,
            &seq.to_be_bytes(),
            &at.unix().to_be_bytes(),
            &previous.0,
            &length(actor),
            actor.as_bytes(),
            &length(action),
            action.as_bytes(),
            &length(object),
            object.as_bytes(),
        ])
    }

    fn check_texts(&self) -> Result<(), Unfit> {
        let texts = [
            ("actor", &self.actor, MAX_ACTOR),
            ("action", &self.action, MAX_ACTION),
            ("object", &self.object, MAX_OBJECT),
        ];
        for (field, text, limit) in texts {
            if text.len() > limit {
                return Err(Unfit::TooLong { field, limit });
            }
            if text.is_empty() && field != "object" {
                return Err(Unfit::Empty { field });
            }
        }
        Ok(())
    }

    /// Whether this is what was written after `previous`.
    fn check(&self, previous: Option<&Self>) -> Result<(), Why> {
        let (seq, before) = following(previous).ok_or(Why::Full)?;
        if self.seq != seq {
            return Err(Why::Seq { expected: seq });
        }
        if self.previous != before {
            return Err(Why::Previous);
        }
        self.check_texts().map_err(Why::Unfit)?;
        (self.computed() == self.hash).then_some(()).ok_or(Why::Hash)
    }
}

/// Verifies a log from its first entry on, and gives its last one: compare that with what somebody else knows of it.
pub fn verify(entries: impl IntoIterator<Item = Entry>) -> Result<Option<Entry>, Broken> {
    verify_after(None, entries)
}

/// Verifies what follows an entry that is known to be true, and gives the last one.
pub fn verify_after(known: Option<Entry>, entries: impl IntoIterator<Item = Entry>) -> Result<Option<Entry>, Broken> {
    entries.into_iter().try_fold(known, |previous, entry| match entry.check(previous.as_ref()) {
        Ok(()) => Ok(Some(entry)),
        Err(why) => Err(Broken { seq: entry.seq, why }),
    })
}

/// The log is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log is not as it was written at entry {seq}: {why}")]
pub struct Broken {
    /// The `seq` that stands in the first entry that does not fit. All before it are as they were written.
    pub seq: u64,
    /// In what it does not fit.
    pub why: Why,
}

/// In what an entry does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It comes after the last number there is.
    #[error("no number is left for it")]
    Full,
    /// Its hash is not that of its fields.
    #[error("its hash is not that of its content, which was changed")]
    Hash,
    /// It does not carry the hash of the entry before it.
    #[error("it did not follow the entry before it")]
    Previous,
    /// Its number does not follow.
    #[error("its number should be {expected}: entries are missing, added or moved")]
    Seq {
        /// The number that would.
        expected: u64,
    },
    /// Its texts are none that are written.
    #[error("{0}")]
    Unfit(Unfit),
}

/// Why something is no entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A line of an export is not one that is written.
    #[error("a line of the export is no entry as it is written")]
    BadLine,
    /// Nobody, or nothing done.
    #[error("the {field} of an audit entry is empty")]
    Empty {
        /// Which text.
        field: &'static str,
    },
    /// No number is left.
    #[error("the audit log is full")]
    Full,
    /// A text is too long.
    #[error("the {field} of an audit entry is longer than {limit} bytes")]
    TooLong {
        /// Which text.
        field: &'static str,
        /// How long it may be.
        limit: usize,
    },
}

impl Report for Broken {
    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn advice(&self) -> String {
        "keep the log as it is, compare it with an export kept elsewhere, and find out who could write to it".into()
    }
}

impl Report for Unfit {
    fn exit(&self) -> Exit {
        match self {
            Self::BadLine => Exit::Refused,
            Self::Empty { .. } | Self::Full | Self::TooLong { .. } => Exit::Failed,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::BadLine => "compare the export with another copy of it".into(),
            Self::Empty { .. } | Self::TooLong { .. } => "give a name that fits".into(),
            Self::Full => "export the log and begin another".into(),
        }
    }
}

/// Number and `previous` of the entry after this one.
fn following(previous: Option<&Entry>) -> Option<(u64, Sha256)> {
    previous.map_or(Some((1, NONE)), |entry| Some((entry.seq.checked_add(1)?, entry.hash)))
}

/// What is hashed first, so that the hash of an entry is that of nothing else.
const DOMAIN: &[u8; 16] = b"convoy audit v1\n";
/// The hash before the first entry.
const NONE: Sha256 = Sha256([0; 32]);

#[cfg(test)]
mod tests;
