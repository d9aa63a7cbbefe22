//! One image for many ECUs at once, by the broadcast that ships, over a bus.
//!
//! What a Primary and its Secondaries say before and after it (`proto::uds`) is not part of it: every ECU has been offered
//! the image, and stands where its flash does.

use std::time::Duration;

use proto::broadcast::{Join, Member, Outcome, Receiver, SEND_TIMEOUT, Sender, Session, Why};
use proto::can::{BitRates, Frame, Id};
use proto::isotp::Framing;
use proto::secondary::{Reply, Request};
use uptane::Length;

use super::bus::{Bus, Load};
use super::channel::Broken;
use super::error::Error;
use super::event::{Event, NodeId, What};
use super::node::{Config, Filter};
use crate::world::chance::Chance;
use crate::world::time::Moment;

/// Bytes that an ECU keeps until they are in its flash: two windows of 240 classical frames.
pub const ROOM: usize = 3_360;
/// The most ECUs of a group.
pub const MOST: usize = 16;

/// A group of like ECUs, and their bus.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "written out by whoever sets a scene")]
pub struct Group {
    /// The rates of the bus.
    pub rates: BitRates,
    /// The frames that carry the image.
    pub framing: Framing,
    /// How many ECUs there are, up to [`MOST`].
    pub ecus: usize,
    /// What each of them is like; what it hears is set here.
    pub config: Config,
    /// How long its CPU does nothing else while it writes a chunk to flash.
    pub writing: Duration,
    /// How long its CPU does nothing at all, now and then, and the longest time in between.
    pub stalls: Option<(Duration, Duration)>,
}

/// A Primary, a group of ECUs, and an image on its way.
#[derive(Debug)]
pub struct Broadcast {
    bus: Bus,
    primary: NodeId,
    sender: Sender<MOST, ROOM>,
    ecus: Vec<Ecu>,
    image: Vec<u8>,
    session: Session,
    /// Since when the Primary's controller has had a frame that is not sent yet.
    blocked: Option<Moment>,
    overruns: u64,
    now: Moment,
}

/// One ECU.
#[derive(Debug)]
struct Ecu {
    node: NodeId,
    answer: Id,
    /// None while it has no power, or has not joined since.
    receiver: Option<Box<Receiver<ROOM>>>,
    flash: Vec<u8>,
    writing: Duration,
    stalls: Option<Stalls>,
}

/// When the CPU of an ECU is next kept from its work.
#[derive(Debug)]
struct Stalls {
    chance: Chance,
    lasts: Duration,
    most: Duration,
    next: Moment,
}

impl Broadcast {
    /// Everybody has joined, and nothing was said.
    pub fn new(group: &Group, image: Vec<u8>, chance: &Chance) -> Result<Self, Broken> {
        let session = Session { number: 1, framing: group.framing, id: Id::standard(BROADCAST)? };
        let mut bus = Bus::new(group.rates, chance.split("bus"));
        let answers = Filter::new(Id::standard(ANSWERS)?, !ANSWERS_MASK);
        let primary = bus.attach(Config { filters: vec![answers], ..Config::default() });
        let sender = Sender::new(session, length(image.len())?)?;
        let mut group_of = Vec::new();
        for (index, answer) in (ANSWERS..).take(group.ecus).enumerate() {
            let node = bus.attach(Config { filters: vec![Filter::exactly(session.id)], ..group.config.clone() });
            let answer = Id::standard(answer)?;
            let chance = chance.split(&index.to_string());
            let stalls = group.stalls.map(|(lasts, most)| Stalls::new(chance, lasts, most));
            group_of.push(Ecu { node, answer, receiver: None, flash: Vec::new(), writing: group.writing, stalls });
        }
        let now = Moment::START;
        let (ecus, blocked) = (group_of, None);
        let mut broadcast = Self { bus, primary, sender, ecus, image, session, blocked, overruns: 0, now };
        (0..group.ecus).try_for_each(|ecu| broadcast.join(ecu))?;
        Ok(broadcast)
    }

    /// Goes on until every ECU is complete or dropped.
    pub fn run(&mut self) -> Result<(), Broken> {
        while !self.sender.is_over() {
            self.turn(Moment::NEVER)?;
        }
        Ok(())
    }

