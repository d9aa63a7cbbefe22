//! UDS over ISO-TP: to Secondaries on CAN. One port on the bus serves all of them, each by its own pair of identifiers.

use std::time::Duration;

use host::can::FramePort;
use proto::can::{BitRates, Frame, Id, bus_time};
use proto::isotp::{Config, Framing, Link};
use proto::secondary::Request;
use proto::uds::Client;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::Error;
use crate::driver::transport::Transport;
use crate::node::{Answer, Silent};

/// Longest UDS message in either direction.
const MESSAGE: usize = 4_095;
/// Frames that may wait on their way between a link and the port.
const QUEUE: usize = 512;

/// The bus: links are added, then it runs.
pub(crate) struct Bus<P> {
    port: P,
    routes: Vec<(Id, mpsc::Sender<Frame>)>,
    outgoing: mpsc::Receiver<Frame>,
    sender: mpsc::Sender<Frame>,
}

impl<P: FramePort> Bus<P> {
    /// A bus without links.
    pub(crate) fn new(port: P) -> Self {
        let (sender, outgoing) = mpsc::channel(QUEUE);
        Self { port, routes: Vec::new(), outgoing, sender }
    }

    /// A link to the Secondary that listens to `request` and answers with `response`.
    pub(crate) fn link(&mut self, fd: bool, request: u32, response: u32) -> Result<CanLink, Error> {
        let id = |raw: u32| {
            let standard = u16::try_from(raw).map_err(|_| ()).and_then(|raw| Id::standard(raw).map_err(|_| ()));
            let bad = |_| Error::BadSecondary { text: format!("CAN identifier {raw:#x}") };
            standard.or_else(|()| Id::extended(raw)).map_err(bad)
        };
        let framing = if fd { Framing::FD } else { Framing::CLASSICAL };
        let (request, response) = (id(request)?, id(response)?);
        let (to_link, incoming) = mpsc::channel(QUEUE);
        self.routes.push((response, to_link));
        Ok(CanLink {
            outgoing: self.sender.clone(),
            incoming,
            link: Box::new(Link::new(Config::new(framing, request, response))),
            client: Box::new(Client::new()),
            begun: Instant::now(),
            on_bus: Duration::ZERO,
        })
    }

    /// Carries frames for as long as the port works.
    pub(crate) async fn run(mut self) -> Error {
        loop {
            let received = tokio::select! {
                frame = self.port.receive() => Some(frame),
                frame = self.outgoing.recv() => match frame {
                    Some(frame) => match self.port.send(&frame).await {
                        Ok(()) => None,
                        Err(error) => return error.into(),
                    },
                    // `self.sender` keeps the channel open.
                    None => None,
                },
            };
            match received {
                Some(Ok(frame)) => self.route(frame),
                Some(Err(error)) => return error.into(),
                None => {}
            }
        }
    }

    /// A link that is not listening loses frames, as on a real bus; its client asks again.
    fn route(&self, frame: Frame) {
        if let Some((_, link)) = self.routes.iter().find(|(id, _)| *id == frame.id()) {
            let _ = link.try_send(frame);
        }
    }
}

/// One Secondary on CAN.
pub(crate) struct CanLink {
    outgoing: mpsc::Sender<Frame>,
    incoming: mpsc::Receiver<Frame>,
    link: Box<Link<MESSAGE, MESSAGE>>,
    client: Box<Client<MESSAGE>>,
    begun: Instant,
    on_bus: Duration,
}

impl Transport for CanLink {
    async fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        // What is still there answers an earlier request.
        while self.incoming.try_recv().is_ok() {}
        self.client.start(request).map_err(Silent::new)?;
        loop {
            self.send().await?;
            let deadline = [self.client.deadline(), self.link.deadline()].into_iter().flatten().min();
            let deadline = self.begun + deadline.unwrap_or(self.begun.elapsed());
            let frame = tokio::select! {
                biased;
                frame = self.incoming.recv() => frame.ok_or_else(|| Silent::new("the bus is gone"))?,
                () = tokio::time::sleep_until(deadline) => continue,
            };
            if let Some(answer) = self.take(&frame)? {
                return Ok(answer);
            }
        }
    }

    fn bus_time(&self) -> Option<Duration> {
        Some(self.on_bus)
    }
}

impl CanLink {
    /// Sends what is due: a message becomes frames, frames go out.
    async fn send(&mut self) -> Result<(), Silent> {
        let now = self.begun.elapsed();
        if !self.link.is_sending()
            && let Some(message) = self.client.poll(now).map_err(Silent::new)?
        {
            self.link.send(message, now).map_err(Silent::new)?;
        }
        loop {
            match self.link.poll(self.begun.elapsed()) {
                Ok(Some(frame)) => {
                    self.count(&frame);
                    self.outgoing.send(frame).await.map_err(|_| Silent::new("the bus is gone"))?;
                }
                Ok(None) => return Ok(()),
                Err(_) => self.client.lost(),
            }
        }
    }

    /// Takes a frame; gives the answer it completes.
    fn take(&mut self, frame: &Frame) -> Result<Option<Answer>, Silent> {
        let now = self.begun.elapsed();
        self.count(frame);
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

    /// A frame moved, in either direction.
    fn count(&mut self, frame: &Frame) {
        self.on_bus += bus_time(frame, BitRates::COMMON);
        self.client.moving(self.begun.elapsed());
    }
}
