//! The kinds of faults a file can name, what each may happen to, and what else it says.

use std::time::Duration;

use toml::Spanned;

use super::cast::Cast;
use super::cut::{Counted, PowerPoint};
use super::fault::{BusFault, Fault, LinkFault, LinkName, Node, NodeFault, Server, Sickness, What};
use super::flood::Flood;
use crate::world::chance::PerBillion;
use crate::world::description::{BitRate, Fields, MistakeKind, Name, Notes, Pause, Word};
use crate::world::time::Moment;
use crate::world::vehicle::Bus;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BitErrorRate,
    BitErrors,
    BusOff,
    DiskCut,
    DiskLie,
    FlashCut,
    FlashTear,
    Flood,
    LinkCut,
    LinkDelay,
    LinkLoss,
    MessageCut,
    Overrun,
    PowerCut,
    Reset,
    SickImage,
    SlowServer,
}

impl Word for Kind {
    const WHAT: &'static str = "fault";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::BitErrorRate, "bit-error-rate"),
        (Self::BitErrors, "bit-errors"),
        (Self::BusOff, "bus-off"),
        (Self::DiskCut, "disk-cut"),
        (Self::DiskLie, "disk-lie"),
        (Self::FlashCut, "flash-cut"),
        (Self::FlashTear, "flash-tear"),
        (Self::Flood, "flood"),
        (Self::LinkCut, "link-cut"),
        (Self::LinkDelay, "link-delay"),
        (Self::LinkLoss, "link-loss"),
        (Self::MessageCut, "message-cut"),
        (Self::Overrun, "overrun"),
        (Self::PowerCut, "power-cut"),
        (Self::Reset, "reset"),
        (Self::SickImage, "sick-image"),
        (Self::SlowServer, "slow-server"),
    ];
}

/// Where a fault can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Bus(Name),
    Link(LinkName),
    Node(Node),
}

impl Place {
    fn name(&self) -> String {
        match self {
            Self::Bus(name) => name.to_string(),
            Self::Link(link) => link.to_string(),
            Self::Node(node) => node.to_string(),
        }
    }

    fn bus(self) -> Option<Name> {
        match self {
            Self::Bus(bus) => Some(bus),
            Self::Link(_) | Self::Node(_) => None,
        }
    }

    fn link(self) -> Option<LinkName> {
        match self {
            Self::Link(link) => Some(link),
            Self::Bus(_) | Self::Node(_) => None,
        }
    }

    pub(super) fn node(self) -> Option<Node> {
        match self {
            Self::Node(node) => Some(node),
            Self::Bus(_) | Self::Link(_) => None,
        }
    }
}

/// A kind of fault with what it says beside its place and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    BitErrorRate(PerBillion),
    BitErrors(PerBillion),
    BusOff,
    DiskLie,
    FlashTear,
    Flood(Flood),
    LinkCut,
    LinkDelay(Duration),
    LinkLoss(PerBillion),
    Overrun,
    PowerCut,
    PowerPoint(PowerPoint),
    Reset,
    SickImage(Sickness),
    SlowServer(BitRate),
}

