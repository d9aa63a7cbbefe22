//! A patch to an ECU with two banks, which makes its new image of the one that runs.
//!
//! The Primary's conversation and the Secondary's machine are those that ship, metadata and all. The Secondary is told them
//! beforehand. Then the patch is offered, crosses the bus in blocks, and the image that it made is verified. What the
//! Secondary's processor and flash take is added where it happens: until then the Secondary says and hears nothing.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use primary_ecu::can::Conversation;
use primary_ecu::node::{Answer, Silent};
use proto::can::{BitRates, Frame, Id};
use proto::isotp::{Config as Carrier, Framing};
use proto::secondary::{File, Reply, Request};
use proto::uds::Handler;
use secondary_ecu::bank::Descriptor;
use secondary_ecu::bench::{Key, OPEN, begin, length, me, name_patch, profile, send_targets, send_time};
use secondary_ecu::channel::{Channel, MAX_MESSAGE, MAX_RESPONSE};
use secondary_ecu::flash::ram::RamFlash;
use secondary_ecu::flash::{Banks, Layout, Store};
use secondary_ecu::verifier::PartialPlus;
use secondary_ecu::{Secondary, provisioning};
use simulator::world::can::{Bus, Config, NodeId, What};
use simulator::world::chance::Chance;
use simulator::world::time::Moment;
use uptane::testing::Repo;
use uptane::{ReleaseCounter, Role, Sha256, TargetName, Time};

use super::super::can_golden::number;
use super::TURN_AROUND;
use crate::record::{Limit, Record};

const IMAGE: usize = 60 << 10;
/// Bytes that the patch has at least.
const PATCH: usize = 2_000;
const LAYOUT: Layout = Layout { state_pages: 2, slot_size: 8 << 10, bank_size: 64 << 10, banks: Banks::Two };
type Ecu = Secondary<PartialPlus, RamFlash<8, 4_096>, Key>;

/// What a Secondary takes besides the bus.
#[derive(Clone, Copy)]
struct Pace {
    /// For each byte of the new image that a patch tells.
    told: Duration,
    /// For each byte of it that is read back, in the end.
    read: Duration,
    /// For each signature.
    signature: Duration,
    /// For each byte that is erased and written.
    written: Duration,
}

const NONE: Pace =
    Pace { told: Duration::ZERO, read: Duration::ZERO, signature: Duration::ZERO, written: Duration::ZERO };
/// A Cortex-M4 at 100 MHz: 200 cycles to decode and hash a byte, 30 to read and hash one, 2.5 million to verify an
/// Ed25519 signature.
const PROCESSOR: Pace = Pace {
    told: Duration::from_nanos(2_000),
    read: Duration::from_nanos(300),
    signature: Duration::from_millis(25),
    ..NONE
};
/// The same, with flash that takes 20 ms for 4 KiB.
const AND_FLASH: Pace = Pace { written: Duration::from_nanos(20_000_000 / 4_096), ..PROCESSOR };

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    let images = Images::drawn(&mut chance.split("patch"))?;
    record.figure("patch of a 60 KiB image", number(u64::try_from(images.patch.len())?)?, "bytes", Limit::Shown);
    for (bus, framing) in [("500k", Framing::CLASSICAL), ("FD 500k/2M", Framing::FD)] {
        let lines = [
            // What the other lines of this item count as well.
            ("bus and turn-around of 0.5 ms alone", NONE, Limit::AtMost(0.2)),
            ("and a processor of 100 MHz that decodes it", PROCESSOR, Limit::Shown),
            ("and flash that takes 20 ms for 4 KiB", AND_FLASH, Limit::Shown),
        ];
        for (counted, pace, limit) in lines {
            let Took { blocks, verdict } = images.bring(framing, pace)?;
            let what = format!("patch at {bus}, {counted}");
            record.figure(format!("{what}: blocks"), blocks.as_secs_f64(), "s", limit);
            record.figure(
                format!("{what}: from the offer until the image is verified"),
                verdict.as_secs_f64(),
                "s",
                limit,
            );
        }
    }
    Ok(())
}

/// Two images, and what makes one of the other.
struct Images {
    old: Vec<u8>,
    new: Vec<u8>,
    patch: Vec<u8>,
}

#[derive(Debug)]
struct Took {
    /// From the first block until the last one is answered, for then the new image is in flash.
    blocks: Duration,
    /// From the offer until the image is verified from flash.
    verdict: Duration,
}

impl Images {
    /// Random images, with as many places changed as a patch of [`PATCH`] bytes has.
    fn drawn(chance: &mut Chance) -> Result<Self> {
        let mut old = vec![0; IMAGE];
        chance.fill(&mut old);
        let mut new = old.clone();
        loop {
            for _ in 0..8 {
                let mut piece = [0; 16];
                chance.fill(&mut piece);
                let at = usize::try_from(chance.below(u64::try_from(IMAGE - piece.len())?))?;
                // What follows moves by four bytes.
                new.splice(at..at + 12, piece);
            }
            new.truncate(IMAGE);
            let patch = image_repo::delta::make(&old, &new)?;
            if patch.len() >= PATCH {
                return Ok(Self { old, new, patch });
            }
        }
    }

