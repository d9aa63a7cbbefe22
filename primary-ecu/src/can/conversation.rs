//! One Secondary on CAN, as a machine: requests become UDS messages, messages become frames, and back.

use std::time::Duration;

use proto::broadcast::{Member, Session};
use proto::can::{BitRates, Frame, Id, bus_time};
use proto::isotp::{Config, Framing, Link};
use proto::secondary::Request;
use proto::uds::Client;

use crate::node::{Answer, Silent};

/// Longest UDS message in either direction.
pub(super) const MESSAGE: usize = 4_095;

/// A way to one Secondary. After [`ask`](Self::ask), send what [`poll`](Self::poll) gives until it gives nothing, and again
/// at the [`deadline`](Self::deadline) and after each frame, which goes to [`handle`](Self::handle), until that yields the
/// answer. Times count from any one moment.
#[derive(Debug)]
pub struct Conversation {
    config: Config,
    link: Box<Link<MESSAGE, MESSAGE>>,
    client: Box<Client<MESSAGE>>,
    on_bus: Duration,
    /// What was sent last for the present request.
    last: Vec<u8>,
    repeated: u64,
    heard: bool,
}

impl Conversation {
    /// With the Secondary that listens to `request` and answers with `response`.
    pub fn new(framing: Framing, request: Id, response: Id) -> Self {
        let config = Config::new(framing, request, response);
        let link = Box::new(Link::new(config));
        Self {
            config,
            link,
            client: Box::new(Client::new()),
            on_bus: Duration::ZERO,
            last: Vec::new(),
            repeated: 0,
            heard: false,
        }
    }

    /// Begins to ask.
    pub fn ask(&mut self, request: Request<'_>) -> Result<(), Silent> {
        self.client.start(request).map_err(Silent::new)?;
        self.last.clear();
        self.heard = false;
        Ok(())
    }

    /// Begins to ask it to take part in a broadcast of the file that was offered last.
    pub fn join(&mut self, session: Session, answer: Id) -> Result<(), Silent> {
        self.client.join(session, answer).map_err(Silent::new)?;
        self.last.clear();
        self.heard = false;
        Ok(())
    }

    /// What it takes of the broadcast that it was asked to take part in last, if it does.
    pub fn member(&self) -> Option<Member> {
        self.client.member()
    }

    /// The next frame that is due.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Frame>, Silent> {
        if !self.link.is_sending()
            && let Some(message) = self.client.poll(now).map_err(Silent::new)?
        {
            self.repeated += u64::from(message == self.last);
            self.last.clear();
            self.last.extend_from_slice(message);
            self.link.send(message, now).map_err(Silent::new)?;
        }
        loop {
            match self.link.poll(now) {
                Ok(Some(frame)) => {
                    self.count(&frame, now);
                    return Ok(Some(frame));
                }
                Ok(None) => return Ok(None),
                Err(_) => self.client.lost(),
            }
        }
    }

    /// Takes a frame; gives the answer it completes.
    pub fn handle(&mut self, frame: &Frame, now: Duration) -> Result<Option<Answer>, Silent> {
        self.count(frame, now);
        self.heard = true;
        match self.link.handle(frame, now) {
            Ok(Some(message)) => {
                let reply = self.client.handle(message, now).map_err(Silent::new)?;
                Ok(reply.map(Answer::from))
            }
            Ok(None) => Ok(None),
            Err(_) => {
                self.client.lost();
                Ok(None)
            }
        }
    }

    /// The bus was out of order: what was on its way is lost, and is sent again.
    pub fn interrupt(&mut self) {
        *self.link = Link::new(self.config);
        self.client.lost();
    }

    /// Forgets what was asked and not answered.
    pub fn abandon(&mut self) {
        *self.link = Link::new(self.config);
        // One that gave up by itself still knows which transfer to take up again.
        if !self.client.is_idle() {
            *self.client = Client::new();
        }
    }

    /// Whether any frame came since the request: then somebody is there.
    pub fn was_heard(&self) -> bool {
        self.heard
    }

    /// Messages that were sent again so far.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// When to poll again, if nothing comes.
    pub fn deadline(&self) -> Option<Duration> {
        [self.client.deadline(), self.link.deadline()].into_iter().flatten().min()
    }

    /// Time the frames took on their bus so far, both directions.
    pub fn bus_time(&self) -> Duration {
        self.on_bus
    }

    /// A frame moved, in either direction.
    fn count(&mut self, frame: &Frame, now: Duration) {
        self.on_bus += bus_time(frame, BitRates::COMMON);
        self.client.moving(now);
    }
}
