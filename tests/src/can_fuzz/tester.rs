//! The Primary's end of a conversation, as its driver uses it: a client and a link.

use std::time::Duration;

use proto::Error;
use proto::can::Frame;
use proto::isotp::{Config, Link};
use proto::secondary::{Identity, Refusal, Reply};
use proto::uds::Client;
use secondary_ecu::bench::{me, primary};
use secondary_ecu::channel::MAX_RESPONSE;
use uptane::sign::prove;
use uptane::verify::proof::Challenge;
use uptane::{Length, Nonce};

use super::scene::Scene;

/// Bytes of the longest message it sends.
pub(super) const MESSAGE: usize = 1_100;
/// The client of every tester here.
pub(super) type Asking = Client<MESSAGE>;

/// One that asks.
pub(super) struct Tester {
    config: Config,
    link: Box<Link<MAX_RESPONSE, MESSAGE>>,
    /// What turns requests into messages.
    pub(super) client: Box<Asking>,
}

/// A reply that outlives its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Identity(Identity),
    Nonce(Nonce),
    Ready(Length, u32),
    Refused(Refusal),
    Report,
    Taken(Length),
}

impl Tester {
    /// One that has asked nothing.
    pub(super) fn new(config: Config) -> Self {
        Self { config, link: Box::new(Link::new(config)), client: Box::new(Client::proving()) }
    }

    /// Signs a challenge, if it has one.
    pub(super) fn sign(&mut self, scene: &Scene) -> Result<(), Error> {
        let Some(nonce) = self.client.challenge() else { return Ok(()) };
        let challenge = Challenge { vehicle: scene.repo.vehicle(), ecu: me(&scene.repo).ecu, nonce };
        let proof = prove(&challenge, &primary()).ok();
        self.client.prove(proof.as_ref())
    }

    /// The next message, once the one before has left.
    pub(super) fn message(&mut self, now: Duration) -> Result<Option<Vec<u8>>, Error> {
        if self.link.is_sending() {
            return Ok(None);
        }
        Ok(self.client.poll(now)?.map(<[u8]>::to_vec))
    }

    /// Has frames carry a message.
    pub(super) fn send(&mut self, message: &[u8], now: Duration) {
        // One that is empty or too long was made so: nobody hears it, and the client asks again.
        self.link.send(message, now).ok();
    }

    /// The next frame that is due.
    pub(super) fn frame(&mut self, now: Duration) -> Option<Frame> {
        loop {
            match self.link.poll(now) {
                Ok(frame) => {
                    if let Some(frame) = frame.filter(|_| self.config.confirms) {
                        self.link.confirm(&frame, now);
                    }
                    frame.iter().for_each(|_| self.client.moving(now));
                    return frame;
                }
                Err(_) => self.client.lost(),
            }
        }
    }

    /// Takes a frame; gives the answer it completes.
    pub(super) fn hear(&mut self, frame: &Frame, now: Duration) -> Result<Option<Answer>, Error> {
        self.client.moving(now);
        match self.link.handle(frame, now) {
            Ok(Some(message)) => Ok(self.client.handle(message, now)?.map(Answer::from)),
            Ok(None) => Ok(None),
            Err(_) => {
                self.client.lost();
                Ok(None)
            }
        }
    }

    /// Forgets what was asked and not answered.
    pub(super) fn abandon(&mut self) {
        *self.link = Link::new(self.config);
        if !self.client.is_idle() {
            *self.client = Client::proving();
        }
    }

    /// When to poll again.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let client = self.client.deadline().filter(|_| !self.link.is_sending());
        [client, self.link.deadline()].into_iter().flatten().min()
    }
}

impl From<Reply<'_>> for Answer {
    fn from(reply: Reply<'_>) -> Self {
        match reply {
            Reply::Identity(identity) => Self::Identity(identity),
            Reply::TimeNonce(nonce) => Self::Nonce(nonce),
            Reply::Ready(at, most) => Self::Ready(at, most),
            Reply::Taken(at) => Self::Taken(at),
            Reply::Done => Self::Done,
            Reply::Report(_) => Self::Report,
            Reply::Refused(refusal) => Self::Refused(refusal),
        }
    }
}
