//! What the sender knows of one member.

use core::time::Duration;

use uptane::Length;

use super::{BUSY_LIMIT, MAX_ROUNDS, MAX_SILENCES, image_length, length};
use crate::Error;
use crate::can::Id;

/// An ECU that takes part, as it said of itself when it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written out by whoever begins a broadcast")]
pub struct Member {
    /// Identifier of its answers: what tells it from the others.
    pub answer: Id,
    /// Where it wants the image from.
    pub from: Length,
    /// Bytes of the longest window it takes.
    pub window: u32,
    /// What it needs from one frame of the image to the next.
    pub separation: Duration,
}

/// What became of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It says it has handed over the whole image. Its own verification will show whether that is so.
    Complete,
    /// It takes no further part. It said last that it had handed over the bytes before `at`.
    Dropped {
        /// Offset in the image.
        at: Length,
        /// Why.
        why: Why,
    },
    /// It takes part, and said last that it had handed over the bytes before `at`.
    UnderWay {
        /// Offset in the image.
        at: Length,
    },
}

/// Why a member takes no further part. It is brought the rest by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It was behind the others again and again ([`MAX_LAPS`](super::MAX_LAPS)).
    Behind,
    /// The sender's controller did not take a frame in time ([`SEND_TIMEOUT`](super::SEND_TIMEOUT)).
    Bus,
    /// It was busy for too long ([`BUSY_LIMIT`]).
    Busy,
    /// It said that it left.
    Left,
    /// It lacked frames of a window however often they were said ([`MAX_ROUNDS`]).
    Lossy,
    /// It did not answer ([`MAX_SILENCES`]).
    Silent,
}

/// A member, and how it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) answer: Id,
    pub(super) window: u32,
    pub(super) separation: Duration,
    /// It has every byte before this offset.
    pub(super) next: u32,
    /// It has handed over every byte before this one.
    pub(super) held: u32,
    pub(super) standing: Standing,
    /// Polls in a row that it did not answer.
    silences: u8,
    /// Since when it has been busy with the open window.
    busy_since: Option<Duration>,
}

/// How a member stands to the open window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has yet to answer.
    Asked,
    /// It lacks frames, and may have more to name.
    Lacking { more: bool },
    /// It has no room for the next window.
    Busy,
    /// Nothing more is wanted of it.
    Settled,
    /// It takes no further part.
    Dropped(Why),
}

impl Peer {
    pub(super) fn new(member: Member) -> Result<Self, Error> {
        let Member { answer, from, window, separation } = member;
        let next = image_length(from)?;
        let standing = Standing::Settled;
        Ok(Self { answer, window, separation, next, held: next, standing, silences: 0, busy_since: None })
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(self.standing, Standing::Dropped(_))
    }

    /// A window is begun that covers `from..end`. It is none of the member's concern if it has all of it, or not even what
    /// comes before.
    pub(super) fn begin(&mut self, from: u32, end: u32) {
        if self.is_live() {
            self.standing = if (from..end).contains(&self.next) { Standing::Asked } else { Standing::Settled };
            self.busy_since = None;
        }
    }

    /// A poll is sent: what was said before does not count, unless it was that nothing more is wanted.
    pub(super) fn ask(&mut self) {
        if matches!(self.standing, Standing::Lacking { .. } | Standing::Busy) {
            self.standing = Standing::Asked;
        }
    }

    /// It said something.
    pub(super) fn speak(&mut self) {
        self.silences = 0;
    }

    /// It has the window, and room for the next.
    pub(super) fn settle(&mut self, held: u32, end: u32) {
        self.speak();
        (self.held, self.next) = (held, self.next.max(end));
        self.standing = Standing::Settled;
    }

    /// It has no room.
    pub(super) fn rest(&mut self, held: u32, now: Duration) {
        self.speak();
        self.held = held;
        self.standing = Standing::Busy;
        self.busy_since.get_or_insert(now);
    }

    /// It lacks frames of the window.
    pub(super) fn lack(&mut self, more: bool) {
        self.speak();
        self.standing = Standing::Lacking { more };
    }

    /// It lacks what comes before the window.
    pub(super) fn fall_behind(&mut self, from: u32) {
        self.speak();
        (self.next, self.held) = (from, from.min(self.held));
        self.standing = Standing::Settled;
    }

    /// It takes no further part.
    pub(super) fn leave(&mut self, held: u32) {
        self.held = held;
        self.drop_for(Why::Left);
    }

    /// The time to answer is over.
    pub(super) fn wait_in_vain(&mut self) {
        if self.standing == Standing::Asked {
            self.silences = self.silences.saturating_add(1);
        }
    }

    /// Drops it if the others have waited for it long enough.
    pub(super) fn lose_patience(&mut self, round: u8, now: Duration) {
        let too_long = self.busy_since.is_some_and(|since| now >= since + BUSY_LIMIT);
        let why = match self.standing {
            Standing::Asked if self.silences >= MAX_SILENCES => Why::Silent,
            Standing::Lacking { .. } if round >= MAX_ROUNDS => Why::Lossy,
            Standing::Busy if too_long => Why::Busy,
            Standing::Asked | Standing::Lacking { .. } | Standing::Busy | Standing::Settled | Standing::Dropped(_) => {
                return;
            }
        };
        self.drop_for(why);
    }

    pub(super) fn drop_for(&mut self, why: Why) {
        if self.is_live() {
            self.standing = Standing::Dropped(why);
        }
    }

    pub(super) fn outcome(&self, image: u32) -> Outcome {
        match self.standing {
            Standing::Dropped(why) => Outcome::Dropped { at: length(self.held), why },
            _ if self.next >= image => Outcome::Complete,
            Standing::Asked | Standing::Lacking { .. } | Standing::Busy | Standing::Settled => {
                Outcome::UnderWay { at: length(self.held) }
            }
        }
    }
}
