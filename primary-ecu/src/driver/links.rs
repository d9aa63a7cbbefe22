//! The ways to all Secondaries, and errands over them as futures.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use host::can::UnixBus;
use host::provisioning::Vehicle;
use proto::secondary::{Identity, Refusal, Request};
use tokio::sync::Mutex;
use uptane::{EcuId, Nonce, Sha256};

use super::Done;
use super::shown::Shown;
use super::transport::{Answer, Silent, Transport};
use crate::Error;
use crate::can::{Bus, CanLink};
use crate::config::{Address, Config};
use crate::grpc::{Ethernet, Trust};
use crate::machine::transaction::{Action, Event, Standing, State, Transaction};
use crate::machine::{Input, Met};
use crate::node::errand::{self, Failure};
use crate::node::stage::Stage;

/// The ways to all Secondaries of the vehicle. Each takes one errand after the other.
pub(super) struct Links(BTreeMap<EcuId, Rc<Mutex<Link>>>);

/// One way.
enum Link {
    Ethernet(Ethernet),
    Can(CanLink),
}

/// The first pause between two attempts; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Links {
    /// A way to every Secondary of the vehicle, and to nobody else.
    pub(super) fn new(config: &Config, vehicle: &Vehicle, trust: &Trust) -> Result<Self, Error> {
        config.check(vehicle)?;
        let mut links = BTreeMap::new();
        let mut bus = None;
        for secondary in &config.secondaries {
            let ecu = EcuId::parse(&secondary.ecu)?;
            let link = match Address::parse(&secondary.address)? {
                Address::Ethernet(url) => {
                    Link::Ethernet(Ethernet::at(&url, &host::tls::server_name(vehicle.id, ecu), trust)?)
                }
                Address::Can { fd, request, response } => {
                    let bus = match &mut bus {
                        Some(bus) => bus,
                        none => none.insert(join(config, secondary)?),
                    };
                    Link::Can(bus.link(fd, request, response)?)
                }
            };
            links.insert(ecu, Rc::new(Mutex::new(link)));
        }
        if let Some(bus) = bus {
            tokio::spawn(async move {
                let error = bus.run().await;
                tracing::error!(%error, "the CAN bus is gone");
            });
        }
        Ok(Self(links))
    }

    pub(super) fn meet(&self, ecu: EcuId, shown: Rc<Shown>) -> LocalBoxFuture<'static, Done> {
        let link = self.0.get(&ecu).cloned();
        Box::pin(async move {
            let met = match link {
                Some(link) => errand::meet(&mut *link.lock().await).await,
                None => Err(Failure::Silent("no way to it".to_owned())),
            };
            let met = met.inspect_err(|failure| tracing::info!(%ecu, ?failure, "not met"));
            let met = met.ok().filter(|(identity, _)| identity.ecu == ecu);
            shown.met(ecu, met.as_ref().map(|(identity, _)| identity));
            Done::Tell(Input::Met(ecu, met.map(|(identity, nonce)| Met { running: identity.running, nonce })))
        })
    }

    pub(super) fn report(&self, ecu: EcuId, nonce: Nonce) -> LocalBoxFuture<'static, Done> {
        let link = self.0.get(&ecu).cloned();
        Box::pin(async move {
            let report = match link {
                Some(link) => errand::report(&mut *link.lock().await, nonce).await,
                None => Err(Failure::Silent("no way to it".to_owned())),
            };
            Done::Report(ecu, nonce, report.ok())
        })
    }

    /// One errand of the transaction, after the pause that its number of earlier attempts asks for.
    pub(super) fn errand(
        &self,
        action: Action,
        transaction: &Transaction,
        stage: Stage,
        command: Option<Vec<u8>>,
        downloads: PathBuf,
        shown: Rc<Shown>,
    ) -> LocalBoxFuture<'static, Done> {
        let ecu = ecu_of(action);
        let link = ecu.and_then(|ecu| self.0.get(&ecu).cloned());
        let member = ecu.and_then(|ecu| transaction.member(ecu).cloned());
        let (id, decided) = (transaction.id, matches!(transaction.state, State::Committing));
        Box::pin(async move {
            let (Some(link), Some(member)) = (link, member) else { return Done::Tell(Input::Happened(Event::Resumed)) };
            tokio::time::sleep(pause(action)).await;
            let mut link = link.lock().await;
            let before = link.bus_time();
            let watch = host::clock::stopwatch();
            let committed = decided.then_some(member.sha256);
            let seen = match action {
                Action::Stage(..) => {
                    let image = downloads.join(member.sha256.to_string());
                    let files = |identity: &Identity| stage.files(identity, &image);
                    errand::stage(&mut *link, id, files, &mut |progress| shown.progress(member.ecu, progress)).await
                }
                Action::Activate(..) => told(&mut link, id, committed, command, &[Standing::Staged]).await,
                Action::Commit(..) => told(&mut link, id, committed, command, &[Standing::Healthy]).await,
                Action::RollBack(..) => told(&mut link, id, committed, command, &OPEN).await,
                Action::Look(..) | Action::Record | Action::Close => errand::look(&mut *link, id).await,
            };
            shown.end(
                member.ecu,
                &watch,
                before.zip(link.bus_time()).map(|(before, after)| after.saturating_sub(before)),
            );
            Done::Tell(Input::Happened(event(member.ecu, seen, &shown)))
        })
    }
}

