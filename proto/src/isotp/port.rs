//! Several sessions on one port of a bus, and messages to many.

use core::time::Duration;

use uptane::told;

use super::{Config, Functional, Link};
use crate::Error;
use crate::can::Frame;

/// `N` sessions, each with messages of up to `RX` bytes in and `TX` bytes out, and at most one group.
///
/// After every other call, poll until there is no frame; poll again at [`Port::deadline`]. Whoever has frames to send has
/// them sent in turn, one each.
#[derive(Clone, Debug)]
pub struct Port<const N: usize, const RX: usize, const TX: usize> {
    links: [Link<RX, TX>; N],
    functional: Option<Functional>,
    /// Who is asked first at the next poll: a session or, after the last of them, the group.
    turn: usize,
}

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are no others, and both must be handled")]
pub enum Party {
    /// The session with this number, from 0.
    Session(usize),
    /// The group.
    Functional,
}

/// A message that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<'m> {
    /// Whose.
    pub party: Party,
    /// The message.
    pub message: &'m [u8],
}

/// A message that is lost, in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error} ({party:?})")]
pub struct Lost {
    /// Whose.
    pub party: Party,
    /// Why.
    #[source]
    pub error: Error,
}

impl<const N: usize, const RX: usize, const TX: usize> Port<N, RX, TX> {
    /// Idle sessions. [`Error::SameAddress`] if a frame could belong to two of them, or to one and the group.
    pub fn new(configs: [Config; N], functional: Option<Functional>) -> Result<Self, Error> {
        match clashing(&configs, functional) {
            Some(session) => Err(Error::SameAddress { session: told(session) }),
            None => Ok(Self { links: configs.map(Link::new), functional, turn: 0 }),
        }
    }

    /// The session with this number, from 0.
    pub fn link(&self, number: usize) -> Option<&Link<RX, TX>> {
        self.links.get(number)
    }

    /// The session with this number, from 0, to send a message.
    pub fn link_mut(&mut self, number: usize) -> Option<&mut Link<RX, TX>> {
        self.links.get_mut(number)
    }

    /// The group, to send a message.
    pub fn functional_mut(&mut self) -> Option<&mut Functional> {
        self.functional.as_mut()
    }

    /// Takes a frame from the bus; those that are nobody's are ignored. Gives the message it completes.
    pub fn handle<'m>(&'m mut self, frame: &'m Frame, now: Duration) -> Result<Option<Heard<'m>>, Lost> {
        if let Some(message) = self.functional.as_ref().and_then(|functional| functional.handle(frame)) {
            return Ok(Some(Heard { party: Party::Functional, message }));
        }
        let Some((number, link)) = self.links.iter_mut().enumerate().find(|(_, link)| link.takes(frame)) else {
            return Ok(None);
        };
        let party = Party::Session(number);
        match link.handle(frame, now) {
            Ok(message) => Ok(message.map(|message| Heard { party, message })),
            Err(error) => Err(Lost { party, error }),
        }
    }

    /// Takes note that the controller or the driver has lost frames, of whichever session.
    pub fn overrun(&mut self) {
        self.links.iter_mut().for_each(Link::overrun);
    }

    /// Takes note that a frame that was polled has left now, for drivers that confirm; any other is ignored.
    pub fn confirm(&mut self, frame: &Frame, now: Duration) {
        self.links.iter_mut().for_each(|link| link.confirm(frame, now));
        self.functional.iter_mut().for_each(|functional| functional.confirm(frame));
    }

    /// The next frame for the bus, if one is due; or whose message under way is lost, and why. Poll again after either.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Frame>, Lost> {
        for step in 0..=N {
            let asked = (self.turn + step) % (N + 1);
            let polled = self.poll_one(asked, now);
            if polled != Ok(None) {
                self.turn = (asked + 1) % (N + 1);
                return polled;
            }
        }
        Ok(None)
    }

    /// When [`Port::poll`] has something to do, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        let functional = self.functional.iter().filter_map(Functional::deadline);
        self.links.iter().filter_map(Link::deadline).chain(functional).min()
    }

    fn poll_one(&mut self, asked: usize, now: Duration) -> Result<Option<Frame>, Lost> {
        let (party, polled) = match self.links.get_mut(asked) {
            Some(link) => (Party::Session(asked), link.poll(now)),
            None => (Party::Functional, self.functional.as_mut().map_or(Ok(None), |functional| functional.poll(now))),
        };
        polled.map_err(|error| Lost { party, error })
    }
}

/// The first session whose frames could be those of a later one or of the group.
fn clashing(configs: &[Config], functional: Option<Functional>) -> Option<usize> {
    (0..configs.len()).find(|number| {
        let Some((config, later)) = configs.get(*number..).and_then(<[_]>::split_first) else { return false };
        let [sent, received] = [config.addressing.send(), config.addressing.receive()];
        let with_later =
            |other: &Config| other.addressing.send().overlaps(&sent) || other.addressing.receive().overlaps(&received);
        functional.is_some_and(|group| group.group().overlaps(&received)) || later.iter().any(with_later)
    })
}
