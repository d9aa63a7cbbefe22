//! What goes wrong: with a bus, a link, a node or a server.

use std::fmt;
use std::time::Duration;

use uptane::EcuId;

use super::cut::{Counted, PowerPoint};
use super::flood::Flood;
use super::kind::Kind;
use crate::world::chance::PerBillion;
use crate::world::description::{BitRate, Name, Pause, Word, percent};
use crate::world::time::Moment;

/// A fault and when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    at: Moment,
    what: What,
}

impl Fault {
    pub(super) fn new(at: Moment, what: What) -> Self {
        Self { at, what }
    }

    /// When it begins.
    pub fn at(&self) -> Moment {
        self.at
    }

    /// What goes wrong.
    pub fn what(&self) -> &What {
        &self.what
    }

    /// How long it goes on; nothing where that is not for the scenario to say.
    pub fn lasts(&self) -> Duration {
        self.what.clone().lasts_mut().map_or(Duration::ZERO, |lasts| *lasts)
    }

    /// The same at another moment, and for another time if it has one.
    #[must_use]
    pub fn moved(&self, at: Moment, lasts: Duration) -> Self {
        let mut what = self.what.clone();
        if let Some(of) = what.lasts_mut() {
            *of = lasts;
        }
        Self { at, what }
    }
}

/// What goes wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// With a CAN bus.
    Bus {
        /// Which bus.
        bus: Name,
        /// What.
        fault: BusFault,
    },
    /// With a link.
    Link {
        /// Which link.
        link: LinkName,
        /// What.
        fault: LinkFault,
        /// For how long.
        lasts: Duration,
    },
    /// With an ECU or a server.
    Node {
        /// Which.
        node: Node,
        /// What.
        fault: NodeFault,
    },
}

impl What {
    fn lasts_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Self::Bus { fault, .. } => Some(fault.lasts_mut()),
            Self::Link { lasts, .. } => Some(lasts),
            Self::Node { fault, .. } => match fault {
                NodeFault::DiskLie(lasts)
                | NodeFault::Overrun(lasts)
                | NodeFault::PowerCut(lasts)
                | NodeFault::PowerPoint(PowerPoint { lasts, .. })
                | NodeFault::SlowServer { lasts, .. } => Some(lasts),
                NodeFault::BusOff | NodeFault::FlashTear | NodeFault::Reset | NodeFault::SickImage { .. } => None,
            },
        }
    }

    /// The word for its kind, as files have it.
    pub fn kind(&self) -> &'static str {
        let kind = match self {
            Self::Bus { fault, .. } => match fault {
                BusFault::BitErrorRate { .. } => Kind::BitErrorRate,
                BusFault::BitErrors { .. } => Kind::BitErrors,
                BusFault::Flood { .. } => Kind::Flood,
            },
            Self::Link { fault, .. } => match fault {
                LinkFault::Cut => Kind::LinkCut,
                LinkFault::Delay(_) => Kind::LinkDelay,
                LinkFault::Loss(_) => Kind::LinkLoss,
            },
            Self::Node { fault, .. } => match fault {
                NodeFault::BusOff => Kind::BusOff,
                NodeFault::DiskLie(_) => Kind::DiskLie,
                NodeFault::FlashTear => Kind::FlashTear,
                NodeFault::Overrun(_) => Kind::Overrun,
                NodeFault::PowerCut(_) => Kind::PowerCut,
                NodeFault::PowerPoint(point) => match point.counted {
                    Counted::Disk => Kind::DiskCut,
                    Counted::Flash => Kind::FlashCut,
                    Counted::Message => Kind::MessageCut,
                },
                NodeFault::Reset => Kind::Reset,
                NodeFault::SickImage { .. } => Kind::SickImage,
                NodeFault::SlowServer { .. } => Kind::SlowServer,
            },
        };
        kind.word()
    }
}

/// What goes wrong with a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusFault {
    /// Every node by itself sees a share of the bits wrong.
    BitErrorRate {
        /// How many.
        share: PerBillion,
        /// For how long.
        lasts: Duration,
    },
    /// A share of the frames has a wrong bit.
    BitErrors {
        /// How many.
        share: PerBillion,
        /// For how long.
        lasts: Duration,
    },
    /// A further node sends frames.
    Flood {
        /// Which.
        flood: Flood,
        /// For how long.
        lasts: Duration,
    },
}

