//! One ECU: the machine, its flash, and what carries messages to it.

use std::time::Duration;

use proto::can::Frame;
use proto::isotp::{Config, Link, Party, Port, Separation};
use proto::secondary::{Reply, Request};
use proto::uds::{Control, Ecu, Handler, Server};
use secondary_ecu::channel::{Hearing, MAX_MESSAGE, MAX_RESPONSE};
use secondary_ecu::{BootError, Running};
use uptane::verify::proof::ProvenPrimary;
use uptane::verify::signature::BadSignature;
use uptane::{Nonce, Time};

use super::chip::{Chip, Nor};
use super::scene::{Machine, Scene};
use super::setup::Setup;

/// The ECU as a driver runs it.
pub(super) struct Unit {
    node: Node,
    carrier: Carrier,
    setup: Setup,
}

/// The machine, and what it is asked to do between requests.
struct Node {
    machine: Machine,
    chip: Chip,
    time: Time,
    /// A tester asked for a reset.
    resets: bool,
    /// Why it did not come back from one.
    broken: Option<BootError>,
}

/// What shipped drivers use: a channel that hears broadcasts too, or a port for two testers and a group.
enum Carrier {
    Hearing(Box<Hearing<MAX_MESSAGE, MAX_RESPONSE, 1_024>>),
    Port(Box<Ported>),
}

/// A server behind a port.
struct Ported {
    port: Port<2, MAX_MESSAGE, MAX_RESPONSE>,
    server: Server,
    confirms: bool,
    out: [u8; MAX_RESPONSE],
    /// Bytes of the answer that waits, and for which tester.
    answer: usize,
    asker: usize,
}

impl Unit {
    /// The ECU after a power cycle, with this flash.
    pub(super) fn boot(scene: &Scene, flash: Nor, setup: Setup) -> Result<Self, BootError> {
        let chip = Chip::new(flash);
        let machine = scene.boot(chip.clone())?;
        let mut node = Node { machine, chip, time: scene.time(), resets: false, broken: None };
        node.vote();
        Ok(Self { node, carrier: Carrier::new(&setup), setup })
    }

    /// What its flash holds now.
    pub(super) fn flash(&self) -> Nor {
        self.node.chip.copy()
    }

    /// What runs.
    pub(super) fn running(&self) -> Running {
        self.node.machine.running()
    }

    /// The machine, to look at.
    pub(super) fn machine(&self) -> &Machine {
        &self.node.machine
    }

    /// Why it did not come back from a reset, if it did not.
    pub(super) fn broken(&self) -> Option<BootError> {
        self.node.broken
    }

    /// Takes a frame.
    pub(super) fn hear(&mut self, frame: &Frame, now: Duration) {
        match &mut self.carrier {
            Carrier::Hearing(hearing) => {
                hearing.hear(frame, now, &mut self.node);
            }
            Carrier::Port(port) => port.hear(frame, now, &mut self.node),
        }
    }

    /// Takes a message as if frames had brought it. Whether the carrier takes any.
    pub(super) fn hear_message(&mut self, message: &[u8], to_all: bool, now: Duration) -> bool {
        match &mut self.carrier {
            Carrier::Hearing(_) => return false,
            Carrier::Port(port) => port.hear_message(message, to_all.then_some(Party::Functional), now, &mut self.node),
        }
        true
    }

    /// The next frame that is due.
    pub(super) fn poll(&mut self, now: Duration) -> Option<Frame> {
        // A lost message leaves the link idle, so this ends.
        loop {
            let polled = match &mut self.carrier {
                Carrier::Hearing(hearing) => hearing.poll(now).map_err(drop),
                Carrier::Port(port) => port.poll(now).map_err(drop),
            };
            if let Ok(frame) = polled {
                return frame;
            }
        }
    }

    /// Whether there is work.
    pub(super) fn is_pending(&self) -> bool {
        match &self.carrier {
            Carrier::Hearing(hearing) => hearing.is_pending(),
            Carrier::Port(port) => port.server.is_pending(),
        }
    }

    /// Does what was announced, and ends a session that is over.
    pub(super) fn work(&mut self, now: Duration) {
        match &mut self.carrier {
            Carrier::Hearing(hearing) => hearing.work(now, &mut self.node),
            Carrier::Port(port) => port.work(now, &mut self.node),
        }
    }

    /// What the driver does once all answers have left: the reset that was asked for.
    pub(super) fn settle(&mut self) {
        let is_quiet = match &self.carrier {
            Carrier::Hearing(hearing) => hearing.is_quiet(),
            Carrier::Port(port) => port.is_quiet(),
        };
        if is_quiet && self.node.settle() {
            self.carrier = Carrier::new(&self.setup);
        }
    }

