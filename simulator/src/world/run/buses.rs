//! The CAN buses of a run: the bit-exact bus, the Primary's conversations on it, and who is behind which identifier.

use std::time::Duration;

use primary_ecu::can::Conversation;
use proto::can::{Format, Frame, Id};
use proto::isotp::{BUS_TIMEOUT, Framing};
use uptane::EcuId;

use super::ills::Ills;
use super::line::Line;
use super::secondaries::Secondaries;
use super::transfer::Receiving;
use crate::world::can::{Bus, Config, Filter, NodeId, Traffic};
use crate::world::chance::Chance;
use crate::world::engine::Ticket;
use crate::world::time::Moment;
use crate::world::vehicle::{self, Connection, Hears, Vehicle};

/// A bus and who is on it.
pub(super) struct CanBus {
    pub(super) name: String,
    pub(super) bus: Bus,
    pub(super) primary: NodeId,
    pub(super) ports: Vec<Port>,
    /// When the world looks at it next.
    pub(super) next: Option<Ticket>,
    /// What is wrong with it now.
    pub(super) ills: Ills,
    /// Whether each frame of the Primary is disturbed until that is bus-off.
    pub(super) is_primary_driven_off: bool,
    pub(super) chance: Chance,
    pub(super) receiving: Receiving,
    pub(super) line: Line,
}

/// A Secondary on a bus, and the Primary's conversation with it.
pub(super) struct Port {
    pub(super) ecu: EcuId,
    /// Its number among the Secondaries, and whether it has power.
    pub(super) secondary: usize,
    pub(super) is_on: bool,
    pub(super) node: NodeId,
    framing: Framing,
    pub(super) request: Id,
    pub(super) response: Id,
    pub(super) conversation: Conversation,
    /// Whether the Primary waits for an answer.
    pub(super) is_asked: bool,
    /// Since when the Primary's controller, and the Secondary's, has had a frame that is not sent yet.
    pub(super) sending: [Option<Moment>; 2],
    /// When the conversation, and the Secondary, has something to do.
    pub(super) timers: [Option<Ticket>; 2],
    /// What was carried for it, both directions.
    pub(super) carried: Carried,
    /// Whether each of its frames is disturbed until it is bus-off.
    pub(super) is_driven_off: bool,
}

/// How much went over a bus for one Secondary.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Carried {
    pub(super) frames: u64,
    /// Bytes of data, and bytes of whole frames.
    pub(super) payload: u64,
    pub(super) wire: u64,
}

/// The Primary's side of a port.
pub(super) const ASKING: usize = 0;
/// The Secondary's side.
pub(super) const ANSWERING: usize = 1;

impl CanBus {
    /// The bus with everybody on it.
    pub(super) fn new(of: &vehicle::Bus, vehicle: &Vehicle, chance: &Chance) -> Self {
        let mut bus = Bus::new(of.rates(), chance.split("bus"));
        let on_bus = || vehicle.on_bus(of.name()).filter_map(|ecu| Some((ecu, Ways::of(ecu.connection())?)));
        let answers = || on_bus().flat_map(|(_, ways)| [Some(ways.response), ways.hears.map(|hears| hears.answer)]);
        let responses = answers().flatten().map(Filter::exactly).collect();
        let own = vehicle.primary().hardware().controller();
        // One for each conversation, and one for each group.
        let groups = vehicle.groups().iter().filter(|group| group.bus == *of.name()).count();
        let primary = bus.attach(controller(own, of.is_fd(), responses, on_bus().count() + groups));
        let mut ports = Vec::new();
        for (ecu, Ways { framing, request, response, hears }) in on_bus() {
            let heard = [Some(request), hears.map(|hears| hears.broadcast)];
            let heard = heard.into_iter().flatten().map(Filter::exactly).collect();
            let config = controller(ecu.hardware().controller(), of.is_fd(), heard, 1);
            ports.push(Port {
                ecu: ecu.id(),
                secondary: usize::MAX,
                is_on: false,
                node: bus.attach(config),
                framing,
                request,
                response,
                conversation: Conversation::new(framing, request, response),
                is_asked: false,
                sending: [None; 2],
                timers: [None; 2],
                carried: Carried::default(),
                is_driven_off: false,
            });
        }
        add_background(&mut bus, of, chance);
        let (name, chance) = (of.name().to_string(), chance.split("noise"));
        let (receiving, line) = (Receiving::default(), Line::default());
        Self {
            name,
            bus,
            primary,
            ports,
            next: None,
            ills: Ills::none(of.is_fd()),
            is_primary_driven_off: false,
            chance,
            receiving,
            line,
        }
    }

    /// Tells every port which Secondary is behind it.
    pub(super) fn seat(&mut self, secondaries: &Secondaries) {
        for port in &mut self.ports {
            port.secondary = secondaries.number(port.ecu).unwrap_or(usize::MAX);
        }
    }

