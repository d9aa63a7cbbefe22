//! What goes wrong in a run, as data: drawn from a seed, written to the log, repeated from it, and shrunk.
//!
//! A [`Plan`] is a list of faults, each with the node it strikes and when it does. Everything a fault needs is in it, so
//! that leaving one out changes nothing about the others: which byte rots or how long a link is cut is drawn when the plan
//! is, not when it strikes. Which nodes there are, and which kinds of faults each suffers, is the world's to say
//! ([`Victim`]); while it runs, [`Armed`] tells which fault is due. A fault whose time never comes does nothing.

mod armed;
mod draw;
mod simpler;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::{Moment, as_nanos};
use super::{disk, flash};

pub use armed::{Armed, Tally};
pub use draw::{Mix, Scope, Victim};

/// All faults of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plan<N> {
    /// The faults, in no order that matters.
    pub faults: Vec<Fault<N>>,
}

impl<N> Default for Plan<N> {
    /// A run in which nothing goes wrong.
    fn default() -> Self {
        Self { faults: Vec::new() }
    }
}

/// One fault of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault<N> {
    /// Which node.
    pub node: N,
    /// What strikes it, and when.
    pub blow: Blow,
}

/// What strikes a node, and when. Numbers count from 0, from the beginning of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Blow {
    /// At an operation of its disk.
    Disk {
        /// Which.
        operation: u64,
        /// What.
        mishap: disk::Mishap,
    },
    /// At an operation of its flash.
    Flash {
        /// Which.
        operation: u64,
        /// What.
        mishap: flash::Mishap,
    },
    /// At a frame it sends on a bus.
    Frame {
        /// Which.
        number: u64,
        /// What.
        fault: FrameFault,
    },
    /// At a message it sends over a link.
    Message {
        /// Which.
        number: u64,
        /// What.
        fault: MessageFault,
    },
    /// The node as a whole.
    Node {
        /// When.
        when: When,
        /// What.
        fault: NodeFault,
    },
}

/// When a node as a whole is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// At a moment.
    At(Moment),
    /// Just before its event of this number.
    Event(u64),
}

/// What happens to a frame on a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FrameFault {
    /// One bit is disturbed for all.
    BitError {
        /// Which, counted on from the first again behind the last.
        bit: u64,
    },
    /// The receiver has no room for it.
    Overrun,
}

/// What happens to a message on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum MessageFault {
    /// One bit is flipped; where TLS is intact the message is lost instead.
    Altered {
        /// Which byte, counted on from the first again behind the last.
        byte: u64,
        /// Which bit of it.
        bit: u8,
    },
    /// It arrives later.
    Delayed {
        /// By so much.
        #[serde(with = "as_nanos")]
        by: Duration,
    },
    /// It arrives twice.
    Duplicated {
        /// The second time so much later.
        #[serde(with = "as_nanos")]
        after: Duration,
    },
    /// It never arrives.
    Lost,
}

/// What happens to a node as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum NodeFault {
    /// Its clock jumps.
    ClockStep {
        /// By so many seconds, backwards if negative.
        seconds: i64,
    },
    /// Its disk has no room left.
    DiskFull {
        /// For so long.
        #[serde(with = "as_nanos")]
        pause: Duration,
    },
    /// A bit of its disk flips.
    DiskRot {
        /// Which byte of all files, as [`disk::VirtualDisk::rot`] counts.
        place: u64,
        /// Which bit of it.
        bit: u8,
    },
    /// A bit of its flash flips.
    FlashRot {
        /// Which byte, counted on from the first again behind the last.
        place: u64,
    },
    /// Its links and buses are cut.
    LinkCut {
        /// For so long.
        #[serde(with = "as_nanos")]
        pause: Duration,
    },
    /// It loses power.
    PowerLoss {
        /// For so long.
        #[serde(with = "as_nanos")]
        pause: Duration,
        /// What becomes of what its disk had not synchronised.
        unsynced: disk::Unsynced,
    },
    /// It starts again, with power all the while: its disk keeps what it has.
    Reset,
    /// From now on its disk says that it has synchronised and has not.
    SyncBroken,
}

