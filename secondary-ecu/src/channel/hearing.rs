//! A channel whose ECU takes part in broadcasts ([`proto::broadcast`]), with `ROOM` bytes for them.
//!
//! It is driven like the [`Channel`] in it: work that is pending may be a chunk of a broadcast as well.

use core::time::Duration;

use proto::broadcast::Receiver;
use proto::can::Frame;
use proto::isotp::{Config, Separation};
use proto::uds::{Capacity, Handler};

use super::Channel;

/// UDS over ISO-TP, and what the Primary says to many ECUs at once.
#[derive(Clone, Debug)]
pub struct Hearing<const RX: usize, const TX: usize, const ROOM: usize> {
    channel: Channel<RX, TX, true>,
    receiver: Option<Receiver<ROOM>>,
}

impl<const RX: usize, const TX: usize, const ROOM: usize> Hearing<RX, TX, ROOM> {
    /// A channel on which nothing has been said. `separation` is what the ECU needs from one frame of a broadcast to the
    /// next.
    pub fn new(config: Config, separation: Separation) -> Self {
        let window = u32::try_from(Receiver::<ROOM>::WINDOW).unwrap_or(u32::MAX);
        Self { channel: Channel::in_group(config, Some(Capacity { window, separation })), receiver: None }
    }

    /// The same, of an ECU that takes part in no broadcasts, whoever asks it to.
    pub fn alone(config: Config) -> Self {
        Self { channel: Channel::in_group(config, None), receiver: None }
    }

    /// Takes a frame; `handler` answers the request it completes. Whether it completed one.
    pub fn hear(&mut self, frame: &Frame, now: Duration, handler: &mut impl Handler) -> bool {
        if let Some(receiver) = &mut self.receiver {
            let before = receiver.expires();
            receiver.handle(frame, now);
            if receiver.expires() != before {
                self.channel.server.heard(receiver.held(), now);
            }
        }
        let has_asked = self.channel.hear(frame, now, handler);
        self.follow(now);
        has_asked
    }

    /// Does what was announced as pending, or hands over one chunk of a broadcast.
    pub fn work(&mut self, now: Duration, handler: &mut impl Handler) {
        match self.receiver.as_mut().filter(|receiver| receiver.is_pending()) {
            Some(receiver) => {
                receiver.hand_over(handler);
                self.channel.server.heard(receiver.held(), now);
            }
            None => self.channel.work(now, handler),
        }
        self.follow(now);
    }

    /// The next frame that is due, or why a message was lost: the Primary repeats it.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Frame>, proto::Error> {
        match self.receiver.as_mut().and_then(Receiver::poll) {
            Some(answer) => Ok(Some(answer)),
            None => self.channel.poll(now),
        }
    }

    /// Whether there is work.
    pub fn is_pending(&self) -> bool {
        self.channel.is_pending() || self.receiver.as_ref().is_some_and(Receiver::is_pending)
    }

    /// Whether nothing is to be sent or done.
    pub fn is_quiet(&self) -> bool {
        self.channel.is_quiet() && !self.is_pending()
    }

    /// Whether an answer waits for [`poll`](Self::poll).
    pub fn has_answer(&self) -> bool {
        self.channel.has_answer() || self.receiver.as_ref().is_some_and(Receiver::has_answer)
    }

    /// When to poll again, if nothing comes.
    pub fn deadline(&self) -> Option<Duration> {
        self.channel.deadline()
    }

    /// Joins a broadcast that the last message asked for, and leaves one that is over.
    fn follow(&mut self, now: Duration) {
        if let Some(join) = self.channel.server.joins() {
            // An image that is too long for a broadcast is not heard: its sender drops this ECU, and brings it by itself.
            self.receiver = Receiver::new(join, now).ok();
        }
        if !self.channel.server.has_joined() {
            self.receiver = None;
        }
    }
}
