//! What a Secondary answers, whatever carried it.
//!
//! # Security
//! It is advice. Nothing that decides what runs is believed because of who carried it: reports and votes are checked
//! where they are used.

use proto::secondary::{Identity, Refusal, Reply};
use uptane::{Length, Nonce};

/// A reply that outlives the buffer it came in; see [`Reply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Who and what it is.
    Identity(Identity),
    /// The nonce its next time attestation must carry.
    TimeNonce(Nonce),
    /// It takes bytes from this offset on, at most this many at a time.
    Ready(Length, u32),
    /// It holds the bytes up to this offset.
    Taken(Length),
    /// Done.
    Done,
    /// Its signed report.
    Report(Vec<u8>),
    /// Not done.
    Refused(Refusal),
}

/// No reply, or none of the vocabulary: what the carrier says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent(pub String);

impl From<Reply<'_>> for Answer {
    fn from(reply: Reply<'_>) -> Self {
        match reply {
            Reply::Identity(identity) => Self::Identity(identity),
            Reply::TimeNonce(nonce) => Self::TimeNonce(nonce),
            Reply::Ready(offset, chunk) => Self::Ready(offset, chunk),
            Reply::Taken(offset) => Self::Taken(offset),
            Reply::Done => Self::Done,
            Reply::Report(report) => Self::Report(report.to_vec()),
            Reply::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

impl Silent {
    /// What the carrier says.
    pub fn new(reason: impl ToString) -> Self {
        Self(reason.to_string())
    }
}
