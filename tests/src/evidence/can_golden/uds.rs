//! The update transfer that ships, over the bus: its responses say how far it has come, and so are longer.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use proto::can::{BitRates, Id};
use proto::isotp::{Config as Carrier, Framing};
use proto::secondary::{File, Reply, Request};
use proto::uds::{Client, Server};
use simulator::world::can::{Bus, Channel, Config, Event, NodeId, What};
use simulator::world::chance::Chance;
use simulator::world::time::Moment;
use uptane::Length;

use super::{beside, number};
use crate::record::{Limit, Record};

/// The longest message of a short first frame.
const MESSAGE: usize = 4_095;
const CHUNK: usize = MESSAGE - 2;
const CHUNKS: usize = 20;

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    let classical = transfer(Framing::CLASSICAL, &mut chance.split("uds"))?;
    beside(record, "kB/s of an image in chunks of 4093 at 500k, turn-around 0.5 ms", classical / 1e3, 29.7, 1.0);
    let fd = transfer(Framing::FD, &mut chance.split("uds fd"))?;
    record.figure(
        "kB/s of an image in chunks of 4093 at FD 500k/2M, turn-around 0.5 ms",
        fd / 1e3,
        "",
        Limit::AtLeast(165.0),
    );
    Ok(())
}

/// Bytes per second of an image, from the first chunk to the response to the last.
fn transfer(framing: Framing, chance: &mut Chance) -> Result<f64> {
    let mut image = vec![0; CHUNK * CHUNKS];
    chance.fill(&mut image);
    let mut line = Line::new(framing)?;
    let length = length(image.len())?;
    line.ask(Request::Offer(File::Image, length))?;
    let start = line.now;
    let mut offset = 0;
    for chunk in image.chunks(CHUNK) {
        line.ask(Request::Chunk(self::length(offset)?, chunk))?;
        offset += chunk.len();
    }
    if line.image != image {
        bail!("the image arrived otherwise than it was sent");
    }
    Ok(number(length.get())? / (line.now - start).as_secs_f64())
}

/// A Primary and a Secondary on one bus.
struct Line {
    bus: Bus,
    primary: (NodeId, Channel<MESSAGE, MESSAGE>),
    secondary: (NodeId, Channel<MESSAGE, MESSAGE>),
    client: Client<MESSAGE>,
    server: Server,
    image: Vec<u8>,
    now: Moment,
}

impl Line {
    fn new(framing: Framing) -> Result<Self> {
        let mut bus = Bus::new(BitRates::COMMON, Chance::seeded(0));
        let primary = bus.attach(Config::default());
        let secondary = bus.attach(Config { latency: Duration::from_micros(500), ..Config::default() });
        let (request, response) = (Id::standard(0x7e0)?, Id::standard(0x7e8)?);
        Ok(Self {
            bus,
            primary: (primary, Channel::new(primary, Carrier::new(framing, request, response))),
            secondary: (secondary, Channel::new(secondary, Carrier::new(framing, response, request))),
            client: Client::new(),
            server: Server::new(MESSAGE),
            image: Vec::new(),
            now: Moment::START,
        })
    }

    /// Asks and waits for the reply, which has to be a good one.
    fn ask(&mut self, request: Request<'_>) -> Result<()> {
        self.client.start(request)?;
        while !self.turn()? {}
        Ok(())
    }

    /// Lets everybody do what is due and goes on to what comes next; whether the reply came.
    fn turn(&mut self) -> Result<bool> {
        if let Some(message) = self.client.poll(self.now.since_start())? {
            self.primary.1.send(message, self.now)?;
        }
        if !self.secondary.1.link().is_sending() && self.bus.pending(self.secondary.0)? == 0 {
            self.work()?;
        }
        self.primary.1.feed(&mut self.bus, self.now)?;
        self.secondary.1.feed(&mut self.bus, self.now)?;
        let client = self.client.deadline().map_or(Moment::NEVER, |deadline| Moment::START + deadline);
        let deadlines = [client, self.primary.1.deadline(), self.secondary.1.deadline(), self.bus.next()];
        self.now = deadlines.into_iter().fold(Moment::NEVER, Moment::min).max(self.now);
        self.bus.advance(self.now);
        let mut replied = false;
        while let Some(event) = self.bus.poll() {
            replied |= self.hear(&event)?;
        }
        Ok(replied)
    }

    /// The work the Secondary announced, once that has been said.
    fn work(&mut self) -> Result<()> {
        let (mut out, now) = ([0; MESSAGE], self.now);
        let Self { server, image, secondary, .. } = self;
        if let Some(len) = server.poll(now.since_start(), &mut |request: Request<'_>| take(image, request), &mut out) {
            secondary.1.send(out.get(..len).context("it fits")?, now)?;
        }
        Ok(())
    }

    fn hear(&mut self, event: &Event) -> Result<bool> {
        let What::Received(frame) = event.what else { return Ok(false) };
        let Self { server, image, primary, secondary, client, .. } = self;
        if event.node == primary.0 {
            client.moving(event.at.since_start());
            let Some(message) = primary.1.receive(&frame, event.at)? else { return Ok(false) };
            return match client.handle(message, event.at.since_start())? {
                Some(Reply::Refused(refusal)) => bail!("refused: {refusal:?}"),
                reply => Ok(reply.is_some()),
            };
        }
        let Some(message) = secondary.1.receive(&frame, event.at)? else { return Ok(false) };
        let mut out = [0; MESSAGE];
        let mut handler = |request: Request<'_>| take(image, request);
        let len = server.handle(message, event.at.since_start(), &mut handler, &mut out);
        if len > 0 {
            secondary.1.send(out.get(..len).context("it fits")?, event.at)?;
        }
        Ok(false)
    }
}

/// A Secondary that keeps whatever comes.
fn take(image: &mut Vec<u8>, request: Request<'_>) -> Reply<'static> {
    if let Request::Offer(..) = request {
        return Reply::Ready(Length::ZERO, u32::MAX);
    }
    let Request::Chunk(_, data) = request else { return Reply::Done };
    image.extend(data);
    length(image.len()).map_or(Reply::Done, Reply::Taken)
}

fn length(bytes: usize) -> Result<Length> {
    Length::new(u64::try_from(bytes)?).context("so many bytes are a length")
}