impl Effect {
    /// The fault at a place; `None` if it cannot happen there.
    pub(super) fn at(&self, place: Place, lasts: Duration, release: Option<&Name>) -> Option<What> {
        let link = |place: Place, fault| place.link().map(|link| What::Link { link, fault, lasts });
        let node = |place: Place, fault| place.node().map(|node| What::Node { node, fault });
        let bus = |place: Place, fault| place.bus().map(|bus| What::Bus { bus, fault });
        match self {
            Self::BitErrorRate(share) => bus(place, BusFault::BitErrorRate { share: *share, lasts }),
            Self::BitErrors(share) => bus(place, BusFault::BitErrors { share: *share, lasts }),
            Self::BusOff => node(place, NodeFault::BusOff),
            Self::DiskLie => node(place, NodeFault::DiskLie(lasts)),
            Self::FlashTear => node(place, NodeFault::FlashTear),
            Self::Flood(flood) => bus(place, BusFault::Flood { flood: *flood, lasts }),
            Self::LinkCut => link(place, LinkFault::Cut),
            Self::LinkDelay(delay) => link(place, LinkFault::Delay(*delay)),
            Self::LinkLoss(share) => link(place, LinkFault::Loss(*share)),
            Self::Overrun => node(place, NodeFault::Overrun(lasts)),
            Self::PowerCut => node(place, NodeFault::PowerCut(lasts)),
            Self::PowerPoint(point) => node(place, NodeFault::PowerPoint(PowerPoint { lasts, ..*point })),
            Self::Reset => node(place, NodeFault::Reset),
            Self::SickImage(sickness) => {
                node(place, NodeFault::SickImage { release: release?.clone(), sickness: *sickness })
            }
            Self::SlowServer(rate) => node(place, NodeFault::SlowServer { rate: *rate, lasts }),
        }
    }
}

impl Kind {
    /// The keys a fault, and an entry of a mix, name their places with.
    pub(super) fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::BitErrorRate | Self::BitErrors | Self::Flood => ("bus", "buses"),
            Self::LinkCut | Self::LinkDelay | Self::LinkLoss => ("link", "links"),
            Self::BusOff
            | Self::DiskCut
            | Self::DiskLie
            | Self::FlashCut
            | Self::FlashTear
            | Self::MessageCut
            | Self::Overrun
            | Self::PowerCut
            | Self::Reset => ("node", "nodes"),
            Self::SickImage => ("ecu", "ecus"),
            Self::SlowServer => ("server", "servers"),
        }
    }

    /// Every place it can happen at.
    pub(super) fn places(self, cast: &Cast<'_>) -> Vec<Place> {
        let ecu = |id| Place::Node(Node::Ecu(id));
        let servers = || [Server::Director, Server::ImageRepository].map(|server| Place::Node(Node::Server(server)));
        let ecus = || cast.all().into_iter().map(ecu);
        match self {
            Self::BitErrorRate | Self::BitErrors | Self::Flood => {
                cast.buses().map(Bus::name).cloned().map(Place::Bus).collect()
            }
            Self::BusOff | Self::Overrun => {
                let primary = cast.on_can().next().and_then(|_| cast.primary());
                cast.on_can().chain(primary).map(|node| ecu(node.id())).collect()
            }
            Self::LinkCut | Self::LinkDelay | Self::LinkLoss => {
                let links = cast.on_ethernet().map(|node| LinkName::Ecu(node.id()));
                std::iter::once(LinkName::Cloud).chain(links).map(Place::Link).collect()
            }
            Self::DiskLie | Self::PowerCut | Self::Reset => ecus().chain(servers()).collect(),
            Self::DiskCut => cast.with_disk().map(|node| ecu(node.id())).collect(),
            // The Primary always finds its own image healthy.
            Self::FlashCut | Self::SickImage => cast.secondaries().map(|node| ecu(node.id())).collect(),
            Self::FlashTear | Self::MessageCut => ecus().collect(),
            Self::SlowServer => servers().to_vec(),
        }
    }

    /// Every place a mix draws from that names none.
    pub(super) fn usual_places(self, cast: &Cast<'_>) -> Vec<Place> {
        match self {
            // That of the Primary stops a bus for all who are on it.
            Self::BusOff | Self::Overrun => cast.on_can().map(|node| Place::Node(Node::Ecu(node.id()))).collect(),
            Self::BitErrorRate
            | Self::BitErrors
            | Self::DiskCut
            | Self::DiskLie
            | Self::FlashCut
            | Self::FlashTear
            | Self::Flood
            | Self::LinkCut
            | Self::LinkDelay
            | Self::LinkLoss
            | Self::MessageCut
            | Self::PowerCut
            | Self::Reset
            | Self::SickImage
            | Self::SlowServer => self.places(cast),
        }
    }

    /// Whether it lasts, so that a file says for how long.
    pub(super) fn lasts(self) -> bool {
        match self {
            Self::BitErrorRate
            | Self::BitErrors
            | Self::DiskCut
            | Self::DiskLie
            | Self::FlashCut
            | Self::Flood
            | Self::LinkCut
            | Self::LinkDelay
            | Self::LinkLoss
            | Self::MessageCut
            | Self::Overrun
            | Self::PowerCut
            | Self::SlowServer => true,
            Self::BusOff | Self::FlashTear | Self::Reset | Self::SickImage => false,
        }
    }

    /// Reads what it says beside its place and time.
    pub(super) fn effect(self, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Effect> {
        Some(match self {
            Self::BitErrorRate => Effect::BitErrorRate(fields.required("share", notes)?.into_inner()),
            Self::BitErrors => Effect::BitErrors(fields.required("share", notes)?.into_inner()),
            Self::BusOff => Effect::BusOff,
            Self::DiskCut => Effect::PowerPoint(PowerPoint::read(Counted::Disk, fields, notes)),
            Self::DiskLie => Effect::DiskLie,
            Self::FlashCut => Effect::PowerPoint(PowerPoint::read(Counted::Flash, fields, notes)),
            Self::FlashTear => Effect::FlashTear,
            Self::Flood => Effect::Flood(Flood::read(fields, notes)?),
            Self::LinkCut => Effect::LinkCut,
            Self::LinkDelay => Effect::LinkDelay(fields.required::<Pause>("delay", notes)?.into_inner().0),
            Self::LinkLoss => Effect::LinkLoss(fields.required("share", notes)?.into_inner()),
            Self::MessageCut => Effect::PowerPoint(PowerPoint::read(Counted::Message, fields, notes)),
            Self::Overrun => Effect::Overrun,
            Self::PowerCut => Effect::PowerCut,
            Self::Reset => Effect::Reset,
            Self::SickImage => Effect::SickImage(fields.or("sickness", Sickness::VotesSick, notes)),
            Self::SlowServer => Effect::SlowServer(fields.required("rate", notes)?.into_inner()),
        })
    }
}