    /// Brings the patch to an ECU that runs the old image.
    fn bring(&self, framing: Framing, pace: Pace) -> Result<Took> {
        let (ecu, time) = self.ecu()?;
        let mut line = Line::new(framing, ecu, time, self.pace(pace))?;
        let length = length(&self.patch);
        let Answer::Ready(_, chunk) = line.ask(Request::Offer(File::Patch, length))? else { bail!("refused") };
        let begun = line.now;
        let mut at = uptane::Length::ZERO;
        for piece in self.patch.chunks(usize::try_from(chunk)?) {
            let Answer::Taken(next) = line.ask(Request::Chunk(at, piece))? else { bail!("refused at {at:?}") };
            at = next;
        }
        let blocks = line.now - begun;
        ensure!(matches!(line.ask(Request::Close)?, Answer::Done), "the image was refused");
        self.check(line.ecu.machine)?;
        Ok(Took { blocks, verdict: line.now.since_start() })
    }

    /// The other bank holds the new image.
    fn check(&self, ecu: Ecu) -> Result<()> {
        let (_, flash, ..) = ecu.into_parts();
        let mut store = Store::new(flash, LAYOUT)?;
        let digest = store.digest(secondary_ecu::flash::Bank::B, &mut [0; 512])?;
        ensure!(digest == Some(Sha256::of(&self.new)), "the other bank holds something else");
        Ok(())
    }

    /// What each byte of the patch takes: those that it tells are spread evenly over it.
    fn pace(&self, pace: Pace) -> Of {
        let of_image = |each: Duration| each * u32::try_from(self.new.len()).unwrap_or(u32::MAX);
        let patch = u32::try_from(self.patch.len()).unwrap_or(u32::MAX);
        // What is trusted is verified again before an image is taken and before it may boot: Root and Targets.
        let verified = 2 * pace.signature;
        Of {
            offer: verified,
            patch_byte: of_image(pace.told + pace.written) / patch,
            close: verified + of_image(pace.read),
        }
    }

    /// An ECU that runs the old image and was told of the new one, in an open transaction; and its time.
    fn ecu(&self) -> Result<(Ecu, Time)> {
        let repo = self.repo()?;
        let size = usize::try_from(LAYOUT.needed(4_096))?;
        let mut store = Store::new(RamFlash::<8, 4_096>::new(size), LAYOUT)?;
        let descriptor = Descriptor {
            name: TargetName::parse(&me(&repo).image_name(1))?.to_buf(),
            length: length(&self.old),
            sha256: Sha256::of(&self.old),
            line: me(&repo).line,
            counter: ReleaseCounter::new(1)?,
        };
        provisioning::install(&mut store, &self.old, &descriptor)?;
        let profile = secondary_ecu::Profile { max_chunk: 4_093, progress: 16 << 10, ..profile(&repo) };
        provisioning::trust(&mut store, repo.now(), |store, state| {
            provisioning::slot_root(store, state, &profile, repo.director().first_root())
        })?;
        let key = Key(me(&repo).signer());
        let mut ecu = Secondary::boot(profile, LAYOUT, store.into_flash(), PartialPlus::default(), key)?;
        let told = begin(&mut ecu, &repo, OPEN)
            .and_then(|()| send_time(&mut ecu, &repo))
            .and_then(|()| send_targets(&mut ecu, &repo));
        told.ok().context("the ECU refuses its metadata")?;
        Ok((ecu, repo.now()))
    }

    /// Repositories that assign the new image, and describe the patch.
    fn repo(&self) -> Result<Repo> {
        let mut repo = Repo::seeded(2);
        let me = me(&repo);
        repo.publish(|next| {
            next.release();
            name_patch(next, &me, 2, Sha256::of(&self.old), &self.patch);
            let name = me.image_name(2);
            for draft in [&mut next.director, &mut next.image] {
                draft.set(Role::Targets, &["targets", &name, "length"], self.new.len());
                let hashes = format!("{{\"sha256\":\"{}\"}}", Sha256::of(&self.new));
                draft.set(Role::Targets, &["targets", &name, "hashes"], hashes);
            }
        });
        Ok(repo)
    }
}

/// How long requests take.
#[derive(Clone, Copy)]
struct Of {
    offer: Duration,
    patch_byte: Duration,
    close: Duration,
}

/// The machine, and how long it has been at work.
struct Working {
    machine: Ecu,
    time: Time,
    pace: Of,
    spent: Duration,
}

