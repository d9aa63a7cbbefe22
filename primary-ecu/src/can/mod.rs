//! UDS over ISO-TP: to Secondaries on CAN. One port on the bus serves all of them, each by its own pair of identifiers.

mod conversation;

use std::sync::Arc;
use std::time::Duration;

use host::can::FramePort;
use proto::can::{Frame, Id};
use proto::isotp::Framing;
use proto::secondary::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

use crate::Error;
use crate::driver::transport::Transport;
use crate::node::{Answer, Silent};

pub use conversation::Conversation;

/// Secondaries of one bus that are talked to at a time: while one writes what it was sent, the others fill the bus. Two
/// leave one of 5 Mbit/s free for a fifth of the time. With fourteen, the identifiers that lose against all others did not
/// come through before their time was over.
pub const AT_ONCE: usize = 3;

/// Frames that may wait on their way between a link and the port.
const QUEUE: usize = 512;

/// The bus: links are added, then it runs.
pub(crate) struct Bus<P> {
    port: P,
    routes: Vec<(Id, mpsc::Sender<Frame>)>,
    outgoing: mpsc::Receiver<Frame>,
    sender: mpsc::Sender<Frame>,
    turns: Arc<Semaphore>,
}

impl<P: FramePort> Bus<P> {
    /// A bus without links.
    pub(crate) fn new(port: P) -> Self {
        let (sender, outgoing) = mpsc::channel(QUEUE);
        Self { port, routes: Vec::new(), outgoing, sender, turns: Arc::new(Semaphore::new(AT_ONCE)) }
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
            conversation: Conversation::new(framing, request, response),
            begun: Instant::now(),
            turns: Arc::clone(&self.turns),
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
    conversation: Conversation,
    begun: Instant,
    turns: Arc<Semaphore>,
}

impl CanLink {
    /// Waits until this link may talk, which it may until what is returned is dropped.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }
}

impl Transport for CanLink {
    async fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        // What is still there answers an earlier request.
        while self.incoming.try_recv().is_ok() {}
        self.conversation.ask(request)?;
        loop {
            while let Some(frame) = self.conversation.poll(self.begun.elapsed())? {
                self.outgoing.send(frame).await.map_err(|_| Silent::new("the bus is gone"))?;
            }
            let deadline = self.begun + self.conversation.deadline().unwrap_or(self.begun.elapsed());
            let frame = tokio::select! {
                biased;
                frame = self.incoming.recv() => frame.ok_or_else(|| Silent::new("the bus is gone"))?,
                () = tokio::time::sleep_until(deadline) => continue,
            };
            if let Some(answer) = self.conversation.handle(&frame, self.begun.elapsed())? {
                return Ok(answer);
            }
        }
    }

    fn bus_time(&self) -> Option<Duration> {
        Some(self.conversation.bus_time())
    }
}