/// Where a member stands that can still go back.
const OPEN: [Standing; 4] = [Standing::Staging, Standing::Staged, Standing::Trial, Standing::Healthy];

async fn told(
    link: &mut Link,
    transaction: uptane::TransactionId,
    committed: Option<Sha256>,
    command: Option<Vec<u8>>,
    due: &[Standing],
) -> Result<Standing, Failure> {
    match command {
        Some(command) => errand::command(link, transaction, committed, &command, due).await,
        None => errand::look(link, transaction).await,
    }
}

/// What an errand's end means for the transaction.
fn event(ecu: EcuId, seen: Result<Standing, Failure>, shown: &Shown) -> Event {
    let event = match seen {
        Ok(standing) => {
            shown.stands(ecu, standing);
            return Event::Seen(ecu, standing);
        }
        Err(Failure::Refused(Refusal::Check(code))) => Event::Refused(ecu, code),
        // A transfer that came apart is tried again.
        Err(Failure::Refused(Refusal::Offset(_)) | Failure::Confused | Failure::Silent(_)) => Event::Unreachable(ecu),
        Err(Failure::Refused(_) | Failure::Unreadable(_)) => Event::Refused(ecu, 0),
    };
    tracing::info!(%ecu, ?event, "an errand failed");
    event
}

/// Whom an action is for.
pub(super) fn ecu_of(action: Action) -> Option<EcuId> {
    match action {
        Action::Stage(ecu, _)
        | Action::Look(ecu, _)
        | Action::Activate(ecu, _)
        | Action::Commit(ecu, _)
        | Action::RollBack(ecu, _) => Some(ecu),
        Action::Record | Action::Close => None,
    }
}

/// How long to wait before an attempt: not at all before the first.
pub(super) fn pause(action: Action) -> Duration {
    let (Action::Stage(_, tried)
    | Action::Look(_, tried)
    | Action::Activate(_, tried)
    | Action::Commit(_, tried)
    | Action::RollBack(_, tried)) = action
    else {
        return Duration::ZERO;
    };
    match tried.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => PAUSE.saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST_PAUSE),
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
}

fn join(config: &Config, secondary: &crate::config::Secondary) -> Result<Bus<UnixBus>, Error> {
    let bad = || Error::BadSecondary { text: format!("{} (no `can` in config.toml)", secondary.address) };
    let folder = config.can.as_ref().ok_or_else(bad)?;
    Ok(Bus::new(UnixBus::join(folder)?))
}