impl Handler for Working {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self.spent += match &request {
            Request::Offer(..) => self.pace.offer,
            Request::Chunk(_, bytes) => self.pace.patch_byte * u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            Request::Close => self.pace.close,
            Request::Identify | Request::TimeNonce | Request::Begin(_) | Request::Report(_) => Duration::ZERO,
        };
        self.machine.handle(request, self.time)
    }
}

/// A Primary and a Secondary on a bus.
struct Line {
    bus: Bus,
    nodes: [NodeId; 2],
    conversation: Conversation,
    channel: Box<Channel<MAX_MESSAGE, MAX_RESPONSE>>,
    ecu: Working,
    heard: VecDeque<Frame>,
    now: Moment,
    /// Until when the Secondary is at work.
    busy: Moment,
}

impl Line {
    fn new(framing: Framing, machine: Ecu, time: Time, pace: Of) -> Result<Self> {
        let mut bus = Bus::new(BitRates::COMMON, Chance::seeded(0));
        let config = || Config { latency: TURN_AROUND / 2, ..Config::default() };
        let nodes = [bus.attach(config()), bus.attach(config())];
        let (request, response) = (Id::standard(0x7e0)?, Id::standard(0x7e8)?);
        Ok(Self {
            bus,
            nodes,
            conversation: Conversation::new(framing, request, response),
            channel: Box::new(Channel::new(Carrier::new(framing, response, request))),
            ecu: Working { machine, time, pace, spent: Duration::ZERO },
            heard: VecDeque::new(),
            now: Moment::START,
            busy: Moment::START,
        })
    }

    /// Asks, and goes on until the answer is there.
    fn ask(&mut self, request: Request<'_>) -> Result<Answer> {
        self.conversation.ask(request).map_err(silent)?;
        loop {
            self.work();
            self.speak()?;
            self.now = self.next().max(self.now);
            self.bus.advance(self.now);
            while let Some(event) = self.bus.poll() {
                let What::Received(frame) = event.what else { continue };
                if event.node == self.nodes[1] {
                    self.heard.push_back(frame);
                } else if let Some(answer) = self.conversation.handle(&frame, self.now.since_start()).map_err(silent)? {
                    return Ok(answer);
                }
            }
        }
    }

    /// When something happens next.
    fn next(&self) -> Moment {
        let due = |due: Option<Duration>| due.map_or(Moment::NEVER, |due| Moment::START + due);
        let waits = self.channel.has_answer() || self.channel.is_pending() || !self.heard.is_empty();
        let ecu = if waits { Moment::START } else { due(self.channel.deadline()) };
        [self.bus.next(), self.free(0, due(self.conversation.deadline())), self.free(1, ecu.max(self.busy))]
            .into_iter()
            .fold(Moment::NEVER, Moment::min)
    }

    /// A node whose controller has a frame waits for that to leave.
    fn free(&self, node: usize, due: Moment) -> Moment {
        if self.is_free(node) { due } else { Moment::NEVER }
    }

    fn is_free(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| self.bus.pending(*node).is_ok_and(|frames| frames == 0))
    }

    /// What the Secondary does with what it has heard.
    fn work(&mut self) {
        while self.busy <= self.now && !self.channel.has_answer() {
            match self.heard.pop_front_if(|_| !self.channel.is_pending()) {
                Some(frame) => drop(self.channel.hear(&frame, self.now.since_start(), &mut self.ecu)),
                None if self.channel.is_pending() && self.is_free(1) => {
                    self.channel.work(self.now.since_start(), &mut self.ecu);
                }
                None => return,
            }
            self.busy = self.now + std::mem::take(&mut self.ecu.spent);
        }
    }

    fn speak(&mut self) -> Result<()> {
        let now = self.now.since_start();
        if self.is_free(0)
            && let Some(frame) = self.conversation.poll(now).map_err(silent)?
        {
            self.bus.send(self.nodes[0], frame, self.now)?;
        }
        if self.is_free(1)
            && self.busy <= self.now
            && let Some(frame) = self.channel.poll(now)?
        {
            self.bus.send(self.nodes[1], frame, self.now)?;
        }
        Ok(())
    }
}

fn silent(silent: Silent) -> Error {
    anyhow!("nobody answers: {silent:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `bring` refuses to say how long it took if the other bank does not hold the new image.
    #[test]
    fn a_processor_that_decodes_takes_longer_than_the_bus_alone() {
        let images = Images::drawn(&mut Chance::seeded(1)).unwrap();
        assert!((PATCH..PATCH + 200).contains(&images.patch.len()), "{}", images.patch.len());
        let [alone, decoded] = [NONE, PROCESSOR].map(|pace| images.bring(Framing::CLASSICAL, pace).unwrap());
        assert!(alone.blocks < decoded.blocks && alone.blocks < alone.verdict, "{alone:?} {decoded:?}");
    }
}
