//! ISO-TP on a bus: what a node's driver does between the messages of its software and the frames of its controller.

use proto::can::Frame;
use proto::isotp::{BUS_TIMEOUT, Config, Link};

use super::bus::Bus;
use super::error::Error;
use super::event::NodeId;
use crate::world::time::Moment;

/// One pair of identifiers, at one node.
///
/// Give it every frame the node receives, and call [`Channel::feed`] after that, whenever a frame of the node was
/// transmitted, and at [`Channel::deadline`]. It hands the controller one frame at a time.
#[derive(Clone, Debug)]
pub struct Channel<const RX: usize, const TX: usize> {
    node: NodeId,
    // Up to two whole messages.
    link: Box<Link<RX, TX>>,
    /// Since when the controller has had a frame that is not sent yet.
    blocked: Option<Moment>,
}

/// Why a message under way is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The controller did not take a frame.
    #[error(transparent)]
    Bus(#[from] Error),
    /// ISO-TP gave it up.
    #[error(transparent)]
    Carrier(#[from] proto::Error),
}

impl<const RX: usize, const TX: usize> Channel<RX, TX> {
    /// An idle channel.
    pub fn new(node: NodeId, config: Config) -> Self {
        Self { node, link: Box::new(Link::new(config)), blocked: None }
    }

    /// Begins to send a message.
    pub fn send(&mut self, message: &[u8], now: Moment) -> Result<(), proto::Error> {
        self.link.send(message, now.since_start())
    }

    /// Takes a frame; gives the message it completes.
    pub fn receive(&mut self, frame: &Frame, now: Moment) -> Result<Option<&[u8]>, proto::Error> {
        self.link.handle(frame, now.since_start())
    }

    /// Hands the controller the next frame, if one is due and the one before it is sent.
    pub fn feed(&mut self, bus: &mut Bus, now: Moment) -> Result<(), Broken> {
        if bus.pending(self.node)? > 0 {
            let expired = now >= *self.blocked.get_or_insert(now) + BUS_TIMEOUT;
            if !expired {
                return Ok(());
            }
            bus.withdraw(self.node, now)?;
        }
        self.blocked = None;
        if let Some(frame) = self.link.poll(now.since_start())? {
            self.blocked = Some(now);
            bus.send(self.node, frame, now)?;
        }
        Ok(())
    }

    /// When [`Channel::feed`] has something to do, if nothing else happens.
    pub fn deadline(&self) -> Moment {
        let due = self.link.deadline().map_or(Moment::NEVER, |due| Moment::START + due);
        match self.blocked {
            Some(since) => due.max(since + BUS_TIMEOUT),
            None => due,
        }
    }

    /// The two halves, with their timers.
    pub fn link(&self) -> &Link<RX, TX> {
        &self.link
    }
}