    /// The port that a node sends this identifier for, and which side of it that is; nothing of a node that is neither the
    /// Primary nor a Secondary, whatever it pretends to be.
    pub(super) fn sender(&self, node: NodeId, id: Id) -> Option<(usize, usize)> {
        let side = if node == self.primary { ASKING } else { ANSWERING };
        let is_it = |port: &Port| match side {
            ASKING => port.request == id,
            _ => port.node == node,
        };
        self.ports.iter().position(is_it).map(|number| (number, side))
    }

    /// The name of a node.
    pub(super) fn name_of(&self, node: NodeId) -> String {
        match self.ports.iter().find(|port| port.node == node) {
            Some(port) => port.ecu.to_string(),
            None if node == self.primary => "primary".to_owned(),
            None if self.ills.has(node) => "intruder".to_owned(),
            None => "background".to_owned(),
        }
    }

    /// Forgets every conversation: the Primary lost power.
    pub(super) fn forget_conversations(&mut self) {
        for port in &mut self.ports {
            port.conversation = Conversation::new(port.framing, port.request, port.response);
            port.is_asked = false;
            port.sending[ASKING] = None;
        }
    }
}

impl Carried {
    /// A frame went over the bus.
    pub(super) fn add(&mut self, frame: &Frame) {
        let length = u64::try_from(frame.data().len()).unwrap_or(u64::MAX);
        self.frames = self.frames.saturating_add(1);
        self.payload = self.payload.saturating_add(length);
        self.wire = self.wire.saturating_add(length).saturating_add(FRAME);
    }
}

impl Port {
    /// Whether the controller of a side has held a frame for longer than ISO-TP waits (N_As).
    pub(super) fn is_stuck(&self, side: usize, now: Moment) -> bool {
        self.sending.get(side).copied().flatten().is_some_and(|since| now >= since + BUS_TIMEOUT)
    }

    /// When the conversation has something to do.
    pub(super) fn speaks(&self) -> Moment {
        let due = self.conversation.deadline().map_or(Moment::NEVER, |due| Moment::START + due);
        due_with(due, self.sending[ASKING])
    }

    /// When the Secondary has, by what it says itself.
    pub(super) fn wakes(&self, deadline: Moment) -> Moment {
        due_with(deadline, self.sending[ANSWERING])
    }
}

/// While the controller holds a frame, nothing is due before that is given up.
fn due_with(due: Moment, sending: Option<Moment>) -> Moment {
    sending.map_or(due, |since| since + BUS_TIMEOUT)
}

struct Ways {
    framing: Framing,
    request: Id,
    response: Id,
    hears: Option<Hears>,
}

impl Ways {
    fn of(connection: &Connection) -> Option<Self> {
        match connection {
            Connection::Can { format, request, response, hears, .. } => {
                let framing = match format {
                    Format::Classical => Framing::CLASSICAL,
                    Format::Fd => Framing::FD,
                };
                Some(Self { framing, request: *request, response: *response, hears: *hears })
            }
            Connection::Ethernet | Connection::Primary => None,
        }
    }
}

fn controller(of: vehicle::Controller, fd: bool, filters: Vec<Filter>, mailboxes: usize) -> Config {
    let fifo = usize::try_from(of.frames.get()).unwrap_or(usize::MAX);
    let mailboxes = mailboxes.max(MAILBOXES);
    Config { fd, fifo, mailboxes, latency: of.latency, filters, restart: Some(RESTART), ..Config::default() }
}

/// Other ECUs' traffic, from a node of its own.
fn add_background(bus: &mut Bus, of: &vehicle::Bus, chance: &Chance) {
    let percent = of.background().billionths() / 10_000_000;
    let ids: Vec<Id> = BACKGROUND.filter_map(|id| Id::standard(id).ok()).collect();
    if percent == 0 {
        return;
    }
    // It reads nothing.
    let filters = Id::standard(0).map(Filter::exactly).into_iter().collect();
    let node = bus.attach(Config {
        fd: of.is_fd(),
        mailboxes: 64,
        filters,
        restart: Some(RESTART),
        attended: false,
        ..Config::default()
    });
    if let Ok(traffic) = Traffic::by_load(percent, of.rates(), &ids, chance.split("background")) {
        // The node was attached just now.
        let _known = bus.add_traffic(node, traffic);
    }
}

/// Identifiers of other traffic: more important than diagnosis, as it is in vehicles.
const BACKGROUND: std::ops::Range<u16> = 0x100..0x140;
/// Mailboxes of a usual controller.
const MAILBOXES: usize = 3;
/// How long after bus-off a driver asks for the way back.
pub(super) const RESTART: Duration = Duration::from_millis(100);
/// Bytes of a frame beside its data: identifier, control, checksum, acknowledgement, end and space, without stuff bits.
const FRAME: u64 = 6;
