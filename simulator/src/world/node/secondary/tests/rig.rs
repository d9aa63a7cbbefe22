//! A Primary, its Secondaries and their manufacturer without a world: what is asked is carried at once, and only what the
//! Secondaries do takes time.

use std::time::Duration;

use host::fetch::Sink as _;
use primary_ecu::can::Conversation;
use primary_ecu::node::{Answer, Ask, Done, Errand, Node, Silent, Step, Turn};
use primary_ecu::provision;
use proto::can::{Frame, Id};
use proto::secondary::Request;
use uptane::sign::MemorySigner;
use uptane::verify::Mapping;
use uptane::{EcuId, Length, Sha256, Time};

use super::super::SecondaryNode;
use super::timing::Wire;
use crate::world::chance::Chance;
use crate::world::disk::VirtualDisk;
use crate::world::node::Oem;
use crate::world::scenario::Scenario;
use crate::world::time::Moment;
use crate::world::vehicle::Vehicle;

type Primary = Node<VirtualDisk, MemorySigner>;

pub(super) struct Rig {
    pub(super) oem: Oem,
    pub(super) node: SecondaryNode,
    pub(super) now: Moment,
    /// When its power fails, and comes back.
    pub(super) cut: Option<(Moment, Moment)>,
    /// Frames that the Secondary sent.
    pub(super) said: Vec<Frame>,
    primary: Option<Primary>,
    conversation: Option<Conversation>,
    /// A bus that takes its time; without one, frames arrive at once.
    pub(super) wire: Option<Box<Wire>>,
    secrets: Chance,
}

/// A Primary and one Secondary, of two banks.
pub(super) fn vehicle(verification: &str, transport: &str, flash: &str) -> Vehicle {
    vehicle_of("two", verification, transport, flash)
}

