//! UDS over ISO-TP: to Secondaries on CAN. One port on the bus serves all of them, each by its own pair of identifiers.

pub mod broadcast;
mod budget;
mod conversation;
mod link;
mod outage;
mod pace;
mod speaker;

use std::sync::Arc;
use std::time::Duration;

use host::can::{Arrival, Event, FramePort, Interest};
use host::disk::Folder;
use proto::can::{Format, Frame, Id};
use proto::isotp::Framing;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::Error;
use crate::config::{CanBudget, id};
use broadcast::{Broadcast, Group};
use budget::Budget;
use outage::Outage;
use pace::Pace;
use speaker::Speaker;

pub use conversation::Conversation;
pub(crate) use link::CanLink;
pub(crate) use speaker::{Called, GroupLink, Seat};

/// Secondaries of one bus that are talked to at a time: while one writes what it was sent, the others fill the bus. Two
/// leave one of 5 Mbit/s free for a fifth of the time. With fourteen, the identifiers that lose against all others did not
/// come through before their time was over.
pub const AT_ONCE: usize = 3;

/// Frames that may wait for a link.
const INCOMING: usize = 512;
/// Frames that may wait for the port. A link takes them for sent, so at the smallest share of a bus they must leave well
/// before anybody gives up (ISO 15765-2, N_As).
const OUTGOING: usize = 8;

/// The bus: links are added, then it runs.
pub(crate) struct Bus {
    routes: Vec<(Id, mpsc::Sender<Frame>)>,
    format: Format,
    outgoing: mpsc::Receiver<Frame>,
    sender: mpsc::Sender<Frame>,
    /// What is said to groups: one frame waits, so that a question to all leaves soon after its frames.
    said: (mpsc::Sender<Frame>, mpsc::Receiver<Frame>),
    turns: Arc<Semaphore>,
    usable: watch::Sender<bool>,
    budget: Option<Budget>,
}

impl Bus {
    /// A bus without links, of which updates may take as much as is said, or all.
    pub(crate) fn new(budget: Option<&CanBudget>) -> Self {
        let (sender, outgoing) = mpsc::channel(OUTGOING);
        Self {
            routes: Vec::new(),
            format: Format::Classical,
            outgoing,
            sender,
            said: mpsc::channel(1),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            usable: watch::Sender::new(true),
            budget: budget.map(Budget::new),
        }
    }

    /// A link to the Secondary that listens to `request` and answers with `response`.
    pub(crate) fn link(&mut self, fd: bool, request: u32, response: u32) -> Result<CanLink, Error> {
        let framing = if fd { Framing::FD } else { Framing::CLASSICAL };
        self.format = if fd { Format::Fd } else { self.format };
        let (request, response) = (id(request)?, id(response)?);
        let (to_link, incoming) = mpsc::channel(INCOMING);
        self.routes.push((response, to_link));
        Ok(CanLink {
            outgoing: self.sender.clone(),
            incoming,
            conversation: Conversation::new(framing, request, response),
            pace: Pace::new(),
            begun: Instant::now(),
            turns: Arc::clone(&self.turns),
            usable: self.usable.subscribe(),
        })
    }

    /// A way to a group, whose images are on this disk. Must be called inside a runtime.
    pub(crate) fn group(&mut self, group: Group, disk: Folder) -> GroupLink {
        let (to_group, incoming) = mpsc::channel(INCOMING);
        self.routes.extend(group.answers.values().map(|answer| (*answer, to_group.clone())));
        let (speaker, link) = Speaker::new(Broadcast::new(group, disk), incoming, self.said.0.clone());
        tokio::spawn(speaker.run());
        link
    }

    /// What the port must bring, and carry.
    pub(crate) fn interest(&self) -> Interest {
        Interest { identifiers: self.routes.iter().map(|(id, _)| *id).collect(), format: self.format }
    }

    /// Carries frames for as long as the port works.
    pub(crate) async fn run(self, port: impl FramePort) -> Error {
        let mut running = Running { bus: self, port, outage: Outage::default(), begun: Instant::now() };
        loop {
            if let Err(error) = running.step().await {
                return error;
            }
        }
    }

    /// A link that is not listening loses frames, as on a real bus; its client asks again.
    fn route(&self, frame: Frame) {
        if let Some((_, link)) = self.routes.iter().find(|(id, _)| *id == frame.id()) {
            let _ = link.try_send(frame);
        }
    }
}

/// A bus with its port.
struct Running<P> {
    bus: Bus,
    port: P,
    outage: Outage,
    begun: Instant,
}

impl<P: FramePort> Running<P> {
    /// Carries one frame, or takes in one event.
    async fn step(&mut self) -> Result<(), Error> {
        let out = self.outage.is_on(self.begun.elapsed());
        self.bus.usable.send_if_modified(|usable| std::mem::replace(usable, !out) == out);
        // What is sent into an outage is lost.
        let budget = self.bus.budget.filter(|_| !out);
        let ready = self.begun + budget.map_or(Duration::ZERO, |budget| budget.ready_at());
        let settled = self.begun + self.outage.ends_at().unwrap_or_default();
        tokio::select! {
            arrival = self.port.receive() => self.take(arrival?)?,
            Some(frame) = due(&mut self.bus.outgoing, ready) => self.send(&frame, out).await?,
            Some(frame) = due(&mut self.bus.said.1, ready) => self.send(&frame, out).await?,
            () = sleep_until(settled), if out && self.outage.ends_at().is_some() => {}
        }
        Ok(())
    }

    async fn send(&mut self, frame: &Frame, out: bool) -> Result<(), Error> {
        if out {
            return Ok(());
        }
        self.spend(frame);
        Ok(self.port.send(frame).await?)
    }

    fn take(&mut self, arrival: Arrival) -> Result<(), Error> {
        let now = self.begun.elapsed();
        let chance = u32::from_be_bytes(host::random::bytes()?);
        match arrival {
            Arrival::Frame(frame) => {
                self.outage.hear(now, chance);
                self.spend(&frame);
                self.bus.route(frame);
            }
            Arrival::Event(event) => {
                log(event);
                self.outage.notice(event, now, chance);
            }
        }
        Ok(())
    }

    fn spend(&mut self, frame: &Frame) {
        let now = self.begun.elapsed();
        if let Some(budget) = &mut self.bus.budget {
            budget.spend(frame, now);
        }
    }
}

/// The next frame that is to be sent, when it may be.
async fn due(outgoing: &mut mpsc::Receiver<Frame>, ready: Instant) -> Option<Frame> {
    sleep_until(ready).await;
    outgoing.recv().await
}

fn log(event: Event) {
    if event.is_trouble() {
        tracing::warn!(?event, "the CAN bus is in trouble");
    } else {
        tracing::info!(?event, "the CAN bus is better");
    }
}

#[cfg(test)]
mod tests;