    /// Whether the ECU has room for more of a message; where there is none, testers are asked to wait.
    pub(super) fn set_ready(&mut self, ready: bool) {
        if let Carrier::Port(port) = &mut self.carrier {
            for number in [0, 1] {
                port.port.link_mut(number).into_iter().for_each(|link| link.set_ready(ready));
            }
        }
    }

    /// Its controller has lost frames.
    pub(super) fn overrun(&mut self) {
        if let Carrier::Port(port) = &mut self.carrier {
            port.port.overrun();
        }
    }

    /// When to poll again.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match &self.carrier {
            Carrier::Hearing(hearing) => hearing.deadline(),
            Carrier::Port(port) => [port.port.deadline(), port.server.deadline()].into_iter().flatten().min(),
        }
    }
}

impl Carrier {
    fn new(setup: &Setup) -> Self {
        let [config, _] = setup.ecu;
        match setup.is_port {
            true => Self::Port(Box::new(Ported::new(setup, config))),
            false => Self::Hearing(Box::new(Hearing::new(config, Separation::NONE))),
        }
    }
}

impl Ported {
    fn new(setup: &Setup, config: Config) -> Self {
        let group = if config.confirms { setup.group.confirmed() } else { setup.group };
        let port = Port::new(setup.ecu, Some(group));
        let port = port.unwrap_or_else(|error| panic!("no two of the addresses are the same: {error}"));
        let server = Server::new(MAX_MESSAGE);
        Self { port, server, confirms: config.confirms, out: [0; MAX_RESPONSE], answer: 0, asker: 0 }
    }

    fn hear(&mut self, frame: &Frame, now: Duration, node: &mut Node) {
        self.hand_over(now);
        let Self { port, server, out, answer, asker, .. } = self;
        let Ok(Some(heard)) = port.handle(frame, now) else {
            if [0, 1].iter().any(|number| port.link(*number).is_some_and(Link::is_receiving)) {
                server.receiving(now);
            }
            return;
        };
        (*answer, *asker) = match heard.party {
            Party::Session(number) => (server.handle(heard.message, now, node, out), number),
            Party::Functional => (server.handle_functional(heard.message, now, node, out), 0),
        };
    }

    fn hear_message(&mut self, message: &[u8], to_all: Option<Party>, now: Duration, node: &mut Node) {
        self.asker = 0;
        self.answer = match to_all {
            Some(_) => self.server.handle_functional(message, now, node, &mut self.out),
            None => self.server.handle(message, now, node, &mut self.out),
        };
    }

    fn work(&mut self, now: Duration, node: &mut Node) {
        if let Some(answer) = self.server.poll(now, node, &mut self.out) {
            self.answer = answer;
        }
    }

    fn poll(&mut self, now: Duration) -> Result<Option<Frame>, proto::isotp::Lost> {
        self.hand_over(now);
        let polled = self.port.poll(now);
        if let (Ok(Some(frame)), true) = (&polled, self.confirms) {
            self.port.confirm(frame, now);
        }
        polled
    }

    fn hand_over(&mut self, now: Duration) {
        let answer = std::mem::take(&mut self.answer);
        let message = self.out.get(..answer).filter(|message| !message.is_empty());
        if let (Some(message), Some(link)) = (message, self.port.link_mut(self.asker)) {
            // One that is busy with an older answer drops this: the tester asks again.
            link.send(message, now).ok();
        }
    }

    fn is_quiet(&self) -> bool {
        let is_sending = [0, 1].iter().any(|number| self.port.link(*number).is_some_and(Link::is_sending));
        self.answer == 0 && !is_sending && !self.server.is_pending()
    }
}

impl Node {
    /// Resets if it is to; whether it did.
    fn settle(&mut self) -> bool {
        let asked = std::mem::take(&mut self.resets);
        if !asked && !self.machine.wants_reset() || self.broken.is_some() {
            return false;
        }
        self.broken = self.machine.reset().err();
        self.vote();
        true
    }

    /// The image's self-test: it runs, so it passes.
    fn vote(&mut self) {
        if self.machine.vote_healthy().is_err() {
            self.broken = Some(BootError::Storage);
        }
    }
}

impl Handler for Node {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self.machine.handle(request, self.time)
    }

    fn ecu(&mut self) -> Option<&mut dyn Ecu> {
        Some(self)
    }
}

impl Ecu for Node {
    fn challenge(&mut self) -> Option<Nonce> {
        self.machine.challenge().ok()
    }

    fn prove(&self, challenge: Nonce, proof: &[u8; 64]) -> Result<ProvenPrimary, BadSignature> {
        self.machine.prove(challenge, proof)
    }

    fn permits(&self, control: Control) -> bool {
        match control {
            Control::Reset(_) => self.machine.permits_reset(),
            Control::Communication(..) | Control::DtcSetting(_) => true,
        }
    }

    fn obey(&mut self, control: Control) {
        self.resets |= matches!(control, Control::Reset(_));
    }
}