fn vehicle_of(banks: &str, verification: &str, transport: &str, flash: &str) -> Vehicle {
    let text = format!(
        "name = \"bench\"\nabout = \"a Primary and one Secondary\"\n\
         [cloud]\ndelay = \"45 ms\"\nrate = \"20 Mbit/s\"\n[ethernet]\ndelay = \"1 ms\"\nrate = \"100 Mbit/s\"\n\
         [[bus]]\nname = \"body\"\nnominal = \"500 kbit/s\"\ndata = \"2 Mbit/s\"\n\
         [[hardware]]\nid = \"gateway\"\ncpu = \"1 GHz\"\nbank_size = \"1 MiB\"\ndisk = \"1 GiB\"\n\
         flash = {{ size = \"64 MiB\", write_unit = \"32 B\", write_time = \"2 us\", erase_unit = \"4 KiB\", \
         erase_time = \"400 us\" }}\n\
         [[hardware]]\nid = \"mcu\"\nbanks = \"{banks}\"\ncpu = \"80 MHz\"\nbank_size = \"256 KiB\"\nslot_size = \"16 KiB\"\ndisk = \"1 MiB\"\n\
         flash = {{ {flash} }}\n\
         [[ecu]]\nid = \"gateway\"\nrole = \"primary\"\nhardware = \"gateway\"\n\
         [[ecu]]\nid = \"brakes\"\nhardware = \"mcu\"\nverification = \"{verification}\"\ntransport = {transport}\n"
    );
    Vehicle::parse("bench", &text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

pub(super) fn scenario(vehicle: &Vehicle, size: &str) -> Scenario {
    let text = format!(
        "name = \"update\"\nabout = \"one release\"\nvehicle = \"bench\"\nlimit = \"1 h\"\n\
         [[release]]\nname = \"r2\"\nat = \"1 s\"\nimages = [{{ ecus = \"all\", size = \"{size}\" }}]\n\
         [[campaign]]\nname = \"spring\"\nrelease = \"r2\"\nat = \"2 s\"\n[[must]]\nruns = \"r2\"\n"
    );
    Scenario::parse("update", &text, |_| Ok(vehicle.clone())).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

pub(super) const ETHERNET: &str = "\"ethernet\"";
pub(super) const CLASSICAL: &str = "{ bus = \"body\", format = \"classical\", request = 0x710, response = 0x718 }";
pub(super) const FD: &str = "{ bus = \"body\", format = \"fd\", request = 0x710, response = 0x718 }";

impl Rig {
    /// A vehicle that runs its factory images, with a release of images of `size` assigned to it.
    pub(super) fn new(vehicle: &Vehicle, size: &str, seed: u64) -> Self {
        let (chance, scenario) = (Chance::seeded(seed), scenario(vehicle, size));
        let mut oem = Oem::found(vehicle, &chance, time(Moment::START)).unwrap();
        let (own, disk) = (vehicle.primary().id(), VirtualDisk::new(1 << 30, chance.split("disk")));
        let mut bytes = &oem.factory(own).unwrap().bytes[..];
        let source = |chunk: &mut [u8]| Ok(std::io::Read::read(&mut bytes, chunk).unwrap());
        provision::make(&disk, own, &oem.factory(own).unwrap().image, source).unwrap();
        oem.bundle().keep(&disk).unwrap();
        let signer = oem.signer(own).unwrap();
        let primary = Node::boot(disk, oem.inventory().clone(), Mapping::basic(), signer).unwrap();
        let ecu = &vehicle.secondaries()[0];
        let mut node = SecondaryNode::provisioned(ecu, &oem, &chance).unwrap();
        node.power_on(Moment::START);
        oem.publish(&scenario.releases()[0], time(Moment::START)).unwrap();
        oem.assign(&scenario.campaigns()[0], time(Moment::START)).unwrap();
        let conversation = super::super::Wire::of(ecu.connection())
            .map(|wire| Conversation::new(wire.config.framing, id(0x710), id(0x718)));
        let (now, cut, said, secrets) = (Moment::START, None, Vec::new(), chance.split("cycles"));
        Self { oem, node, now, cut, said, primary: Some(primary), conversation, wire: None, secrets }
    }

    pub(super) fn updated(verification: &str, transport: &str, flash: &str, seed: u64) -> Self {
        Self::new(&vehicle(verification, transport, flash), "16 KiB", seed)
    }

    /// The same, but that the Secondary has a single bank.
    pub(super) fn of_single_bank(verification: &str, transport: &str, flash: &str, seed: u64) -> Self {
        Self::new(&vehicle_of("single", verification, transport, flash), "16 KiB", seed)
    }

    /// Cycles until everybody knows that the new image runs; how many.
    pub(super) fn converge(&mut self) -> u32 {
        let new = self.new_image();
        for cycle in 1..=MOST_CYCLES {
            let result = self.cycle();
            let runs = self.node.running().is_some_and(|running| running.authorised && running.sha256 == new);
            if runs && self.oem.believes(self.ecu()) == Some(new) {
                return cycle;
            }
            assert!(cycle < MOST_CYCLES, "{result:?}, {:?}, {:?}", self.node.running(), self.node.phase());
            self.pass(Duration::from_secs(5));
        }
        MOST_CYCLES
    }

    /// One cycle of the Primary.
    pub(super) fn cycle(&mut self) -> Result<(), primary_ecu::Error> {
        let mut primary = self.primary.take().unwrap();
        let mut seed = [0; 32];
        self.secrets.fill(&mut seed);
        primary.begin(seed).unwrap();
        let result = loop {
            match primary.poll().unwrap().expect("nothing is under way") {
                Step::Finished(result) => break result,
                Step::News(_) => {}
                Step::Ask(ask) => {
                    let done = self.done(ask);
                    primary.take(done).unwrap();
                }
            }
        };
        self.primary = Some(primary);
        result
    }

    fn done(&mut self, ask: Ask<VirtualDisk>) -> Done {
        match ask {
            Ask::CheckIn(request) => Done::CheckedIn(self.oem.check_in(&request, time(self.now))),
            Ask::Fetch { path, .. } => Done::Fetched(Ok(self.oem.get(&path).map(<[u8]>::to_vec))),
            Ask::Download(mut download) => {
                let bytes = self.oem.get(download.path()).expect("it is published").to_vec();
                download.start(Length::ZERO, None).unwrap();
                download.write(&bytes).unwrap();
                download.end(Ok(()))
            }
            Ask::Errand(errand) => self.run(*errand),
        }
    }

    fn run(&mut self, mut errand: Errand<VirtualDisk>) -> Done {
        self.pass(errand.pause());
        while let Turn::Ask(request) = errand.turn() {
            let answer = self.ask(request);
            errand.answer(answer);
        }
        errand.end()
    }

    pub(super) fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        if let Some(wire) = &mut self.wire {
            return wire.ask(request, &mut self.node, &mut self.now);
        }
        match self.conversation.take() {
            None => self.ask_on_ethernet(request),
            Some(mut conversation) => {
                let answer = self.ask_on_can(&mut conversation, request);
                self.conversation = Some(conversation);
                answer
            }
        }
    }

    fn ask_on_ethernet(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        let answer = self.node.ask(request, self.now);
        let waits = answer.as_ref().map_or(Duration::from_secs(1), |(_, leaves)| *leaves - self.now);
        let (power, starts) = (self.node.lost_power(), self.node.starts());
        self.pass(waits);
        // Whoever loses power before an answer leaves does not give it.
        let answered = power.is_none() && self.node.starts() == starts && self.node.running().is_some();
        answer.filter(|_| answered).map(|(answer, _)| answer).ok_or_else(|| Silent::new("nobody answers"))
    }

    fn ask_on_can(&mut self, conversation: &mut Conversation, request: Request<'_>) -> Result<Answer, Silent> {
        conversation.ask(request)?;
        for _ in 0..100_000 {
            while let Some(frame) = conversation.poll(self.now.since_start())? {
                self.node.frame(&frame, self.now);
            }
            while let Some(frame) = self.node.poll(self.now) {
                self.said.push(frame);
                if let Some(answer) = conversation.handle(&frame, self.now.since_start())? {
                    return Ok(answer);
                }
                while let Some(frame) = conversation.poll(self.now.since_start())? {
                    self.node.frame(&frame, self.now);
                }
            }
            let patience = conversation.deadline().map_or(Moment::NEVER, |due| Moment::START + due);
            self.wait(patience);
        }
        panic!("no end to {request:?}");
    }

    /// Lets time go by, until the node has something to do or `patience` ends.
    fn wait(&mut self, patience: Moment) {
        let power = self.power();
        self.now = self.now.max(patience.min(self.node.deadline()).min(power));
        self.switch();
    }

    pub(super) fn pass(&mut self, pause: Duration) {
        let end = self.now + pause;
        while self.now < end {
            self.wait(end);
            while let Some(frame) = self.node.poll(self.now) {
                self.said.push(frame);
            }
        }
    }

    /// When its power changes next.
    fn power(&self) -> Moment {
        let lost = self.node.lost_power().map(|since| since + DARK);
        let cut = self.cut.map(|(from, until)| if self.node.has_power() { from } else { until });
        [lost, cut].into_iter().flatten().min().unwrap_or(Moment::NEVER)
    }

    fn switch(&mut self) {
        if self.node.lost_power().is_some_and(|since| since + DARK <= self.now) {
            self.node.power_on(self.now);
        }
        match self.cut {
            Some((_, until)) if until <= self.now => {
                self.cut = None;
                self.node.power_on(self.now);
            }
            Some((from, _)) if from <= self.now && self.node.has_power() => self.node.power_off(self.now),
            Some(_) | None => {}
        }
    }

    pub(super) fn ecu(&self) -> EcuId {
        self.node.id()
    }

    pub(super) fn new_image(&self) -> Sha256 {
        let release = crate::world::description::Name::parse("r2").unwrap();
        self.oem.firmware(self.ecu(), &release).unwrap().image.sha256
    }

    pub(super) fn old_image(&self) -> Sha256 {
        self.oem.factory(self.ecu()).unwrap().image.sha256
    }
}

pub(super) fn id(raw: u16) -> Id {
    Id::standard(raw).unwrap()
}

fn time(now: Moment) -> Time {
    Time::from_unix(1_767_225_600).unwrap().saturating_add(now.since_start())
}

/// How long power is away after a mishap took it.
const DARK: Duration = Duration::from_millis(300);
const MOST_CYCLES: u32 = 12;
