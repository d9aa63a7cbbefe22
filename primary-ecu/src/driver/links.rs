//! The ways to all Secondaries, and errands over them as futures.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use host::can::{Place, Port};
use host::disk::Folder;
use host::provisioning::Vehicle;
use proto::broadcast::{Member, Session};
use proto::can::Id;
use proto::secondary::Request;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use uptane::EcuId;

use super::shown::Shown;
use super::transport::Transport;
use crate::Error;
use crate::can::{Bus, Called, CanLink, GroupLink, Seat};
use crate::config::{Address, Config};
use crate::grpc::{Ethernet, Trust};
use crate::node::{Answer, Call, Done, Errand, Silent, Turn};

/// The ways to all Secondaries of the vehicle. Each takes one errand after the other.
pub(super) struct Links {
    links: BTreeMap<EcuId, Rc<Mutex<Link>>>,
    /// Those who hear an image together, in the order of [`Config::groups`].
    groups: Vec<GroupLink>,
}

/// One way.
enum Link {
    Ethernet(Ethernet),
    Can(CanLink),
}

impl Links {
    /// A way to every Secondary of the vehicle, and to nobody else.
    pub(super) fn new(config: &Config, vehicle: &Vehicle, trust: &Trust, disk: &Folder) -> Result<Self, Error> {
        config.check(vehicle)?;
        let mut groups = Vec::new();
        let mut links = BTreeMap::new();
        let mut bus: Option<(Bus, Place)> = None;
        for secondary in &config.secondaries {
            let ecu = EcuId::parse(&secondary.ecu)?;
            let link = match Address::parse(&secondary.address)? {
                Address::Ethernet(url) => {
                    Link::Ethernet(Ethernet::at(&url, &host::tls::server_name(vehicle.id, ecu), trust)?)
                }
                Address::Can { fd, request, response, .. } => {
                    let (bus, _) = match &mut bus {
                        Some(bus) => bus,
                        none => none.insert((Bus::new(config.can_budget.as_ref()), place(config, secondary)?)),
                    };
                    Link::Can(bus.link(fd, request, response)?)
                }
            };
            links.insert(ecu, Rc::new(Mutex::new(link)));
        }
        if let Some((mut bus, place)) = bus {
            groups.extend(config.groups(vehicle)?.into_iter().map(|group| bus.group(group, disk.clone())));
            let port = Port::join(&place, &bus.interest())?;
            tokio::spawn(async move {
                let error = bus.run(port).await;
                tracing::error!(%error, "the CAN bus is gone");
            });
        }
        Ok(Self { links, groups })
    }

    /// One errand, after its pause and after those before it to the same ECU; on CAN also after those before it on the bus,
    /// but for a few ([`AT_ONCE`](crate::can::AT_ONCE)).
    pub(super) fn errand(&self, errand: Errand<Folder>, shown: Rc<Shown>) -> LocalBoxFuture<'static, Done> {
        let link = self.links.get(&errand.ecu()).cloned();
        let group = errand.shared().and_then(|shared| Some((self.groups.get(shared.group)?, *shared)));
        // Before any of them begins.
        let seat = group.map(|(group, shared)| group.expect(errand.ecu(), shared));
        Box::pin(async move {
            tokio::time::sleep(errand.pause()).await;
            match link {
                Some(link) => run(errand, &mut *link.lock().await, seat, &shown).await,
                None => errand.end(),
            }
        })
    }
}

/// An errand over its link, to its end.
async fn run(mut errand: Errand<Folder>, link: &mut Link, seat: Option<Seat>, shown: &Shown) -> Done {
    let mut turn = link.turn().await;
    let mut invitation = None;
    let (before, repeated) = (link.bus_time(), link.repeated());
    let watch = host::clock::stopwatch();
    loop {
        let called = match errand.turn() {
            Turn::Ask(request) => {
                let answer = link.ask(request).await;
                if let Some(progress) = errand.answer(answer) {
                    shown.progress(errand.ecu(), progress);
                }
                continue;
            }
            Turn::Gather(_) => {
                // Meanwhile the bus is for others. What is said to all, and the few frames before and after it, need no turn.
                turn = None;
                wait(seat.as_ref().map(Seat::arrive)).await
            }
            Turn::Join => {
                let member = join(link, invitation).await;
                errand.answer(Ok(Answer::Done));
                wait(seat.as_ref().map(|seat| seat.joined(member))).await
            }
            // It was waited for when it was asked to join.
            Turn::Hear => None,
            Turn::Over => break,
        };
        invitation = called.and_then(|called| called.invitation);
        let call = called.map_or(Call::Dropped, |called| called.call);
        if matches!(call, Call::Alone | Call::Dropped) {
            turn = link.turn().await;
        }
        errand.go_on(call);
    }
    drop(turn);
    if errand.is_of_transaction() {
        let on_bus = before.zip(link.bus_time()).map(|(before, after)| after.saturating_sub(before));
        shown.end(errand.ecu(), &watch, on_bus, link.repeated().saturating_sub(repeated));
    }
    errand.end()
}

/// What a group calls; nothing where there is none, and the errand goes on by itself.
async fn wait(call: Option<impl Future<Output = Called>>) -> Option<Called> {
    Some(call?.await)
}

/// What the Secondary takes of the broadcast that it is invited to, if it does. Only Secondaries on CAN are.
async fn join(link: &mut Link, invitation: Option<(Session, Id)>) -> Option<Member> {
    match (link, invitation) {
        (Link::Can(link), Some((session, answer))) => link.join(session, answer).await,
        (Link::Can(_) | Link::Ethernet(_), _) => None,
    }
}

impl Link {
    /// Waits until it may talk, which it may until what is returned is dropped. An Ethernet has room for all.
    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        match self {
            Self::Ethernet(_) => None,
            Self::Can(link) => link.turn().await,
        }
    }
}

impl Transport for Link {
    async fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        match self {
            Self::Ethernet(link) => link.ask(request).await,
            Self::Can(link) => link.ask(request).await,
        }
    }

    fn bus_time(&self) -> Option<Duration> {
        match self {
            Self::Ethernet(link) => link.bus_time(),
            Self::Can(link) => link.bus_time(),
        }
    }

    fn repeated(&self) -> u64 {
        match self {
            Self::Ethernet(link) => link.repeated(),
            Self::Can(link) => link.repeated(),
        }
    }
}

/// Where the bus of this Secondary is.
fn place(config: &Config, secondary: &crate::config::Secondary) -> Result<Place, Error> {
    let bad = || Error::BadSecondary { text: format!("{} (no `can` in config.toml)", secondary.address) };
    config.can.clone().ok_or_else(bad)
}