    /// Goes on until then, or until it is over.
    pub fn run_until(&mut self, until: Moment) -> Result<(), Broken> {
        while !self.sender.is_over() && self.now < until {
            self.turn(until)?;
        }
        Ok(())
    }

    /// Takes the power from an ECU; only its flash stays.
    pub fn power_off(&mut self, ecu: usize) -> Result<(), Broken> {
        let ecu = self.ecus.get_mut(ecu).ok_or(Error::Unknown { node: ecu })?;
        ecu.receiver = None;
        Ok(self.bus.power_off(ecu.node, self.now)?)
    }

    /// Gives it back, and lets the ECU join again with what stands in its flash.
    pub fn power_on(&mut self, ecu: usize) -> Result<(), Broken> {
        let node = self.ecus.get(ecu).ok_or(Error::Unknown { node: ecu })?.node;
        self.bus.power_on(node, self.now)?;
        self.join(ecu)
    }

    /// The bus, to disturb it.
    pub fn bus_mut(&mut self) -> &mut Bus {
        &mut self.bus
    }

    /// Where an ECU is attached to it.
    pub fn node(&self, ecu: usize) -> Option<NodeId> {
        self.ecus.get(ecu).map(|ecu| ecu.node)
    }

    /// How long it has taken so far.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// How busy the bus has been.
    pub fn load(&self) -> Load {
        self.bus.load()
    }

    /// Frames that found a FIFO full and were lost.
    pub fn overruns(&self) -> u64 {
        self.overruns
    }

    /// What the Primary says of each ECU, in order.
    pub fn outcomes(&self) -> impl Iterator<Item = Outcome> {
        self.sender.outcomes().map(|(_, outcome)| outcome)
    }

    /// What stands in the flash of an ECU.
    pub fn flash(&self, ecu: usize) -> &[u8] {
        self.ecus.get(ecu).map_or(&[], |ecu| &ecu.flash)
    }

    fn join(&mut self, ecu: usize) -> Result<(), Broken> {
        let ecu = self.ecus.get_mut(ecu).ok_or(Error::Unknown { node: ecu })?;
        let from = length(ecu.flash.len())?;
        let length = length(self.image.len())?;
        let join = Join { session: self.session, answer: ecu.answer, from, length, chunk: u32::MAX };
        ecu.receiver = Some(Box::new(Receiver::new(join, self.now.since_start())?));
        let window = u32::try_from(Receiver::<ROOM>::WINDOW).unwrap_or(u32::MAX);
        let member = Member { answer: ecu.answer, from, window, separation: Duration::ZERO };
        Ok(self.sender.add(member)?)
    }

    /// Lets everybody do what is due, and goes on to what comes next.
    fn turn(&mut self, until: Moment) -> Result<(), Broken> {
        self.supply()?;
        self.feed()?;
        for ecu in &mut self.ecus {
            ecu.feed(&mut self.bus, self.now)?;
        }
        let stalls = self.ecus.iter().filter_map(|ecu| ecu.stalls.as_ref()).map(|stalls| stalls.next);
        let next = stalls.fold(self.bus.next().min(self.deadline()?), Moment::min);
        self.now = next.min(until).max(self.now);
        self.bus.advance(self.now);
        for ecu in &mut self.ecus {
            ecu.stall(&mut self.bus, self.now)?;
        }
        while let Some(event) = self.bus.poll() {
            self.hear(&event)?;
        }
        Ok(())
    }

    fn supply(&mut self) -> Result<(), Broken> {
        let Some((offset, len)) = self.sender.wants() else { return Ok(()) };
        let from = usize::try_from(offset.get()).unwrap_or(usize::MAX);
        let bytes = self.image.get(from..from.saturating_add(len)).unwrap_or_default();
        Ok(self.sender.supply(bytes, self.now.since_start())?)
    }

    /// Hands the Primary's controller the next frame, if one is due and the one before it is sent.
    fn feed(&mut self) -> Result<(), Broken> {
        if self.bus.pending(self.primary)? > 0 {
            if self.now >= *self.blocked.get_or_insert(self.now) + SEND_TIMEOUT {
                self.bus.withdraw(self.primary, self.now)?;
                self.sender.give_up(Why::Bus);
            }
            return Ok(());
        }
        self.blocked = None;
        let Some(frame) = self.sender.poll(self.now.since_start()) else { return Ok(()) };
        self.blocked = Some(self.now);
        match self.bus.send(self.primary, frame, self.now) {
            // It is lost, as for a driver that does not know yet.
            Err(Error::BusOff) => Ok(()),
            sent => Ok(sent?),
        }
    }

