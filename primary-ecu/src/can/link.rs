//! The way to one Secondary on a bus.

use std::sync::Arc;
use std::time::Duration;

use proto::broadcast::{Member, Session};
use proto::can::{Frame, Id};
use proto::secondary::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use uptane::Length;

use super::Conversation;
use super::pace::Pace;
use crate::driver::transport::Transport;
use crate::node::{Answer, Silent};

/// One Secondary on CAN.
pub(crate) struct CanLink {
    pub(super) outgoing: mpsc::Sender<Frame>,
    pub(super) incoming: mpsc::Receiver<Frame>,
    pub(super) conversation: Conversation,
    pub(super) pace: Pace,
    /// The conversation counts its time from here.
    pub(super) begun: Instant,
    pub(super) turns: Arc<Semaphore>,
    /// Whether the bus can be used.
    pub(super) usable: watch::Receiver<bool>,
}

/// How long a request waits for a bus that cannot be used. The vehicle has other ECUs, and what was not done is tried again.
const MAX_OUTAGE: Duration = Duration::from_secs(30);
/// How often a request is made that is answered in part. A message is repeated in each round already; this is for a long
/// response on a bus that loses frames.
const MAX_ROUNDS: u32 = 4;

impl CanLink {
    /// Waits until this link may talk, which it may until what is returned is dropped.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// A request, as often as it takes while there is somebody at the other end: each of them may be repeated.
    async fn insist(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        let mut rounds = 1;
        loop {
            match self.once(request).await {
                Err(_) if self.conversation.was_heard() && rounds < MAX_ROUNDS => rounds += 1,
                answer => return answer,
            }
        }
    }

    /// A chunk, in as many messages as the bus wants.
    async fn deliver(&mut self, offset: Length, data: &[u8]) -> Result<Answer, Silent> {
        let (mut at, mut rest) = (offset, data);
        loop {
            let (piece, after) = rest.split_at_checked(self.pace.most()).unwrap_or((rest, &[]));
            let repeated = self.conversation.repeated();
            match self.once(Request::Chunk(at, piece)).await {
                Ok(answer) => {
                    self.pace.pass(self.conversation.repeated() > repeated);
                    match end(at, piece).filter(|end| answer == Answer::Taken(*end) && !after.is_empty()) {
                        Some(end) => (at, rest) = (end, after),
                        None => return Ok(answer),
                    }
                }
                Err(silent) => {
                    let goes_on = self.conversation.was_heard() && self.pace.fail();
                    goes_on.then_some(()).ok_or(silent)?;
                }
            }
        }
    }

    /// Asks the Secondary to take part in a broadcast of the file that was offered last; what it takes of it, if it does.
    pub(crate) async fn join(&mut self, session: Session, answer: Id) -> Option<Member> {
        let joined = self.begin(|conversation| conversation.join(session, answer)).await;
        self.conversation.member().filter(|_| joined == Ok(Answer::Done))
    }

    async fn once(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        self.begin(|conversation| conversation.ask(request)).await
    }

    async fn begin(&mut self, ask: impl FnOnce(&mut Conversation) -> Result<(), Silent>) -> Result<Answer, Silent> {
        // What is still there answers an earlier request.
        while self.incoming.try_recv().is_ok() {}
        let answer = self.converse(ask).await;
        if answer.is_err() {
            self.conversation.abandon();
        }
        answer
    }

    /// One request, to its answer. While the bus cannot be used, time stands still for it.
    async fn converse(&mut self, ask: impl FnOnce(&mut Conversation) -> Result<(), Silent>) -> Result<Answer, Silent> {
        self.wait_for_bus().await?;
        ask(&mut self.conversation)?;
        loop {
            while let Some(frame) = self.conversation.poll(self.begun.elapsed())? {
                self.outgoing.send(frame).await.map_err(|_| gone())?;
            }
            let deadline = self.begun + self.conversation.deadline().unwrap_or(self.begun.elapsed());
            let frame = tokio::select! {
                biased;
                changed = self.usable.changed() => {
                    changed.map_err(|_| gone())?;
                    self.wait_for_bus().await?;
                    continue;
                }
                frame = self.incoming.recv() => frame.ok_or_else(gone)?,
                () = sleep_until(deadline) => continue,
            };
            if let Some(answer) = self.conversation.handle(&frame, self.begun.elapsed())? {
                return Ok(answer);
            }
        }
    }

    /// Waits out an outage. What was on its way is lost then, and is sent again.
    async fn wait_for_bus(&mut self) -> Result<(), Silent> {
        if *self.usable.borrow_and_update() {
            return Ok(());
        }
        let since = Instant::now();
        let back = timeout(MAX_OUTAGE, self.usable.wait_for(|usable| *usable)).await.map(|usable| usable.map(drop));
        self.begun += since.elapsed();
        self.conversation.interrupt();
        back.map_err(|_| Silent::new("the bus is out of order"))?.map_err(|_| gone())
    }
}

impl Transport for CanLink {
    async fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        match request {
            Request::Chunk(offset, data) => self.deliver(offset, data).await,
            Request::Identify
            | Request::TimeNonce
            | Request::Begin(_)
            | Request::Offer(..)
            | Request::Close
            | Request::Report(_) => self.insist(request).await,
        }
    }

    fn bus_time(&self) -> Option<Duration> {
        Some(self.conversation.bus_time())
    }

    fn repeated(&self) -> u64 {
        self.conversation.repeated()
    }
}

/// The offset after a piece.
fn end(at: Length, piece: &[u8]) -> Option<Length> {
    Length::new(at.get().checked_add(u64::try_from(piece.len()).ok()?)?).ok()
}

fn gone() -> Silent {
    Silent::new("the bus is gone")
}
