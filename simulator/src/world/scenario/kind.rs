//! The kinds of faults a file can name, what each may happen to, and what else it says.

use std::time::Duration;

use toml::Spanned;

use super::cast::Cast;
use super::fault::{BusFault, LinkFault, LinkName, Node, NodeFault, Server, Sickness, What};
use crate::world::chance::PerBillion;
use crate::world::description::{BitRate, Fields, MistakeKind, Name, Notes, Pause, Word};
use crate::world::vehicle::Bus;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BitErrors,
    BusOff,
    DiskLie,
    FlashTear,
    LinkCut,
    LinkDelay,
    LinkLoss,
    Overrun,
    PowerCut,
    Reset,
    SickImage,
    SlowServer,
}

impl Word for Kind {
    const WHAT: &'static str = "fault";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::BitErrors, "bit-errors"),
        (Self::BusOff, "bus-off"),
        (Self::DiskLie, "disk-lie"),
        (Self::FlashTear, "flash-tear"),
        (Self::LinkCut, "link-cut"),
        (Self::LinkDelay, "link-delay"),
        (Self::LinkLoss, "link-loss"),
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
}

/// What a fault of its kind says beside its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Delay(Duration),
    Nothing,
    Rate(BitRate),
    Share(PerBillion),
    Sick(Sickness),
}

impl Kind {
    /// The keys a fault, and an entry of a mix, name their places with.
    pub(super) fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::BitErrors => ("bus", "buses"),
            Self::LinkCut | Self::LinkDelay | Self::LinkLoss => ("link", "links"),
            Self::BusOff | Self::DiskLie | Self::FlashTear | Self::Overrun | Self::PowerCut | Self::Reset => {
                ("node", "nodes")
            }
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
            Self::BitErrors => cast.buses().map(Bus::name).cloned().map(Place::Bus).collect(),
            Self::BusOff | Self::Overrun => cast.on_can().map(|node| ecu(node.id())).collect(),
            Self::LinkCut | Self::LinkDelay | Self::LinkLoss => {
                let links = cast.on_ethernet().map(|node| LinkName::Ecu(node.id()));
                std::iter::once(LinkName::Cloud).chain(links).map(Place::Link).collect()
            }
            Self::DiskLie | Self::PowerCut | Self::Reset => ecus().chain(servers()).collect(),
            Self::FlashTear | Self::SickImage => ecus().collect(),
            Self::SlowServer => servers().to_vec(),
        }
    }

    /// Whether it lasts, so that a file says for how long.
    pub(super) fn lasts(self) -> bool {
        match self {
            Self::BitErrors
            | Self::DiskLie
            | Self::LinkCut
            | Self::LinkDelay
            | Self::LinkLoss
            | Self::Overrun
            | Self::PowerCut
            | Self::SlowServer => true,
            Self::BusOff | Self::FlashTear | Self::Reset | Self::SickImage => false,
        }
    }

    /// Reads what it says beside its place and time.
    pub(super) fn detail(self, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Detail> {
        match self {
            Self::BitErrors | Self::LinkLoss => {
                fields.required("share", notes).map(|share| Detail::Share(share.into_inner()))
            }
            Self::LinkDelay => {
                fields.required::<Pause>("delay", notes).map(|delay| Detail::Delay(delay.into_inner().0))
            }
            Self::SlowServer => fields.required("rate", notes).map(|rate| Detail::Rate(rate.into_inner())),
            Self::SickImage => Some(Detail::Sick(fields.or("sickness", Sickness::VotesSick, notes))),
            Self::BusOff
            | Self::DiskLie
            | Self::FlashTear
            | Self::LinkCut
            | Self::Overrun
            | Self::PowerCut
            | Self::Reset => Some(Detail::Nothing),
        }
    }

    /// The fault itself; `None` if place or detail are of another kind.
    pub(super) fn fault(self, place: Place, detail: &Detail, lasts: Duration, release: Option<&Name>) -> Option<What> {
        let what = match (self, place, detail) {
            (Self::BitErrors, Place::Bus(bus), Detail::Share(share)) => {
                What::Bus { bus, fault: BusFault::BitErrors { share: *share, lasts } }
            }
            (kind, Place::Link(link), detail) => What::Link { link, fault: kind.of_link(detail)?, lasts },
            (kind, Place::Node(node), detail) => What::Node { node, fault: kind.of_node(detail, lasts, release)? },
            (_, Place::Bus(_), _) => return None,
        };
        Some(what)
    }

    fn of_link(self, detail: &Detail) -> Option<LinkFault> {
        match (self, detail) {
            (Self::LinkCut, Detail::Nothing) => Some(LinkFault::Cut),
            (Self::LinkDelay, Detail::Delay(delay)) => Some(LinkFault::Delay(*delay)),
            (Self::LinkLoss, Detail::Share(share)) => Some(LinkFault::Loss(*share)),
            _ => None,
        }
    }

    fn of_node(self, detail: &Detail, lasts: Duration, release: Option<&Name>) -> Option<NodeFault> {
        match (self, detail) {
            (Self::BusOff, Detail::Nothing) => Some(NodeFault::BusOff),
            (Self::DiskLie, Detail::Nothing) => Some(NodeFault::DiskLie(lasts)),
            (Self::FlashTear, Detail::Nothing) => Some(NodeFault::FlashTear),
            (Self::Overrun, Detail::Nothing) => Some(NodeFault::Overrun(lasts)),
            (Self::PowerCut, Detail::Nothing) => Some(NodeFault::PowerCut(lasts)),
            (Self::Reset, Detail::Nothing) => Some(NodeFault::Reset),
            (Self::SickImage, Detail::Sick(sickness)) => {
                Some(NodeFault::SickImage { release: release?.clone(), sickness: *sickness })
            }
            (Self::SlowServer, Detail::Rate(rate)) => Some(NodeFault::SlowServer { rate: *rate, lasts }),
            _ => None,
        }
    }
}

/// The place of a name among `places`; a note, if it is none.
pub(super) fn place(kind: Kind, name: &Spanned<Name>, places: &[Place], notes: &mut Notes<'_>) -> Option<Place> {
    let text = name.get_ref().as_str();
    let found = places.iter().find(|place| place.name() == text).cloned();
    if found.is_none() && !places.is_empty() {
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
pub(super) fn read(cast: &Cast<'_>, mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<super::Fault> {
    let kind = fields.required::<Kind>("kind", notes)?.into_inner();
    fields.call(format!("this {}", kind.word()));
    let sick = kind == Kind::SickImage;
    let at = if sick { Some(crate::world::time::Moment::START) } else { cast.moment("at", &mut fields, notes) };
    let name = fields.required::<Name>(kind.keys().0, notes);
    let place = name.and_then(|name| place(kind, &name, &kind.places(cast), notes));
    let lasts = if kind.lasts() {
        fields.required::<Pause>("lasts", notes).map(|lasts| lasts.into_inner().0)
    } else {
        Some(Duration::ZERO)
    };
    let detail = kind.detail(&mut fields, notes);
    let release = if sick { fields.required::<Name>("release", notes) } else { None };
    let known =
        release.as_ref().is_none_or(|name| cast.releases.find(name.get_ref().as_str(), name.span(), notes).is_some());
    fields.finish(notes);
    let what = kind.fault(place?, &detail?, lasts?, release.as_ref().filter(|_| known).map(Spanned::get_ref))?;
    Some(super::Fault::new(at?, what))
}
