//! A Secondary's end of a CAN bus: its own channel, and what it hears together with others if it does.

use proto::can::Format;
use proto::isotp::{Config, Framing, Separation};
use secondary_ecu::channel::{Hearing, MAX_MESSAGE, MAX_RESPONSE};

use crate::world::vehicle::Connection;

/// What its end of the bus is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub(super) config: Config,
    hears: bool,
}

/// What it says and hears there.
pub(super) type Line = Box<Hearing<MAX_MESSAGE, MAX_RESPONSE, ROOM>>;

impl Wire {
    /// That of an ECU on a CAN bus.
    pub(super) fn of(connection: &Connection) -> Option<Self> {
        match connection {
            Connection::Can { format, request, response, hears, .. } => {
                let framing = match format {
                    Format::Classical => Framing::CLASSICAL,
                    Format::Fd => Framing::FD,
                };
                Some(Self { config: Config::new(framing, *response, *request), hears: hears.is_some() })
            }
            Connection::Ethernet | Connection::Primary => None,
        }
    }

    /// Nothing has been said on it.
    pub(super) fn open(self) -> Line {
        match self.hears {
            false => Box::new(Hearing::alone(self.config)),
            true => Box::new(Hearing::new(self.config, Separation::NONE)),
        }
    }
}

/// Bytes that an ECU keeps of a broadcast until they are in its flash: two windows of 240 classical frames.
const ROOM: usize = 3_360;