    fn deadline(&self) -> Result<Moment, Error> {
        let is_blocked = self.bus.pending(self.primary)? > 0;
        Ok(match (is_blocked, self.blocked, self.sender.deadline()) {
            (true, Some(since), _) => since + SEND_TIMEOUT,
            (_, _, Some(due)) => Moment::START + due,
            (_, _, None) => Moment::NEVER,
        })
    }

    fn hear(&mut self, event: &Event) -> Result<(), Broken> {
        match event.what {
            What::Overrun(_) => self.overruns += 1,
            What::Received(frame) if event.node == self.primary => {
                self.sender.handle(&frame, event.at.since_start());
            }
            What::Received(frame) => {
                let Some(ecu) = self.ecus.iter_mut().find(|ecu| ecu.node == event.node) else { return Ok(()) };
                return ecu.hear(&frame, &mut self.bus, event.at);
            }
            What::Active
            | What::BusOff
            | What::Error(_)
            | What::Passive
            | What::Synchronized
            | What::Transmitted(_) => {}
        }
        Ok(())
    }
}

impl Ecu {
    /// Takes a frame, answers, and writes what can be written.
    fn hear(&mut self, frame: &Frame, bus: &mut Bus, now: Moment) -> Result<(), Broken> {
        let Self { receiver: Some(receiver), flash, .. } = self else { return Ok(()) };
        receiver.handle(frame, now.since_start());
        let mut chunks = 0;
        let mut write = |request: Request<'_>| {
            let Request::Chunk(_, data) = request else { return Reply::Done };
            flash.extend(data);
            chunks += 1;
            length(flash.len()).map_or(Reply::Done, Reply::Taken)
        };
        while receiver.hand_over(&mut write) {}
        if chunks > 0 && !self.writing.is_zero() {
            // The answer is with the controller before the CPU begins to write.
            self.feed(bus, now)?;
            bus.hold(self.node, now + self.writing * chunks, now)?;
        }
        Ok(())
    }

    /// Hands the controller the next frame of an answer. What a node that is off the bus had to say is lost.
    fn feed(&mut self, bus: &mut Bus, now: Moment) -> Result<(), Error> {
        let Some(receiver) = &mut self.receiver else { return Ok(()) };
        if bus.pending(self.node)? > 0 {
            return Ok(());
        }
        match receiver.poll().map(|frame| bus.send(self.node, frame, now)) {
            None | Some(Ok(()) | Err(Error::BusOff | Error::Off)) => Ok(()),
            Some(Err(error)) => Err(error),
        }
    }

    fn stall(&mut self, bus: &mut Bus, now: Moment) -> Result<(), Error> {
        let Some(stalls) = self.stalls.as_mut().filter(|stalls| stalls.next <= now) else { return Ok(()) };
        bus.hold(self.node, now + stalls.lasts, now)?;
        stalls.draw(now);
        Ok(())
    }
}

impl Stalls {
    fn new(chance: Chance, lasts: Duration, most: Duration) -> Self {
        let mut stalls = Self { chance, lasts, most, next: Moment::START };
        stalls.draw(Moment::START);
        stalls
    }

    fn draw(&mut self, now: Moment) {
        self.next = now + self.lasts + self.chance.pause(Duration::ZERO..=self.most);
    }
}

fn length(bytes: usize) -> Result<Length, proto::Error> {
    let too_long = proto::Error::TooLong { len: bytes, most: usize::MAX };
    u64::try_from(bytes).ok().and_then(|bytes| Length::new(bytes).ok()).ok_or(too_long)
}

/// Identifier of what the Primary says.
const BROADCAST: u16 = 0x6a5;
/// Identifier of the first ECU's answers; the others follow.
const ANSWERS: u16 = 0x6b0;
/// The bits that tell the ECUs apart.
const ANSWERS_MASK: u32 = 0xf;