impl BusFault {
    /// How long it goes on.
    pub fn lasts(mut self) -> Duration {
        *self.lasts_mut()
    }

    fn lasts_mut(&mut self) -> &mut Duration {
        match self {
            Self::BitErrorRate { lasts, .. } | Self::BitErrors { lasts, .. } | Self::Flood { lasts, .. } => lasts,
        }
    }
}

/// What goes wrong with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// Nothing arrives.
    Cut,
    /// Everything arrives later by this.
    Delay(Duration),
    /// A further share of messages is lost.
    Loss(PerBillion),
}

/// What goes wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeFault {
    /// Its CAN controller goes bus-off.
    BusOff,
    /// Its disk or flash says that writes are durable when they are not.
    DiskLie(Duration),
    /// Power fails within its next write or erase: part of the unit is done.
    FlashTear,
    /// Its processor takes no frames, so that its CAN controller overruns.
    Overrun(Duration),
    /// It has no power.
    PowerCut(Duration),
    /// It has no power from one certain operation or message on.
    PowerPoint(PowerPoint),
    /// It starts anew.
    Reset,
    /// The image it gets with this release does not work; known before it is published.
    SickImage {
        /// Which release.
        release: Name,
        /// In which way.
        sickness: Sickness,
    },
    /// The server sends no faster than this.
    SlowServer {
        /// How fast.
        rate: BitRate,
        /// For how long.
        lasts: Duration,
    },
}

/// How an image does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sickness {
    /// It starts, and resets before it votes.
    Crashes,
    /// It runs, and votes that it is not healthy.
    VotesSick,
}

impl Word for Sickness {
    const WHAT: &'static str = "sickness";
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Crashes, "crashes"), (Self::VotesSick, "votes-sick")];
}

/// A link of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkName {
    /// Between the Primary and the repositories.
    Cloud,
    /// Between the Primary and an ECU on Ethernet.
    Ecu(EcuId),
}

/// A node of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// An ECU, the Primary among them.
    Ecu(EcuId),
    /// A server.
    Server(Server),
}

/// A server of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// The Director.
    Director,
    /// The Image repository.
    ImageRepository,
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cloud => f.pad("cloud"),
            Self::Ecu(id) => id.fmt(f),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ecu(id) => id.fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Director => "director",
            Self::ImageRepository => "image-repository",
        })
    }
}

/// For people: `brakes loses power for 2 s`.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus { bus, fault } => write!(f, "bus {bus} {fault}"),
            Self::Link { link, fault, lasts } => {
                match fault {
                    LinkFault::Cut => write!(f, "link {link} is cut")?,
                    LinkFault::Delay(delay) => write!(f, "link {link} is slower by {}", Pause(*delay))?,
                    LinkFault::Loss(share) => write!(f, "link {link} loses {} more", percent(*share))?,
                }
                write!(f, " for {}", Pause(*lasts))
            }
            Self::Node { node, fault } => write!(f, "{node} {fault}"),
        }
    }
}

impl fmt::Display for BusFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BitErrorRate { share, .. } => write!(f, "has {} of its bits wrong at each node", percent(*share))?,
            Self::BitErrors { share, .. } => write!(f, "has bit errors in {} of its frames", percent(*share))?,
            Self::Flood { flood, .. } => write!(f, "is flooded with {flood}")?,
        }
        write!(f, " for {}", Pause(self.lasts()))
    }
}

impl fmt::Display for NodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BusOff => f.write_str("goes bus-off"),
            Self::DiskLie(lasts) => write!(f, "keeps nothing it calls durable for {}", Pause(*lasts)),
            Self::FlashTear => f.write_str("loses power within its next flash operation"),
            Self::Overrun(lasts) => write!(f, "takes no CAN frames for {}", Pause(*lasts)),
            Self::PowerCut(lasts) => write!(f, "loses power for {}", Pause(*lasts)),
            Self::PowerPoint(point) => point.fmt(f),
            Self::Reset => f.write_str("is reset"),
            Self::SickImage { release, sickness } => write!(
                f,
                "gets an image of {release} that {}",
                match sickness {
                    Sickness::Crashes => "crashes",
                    Sickness::VotesSick => "votes sick",
                }
            ),
            Self::SlowServer { rate, lasts } => write!(f, "sends {rate} at most for {}", Pause(*lasts)),
        }
    }
}
