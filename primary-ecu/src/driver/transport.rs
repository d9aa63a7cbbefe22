//! How a Secondary is asked, whatever carries it.

use std::time::Duration;

use proto::secondary::{Identity, Refusal, Reply, Request};
use uptane::{Length, Nonce};

/// A way to one Secondary: one request at a time, each with its reply.
///
/// # Security
/// What comes back is advice. Nothing that decides what runs is believed because of who carried it: reports and votes are
/// checked where they are used.
pub(crate) trait Transport {
    /// Asks, and waits for the answer as long as this carrier needs.
    async fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent>;

    /// Time the frames of this link took on their bus so far, both directions; none without a bus.
    fn bus_time(&self) -> Option<Duration> {
        None
    }
}

/// A reply that outlives the buffer it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Identity(Identity),
    TimeNonce(Nonce),
    Ready(Length, u32),
    Taken(Length),
    Done,
    Report(Vec<u8>),
    Refused(Refusal),
}

/// No reply, or none of the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Silent(pub(crate) String);

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
    pub(crate) fn new(reason: impl ToString) -> Self {
        Self(reason.to_string())
    }
}
