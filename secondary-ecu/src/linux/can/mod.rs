//! UDS over ISO-TP on a CAN bus, classical or FD.

use std::time::{Duration, Instant};

use host::can::{Arrival, Event, FramePort, Interest, Place, Port};
use proto::broadcast::MAX_FRAMES;
use proto::can::{Format, Frame, Id, MAX_DATA};
use proto::isotp::{Config, Framing, Separation};
use proto::secondary::{Reply, Request};
use proto::uds::{Ecu, Handler};

use super::Error;
use super::args::Run;
use super::driver::Node;
use super::flash::FileFlash;
use crate::channel::{Hearing, MAX_MESSAGE, MAX_RESPONSE};
use crate::verifier::Verifier;

/// Answers on the bus until the process is asked to stop, or the ECU does not come back from a reset.
pub(super) async fn serve<V>(options: &Run, bus: &Place, node: Node<V>) -> Result<(), Error>
where
    V: Verifier<FileFlash>,
{
    let (framing, format) =
        if options.framing.fd { (Framing::FD, Format::Fd) } else { (Framing::CLASSICAL, Format::Classical) };
    let receive = id(options.request_id.unwrap_or_default())?;
    let send = id(options.response_id.unwrap_or_default())?;
    let config = Config::new(framing, send, receive);
    let broadcast = options.broadcast_id.map(id).transpose()?;
    let identifiers = [Some(receive), broadcast].into_iter().flatten().collect();
    let port = Port::join(bus, &Interest { identifiers, format })?;
    host::cli::announce(format_args!("can:{bus}"));
    let wire = Wire { config, hears: broadcast.is_some() };
    let mut driver = Driver { port, wire, channel: wire.open(), node, start: host::clock::stopwatch() };
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

/// What this end of the bus is like.
#[derive(Clone, Copy)]
struct Wire {
    config: Config,
    hears: bool,
}

impl Wire {
    /// Nothing has been said on it.
    fn open(self) -> Line {
        match self.hears {
            true => Box::new(Hearing::new(self.config, Separation::NONE)),
            false => Box::new(Hearing::alone(self.config)),
        }
    }
}

type Line = Box<Hearing<MAX_MESSAGE, MAX_RESPONSE, ROOM>>;

/// Two windows of the longest frames: one is written while the next one is heard.
#[expect(clippy::as_conversions, reason = "u8 to usize in a constant; From is not const")]
const ROOM: usize = 2 * MAX_FRAMES as usize * (MAX_DATA - 1);

struct Driver<P, V> {
    port: P,
    wire: Wire,
    channel: Line,
    node: Node<V>,
    start: Instant,
}

impl<P: FramePort, V: Verifier<FileFlash>> Driver<P, V> {
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            if let Some(frame) = self.next_frame().await? {
                let now = self.now();
                self.channel.hear(&frame, now, &mut Asking(&mut self.node));
            }
            self.flush().await?;
            self.work().await?;
            // The answer has left: now the ECU may reset, and knows of no session any more.
            if self.channel.is_quiet() && self.node.settle()? {
                self.channel = self.wire.open();
            }
        }
    }

    /// Does what was announced, once it was, and what is due without a frame.
    async fn work(&mut self) -> Result<(), Error> {
        loop {
            let now = self.now();
            self.channel.work(now, &mut Asking(&mut self.node));
            self.flush().await?;
            if !self.channel.is_pending() {
                return Ok(());
            }
        }
    }

    /// The next frame, or none when it is time to look after the link.
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            let arrival = match self.channel.deadline() {
                None => self.port.receive().await,
                Some(deadline) => {
                    let wait = deadline.saturating_sub(self.now());
                    let Ok(arrival) = tokio::time::timeout(wait, self.port.receive()).await else { return Ok(None) };
                    arrival
                }
            };
            match arrival? {
                Arrival::Frame(frame) => return Ok(Some(frame)),
                Arrival::Event(event) => log(event),
            }
        }
    }

    /// Sends every frame that is due.
    async fn flush(&mut self) -> Result<(), Error> {
        loop {
            let now = self.now();
            match self.channel.poll(now) {
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

/// A Secondary only answers: whatever becomes of the bus, the Primary comes again when it is back.
fn log(event: Event) {
    if event.is_trouble() {
        tracing::warn!(?event, "the CAN bus is in trouble");
    } else {
        tracing::info!(?event, "the CAN bus is better");
    }
}

/// Hands requests to the machine.
struct Asking<'n, V>(&'n mut Node<V>);

impl<V: Verifier<FileFlash>> Handler for Asking<'_, V> {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self.0.reply(request)
    }

    fn ecu(&mut self) -> Option<&mut dyn Ecu> {
        Some(self.0)
    }
}
