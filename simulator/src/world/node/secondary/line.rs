//! A Secondary's end of a CAN bus: its own channel, and what it hears together with others if it does.

use std::time::Duration;

use proto::can::{Format, Frame};
use proto::isotp::{Config, Framing, Separation};
use proto::uds::Handler;
use secondary_ecu::channel::{Channel, Hearing, MAX_MESSAGE, MAX_RESPONSE};

use crate::world::vehicle::Connection;

/// What its end of the bus is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub(super) config: Config,
    hears: bool,
}

/// What it says and hears there.
pub(super) enum Line {
    /// By itself alone.
    Own(Box<Channel<MAX_MESSAGE, MAX_RESPONSE>>),
    /// And with others.
    Shared(Box<Hearing<MAX_MESSAGE, MAX_RESPONSE, ROOM>>),
}

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
            false => Line::Own(Box::new(Channel::new(self.config))),
            true => Line::Shared(Box::new(Hearing::new(self.config, Separation::NONE))),
        }
    }
}

impl Line {
    pub(super) fn hear(&mut self, frame: &Frame, now: Duration, handler: &mut impl Handler) {
        let _has_asked = match self {
            Self::Own(channel) => channel.hear(frame, now, handler),
            Self::Shared(channel) => channel.hear(frame, now, handler),
        };
    }

    pub(super) fn work(&mut self, now: Duration, handler: &mut impl Handler) {
        match self {
            Self::Own(channel) => channel.work(now, handler),
            Self::Shared(channel) => channel.work(now, handler),
        }
    }

    pub(super) fn poll(&mut self, now: Duration) -> Result<Option<Frame>, proto::Error> {
        match self {
            Self::Own(channel) => channel.poll(now),
            Self::Shared(channel) => channel.poll(now),
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        match self {
            Self::Own(channel) => channel.is_pending(),
            Self::Shared(channel) => channel.is_pending(),
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        match self {
            Self::Own(channel) => channel.is_quiet(),
            Self::Shared(channel) => channel.is_quiet(),
        }
    }

    pub(super) fn has_answer(&self) -> bool {
        match self {
            Self::Own(channel) => channel.has_answer(),
            Self::Shared(channel) => channel.has_answer(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        match self {
            Self::Own(channel) => channel.deadline(),
            Self::Shared(channel) => channel.deadline(),
        }
    }
}

/// Bytes that an ECU keeps of a broadcast until they are in its flash: two windows of 240 classical frames.
const ROOM: usize = 3_360;
