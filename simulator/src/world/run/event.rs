//! What happens in a run: the events the world waits for, and the lines of its log.

use primary_ecu::node::Errand;
use serde::{Deserialize, Serialize};
use uptane::EcuId;

use super::calls::{Peer, Question, Response};
use crate::world::disk::VirtualDisk;
use crate::world::link::Delivery;

/// Something that is due at a moment. What is large and rare is boxed: a run has a hundred thousand of the others.
#[derive(Debug)]
pub(super) enum Event {
    /// The Secondary at this port of this bus has something to do.
    Act(usize, usize),
    /// A campaign of this number may begin.
    Assign(usize),
    /// A question arrives at whom it is asked.
    Asked(Peer, Box<Delivery<(u64, Question)>>),
    /// Something happens on a bus.
    Bus(usize),
    /// The Primary begins a cycle, if it still is the one that planned to.
    Cycle(u64),
    /// The power of a Secondary fails in an operation that began before.
    Dark(EcuId),
    /// An errand of the cycle of this number has waited long enough.
    Errand(u64, Box<Errand<VirtualDisk>>),
    /// A fault of this number strikes.
    Fault(usize),
    /// A fault of this number is over.
    FaultOver(usize),
    /// The vehicle goes to the power state of this number.
    Power(usize),
    /// An ECU has been without power for long enough, if this still is that outage.
    PowerBack(EcuId, u64),
    /// A release of this number is published.
    Publish(usize),
    /// Whoever was asked has its response ready, if it is still the one that was asked.
    Ready(Box<Ready>),
    /// Metadata is renewed before it expires.
    Renew,
    /// A response arrives.
    Responded(Peer, Box<Delivery<(u64, Response)>>),
    /// A call of this number has waited long enough for its response.
    Retry(u64),
    /// A key of this number is replaced.
    Rotate(usize),
    /// The Primary's conversation at this port of this bus has something to do.
    Speak(usize, usize),
    /// The Primary has something to say to the group of this number.
    SpeakToAll(usize),
    /// A Secondary on Ethernet has something to do.
    Wake(EcuId),
}

/// A response that is about to leave.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) peer: Peer,
    /// How often whoever responds had been started when it was asked.
    pub(super) starts: u64,
    /// The number of the call.
    pub(super) number: u64,
    pub(super) response: Response,
}

/// A line of the log: what happened, to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Record {
    /// The Primary asks somebody something over a link.
    Asks {
        /// Whom.
        whom: String,
        /// What.
        what: String,
    },
    /// A campaign was assigned.
    Assigned {
        /// Which.
        campaign: String,
    },
    /// A cycle of the Primary ended.
    Cycle {
        /// Why it ended badly, if it did.
        error: Option<String>,
    },
    /// A fault struck.
    Fault {
        /// Its number in the scenario's list for this seed.
        number: usize,
        /// What it is.
        what: String,
    },
    /// A fault ended.
    FaultOver {
        /// Its number.
        number: usize,
    },
    /// A frame was on a bus whole.
    Frame {
        /// Which bus.
        bus: String,
        /// Its identifier.
        id: u32,
        /// Its data in hexadecimal digits.
        data: String,
    },
    /// A node found an error on a bus, or changed its state.
    OnBus {
        /// Which bus.
        bus: String,
        /// Which node.
        node: String,
        /// What.
        what: String,
    },
    /// The Primary learnt something.
    News {
        /// What.
        what: String,
    },
    /// An ECU lost power, or has it again.
    Power {
        /// Which ECU.
        ecu: String,
        /// Whether it has power now.
        on: bool,
    },
    /// A release was published.
    Published {
        /// Which.
        release: String,
    },
    /// The repositories renewed their metadata.
    Renewed,
    /// Whoever was asked responds.
    Responds {
        /// Who.
        who: String,
        /// How many bytes.
        bytes: u64,
    },
    /// A key was replaced.
    Rotated {
        /// Whose, of which role.
        key: String,
    },
    /// An ECU runs another image than before.
    Runs {
        /// Which ECU.
        ecu: String,
        /// The image's digest.
        image: String,
    },
    /// An invariant was violated.
    Violated {
        /// Which.
        invariant: String,
        /// How.
        how: String,
    },
}