/// The place of a name, if it can happen there; a note, if it cannot.
pub(super) fn place(kind: Kind, name: &Spanned<Name>, cast: &Cast<'_>, notes: &mut Notes<'_>) -> Option<Place> {
    let places = kind.places(cast);
    let text = name.get_ref().as_str();
    let found = places.iter().find(|place| place.name() == text).cloned();
    if found.is_none() && cast.vehicle.is_some() {
        let known = places.iter().map(Place::name).collect();
        let what = match kind.keys().0 {
            "bus" => "bus",
            "link" => "link",
            "server" => "server",
            _ => "node",
        };
        notes.note(name.span(), MistakeKind::Unknown { what, found: text.to_owned(), known });
    }
    found
}

/// Reads a `[[fault]]`.
pub(super) fn read(cast: &Cast<'_>, mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<Fault> {
    let kind = fields.required::<Kind>("kind", notes)?.into_inner();
    fields.call(format!("this {}", kind.word()));
    let name = fields.required::<Name>(kind.keys().0, notes);
    let place = name.and_then(|name| place(kind, &name, cast, notes));
    let lasts = match kind.lasts() {
        true => fields.required::<Pause>("lasts", notes).map(|lasts| lasts.into_inner().0),
        false => Some(Duration::ZERO),
    };
    let effect = kind.effect(&mut fields, notes);
    // An image is sick or not from the day it is made.
    let (at, release) = match kind == Kind::SickImage {
        true => (Some(Moment::START), sick_release(cast, &mut fields, notes)),
        false => (cast.moment("at", &mut fields, notes), None),
    };
    fields.finish(notes);
    Some(Fault::new(at?, effect?.at(place?, lasts?, release.as_ref())?))
}

/// The release whose image is sick.
fn sick_release(cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Name> {
    let name = fields.required::<Name>("release", notes)?;
    cast.releases.find(name.get_ref().as_str(), name.span(), notes)?;
    Some(name.into_inner())
}
