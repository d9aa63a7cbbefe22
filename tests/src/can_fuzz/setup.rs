//! How an ECU and its testers talk: framing, addressing, pace.

use proto::can::Id;
use proto::isotp::{Address, Addressing, Config, Framing, Functional, Priority, Separation};

use super::chance::Chance;

/// Who sends and takes what on a bus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// The ECU's ends: of its Primary, and of a second tester.
    pub(super) ecu: [Config; 2],
    /// The other ends of these.
    pub(super) testers: [Config; 2],
    /// To all ECUs.
    pub(super) group: Functional,
    /// Whether the ECU has one port for both testers and the group; otherwise it hears broadcasts.
    pub(super) is_port: bool,
}

impl Setup {
    /// As chance will have it.
    pub(super) fn new(chance: &mut Chance) -> Self {
        let format = Format::new(chance);
        let mut flow = Flow::new(chance);
        let is_port = chance.once_in(2);
        flow.confirms &= is_port;
        let config = |addressing| flow.of(Config::with(format.framing, addressing));
        let (mine, theirs) = (|n| format.ends(n, false), |n| format.ends(n, true));
        Self {
            ecu: [0, 1].map(|number| config(mine(number))),
            testers: [0, 1].map(|number| config(theirs(number))),
            group: Functional::new(format.framing, format.group()),
            is_port,
        }
    }
}

/// What frames look like.
#[derive(Clone, Copy, Debug)]
struct Format {
    framing: Framing,
    addressing: usize,
    extended: bool,
    priority: Priority,
}

impl Format {
    fn new(chance: &mut Chance) -> Self {
        let length = chance.choose(64, &[8, 12, 16, 20, 24, 32, 48]);
        let framing = match chance.once_in(3) {
            true => Framing::CLASSICAL,
            false => Framing::fd(length).unwrap_or(Framing::FD),
        };
        let framing = if chance.once_in(3) { framing.unpadded() } else { framing };
        let priority = Priority::new(chance.byte() % 8).unwrap_or_default();
        Self { framing, addressing: chance.below(FORMATS), extended: chance.once_in(2), priority }
    }

    /// What the ECU, or its tester, is on the way between the two.
    fn ends(&self, number: u8, is_tester: bool) -> Addressing {
        let (request, response) = (self.id(REQUEST, number), self.id(RESPONSE, number));
        let (send, receive) = if is_tester { (request, response) } else { (response, request) };
        let (own, peer) = if is_tester { (TESTER + number, ECU) } else { (ECU, TESTER + number) };
        let priority = self.priority;
        match self.addressing {
            0 => Addressing::Normal { send, receive },
            1 => Addressing::NormalFixed { priority, own, peer },
            2 => Addressing::Extended { send, receive, own, peer },
            3 => Addressing::Mixed11 { send, receive, extension: EXTENSION + number },
            _ => Addressing::Mixed29 { priority, own, peer, extension: EXTENSION + number },
        }
    }

    fn group(&self) -> Address {
        let id = self.id(GROUP, 0);
        match self.addressing {
            0 => Address::normal(id),
            1 => Address::functional_fixed(self.priority, ALL, TESTER),
            2 => Address::extended(id, ALL),
            3 => Address::mixed_11(id, EXTENSION),
            _ => Address::functional_mixed_29(self.priority, ALL, TESTER, EXTENSION),
        }
    }

    fn id(&self, base: u16, number: u8) -> Id {
        let raw = base + u16::from(number);
        let id = if self.extended { Id::extended(raw.into()) } else { Id::standard(raw) };
        id.unwrap_or_else(|error| panic!("the identifiers are good ones: {error}"))
    }
}

/// What both ends ask of each other.
#[derive(Clone, Copy, Debug)]
struct Flow {
    block_size: u8,
    separation: Separation,
    confirms: bool,
    adaptive: bool,
}

impl Flow {
    fn new(chance: &mut Chance) -> Self {
        Self {
            block_size: chance.choose(0, &[0, 1, 8, 200]),
            separation: Separation::from_byte(chance.choose(0, &[0, 0xf1, 1, 0x80])),
            confirms: chance.once_in(2),
            adaptive: chance.once_in(2),
        }
    }

    fn of(self, config: Config) -> Config {
        let Self { block_size, separation, confirms, adaptive } = self;
        Config { block_size, separation, confirms, adaptive, ..config }
    }
}

/// An identifier: of this number, and with 11 bits.
pub(super) fn standard(raw: u16) -> Id {
    Id::standard(raw).unwrap_or_else(|error| panic!("a good identifier: {error}"))
}

const FORMATS: usize = 5;
const REQUEST: u16 = 0x700;
const RESPONSE: u16 = 0x708;
const GROUP: u16 = 0x7df;
const ECU: u8 = 0x10;
const TESTER: u8 = 0xf1;
const ALL: u8 = 0x33;
const EXTENSION: u8 = 0x55;
/// All that the sender of a broadcast says.
pub(super) const BROADCAST: u16 = 0x6a5;
/// What the ECU answers to that.
pub(super) const ANSWER: u16 = 0x6b0;