/// The kinds of faults, for a mix and a tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// [`NodeFault::ClockStep`].
    ClockStep,
    /// [`disk::Mishap::Cut`].
    DiskCut,
    /// [`NodeFault::DiskFull`].
    DiskFull,
    /// [`disk::Mishap::Refused`].
    DiskRefused,
    /// [`NodeFault::DiskRot`].
    DiskRot,
    /// [`flash::Mishap::Cut`].
    FlashCut,
    /// [`NodeFault::FlashRot`].
    FlashRot,
    /// [`flash::Mishap::WornOut`].
    FlashWornOut,
    /// [`FrameFault::BitError`].
    FrameBitError,
    /// [`FrameFault::Overrun`].
    FrameOverrun,
    /// [`NodeFault::LinkCut`].
    LinkCut,
    /// [`MessageFault::Altered`].
    MessageAltered,
    /// [`MessageFault::Delayed`].
    MessageDelayed,
    /// [`MessageFault::Duplicated`].
    MessageDuplicated,
    /// [`MessageFault::Lost`].
    MessageLost,
    /// [`NodeFault::PowerLoss`].
    PowerLoss,
    /// [`NodeFault::Reset`].
    Reset,
    /// [`NodeFault::SyncBroken`].
    SyncBroken,
}

impl Kind {
    /// Every kind, in alphabetical order.
    pub const ALL: [Self; 18] = [
        Self::ClockStep,
        Self::DiskCut,
        Self::DiskFull,
        Self::DiskRefused,
        Self::DiskRot,
        Self::FlashCut,
        Self::FlashRot,
        Self::FlashWornOut,
        Self::FrameBitError,
        Self::FrameOverrun,
        Self::LinkCut,
        Self::MessageAltered,
        Self::MessageDelayed,
        Self::MessageDuplicated,
        Self::MessageLost,
        Self::PowerLoss,
        Self::Reset,
        Self::SyncBroken,
    ];

    /// Its name, as in a log.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClockStep => "clock-step",
            Self::DiskCut => "disk-cut",
            Self::DiskFull => "disk-full",
            Self::DiskRefused => "disk-refused",
            Self::DiskRot => "disk-rot",
            Self::FlashCut => "flash-cut",
            Self::FlashRot => "flash-rot",
            Self::FlashWornOut => "flash-worn-out",
            Self::FrameBitError => "frame-bit-error",
            Self::FrameOverrun => "frame-overrun",
            Self::LinkCut => "link-cut",
            Self::MessageAltered => "message-altered",
            Self::MessageDelayed => "message-delayed",
            Self::MessageDuplicated => "message-duplicated",
            Self::MessageLost => "message-lost",
            Self::PowerLoss => "power-loss",
            Self::Reset => "reset",
            Self::SyncBroken => "sync-broken",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Blow {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Disk { mishap: disk::Mishap::Cut(_), .. } => Kind::DiskCut,
            Self::Disk { mishap: disk::Mishap::Refused, .. } => Kind::DiskRefused,
            Self::Flash { mishap: flash::Mishap::Cut(_), .. } => Kind::FlashCut,
            Self::Flash { mishap: flash::Mishap::WornOut, .. } => Kind::FlashWornOut,
            Self::Frame { fault: FrameFault::BitError { .. }, .. } => Kind::FrameBitError,
            Self::Frame { fault: FrameFault::Overrun, .. } => Kind::FrameOverrun,
            Self::Message { fault, .. } => match fault {
                MessageFault::Altered { .. } => Kind::MessageAltered,
                MessageFault::Delayed { .. } => Kind::MessageDelayed,
                MessageFault::Duplicated { .. } => Kind::MessageDuplicated,
                MessageFault::Lost => Kind::MessageLost,
            },
            Self::Node { fault, .. } => match fault {
                NodeFault::ClockStep { .. } => Kind::ClockStep,
                NodeFault::DiskFull { .. } => Kind::DiskFull,
                NodeFault::DiskRot { .. } => Kind::DiskRot,
                NodeFault::FlashRot { .. } => Kind::FlashRot,
                NodeFault::LinkCut { .. } => Kind::LinkCut,
                NodeFault::PowerLoss { .. } => Kind::PowerLoss,
                NodeFault::Reset => Kind::Reset,
                NodeFault::SyncBroken => Kind::SyncBroken,
            },
        }
    }
}
