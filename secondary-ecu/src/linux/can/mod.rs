//! UDS over ISO-TP on a CAN bus, classical or FD.

use std::path::Path;
use std::time::{Duration, Instant};

use host::can::{FramePort, UnixBus};
use proto::can::{Frame, Id};
use proto::isotp::{Config, Framing, Link};
use proto::secondary::{Reply, Request};
use proto::uds::{Handler, Server};

use super::Error;
use super::args::Run;
use super::driver::Node;
use super::flash::FileFlash;
use crate::verifier::Verifier;

/// Bytes of the longest message: one service byte, one counter, one chunk.
const MAX_MESSAGE: usize = 4_095;
/// Bytes of one chunk of a file; within what ISO-TP's short length field can say.
pub(super) const MAX_CHUNK: u32 = 4_093;
/// Bytes of the longest response, a report.
const MAX_RESPONSE: usize = 2_560;

/// Answers on the bus until the process is asked to stop, or the ECU does not come back from a reset.
pub(super) async fn serve<V>(options: &Run, bus: &Path, node: Node<V>) -> Result<(), Error>
where
    V: Verifier<FileFlash>,
{
    let framing = if options.framing.fd { Framing::FD } else { Framing::CLASSICAL };
    let receive = id(options.request_id.unwrap_or_default())?;
    let send = id(options.response_id.unwrap_or_default())?;
    let port = UnixBus::join(bus)?;
    host::cli::announce(format_args!("can:{}", bus.display()));
    let mut driver = Driver {
        port,
        link: Link::new(Config::new(framing, send, receive)),
        server: Server::new(MAX_MESSAGE),
        node,
        start: host::clock::stopwatch(),
        out: [0; MAX_RESPONSE],
    };
    tokio::select! {
        broken = driver.run() => broken,
        () = host::serve::stopped() => Ok(()),
    }
}

fn id(number: u32) -> Result<Id, Error> {
    let id = match u16::try_from(number) {
        Ok(number) if number <= 0x7ff => Id::standard(number),
        _ => Id::extended(number),
    };
    id.map_err(Error::Can)
}

struct Driver<P, V> {
    port: P,
    link: Link<MAX_MESSAGE, MAX_RESPONSE>,
    server: Server,
    node: Node<V>,
    start: Instant,
    out: [u8; MAX_RESPONSE],
}

impl<P: FramePort, V: Verifier<FileFlash>> Driver<P, V> {
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            if let Some(frame) = self.next_frame().await? {
                self.hear(&frame);
            }
            self.flush().await?;
            while self.server.is_pending() {
                self.work();
                self.flush().await?;
            }
            // The answer has left: now the ECU may reset.
            if !self.link.is_sending() {
                self.node.settle()?;
            }
        }
    }

    /// The next frame, or none when it is time to look after the link.
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        let deadline = self.link.deadline();
        let Some(deadline) = deadline else { return Ok(Some(self.port.receive().await?)) };
        let wait = deadline.saturating_sub(self.now());
        match tokio::time::timeout(wait, self.port.receive()).await {
            Ok(frame) => Ok(Some(frame?)),
            Err(_) => Ok(None),
        }
    }

    fn hear(&mut self, frame: &Frame) {
        let now = self.start.elapsed();
        // An error of the link ends one message; the Primary repeats it.
        let Ok(Some(message)) = self.link.handle(frame, now) else { return };
        let length = self.server.handle(message, now, &mut Asking(&mut self.node), &mut self.out);
        self.answer(length);
    }

    /// Does what was announced as pending.
    fn work(&mut self) {
        let now = self.now();
        if let Some(length) = self.server.poll(now, &mut Asking(&mut self.node), &mut self.out) {
            self.answer(length);
        }
    }

    fn answer(&mut self, length: usize) {
        let now = self.now();
        if let Some(message) = self.out.get(..length).filter(|message| !message.is_empty()) {
            // Busy with an answer to an older message; the Primary asks again.
            let _ = self.link.send(message, now);
        }
    }

    /// Sends every frame that is due.
    async fn flush(&mut self) -> Result<(), Error> {
        loop {
            match self.link.poll(self.now()) {
                Ok(Some(frame)) => self.port.send(&frame).await?,
                Ok(None) => return Ok(()),
                // The link is idle again; the Primary repeats what was lost.
                Err(error) => tracing::debug!(%error, "a CAN message was lost"),
            }
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Hands requests to the machine.
struct Asking<'n, V>(&'n mut Node<V>);

impl<V: Verifier<FileFlash>> Handler for Asking<'_, V> {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self.0.reply(request)
    }
}
